"""zoo generate"""

import sys
from typing import Any

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.talking import open_session, sampling_options
from zoo.cli.terminal import safe


@click.command(name="generate")
@click.argument("model", required=False, shell_complete=complete.models)
@click.argument("prompt", required=False)
@sampling_options
@click.option("--echo", is_flag=True, help="Print the prompt, too.")
@click.option(
    "--unknown",
    default="error",
    show_default=True,
    metavar="POLICY",
    help="error, skip or replace characters the model lacks.",
)
@click.pass_obj
def command(
    app: App, /, model: str | None, prompt: str | None, max_new: int, echo: bool, unknown: str, **sampling: Any
) -> None:
    """Continue a prompt, for scripts. PROMPT - or none with a pipe reads standard input.

    \b
    zoo generate shakespeare "ROMEO:" --max-new 200 --seed 7
    """
    _, session = open_session(app, model, unknown, **sampling)
    if prompt == "-" or (prompt is None and not sys.stdin.isatty()):
        prompt = sys.stdin.read()
    prompt = prompt or ""
    clean = safe if sys.stdout.isatty() else str  # a pipe gets the text as it is
    if echo:
        sys.stdout.write(clean(prompt))
    for piece in session.reply(prompt, max_new):
        sys.stdout.write(clean(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")
