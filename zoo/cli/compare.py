"""zoo compare"""

from typing import TYPE_CHECKING

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.terminal import say, show
from zoo.registry.model import Model

if TYPE_CHECKING:
    from zoo.measure.compare import Leaderboard


@click.command(name="compare")
@click.argument("models", nargs=-1, metavar="[MODEL...]", shell_complete=complete.models)
@click.option("--all", "everything", is_flag=True, help="Show what is equal, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.pass_obj
def command(app: App, models: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Rank the models of each dataset; with names: what differs between them."""
    if models:
        chosen = list({m.name: m for m in (app.registry.resolve(name) for name in models)}.values())
        _differences(chosen, everything, as_json)
    else:
        _leaderboards(list(app.registry.models().values()), as_json)


def _leaderboards(models: list[Model], as_json: bool) -> None:
    from zoo.cli.table import Column, show_table
    from zoo.measure.compare import has_loss, leaderboards

    boards = leaderboards(models)
    if as_json:
        from zoo.cli.json_out import show_json

        show_json("leaderboards", leaderboards=[_board(board) for board in boards])
        return
    columns = [
        Column("", right=True),
        Column("model"),
        Column("val loss", right=True),
        Column("bpc", right=True, keep=3),
        Column("params", right=True, keep=2),
        Column("steps", right=True, keep=4),
        Column("time", right=True, keep=5),
        Column("seed", right=True, keep=6),
        Column("status", keep=1),
    ]
    for number, board in enumerate(boards):
        if number:
            show()
        rows = [
            [
                str(rank) if has_loss(model) else "",
                model.name,
                numbers.loss(model.record.val_loss),
                numbers.loss(model.record.val_bpc),
                numbers.count(model.record.parameters),
                f"{model.record.steps:,}",
                numbers.duration(model.record.seconds),
                str(model.record.seed),
                "starter" if model.starter else model.status,
            ]
            for rank, model in enumerate(board.models, 1)
        ]
        others = sum(other.datasets == board.datasets for other in boards) > 1
        text = f", text {board.val_sha256[:8]}" if others else ""
        title = f"{', '.join(board.datasets)}{text} ({board.protocol}, nats per character)"
        show_table(columns, rows, title=title, bold_row=0 if has_loss(board.models[0]) else -1)


def _board(board: "Leaderboard") -> dict[str, object]:
    keys = ("val_loss", "val_bpc", "parameters", "steps", "seconds", "seed")
    models = [
        {"name": m.name, "status": m.status, **{key: getattr(m.record, key) for key in keys}} for m in board.models
    ]
    return {
        "datasets": board.datasets,
        "val_protocol": board.protocol,
        "val_sha256": board.val_sha256,
        "models": models,
    }


def _differences(models: list[Model], everything: bool, as_json: bool) -> None:
    from zoo.cli.table import Column, show_table
    from zoo.measure.compare import are_comparable, differences

    fields = differences(models, everything=everything)
    if as_json:
        from zoo.cli.json_out import show_json

        values = [{"field": key, "values": dict(zip([m.name for m in models], v, strict=True))} for key, v in fields]
        show_json("differences", comparable=are_comparable(models), fields=values)
        return
    columns = [Column(""), *(Column(model.name, right=True) for model in models)]
    show_table(columns, [[key, *(numbers.field(key, value) for value in values)] for key, values in fields])
    if not are_comparable(models):
        say("zoo: warning: these losses are of different texts or protocols, so none is better than another")
