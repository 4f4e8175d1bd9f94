"""Pictures by matplotlib, which is an extra: drawn without a screen, the same file for the same data."""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import files
from zoo.cli.evaluations import flag_notes, flags, heads
from zoo.cli.frame import INTERVALS, PALETTE, Frame, Line
from zoo.cli.terminal import one_line
from zoo.errors import NotFound, UsageProblem
from zoo.protocol import WINDOWS_V1

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from zoo.measure.matrix import Matrix

SUFFIXES = (".png", ".svg")
STYLES = ("-", "--", ":", "-.")
DPI = 150
CELL, LEAST_CELL, HIGHEST = (0.55, 0.3), 0.2, 90  # inches: of a cell of a heat map, of one with a number, of all rows
MOST_EXCESS = 2.0  # bits of its darkest colour
MOST_INSIDE = 6  # names of curves for which there is room where no curve is
STILL = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}  # what would differ from day to day


def check_plot(path: Path) -> None:
    """Raise UsageProblem unless a picture can be drawn into a file of that name."""
    if path.suffix.lower() not in SUFFIXES:
        raise UsageProblem(f"'{path}' is neither a .png nor a .svg; name one, as in {path.stem or 'losses'}.svg")
    new_figure(1, 1)


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of so many inches, whatever the reader's own settings; its texts are drawn as they are written.

    Raises UsageProblem where matplotlib is not installed, or cannot start.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        why = "pictures are drawn by matplotlib, which is not installed"
        raise UsageProblem(f"{why}: python -m pip install 'zoo-gpt[plot]'") from None
    except (ImportError, ValueError) as error:  # a damaged installation, or settings in its environment
        raise UsageProblem(f"matplotlib, which draws pictures, does not start: {error}") from None
    matplotlib.rcdefaults()
    matplotlib.rcParams.update({"text.parse_math": False, "svg.hashsalt": "zoo", "axes.formatter.use_mathtext": False})
    return Figure(figsize=(width, height), dpi=DPI, layout="constrained")


def save_figure(path: Path, figure: "Figure") -> None:
    """Write a figure as its name says, whole or not at all; raises StorageProblem where that is refused."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    suffix = path.suffix.lower()
    canvas = FigureCanvasAgg(figure) if suffix == ".png" else FigureCanvasSVG(figure)
    with files.draft(path) as draft, io.BytesIO() as picture, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that its font has not
        canvas.print_figure(picture, format=suffix[1:], dpi=DPI, metadata=STILL[suffix])
        draft.append(picture.getvalue())


def curves_figure(groups: list[list[Line]]) -> "Figure":
    """The validation losses of several models by step, one below the other where they do not compare.

    Raises NotFound when there are none.
    """
    if not groups:
        raise NotFound("nothing to plot: no log of these models has a validation")
    figure = new_figure(8, 4.5 * len(groups))
    for number, lines in enumerate(groups, 1):
        axes = figure.add_subplot(len(groups), 1, number)
        _draw(axes, lines)
    return figure


def _draw(axes: "Axes", lines: list[Line]) -> None:
    from matplotlib.ticker import MaxNLocator

    frame = Frame.around([line.points for line in lines])
    for line in lines:
        steps, losses = zip(*line.points, strict=True)
        style = STYLES[line.number // len(PALETTE) % len(STYLES)]
        axes.plot(steps, losses, style, color=line.colour, marker="o", markersize=3, linewidth=1.5)
    margin = (frame.high - frame.low) / 20
    axes.set_ylim(frame.low - margin, frame.high + margin)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(INTERVALS, steps=[1, 2, 5, 10], integer=True))
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("step")
    axes.set_ylabel(one_line(f"validation loss, nats per character ({lines[0].model.record.val_protocol})"))
    axes.set_title(one_line(", ".join(sorted({line.model.record.dataset for line in lines}))))
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    names = [line.model.name + frame.note(line) for line in lines]
    if len(lines) <= MOST_INSIDE:
        axes.legend(axes.lines, names, loc="best", frameon=False)
    else:
        axes.legend(axes.lines, names, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small")


def matrix_figure(found: "Matrix") -> "Figure":
    """Bits per character of every model on every text: the brighter, the nearer to the best of its column; a frame
    around a model's own text, bold where it is the best."""
    import numpy as np

    shape = len(found.models), len(found.passages)
    bits = np.array([[np.nan if cell is None else cell.bits_per_character for cell in row] for row in found.rows])
    excess = np.array([[found.excess(i, j) for j in range(shape[1])] for i in range(shape[0])]).reshape(shape)
    name = max((len(model.name) for model in found.models), default=0)
    height = min(CELL[1], HIGHEST / max(1, shape[0]))
    figure = new_figure(max(5, 2.5 + 0.08 * name + CELL[0] * shape[1]), 2.5 + height * shape[0])
    axes = figure.add_subplot()
    image = axes.imshow(excess, cmap="viridis_r", vmin=0, vmax=MOST_EXCESS, aspect="auto")
    figure.colorbar(image, ax=axes, label="bits above the best of the text", extend="max")
    axes.set_xticks(range(shape[1]), heads(found), rotation=45, ha="right")
    axes.set_yticks(range(shape[0]), [one_line(model.name) for model in found.models])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    marks = ["framed: its own text, bold: best of the text", *flag_notes(found)]
    axes.set_title("\n".join([f"bits per character, {WINDOWS_V1}", *marks]), fontsize="medium")
    for i, j in np.argwhere(~np.isnan(bits)) if height >= LEAST_CELL else ():
        _write_cell(axes, found, int(i), int(j), bits, excess)
    return figure


def _write_cell(axes: "Axes", found: "Matrix", i: int, j: int, bits: "np.ndarray", excess: "np.ndarray") -> None:
    from matplotlib.patches import Rectangle

    weight = "bold" if found.is_best(i, j) else "normal"
    ink = "white" if excess[i, j] > MOST_EXCESS / 2 else "black"
    axes.text(
        j,
        i,
        f"{flags(found, i, j)}{bits[i, j]:.2f}",
        ha="center",
        va="center",
        color=ink,
        weight=weight,
        fontsize="small",
    )
    if found.is_own(i, j):
        axes.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, fill=False, edgecolor="#D55E00", linewidth=2))
