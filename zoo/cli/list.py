"""zoo list"""

from typing import Any

import click

from zoo.cli import numbers
from zoo.cli.app import App
from zoo.cli.terminal import say, show
from zoo.registry.model import Model


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("-q", "--quiet", is_flag=True, help="Print names only, one per line.")
@click.pass_obj
def command(app: App, as_json: bool, quiet: bool) -> None:
    """List every model, in the order of the registry."""
    from zoo.cli.table import Column, show_table

    models = list(app.registry.models().values())
    if as_json:
        from zoo.cli.json_out import show_json

        show_json("list", models=[entry(model) for model in models])
        return
    if quiet:
        for model in models:
            show(model.name)
        return
    columns = [
        Column("name"),
        Column("dataset", keep=4),
        Column("preset", keep=5),
        Column("device", keep=6),
        Column("val loss", right=True),
        Column("bpc", right=True, keep=7),
        Column("size", right=True, keep=3),
        Column("age", right=True, keep=2),
        Column("status", keep=1),
    ]
    rows = [
        [
            model.name,
            model.record.dataset,
            model.record.preset,
            model.record.device,
            numbers.loss(model.record.val_loss),
            numbers.loss(model.record.val_bpc),
            numbers.size(model.size),
            numbers.age(model.record.created),
            "starter" if model.starter else model.status,
        ]
        for model in models
    ]
    if not rows:
        say("no models yet; next: zoo train --dataset shakespeare")
    show_table(columns, rows)


def entry(model: Model) -> dict[str, Any]:
    """A model as JSON: the record as it is stored, and beside it what was looked up."""
    return {
        "name": model.name,
        "starter": model.starter,
        "status": model.status,
        "bytes": model.size,
        "record": model.record.to_table(),
    }
