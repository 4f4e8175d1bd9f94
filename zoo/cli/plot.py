"""Pictures by matplotlib, which is an extra: drawn without a screen, the same file for the same data."""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import files
from zoo.cli.curve import span
from zoo.cli.curves import PALETTE, Line
from zoo.cli.terminal import one_line
from zoo.errors import NotFound, UsageProblem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SUFFIXES = (".png", ".svg")
STYLES = ("-", "--", ":", "-.")
DPI = 150
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
    low, high = span(line.points for line in lines)
    for line in lines:
        steps, losses = zip(*line.points, strict=True)
        style = STYLES[line.number // len(PALETTE) % len(STYLES)]
        axes.plot(steps, losses, style, color=line.colour, marker="o", markersize=3, linewidth=1.5)
    axes.set_ylim(low - (high - low) / 20, high + (high - low) / 20)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("step")
    axes.set_ylabel(one_line(f"validation loss, nats per character ({lines[0].model.record.val_protocol})"))
    axes.set_title(one_line(", ".join(sorted({line.model.record.dataset for line in lines}))))
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    names = [line.model.name for line in lines]
    if len(lines) <= MOST_INSIDE:
        axes.legend(axes.lines, names, loc="upper right", frameon=False)
    else:
        axes.legend(axes.lines, names, loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize="small")
