"""A session: prompts and replies with one voice, and what can be done again or gone on with."""

import dataclasses
from collections.abc import Iterator, Sequence

from zoo.corpora.vocab import Unknown
from zoo.engine.sampling import Sampler, Sampling
from zoo.talk import REPLY_LENGTH
from zoo.talk.text import Piece, Text
from zoo.talk.voice import Voice, any_seed


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
        length: int = REPLY_LENGTH,
        stop: Sequence[str] = (),
        unknown: Unknown = "replace",
    ) -> None:
        self.voice, self.length, self.stop, self.unknown = voice, length, tuple(stop), unknown
        self.turns: list[Turn] = []
        self._text: Text | None = None
        self.begin(sampling or Sampling(), any_seed() if seed is None else seed)

    def begin(self, sampling: Sampling, seed: int) -> None:
        """Draw with these options from now on, with the random numbers of a seed from their first."""
        self.seed = seed
        self.sampler = Sampler(sampling, seed)

    @property
    def sampling(self) -> Sampling:
        return self.sampler.sampling

    def set(self, key: str, value: str) -> None:
        """Change one option of sampling; raises UsageProblem for one that does not exist or is out of bounds."""
        self.sampler.sampling = self.sampling.with_value(key, value)

    def reply(self, prompt: str) -> Iterator[Piece]:
        """What follows a prompt, as it is drawn."""
        self._text = self.voice.begin(prompt, self.sampler, stop=self.stop, unknown=self.unknown)
        self.turns.append(Turn(prompt))
        return self._write()

    def more(self) -> Iterator[Piece]:
        """What follows the last reply; nothing where there was none."""
        if self._text is None:
            return
        if stop := self._text.resume():
            self.turns[-1].reply += stop
            yield Piece(stop)
        yield from self._write()

    def retry(self) -> Iterator[Piece]:
        """Another reply to the last prompt, in the place of the last one."""
        return self.reply(self.turns.pop().prompt) if self.turns else iter(())

    def forget(self) -> None:
        """Begin anew, with the random numbers where they are."""
        self.turns, self._text = [], None

    def _write(self) -> Iterator[Piece]:
        text, turn = self._text, self.turns[-1]
        assert text is not None
        for piece in text.write(self.length):
            turn.reply += piece.text
            yield piece
