"""zoo list"""

import sys
from datetime import UTC, datetime
from typing import Any

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.terminal import is_ascii_only, say, show
from zoo.registry.model import Model

CURVE, CELLS = "curve", 10


@click.command(name="list")
@click.argument("filters", nargs=-1, metavar="[FILTER]...", shell_complete=complete.filters)
@click.option("--sort", metavar="KEY", shell_complete=complete.keys, help="Sort by any key; what is unknown is last.")
@click.option("--reverse", "-r", is_flag=True, help="Turn the order round.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("-q", "--quiet", is_flag=True, help="Print names only, one per line.")
@click.pass_obj
def command(app: App, filters: tuple[str, ...], sort: str | None, reverse: bool, as_json: bool, quiet: bool) -> None:
    """List the models of which every filter holds, in the order of the registry.

    A filter is the beginning of a name, a pattern of names, or KEY OP VALUE in one word, OP being = != < <= > or >=.
    Quotes keep < > and * from the shell. A key is a field of the record or a hyperparameter, or name, status, starter,
    size or age; '-' is an unknown value.

    \b
    zoo list dataset=shakespeare 'val_bpc<2.2'
    zoo list 'alice-*' 'age<7d' 'n_embd>=128' --sort val_loss
    zoo rm $(zoo list -q starter=no 'val_bpc>3')
    """
    models = _chosen(app, filters, sort, reverse)
    if as_json:
        from zoo.cli.json_out import show_json

        show_json("list", models=[entry(model) for model in models])
        return
    if quiet:
        for model in models:
            show(model.name)
        return
    if not models:
        say("no model is like that" if filters else "no models yet; next: zoo train --dataset shakespeare")
    _show_table(models)


def _chosen(app: App, filters: tuple[str, ...], sort: str | None, reverse: bool) -> list[Model]:
    models = list(app.registry.models().values())
    if filters or sort is not None:
        from zoo.registry.selection import in_order, select  # which know every hyperparameter

        models = select(models, filters)
        if sort is not None:
            return in_order(models, sort, reverse=reverse)
    return models[::-1] if reverse else models


def _show_table(models: list[Model]) -> None:
    from zoo.cli.table import Column, show_table, shows

    columns = [
        Column("name"),
        Column("dataset", keep=4),
        Column("preset", keep=5),
        Column("device", keep=7),
        Column("val loss", right=True),
        Column("bpc", right=True, keep=8),
        Column("size", right=True, keep=3),
        Column("age", right=True, keep=2),
        Column("status", keep=1),
        Column(CURVE, keep=6),
    ]
    rows = [[*_row(model), " " * CELLS] for model in models]
    if shows(columns, rows, CURVE):
        for row, model in zip(rows, models, strict=True):
            row[-1] = _curve(model)
    else:  # the logs are not read
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    show_table(columns, rows)


def _row(model: Model) -> list[str]:
    return [
        model.name,
        model.record.dataset,
        model.record.preset,
        model.record.device,
        numbers.loss(model.record.val_loss),
        numbers.loss(model.record.val_bpc),
        numbers.size(model.size),
        numbers.age(model.record.age(datetime.now(UTC))),
        numbers.status(model),
    ]


def _curve(model: Model) -> str:
    """The losses of validation."""
    from zoo.cli.curve import sparkline
    from zoo.registry.history import glance

    return sparkline(glance(model), CELLS, plain=is_ascii_only(sys.stdout))


def entry(model: Model) -> dict[str, Any]:
    """A model as JSON: the record as it is stored, and beside it what was looked up."""
    return {
        "name": model.name,
        "starter": model.starter,
        "status": model.status,
        "bytes": model.size,
        "record": model.record.to_table(),
    }
