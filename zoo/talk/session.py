"""A session: prompts and replies with one voice, and what can be done again or gone on with."""

import dataclasses
from collections.abc import Iterator, Sequence

from zoo.corpora.vocab import Unknown
from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import UsageProblem
from zoo.talk import MAX_NEW, REPLY_LENGTH
from zoo.talk.text import Piece, Text
from zoo.talk.voice import Voice, any_seed

SEED = "seed"
MOST_NEW = 10**9


@dataclasses.dataclass
class Turn:
    """A prompt and what has been written after it so far."""

    prompt: str
    reply: str = ""


class Session:
    """Continues prompts with one voice; successive prompts know nothing of each other, as in the seed.

    Random numbers go on from one reply to the next: a session is repeated by its seed, from its beginning.
    """

    def __init__(
        self,
        voice: Voice,
        sampling: Sampling | None = None,
        *,
        seed: int | None = None,
        max_new: int = REPLY_LENGTH,
        stop: Sequence[str] = (),
        unknown: Unknown = "replace",
    ) -> None:
        self.voice, self.max_new, self.stop, self.unknown = voice, max_new, tuple(stop), unknown
        self.turns: list[Turn] = []
        self._text: Text | None = None
        self.sampler = Sampler(sampling or Sampling(), any_seed() if seed is None else seed)

    def with_voice(self, voice: Voice) -> "Session":
        """A new session of another voice, with the same options and the same seed."""
        s = self.sampler
        return Session(voice, s.sampling, seed=s.seed, max_new=self.max_new, stop=self.stop, unknown=self.unknown)

    def begin(self, seed: int) -> None:
        """The random numbers of a seed, from their first."""
        self.sampler = Sampler(self.sampler.sampling, seed)
        if self._text is not None:
            self._text.sampler = self.sampler

    def options(self) -> dict[str, float | int | None]:
        """How text is drawn: what `set` can change, and the seed."""
        return {**self.sampler.sampling.to_dict(), MAX_NEW: self.max_new, SEED: self.sampler.seed}

    def set(self, key: str, value: str) -> None:
        """Change one option, read from a word; raises UsageProblem for one that does not exist or is out of bounds."""
        key = key.replace("-", "_")
        if key not in self.options() or key == SEED:
            raise UsageProblem(f"no option '{key}'; there are {', '.join(sorted(self.options().keys() - {SEED}))}")
        if key != MAX_NEW:
            self.sampler.sampling = self.sampler.sampling.with_value(key, value)
        elif value.isdecimal() and len(value) < 20 and int(value) <= MOST_NEW:
            self.max_new = int(value)
        else:
            raise UsageProblem(f"{MAX_NEW} must be a whole number from 0 to {MOST_NEW}, not '{value[:40]}'")

    def reply(self, prompt: str) -> Iterator[Piece]:
        """What follows a prompt, as it is drawn."""
        self._text = self.voice.begin(prompt, self.sampler, stop=self.stop, unknown=self.unknown)
        self.turns.append(Turn(prompt))
        return self._write()

    def more(self, addition: str = "") -> Iterator[Piece]:
        """What follows the last reply, the reader's own addition to it first; nothing where there was no reply."""
        if self._text is None:
            return
        if left := self._text.resume():
            self.turns[-1].reply += left
            yield Piece(left)
        if addition:
            self._text.add(self.voice.ids_of(addition, self.unknown), addition)
            self.turns[-1].reply += addition
            yield Piece(addition)
        yield from self._write()

    def retry(self) -> Iterator[Piece]:
        """Another reply to the last prompt."""
        return self.reply(self.turns[-1].prompt) if self.turns else iter(())

    def forget(self) -> None:
        """Begin anew, with the random numbers where they are."""
        self.turns, self._text = [], None

    def _write(self) -> Iterator[Piece]:
        text, turn = self._text, self.turns[-1]
        assert text is not None
        for piece in text.write(self.max_new):
            turn.reply += piece.text
            yield piece
