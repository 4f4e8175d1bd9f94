"""A voice: a model, or a blend of several, that continues what it is given."""

import random
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from zoo.corpora.vocab import Unknown, Vocab, check_unknown
from zoo.engine.sampling import Sampler, Sampling
from zoo.talk import LONGEST_PROMPT, REPLY_LENGTH
from zoo.talk.text import Piece, Text, advance

if TYPE_CHECKING:
    import numpy as np

    from zoo.registry.model import Model


class Writer(Protocol):
    """What a voice needs of an engine, or of several that write together."""

    def state(self) -> Any: ...

    def feed(self, states: list[Any], ids: list[list[int]]) -> "np.ndarray": ...


class Voice:
    """Continues texts. Nothing is remembered from one text to the next.

    `models` are those whose weights it has; `members` are the voices of a blend, and none otherwise.
    """

    members: "tuple[Voice, ...]" = ()

    def __init__(self, name: str, engine: Writer, vocab: Vocab, models: "Sequence[Model]" = ()) -> None:
        self.name, self.engine, self.vocab, self.models = name, engine, vocab, tuple(models)

    def stream(
        self,
        prompt: str = "",
        *,
        max_new: int = REPLY_LENGTH,
        seed: int | None = None,
        stop: Sequence[str] = (),
        unknown: Unknown = "error",
        **sampling: Any,
    ) -> Iterator[str]:
        """The text that follows a prompt, as it is drawn: at most `max_new` ids, each a character where tokens are
        characters. Of bytes, a character that the last id leaves unfinished is left out.

        `sampling` are the fields of zoo.engine.sampling.Sampling. Raises UsageProblem for values out of bounds, and
        BadData for characters that the model does not know, unless `unknown` is "skip" or "replace".
        """
        sampler = Sampler(Sampling.from_dict(sampling), seed)
        text = self.begin(prompt, sampler, stop=stop, unknown=check_unknown(unknown))
        return (piece.text for piece in text.write(max_new))

    def generate(self, prompt: str = "", *, max_new: int = REPLY_LENGTH, **options: Any) -> str:
        """The text that follows a prompt, whole; takes what `stream` takes."""
        return "".join(self.stream(prompt, max_new=max_new, **options))

    def begin(
        self,
        prompt: str,
        sampler: Sampler,
        *,
        stop: Sequence[str] = (),
        unknown: Unknown = "error",
        log_probabilities: bool = False,
    ) -> Text:
        """A text that begins with a prompt, nothing of it written yet; raises BadData for unknown characters."""
        return Text(self, self.prompt_ids(prompt, unknown), sampler, stop, log_probabilities=log_probabilities)

    def prompt_ids(self, prompt: str, unknown: Unknown) -> list[int]:
        """The ids of a prompt, of a very long one those of its end."""
        adapted = self.vocab.adapt(prompt[-LONGEST_PROMPT:], unknown)
        return [int(id) for id in self.vocab.encode(adapted)] or [self.vocab.first_id()]

    def shares(self, state: Any, id: int) -> tuple[float, ...]:
        """How much of the probability of an id came from each member of a blend; nothing for a voice of one model."""
        return ()


def write_together(texts: list[Text], length: int) -> Iterator[list[tuple[int, Piece]]]:
    """Write texts of one voice side by side, each `length` ids or up to its stop string: at each turn the number of
    every text that goes on, with its piece. Each becomes what it would have become alone."""
    for _ in range(length):
        going_on = [i for i, text in enumerate(texts) if not text.stopped_by]
        if not going_on:
            return
        yield list(zip(going_on, advance([texts[i] for i in going_on]), strict=True))


def any_seed() -> int:
    """A seed for whoever did not choose one, short enough to be typed again."""
    return random.SystemRandom().randrange(10**6)
