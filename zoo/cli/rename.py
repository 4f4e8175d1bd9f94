"""zoo rename"""

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.terminal import say


@click.command(name="rename")
@click.argument("old", shell_complete=complete.own_models)
@click.argument("new")
@click.pass_obj
def command(app: App, old: str, new: str) -> None:
    """Give a model another name."""
    app.registry.rename(old, new)
    say(f"renamed {old} to {new}")
