"""zoo chat"""

import sys
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import complete, numbers, replies, slash
from zoo.cli.app import App
from zoo.cli.asking import PROMPT, Asker
from zoo.cli.talking import MOST_INPUT, crop, open_voice, sampling_options
from zoo.cli.terminal import one_line, safe, say
from zoo.engine.sampling import Sampling
from zoo.errors import UsageProblem, ZooError

if TYPE_CHECKING:
    from zoo.talk.session import Session
    from zoo.talk.text import Piece
    from zoo.talk.voice import Voice

LEAVE = ("quit", "exit")
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
    chat = Chat(app, Sampling(**sampling), seed=seed, length=max_new, stop=stop, device=device, speaker=speaker)
    chat.open(model)
    if sys.stdin.isatty():
        chat.greet()
        say("It does not answer but continues what you write. `quit` leaves, Ctrl-C stops the text, /help tells more.")
        chat.interact()
    else:
        while line := sys.stdin.readline(MOST_INPUT):
            chat.reply(line.rstrip("\r\n"))


class Chat:
    """One conversation: a session for each model, which all get the same prompts."""

    sessions: "list[Session]"

    def __init__(
        self,
        app: App,
        sampling: Sampling,
        *,
        seed: int | None,
        length: int,
        stop: tuple[str, ...],
        device: str,
        speaker: str | None,
    ) -> None:
        self.app, self.speaker, self._device = app, speaker, device
        self._sampling, self._seed, self._length, self._stop = sampling, seed, length, stop
        self._said_unknown = False

    def open(self, references: tuple[str, ...]) -> None:
        """Talk to these models from now on; nothing changes when one of them cannot be had."""
        from zoo.talk.session import Session
        from zoo.talk.voice import any_seed

        voices = [open_voice(self.app, name, self._device, announced=True) for name in references or (None,)]
        seed = any_seed() if self._seed is None else self._seed
        self.sessions = [
            Session(voice, self._sampling, seed=seed, length=self._length, stop=self._stop) for voice in voices
        ]

    def greet(self) -> None:
        """Say who is talking."""
        for session in self.sessions:
            members = session.voice.members
            for number, voice in enumerate(members or [session.voice]):
                say(f"{replies.label(number) + ' ' if members else ''}{_about(voice)}")

    def interact(self) -> None:
        """Prompt, reply, until the reader leaves."""
        history = self.app.home.history
        asker = Asker(
            partial(slash.completions, self.app.registry.models), history if history.parent.is_dir() else None
        )
        while True:
            try:
                line = asker.ask()
            except EOFError:
                print(file=sys.stderr)
                return
            except KeyboardInterrupt:
                say("\n(`quit` or Ctrl-D leaves)")
                continue
            if line.strip().lower() in LEAVE:
                return
            try:
                self._answer(line)
            except KeyboardInterrupt:
                print(file=sys.stderr, flush=True)
            except ZooError as error:
                say(f"zoo: {error}")

    def _answer(self, line: str) -> None:
        if line.startswith(slash.SLASH) and not line.startswith(slash.SLASH * 2):
            slash.obey(self, line)
        elif line.strip():
            self.reply(line.removeprefix(slash.SLASH) if line.startswith(slash.SLASH) else line)

    def reply(self, prompt: str) -> None:
        """Stream what every model makes of a prompt."""
        prompt = crop(prompt)
        self._say_unknown(prompt)
        if self.speaker is not None:
            prompt = f"{prompt}{SPEECH_ENDS}{self.speaker}:\n"
        self.draw([session.reply(prompt) for session in self.sessions])

    def draw(self, pieces: "list[Iterable[Piece]]") -> None:
        """Draw one reply of every model."""
        names = [session.voice.name for session in self.sessions]
        replies.draw(list(zip(names, pieces, strict=True)))

    def set(self, key: str, value: str) -> None:
        """Change how text is drawn; raises UsageProblem for an option or value that there is not."""
        if key == "max_new":
            if not value.isdecimal():
                raise UsageProblem(f"max_new must be a whole number, not '{value}'")
            self._length = int(value)
        else:
            self._sampling = self._sampling.with_value(key, value)
        for session in self.sessions:
            session.length, session.sampler.sampling = self._length, self._sampling

    def begin(self, seed: int) -> None:
        """The random numbers of a seed, from their first."""
        self._seed = seed
        for session in self.sessions:
            session.begin(self._sampling, seed)

    def check_spoken(self) -> None:
        """Raise UsageProblem when nothing was said yet."""
        if not self.sessions[0].turns:
            raise UsageProblem("nothing was said yet")

    def transcript(self) -> str:
        """All that was said to and by every model."""
        parts = []
        for session in self.sessions:
            if len(self.sessions) > 1:
                parts.append(f"[{session.voice.name}]\n")
            parts += [f"{PROMPT}{turn.prompt}\n{turn.reply}\n" for turn in session.turns]
        return "\n".join(parts)

    def _say_unknown(self, prompt: str) -> None:
        """Say once what is written in the place of characters that a model does not know."""
        if self._said_unknown:
            return
        for session in self.sessions:
            vocab = session.voice.vocab
            unknown = vocab.unknown(prompt)
            self._said_unknown |= bool(unknown)
            if unknown:
                pairs = (f"{one_line(c)} ({_spelt(vocab.adapt(c, 'replace'))})" for c in unknown[:20])
                say(f"zoo: {session.voice.name} does not know, and takes the nearest for: {' '.join(pairs)}")


def _spelt(text: str) -> str:
    return {"": "nothing", " ": "a space"}.get(text, safe(text))


def _about(voice: "Voice") -> str:
    record = voice.models[0].record
    return f"{voice.name}: {numbers.count(record.parameters)} parameters, val loss {numbers.loss(record.val_loss)}"
