"""zoo chat"""

import sys
from typing import Any

import click

from zoo.cli import numbers
from zoo.cli.app import App
from zoo.cli.talking import open_session, sampling_options
from zoo.cli.terminal import is_terminal, one_line, safe, say
from zoo.registry.registry import Model

PROMPT = ">> "
LEAVE = ("quit", "exit")


@click.command(name="chat")
@click.argument("model", required=False)
@sampling_options
@click.pass_obj
def command(app: App, /, model: str | None, max_new: int, **sampling: Any) -> None:
    """Talk to a model; without a name, to Shakespeare. `quit` leaves, Ctrl-C stops the text.

    Reads a prompt a line; piped, it writes only text:

    \b
    echo "ROMEO:" | zoo chat shakespeare
    """
    found, session = open_session(app, model, "replace", **sampling)
    if sys.stdin.isatty():
        _greet(found)
        _interactive(session, max_new)
    else:
        for line in sys.stdin:
            _reply(session, line.rstrip("\r\n"), max_new)


def _greet(model: Model) -> None:
    record = model.record
    say(
        f"{model.name}: {numbers.count(record.parameters)} parameters, val loss {numbers.loss(record.val_loss)}. "
        "It does not answer but continues what you write; `quit` leaves, Ctrl-C stops the text."
    )


def _interactive(session: Any, max_new: int) -> None:
    """Prompt, reply, until the reader leaves."""
    if sys.stdout.isatty():
        import contextlib

        with contextlib.suppress(ImportError):
            import readline  # noqa: F401  # gives input() history and editing
    while True:
        try:
            line = _ask()
        except EOFError:
            print(file=sys.stderr)
            return
        except KeyboardInterrupt:
            say("\n(`quit` or Ctrl-D leaves)")
            continue
        if line.strip().lower() in LEAVE:
            return
        if line.strip():
            try:
                _reply(session, line, max_new)
            except KeyboardInterrupt:
                print(flush=True)


def _ask() -> str:
    """A line from the reader; where stdout is not a terminal the prompt goes to stderr."""
    if is_terminal(sys.stdout):
        return input(PROMPT)
    print(PROMPT, end="", file=sys.stderr, flush=True)
    return input()


def _reply(session: Any, prompt: str, max_new: int) -> None:
    unknown = session.vocab.unknown(prompt)
    if unknown and not session.warned_of_unknown:
        session.warned_of_unknown = True
        listed = " ".join(one_line(character) for character in unknown[:20])
        say(f"zoo: the model does not know {listed}: replaced by the nearest it knows")
    for piece in session.reply(prompt, max_new):
        sys.stdout.write(safe(piece))
        sys.stdout.flush()
    sys.stdout.write("\n")
    sys.stdout.flush()
