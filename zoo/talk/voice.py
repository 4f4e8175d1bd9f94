"""A voice: a model, or a blend of several, that continues what it is given."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.corpora.vocab import Unknown, Vocab, check_unknown
from zoo.engine.engine import Engine
from zoo.engine.sampling import Sampler, Sampling
from zoo.errors import UsageProblem
from zoo.talk import LONGEST_PROMPT, REPLY_LENGTH
from zoo.talk.blend import Blend
from zoo.talk.text import Piece, Text, advance

if TYPE_CHECKING:
    from zoo.registry.model import Model


class Voice:
    """Continues texts. Nothing is remembered from one text to the next. `models` are those whose weights it has."""

    def __init__(self, name: str, engine: Engine | Blend, vocab: Vocab, models: "Sequence[Model]" = ()) -> None:
        self.name, self.vocab, self.models = name, vocab, tuple(models)
        self.engine: Any = engine  # for that each takes only states of its own is more than types say

    def stream(
        self,
        prompt: str = "",
        *,
        max_new: int = REPLY_LENGTH,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        unknown: Unknown = "error",
        **sampling: float,
    ) -> Iterator[str]:
        """The text that follows a prompt, as it is drawn: at most `max_new` ids, each a character where tokens are
        characters. Of bytes, a character that the last id leaves unfinished is left out.

        `stop` is a string before which the text ends, or several; `sampling` are the fields of
        zoo.engine.sampling.Sampling. Raises UsageProblem for values out of bounds, and BadData for characters that the
        model does not know, unless `unknown` is "skip" or "replace".
        """
        if type(max_new) is not int or max_new < 0:
            raise UsageProblem(f"max_new must be a whole number from 0, not {max_new!r}")
        sampler = Sampler(Sampling.from_dict(sampling), seed)
        stops = [stop] if isinstance(stop, str) else stop
        text = self.begin(prompt, sampler, stop=stops, unknown=check_unknown(unknown))
        return (piece.text for piece in text.write(max_new))

    def generate(
        self,
        prompt: str = "",
        *,
        max_new: int = REPLY_LENGTH,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        unknown: Unknown = "error",
        **sampling: float,
    ) -> str:
        """The text that follows a prompt, whole; as `stream` otherwise."""
        return "".join(self.stream(prompt, max_new=max_new, seed=seed, stop=stop, unknown=unknown, **sampling))

    def begin(
        self,
        prompt: str,
        sampler: Sampler,
        *,
        stop: Sequence[str] = (),
        unknown: Unknown = "error",
        log_probabilities: bool = False,
    ) -> Text:
        """A text that begins with a prompt, of a very long one with its end; nothing of it is written yet.

        Raises BadData for unknown characters.
        """
        ids = self.ids_of(prompt, unknown) or [self.vocab.first_id()]
        return Text(self, ids, sampler, stop, log_probabilities=log_probabilities)

    def ids_of(self, text: str, unknown: Unknown) -> list[int]:
        """The ids of a text, of a very long one those of its end; raises BadData for unknown characters."""
        return self.vocab.encode(self.vocab.adapt(text[-LONGEST_PROMPT:], unknown)).tolist()  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Voice({self.name!r})"


@dataclass
class Written:
    """A whole text. Of one that ended before a stop string, `tokens` are up to the end of that, and `text` is not."""

    text: str
    seed: int | None
    finish: str  # stop or length
    tokens: list[int]
    log_probabilities: list[float | None]


def write_together(texts: list[Text], length: int) -> list[Written]:
    """Write texts of one voice side by side, each `length` ids or up to its stop string. On a CPU each becomes what it
    would have become alone."""
    drawn: list[list[Piece]] = [[] for _ in texts]
    for _ in range(length):
        going_on = [i for i, text in enumerate(texts) if not text.stopped_by]
        if not going_on:
            break
        for i, piece in zip(going_on, advance([texts[i] for i in going_on]), strict=True):
            drawn[i].append(piece)
    return [_written(text, pieces) for text, pieces in zip(texts, drawn, strict=True)]


def _written(text: Text, pieces: list[Piece]) -> Written:
    return Written(
        "".join(piece.text for piece in pieces) + text.rest(),
        text.sampler.seed,
        "stop" if text.stopped_by else "length",
        [piece.id for piece in pieces if piece.id is not None],
        [piece.log_probability for piece in pieces],
    )


def any_seed() -> int:
    """A seed for whoever did not choose one, short enough to be typed again."""
    return random.SystemRandom().randrange(10**6)
