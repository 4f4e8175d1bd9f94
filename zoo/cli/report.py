"""zoo report"""

from pathlib import Path

import click

from zoo import files
from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.given import PIPE
from zoo.cli.painter import painter
from zoo.cli.terminal import one_line, say
from zoo.errors import NotFound, Stopped, UsageProblem
from zoo.registry.model import Model


@click.command(name="report")
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete.models)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default="zoo-report.html",
    show_default=True,
    metavar="FILE",
    help="Where the page goes.",
)
@click.pass_obj
def command(app: App, models: tuple[str, ...], output: Path) -> None:
    """Write a page for a browser about models, or about all: one file that needs nothing from elsewhere.

    It has leaderboards, curves, the matrix, a card for each model, samples and surprises. Of private texts, and of
    models that were trained on one, it has names and numbers alone. What was never evaluated is: models times texts.

    \b
    zoo report
    zoo report dataset=shakespeare -o shakespeare.html
    """
    if str(output) == PIPE:
        raise UsageProblem("--output takes the name of a file")
    chosen = _chosen(app, models)
    # begun before the work, to find out now and not in an hour whether it can be written
    with files.draft(output) as draft:
        _write(app, chosen, draft)
    say(f"wrote {one_line(str(output))}")


def _chosen(app: App, names: tuple[str, ...]) -> list[Model]:
    if names:
        return app.models(names)
    if found := list(app.registry.models().values()):
        return found
    raise NotFound("there are no models to report on (see: zoo train)")


def _write(app: App, models: list[Model], draft: files.Draft) -> None:
    from zoo.cli.report_page import page
    from zoo.measure.report import report

    try:
        with painter() as on_event:
            found = report(app.home, models, on_event)
    except KeyboardInterrupt:
        raise Stopped("interrupted; what was evaluated is kept, and the same command goes on from there") from None
    for piece in page(found):
        draft.append(piece.encode())
