"""zoo reproduce"""

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.terminal import show
from zoo.errors import BadData


@click.command(name="reproduce")
@click.argument("model", shell_complete=complete.models)
@click.pass_obj
def command(app: App, model: str) -> None:
    """Train a model again, and say whether it came out the same.

    Takes as long as the training did. A copy that is the same goes to the trash; another one stays, to compare.
    """
    from zoo.cli.signals import stop_on_signals
    from zoo.runs.reproduce import reproduce

    with stop_on_signals() as stop, painter() as on_event:
        result = reproduce(app.home, model, on_event=on_event, stop=stop)
    original, copy = result.original, result.copy
    if result.same:
        loss = numbers.loss(original.record.val_loss)
        show(f"{original.name} came out the same, to the byte: {original.record.steps:,} steps, val loss {loss}")
        return
    compare = f"compare them with: zoo compare {original.name} {copy.name}"
    if result.same_weights and result.misstated:
        keys = ", ".join(result.misstated)
        raise BadData(f"'{original.name}' has the weights that come out, but its record is wrong in {keys}; {compare}")
    where = "in its weights only" if result.differs_at is None else f"from step {result.differs_at:,} on"
    if result.same_weights:
        where = f"{where}, in its log and not in its weights"
    raise BadData(f"'{original.name}' came out different, {where}; {compare}")
