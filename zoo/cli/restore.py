"""zoo restore"""

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.terminal import say


@click.command(name="restore")
@click.argument("model", shell_complete=complete.trashed)
@click.pass_obj
def command(app: App, model: str) -> None:
    """Bring a removed model back from the trash."""
    from zoo.registry.trash import restore

    restore(app.registry, model)
    say(f"restored {model}")
