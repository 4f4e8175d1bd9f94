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
    first draw. With `stop`, it ends before the first of these strings that it comes to, which is then `stopped_by`."""

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
        self._stream, self._stops = voice.vocab.stream(), Stops(stop)
        self._log_probabilities = log_probabilities

    @property
    def stopped_by(self) -> str:
        return self._stops.reached

    def draw(self, logits: "np.ndarray") -> Piece:
        """Choose the id that follows, by logits (V,) of all before it."""
        id = self.sampler.choose(logits, self.ids)
        text = self._stops.push(self._stream.push(id))
        value = log_probability(logits, id) if self._log_probabilities else None
        piece = Piece(text, id, value, self.voice.engine.shares(self.state, id))
        self.ids.append(id)
        return piece

    def add(self, ids: list[int], text: str) -> None:
        """Put ids and their text at the end, as if they had been drawn."""
        self.ids += ids
        self._stops.show(text)

    def rest(self) -> str:
        """What was held back because a stop string might have begun: for now there are no more draws."""
        return self._stops.finish()

    def resume(self) -> str:
        """Go on after a stop string; returns what of it, and of what was drawn with it, has not been shown."""
        return self._stops.resume()

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
    new = [text.ids[len(text.state.ids) :] for text in texts]
    logits = texts[0].voice.engine.feed([text.state for text in texts], new)
    return [text.draw(row) for text, row in zip(texts, logits, strict=True)]


class Stops:
    """Lets text through up to the first stop string; holds back what may be the beginning of one."""

    def __init__(self, stops: Sequence[str]) -> None:
        self.stops = [stop for stop in stops if stop]
        self.reached = ""
        self._held = self._shown = ""  # of what was shown, as much as may be the beginning of a stop string
        self._left = ""  # what came after that, when one was reached

    def push(self, text: str) -> str:
        """As much as is surely no part of a stop string."""
        if not self.stops:
            return text
        shown, whole = len(self._shown), self._shown + self._held + text
        # one that ends in what was shown already has been gone on after
        found = [(at, stop) for stop in self.stops if (at := whole.find(stop, max(0, shown - len(stop) + 1))) >= 0]
        if found:
            at, self.reached = min(found)
            end = max(at, shown)
            self._left, self._held = whole[end:], ""
        else:
            held = max((n for stop in self.stops for n in range(1, len(stop)) if whole.endswith(stop[:n])), default=0)
            end = max(len(whole) - held, shown)
            self._held = whole[end:]
        self._remember(whole[:end])
        return whole[shown:end]

    def finish(self) -> str:
        """What was held back, which is shown now."""
        held, self._held = self._held, ""
        self._remember(self._shown + held)
        return held

    def show(self, text: str) -> None:
        """Take note of what was shown without being asked about."""
        self._remember(self._shown + text)

    def resume(self) -> str:
        """Go on after the stop string that was reached; returns what has not been shown, to its end and beyond."""
        left, self._left, self.reached = self._left, "", ""
        self._remember(self._shown + left)
        return left

    def _remember(self, shown: str) -> None:
        longest = max(map(len, self.stops), default=1) - 1
        self._shown = shown[len(shown) - longest :] if longest and len(shown) > longest else shown * bool(longest)
