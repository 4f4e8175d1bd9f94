"""A text in progress: what has been written, and the drawing of the next id."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from zoo.engine.sampling import Sampler, log_probability

if TYPE_CHECKING:
    import numpy as np

    from zoo.talk.voice import Voice


class Piece(NamedTuple):
    """What one id added to a text: often nothing, while a character is incomplete or may belong to a stop string; what
    was held back for that and belongs to none comes last, without an id.

    `log_probability` is in nats; `shares` says how much of it came from each member of a blend.
    """

    text: str
    id: int | None = None
    log_probability: float | None = None
    shares: tuple[float, ...] = ()


class Text:
    """A text that a voice writes. `ids` are those of the prompt and those drawn since; nothing is computed before the
    first draw. With `stop`, the text ends before the first of these strings that it comes to."""

    def __init__(
        self,
        voice: "Voice",
        prompt: list[int],
        sampler: Sampler,
        stop: Sequence[str] = (),
        *,
        log_probabilities: bool = False,
    ) -> None:
        self.voice, self.sampler = voice, sampler
        self.ids = list(prompt)
        self.state = voice.engine.state()
        self.pending = prompt
        self.stopped_by = ""
        self._stream, self._stops = voice.vocab.stream(), Stops(stop)
        self._log_probabilities = log_probabilities

    def draw(self, logits: "np.ndarray") -> Piece:
        """Choose the id that follows, by logits (V,) of all before it."""
        id = self.sampler.choose(logits, self.ids)
        text = self._stops.push(self._stream.push(id))
        self.stopped_by = self._stops.reached
        value = log_probability(logits, id) if self._log_probabilities else None
        piece = Piece(text, id, value, self.voice.shares(self.state, id))
        self.ids.append(id)
        self.pending = [id]
        return piece

    def rest(self) -> str:
        """What was held back because a stop string might have begun: for now there are no more draws."""
        return self._stops.finish()

    def resume(self) -> str:
        """Go on after a stop string, which is returned."""
        stop, self.stopped_by, self._stops.reached = self.stopped_by, "", ""
        return stop

    def write(self, length: int) -> Iterator[Piece]:
        """The next `length` ids, or as many as there are before a stop string; goes on where it left off."""
        for _ in range(length):
            if self.stopped_by:
                return
            yield advance([self])[0]
        if rest := self.rest():
            yield Piece(rest)


def advance(texts: list[Text]) -> list[Piece]:
    """Draw the next id of every text, all of one voice."""
    logits = texts[0].voice.engine.feed([text.state for text in texts], [text.pending for text in texts])
    return [text.draw(row) for text, row in zip(texts, logits, strict=True)]


class Stops:
    """Lets text through up to the first stop string; holds back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self.stops = [stop for stop in stops if stop]
        self.reached = ""
        self._held = ""

    def push(self, text: str) -> str:
        """As much as is surely no part of a stop string."""
        if not self.stops:
            return text
        held = self._held + text
        found = [(at, stop) for stop in self.stops if (at := held.find(stop)) >= 0]
        if found:
            at, self.reached = min(found)
            self._held = ""
            return held[:at]
        longest = max((n for stop in self.stops for n in range(1, len(stop)) if held.endswith(stop[:n])), default=0)
        self._held = held[len(held) - longest :]
        return held[: len(held) - longest]

    def finish(self) -> str:
        held, self._held = self._held, ""
        return held
