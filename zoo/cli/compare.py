"""zoo compare"""

import sys
from pathlib import Path

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.formats import chosen, forms
from zoo.cli.terminal import is_terminal, one_line, say
from zoo.registry.model import Model

BEST = 10  # models of a leaderboard of which curves are drawn


@click.command(name="compare")
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete.models)
@click.option("--all", "everything", is_flag=True, help="Show what is equal, too.")
@click.option(
    "--curves/--no-curves",
    default=None,
    help="Draw the validation losses by step below; with names, a terminal shows them anyway.",
)
@click.option(
    "--plot", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Draw them into a .png or .svg."
)
@forms
@click.pass_obj
def command(
    app: App,
    models: tuple[str, ...],
    everything: bool,
    curves: bool | None,
    plot: Path | None,
    as_json: bool,
    as_csv: bool,
    as_md: bool,
) -> None:
    """Rank the models of each text; with names: what differs, and by how much.

    A MODEL is a name, or a filter as in zoo list; differences are from the first.

    \b
    zoo compare
    zoo compare first wider --all
    zoo compare dataset=alice --plot alice.svg
    """
    form = chosen(as_json=as_json, as_csv=as_csv, as_md=as_md)
    if form and curves:
        raise click.UsageError(f"--{form} and --curves exclude each other; --plot FILE goes with both")
    if plot is not None:
        from zoo.cli.plot import check_plot

        check_plot(plot)
    shown = _show_named(app, models, everything, form) if models else _show_all(app, form)
    below = curves or (curves is None and bool(models) and not form and is_terminal(sys.stdout))
    if below or plot is not None:
        _draw(shown, below, plot)


def _draw(models: list[Model], below: bool, plot: Path | None) -> None:
    from zoo.cli.curves import lines_of, show_curves

    lines = lines_of(models)
    if below:
        show_curves(lines)
    if plot is not None:
        from zoo.cli.plot import curves_figure, save_figure

        save_figure(plot, curves_figure(lines))
        say(f"wrote {one_line(str(plot))}")


def _show_named(app: App, names: tuple[str, ...], everything: bool, form: str) -> list[Model]:
    from zoo.cli.differences import show_differences
    from zoo.measure.compare import differences

    models = app.models(names)
    show_differences(models, differences(models, everything=everything), form)
    return models


def _show_all(app: App, form: str) -> list[Model]:
    """Returns the best of each leaderboard."""
    from zoo.cli.leaderboards import show_leaderboards
    from zoo.measure.compare import leaderboards

    boards = leaderboards(app.registry.models().values())
    show_leaderboards(boards, form)
    return [model for board in boards for model in board.models[:BEST]]
