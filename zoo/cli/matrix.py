"""zoo matrix"""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App, say_event
from zoo.cli.evaluations import UNIT, figures, flags, heads, unknown_notes
from zoo.cli.painter import painter
from zoo.cli.terminal import one_line, say, show, show_filled
from zoo.errors import BadData, NotFound, Stopped
from zoo.protocol import WINDOWS_V1
from zoo.registry.model import Model

if TYPE_CHECKING:
    from zoo.measure.evaluate import Evaluation
    from zoo.measure.matrix import Matrix
    from zoo.measure.passage import Passage

MARKS = "[ ] its own text, * best of the text"


@click.command(name="matrix")
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete.models)
@click.option(
    "--on",
    "words",
    multiple=True,
    metavar="DATASET",
    shell_complete=complete.corpora,
    help="Only this text; may be repeated. All that were fetched, else.",
)
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw it into a .png or .svg, too."
)
@click.option("--refresh", is_flag=True, help="Compute anew what was computed before.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(
    app: App, models: tuple[str, ...], words: tuple[str, ...], plot: Path | None, refresh: bool, as_json: bool
) -> None:
    """Measure every model on the validation part of every fetched text.

    What was computed once is kept, so a new model costs one row. A MODEL is a name, or a filter as in zoo list.

    \b
    zoo matrix
    zoo matrix 'val_bpc<2.5' --on shakespeare --on alice
    """
    from zoo.measure.matrix import fetched_passages

    chosen = _chosen(app, models)
    passages = fetched_passages(app.home, tuple(dict.fromkeys(words)), say_event)
    if not passages:
        raise NotFound("there is no text to measure on (see: zoo fetch shakespeare)")
    if plot is not None:
        from zoo.cli.plot import check_plot

        check_plot(plot)
    found = _measured(app, chosen, passages, refresh)
    if plot is not None:
        from zoo.cli.plot import matrix_figure, save_figure

        save_figure(plot, matrix_figure(found))
        say(f"wrote {one_line(str(plot))}")
    if as_json:
        _show_json(found)
    else:
        _show(found)
    if models:
        _check_named(found)


def _chosen(app: App, words: tuple[str, ...]) -> list[Model]:
    """The models that these words mean, or all that have weights."""
    if words:
        return app.models(words)
    found = [model for model in app.registry.models().values() if model.record.weights_sha256]
    if not found:
        raise NotFound("there is no model to measure (see: zoo train)")
    return found


def _measured(app: App, models: list[Model], passages: "list[Passage]", refresh: bool) -> "Matrix":
    from zoo.measure.matrix import matrix

    try:
        with painter() as on_event:
            return matrix(app.home, models, passages, on_event, refresh=refresh)
    except KeyboardInterrupt:
        raise Stopped("interrupted; what was computed is kept, and the same command goes on from there") from None


def _show(found: "Matrix") -> None:
    from zoo.cli.heat import EXCESS, canvas_of, legend
    from zoo.cli.heat_table import Cell, heat_table

    canvas = canvas_of(sys.stdout)
    names, columns = [model.name for model in found.models], heads(found)
    pairs = [[(i, j) for j in range(len(columns))] for i in range(len(names))]
    rows = [[Cell(_figure(found, i, j), found.excess(i, j)) for i, j in row] for row in pairs]
    marks = f"{MARKS}{f', {numbers.READ} read a part of it in training' if found.read else ''}"
    show_filled(f"bits per character, {WINDOWS_V1}; {marks}")
    for line in heat_table(names, columns, rows, EXCESS, canvas):
        show(line)
    if canvas.colour:
        show()
        for line in legend(EXCESS, canvas, unknown=False):
            show(line)
    evaluations = [evaluation for row in found.rows for evaluation in row if evaluation is not None]
    if any(evaluation.unknown for evaluation in evaluations):
        known = [[Cell(_known(cell), math.nan) for cell in row] for row in found.rows]
        show("\ncharacters known, %")
        for line in heat_table(names, columns, known, EXCESS, canvas):
            show(line)
    for line in unknown_notes(evaluations):
        say(line)


def _known(evaluation: "Evaluation | None") -> str:
    return numbers.UNKNOWN if evaluation is None else numbers.coverage(evaluation.coverage).removesuffix(" %")


def _figure(found: "Matrix", row: int, column: int) -> str:
    """The bits, and what there is to be said of them, each at its place."""
    evaluation = found.rows[row][column]
    if evaluation is None:
        return f"{numbers.UNKNOWN}  "
    bits = flags(found, row, column) + numbers.loss(evaluation.bits_per_character, 3)
    opened, closed = ("[", "]") if found.is_own(row, column) else ("", " ")
    return f"{opened}{bits}{closed}{'*' if found.is_best(row, column) else ' '}"


def _show_json(found: "Matrix") -> None:
    from zoo.cli.json_out import show_json

    cells = (
        {
            "model": model.name,
            "text": passage.name,
            "own": found.is_own(i, j),
            "read": (i, j) in found.read,
            "best": found.is_best(i, j),
            **figures(evaluation),
        }
        for i, model in enumerate(found.models)
        for j, passage in enumerate(found.passages)
        if (evaluation := found.rows[i][j]) is not None
    )
    names = {"models": [m.name for m in found.models], "texts": [p.name for p in found.passages]}
    show_json("matrix", unit=UNIT, **names, cells=cells)


def _check_named(found: "Matrix") -> None:
    """Raise BadData for models that were asked for by name and could not be measured on anything."""
    lost = [model.name for model, row in zip(found.models, found.rows, strict=True) if not any(row)]
    if lost:
        raise BadData(f"{', '.join(lost)} could not be measured")
