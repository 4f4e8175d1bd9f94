"""zoo rm"""

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.terminal import say


@click.command(name="rm")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...", shell_complete=complete.own_models)
@click.pass_obj
def command(app: App, models: tuple[str, ...]) -> None:
    """Move models to the trash; `zoo restore` brings them back."""
    from zoo.registry.trash import discard

    chosen = [app.registry.own_model(name) for name in dict.fromkeys(models)]  # all exist, or none is removed
    for model in chosen:
        discard(app.registry, model)
        say(f"removed {model.name}; it comes back with: zoo restore {model.name}")
