"""zoo eval"""

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.names import single


@click.command(name="eval")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=complete.models)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(app: App, models: tuple[str, ...], as_json: bool) -> None:
    """Compute the loss of models on the validation part of their own text: the same number every time."""
    from zoo.cli.table import Column, show_table
    from zoo.measure.evaluate import evaluate

    found = [app.registry.resolve(single(name)) for name in dict.fromkeys(models)]
    with painter() as on_event:
        evaluations = [evaluate(app.home, model, on_event) for model in found]
    if as_json:
        from zoo.cli.json_out import show_json

        entries = [
            {
                "name": e.model.name,
                "corpus": e.corpus,
                "part": "val",
                "characters": e.characters,
                "loss": e.loss,
                "bits_per_character": e.bits_per_character,
                "perplexity": e.perplexity,
                "protocol": e.protocol,
            }
            for e in evaluations
        ]
        show_json("eval", unit="nats per character", models=entries)
        return
    columns = [
        Column("model"),
        Column("on", keep=2),
        Column("nats/char", right=True),
        Column("bpc", right=True, keep=1),
    ]
    columns += [Column("perplexity", right=True, keep=3), Column("protocol", keep=4)]
    rows = [
        [
            e.model.name,
            f"{e.corpus}, validation part",
            numbers.loss(e.loss),
            numbers.loss(e.bits_per_character),
            f"{e.perplexity:.3f}",
            e.protocol,
        ]
        for e in evaluations
    ]
    show_table(columns, rows)
