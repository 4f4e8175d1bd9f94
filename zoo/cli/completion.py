"""zoo completion"""

import click

from zoo.cli.terminal import show

SHELLS = ("bash", "zsh", "fish")


@click.command(name="completion")
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print what makes a shell complete zoo's commands.

    \b
    eval "$(zoo completion bash)"
    zoo completion fish > ~/.config/fish/completions/zoo.fish
    """
    from click.shell_completion import get_completion_class

    from zoo.cli import zoo

    kind = get_completion_class(shell)
    assert kind is not None
    show(kind(zoo, {}, "zoo", "_ZOO_COMPLETE").source())
