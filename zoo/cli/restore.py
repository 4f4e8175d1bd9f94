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
    from zoo.doctor.models import ModelFiles
    from zoo.registry.trash import restore

    restored = restore(app.registry, model)
    say(f"restored {model}")
    for finding in ModelFiles(app.home, restored).look():
        if finding.damage:  # it may have been put there for that
            say(f"zoo: warning: {finding.what} (see: zoo doctor)")
