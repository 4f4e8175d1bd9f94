"""zoo restore"""

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.terminal import say


@click.command(name="restore")
@click.argument("model", shell_complete=complete.trashed)
@click.pass_obj
def command(app: App, model: str) -> None:
    """Bring a removed model back from the trash.

    If the trash holds several of one name, the one removed last comes back. For an older one, give the name of its
    directory in .zoo/trash.
    """
    from zoo.doctor.models import ModelFiles
    from zoo.registry.trash import models, restore

    restored = restore(app.registry, model)
    say(f"restored {restored.name}")
    if others := [directory.name for name, directory, _ in models(app.home) if name == restored.name]:
        say(f"the trash holds other models of that name: {', '.join(others)}")
    for finding in ModelFiles(app.home, restored).look():
        if finding.damage:  # it may have been put there for that
            say(f"zoo: warning: {finding.what} (see: zoo doctor)")
