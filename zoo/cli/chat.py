"""zoo chat"""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import complete, numbers, replies, slash
from zoo.cli.app import App
from zoo.cli.asking import PROMPT, Asker, Said
from zoo.cli.signals import until_interrupted
from zoo.cli.talking import MOST_INPUT, crop, open_voice, sampling_options
from zoo.cli.terminal import one_line, safe, say
from zoo.engine.sampling import Sampling
from zoo.errors import UsageProblem, ZooError

if TYPE_CHECKING:
    from zoo.talk.session import Session
    from zoo.talk.text import Piece

LEAVE = ("quit", "exit")
MOST_LISTED = 20  # characters that are not known
LINE_END = "\n"
SPEECH_ENDS = "\n\n"  # as between the speeches of a play


@click.command(name="chat")
@click.argument("model", nargs=-1, shell_complete=complete.models)
@sampling_options
@click.option("--as", "speaker", metavar="NAME", help="Let the reply be a speech of this speaker, as in a play.")
@click.pass_obj
def command(
    app: App,
    /,
    model: tuple[str, ...],
    max_new: int,
    seed: int | None,
    stop: tuple[str, ...],
    device: str,
    speaker: str | None,
    **sampling: Any,
) -> None:
    """Talk to a model; without a name, to Shakespeare. `quit` leaves, Ctrl-C stops the text, /help tells the rest.

    With several models each replies to the same prompt, with the same seed; A+B:0.3 is a blend of two that write one
    text together. Reads a prompt a line; piped, it writes only text:

    \b
    echo "ROMEO:" | zoo chat shakespeare
    """
    if speaker is not None:
        stop = (*stop, SPEECH_ENDS)
    chat = Chat(app, device, speaker)
    chat.open(model, sampling=Sampling(**sampling), seed=seed, max_new=max_new, stop=stop)
    if sys.stdin.isatty():
        chat.greet()
        say(
            "Write how something begins, and it goes on: it continues what you write, and does not answer. "
            "`quit` leaves, Ctrl-C stops the text, /help tells more."
        )
        chat.interact()
    else:
        while line := sys.stdin.readline(MOST_INPUT):
            chat.reply(line.rstrip("\r\n"))
            chat.forget()


class Chat:
    """One conversation: a session for each model, which all get the same prompts and have the same options."""

    def __init__(self, app: App, device: str, speaker: str | None) -> None:
        self.app, self.device, self.speaker = app, device, speaker
        self.sessions: list[Session] = []
        self._ended: list[Session] = []  # with models that were talked to before
        self._told: set[str] = set()
        self._interactive = False

    def open(self, references: tuple[str, ...], **options: Any) -> None:
        """Talk to these models from now on, with the options there were if none are given; nothing changes when one of
        them cannot be had."""
        from zoo.talk.session import Session

        voices = [open_voice(self.app, name, self.device, announced=True) for name in references or (None,)]
        first = self.sessions[0] if self.sessions else Session(voices[0], **options)
        self._ended += [session for session in self.sessions if session.turns]
        self.sessions = [first.with_voice(voice) for voice in voices]
        self._told = set()

    def greet(self) -> None:
        """Say who is talking; the members of a blend with their marks."""
        for session in self.sessions:
            models = session.voice.models
            for number, model in enumerate(models):
                r = model.record
                mark = f"{replies.label(number)} " if len(models) > 1 else ""
                about = f"{numbers.count(r.parameters)} parameters, val loss {numbers.loss(r.val_loss)}"
                say(f"{mark}{model.name}: {about}")

    def interact(self) -> None:
        """Prompt, reply, until the reader leaves."""
        self._interactive = True
        asker = Asker(partial(slash.completions, self.app.registry.models), self.app.home)
        while True:
            try:
                said = asker.ask()
            except EOFError:
                print(file=sys.stderr)
                return
            except KeyboardInterrupt:
                say("\n(`quit` or Ctrl-D leaves)")
                continue
            if not said.quoted and said.text.strip().lower().removeprefix(slash.SLASH) in LEAVE:
                return
            try:
                self._answer(said)
            except KeyboardInterrupt:
                print(file=sys.stderr, flush=True)
            except ZooError as error:
                say(f"zoo: {error}")
            except OSError as error:  # of a name that a system cannot have, for one
                say(f"zoo: {(error.strerror or str(error)).lower()}")

    def _answer(self, said: Said) -> None:
        text = said.text if said.quoted else said.text.lstrip()
        escaped = text.startswith(slash.SLASH * 2)
        if text.startswith(slash.SLASH) and not escaped and not said.quoted:
            slash.obey(self, text)
        elif text.strip():
            self.reply(text[1:] if escaped and not said.quoted else said.text)

    def reply(self, prompt: str) -> None:
        """Stream what every model makes of a prompt."""
        prompt = crop(prompt)
        if self.speaker is not None:
            prompt = f"{prompt}{SPEECH_ENDS}{self.speaker}:\n"
        self.say_unknown(prompt)
        self.draw([session.reply(prompt) for session in self.sessions])

    def draw(self, pieces: "list[Iterable[Piece]]") -> None:
        """Draw one reply of every model; while somebody sits there, until Ctrl-C."""
        named = [(session.voice.name, some) for session, some in zip(self.sessions, pieces, strict=True)]
        if not self._interactive:
            replies.draw(named)
            return
        with until_interrupted() as asked:
            replies.draw([(name, _until(asked, some)) for name, some in named])

    def forget(self) -> None:
        """Nothing is to be gone on with."""
        for session in self.sessions:
            session.forget()

    def check_spoken(self) -> None:
        """Raise UsageProblem when nothing was said yet."""
        if not self.sessions[0].turns:
            raise UsageProblem("nothing was said yet")

    def transcript(self) -> str:
        """All that was said to and by every model."""
        parts = []
        for session in (*self._ended, *(session for session in self.sessions if session.turns)):
            if self._ended or len(self.sessions) > 1:
                parts.append(f"[{session.voice.name}]\n")
            parts += [f"{PROMPT}{turn.prompt.removesuffix(LINE_END)}\n{turn.reply}\n" for turn in session.turns]
        return "\n".join(parts)

    def say_unknown(self, text: str) -> None:
        """Say what is written in the place of characters that a model does not know, of each once."""
        for session in self.sessions:
            vocab = session.voice.vocab
            unknown = [c for c in vocab.unknown(text) if c not in self._told]
            self._told.update(unknown)
            if unknown:
                pairs = (f"{one_line(c)} ({_spelt(vocab.adapt(c, 'replace'))})" for c in unknown[:MOST_LISTED])
                say(f"zoo: {session.voice.name} does not know, and takes the nearest for: {' '.join(pairs)}")


def _spelt(text: str) -> str:
    return {"": "nothing", " ": "a space"}.get(text, safe(text))


def _until(asked: Callable[[], bool], pieces: "Iterable[Piece]") -> "Iterator[Piece]":
    """Pieces as long as nobody has asked to stop, which is looked at between two of them: there a text can be gone on
    with, where an interrupt in the midst of one would leave it half done."""
    for piece in pieces:
        yield piece
        if asked():
            return
