"""zoo resume"""

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.train import report


@click.command(name="resume")
@click.argument("model", shell_complete=complete.own_models)
@click.pass_obj
def command(app: App, model: str) -> None:
    """Go on with a training that was interrupted."""
    from zoo.cli.signals import stop_on_signals
    from zoo.runs.run import resume

    with stop_on_signals() as stop, painter() as on_event:
        finished = resume(app.home, model, on_event=on_event, stop=stop)
    report(finished)
