"""zoo chat"""

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.talking import open_session, sampling_options
from zoo.cli.terminal import is_terminal, one_line, safe, say
from zoo.registry.model import Model

if TYPE_CHECKING:
    from zoo.talk.session import Session

PROMPT = ">> "
LEAVE = ("quit", "exit")


@click.command(name="chat")
@click.argument("model", required=False, shell_complete=complete.models)
@sampling_options
@click.pass_obj
def command(app: App, /, model: str | None, max_new: int, **sampling: Any) -> None:
    """Talk to a model; without a name, to Shakespeare. `quit` leaves, Ctrl-C stops the text.

    Reads a prompt a line; piped, it writes only text:

    \b
    echo "ROMEO:" | zoo chat shakespeare
    """
    found, session = open_session(app, model, "replace", announced=True, **sampling)
    chat = Chat(session, max_new)
    if sys.stdin.isatty():
        _greet(found)
        chat.interact()
    else:
        for line in sys.stdin:
            chat.reply(line.rstrip("\r\n"))


def _greet(model: Model) -> None:
    record = model.record
    say(
        f"{model.name}: {numbers.count(record.parameters)} parameters, val loss {numbers.loss(record.val_loss)}.\n"
        "It does not answer but continues what you write. `quit` leaves, Ctrl-C stops the text."
    )


class Chat:
    """A session at the terminal."""

    def __init__(self, session: "Session", max_new: int) -> None:
        self.session, self.max_new = session, max_new
        self.said_unknown = False

    def interact(self) -> None:
        """Prompt, reply, until the reader leaves."""
        if sys.stdout.isatty():
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
                    self.reply(line)
                except KeyboardInterrupt:
                    print(flush=True)

    def reply(self, prompt: str) -> None:
        """Stream what the model makes of a prompt."""
        unknown = self.session.vocab.unknown(prompt)
        if unknown and not self.said_unknown:
            self.said_unknown = True
            listed = " ".join(one_line(character) for character in unknown[:20])
            say(f"zoo: the model does not know {listed}: replaced by the nearest it knows")
        clean = safe if sys.stdout.isatty() else str  # a pipe gets the text as it is
        for piece in self.session.reply(prompt, self.max_new):
            sys.stdout.write(clean(piece))
            sys.stdout.flush()
        sys.stdout.write("\n")
        sys.stdout.flush()


def _ask() -> str:
    """A line from the reader; where stdout is not a terminal the prompt goes to stderr."""
    if is_terminal(sys.stdout):
        return input(PROMPT)
    print(PROMPT, end="", file=sys.stderr, flush=True)
    return input()
