"""Who wrote this: which model's own text a text is most like.

A model is asked how many bits a character of the text costs it, and its own validation bits are taken off: else the
best-trained one would always win. What is left, the excess, is least for the hand that the text is most like. Only
characters that all candidates know are counted, so that none wins or loses by its alphabet.

Language models as profiles of authors: Peng, Schuurmans, Keselj and Wang, "Language independent authorship attribution
using character level language models", EACL 2003. One transformer from scratch for each author: arXiv 2510.21958.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.corpora.vocab import Vocab
from zoo.engine.engine import Engine
from zoo.engine.load import engine_of
from zoo.errors import BadData
from zoo.events import OnEvent, Progress, ignore
from zoo.measure.scoring import BLOCK_CHARACTERS, Encoder, Ids, scored
from zoo.protocol import bits, windows
from zoo.registry.model import Model

if TYPE_CHECKING:
    import numpy as np

STRETCH = 32  # characters: neighbours are alike, so errors are those of the means of stretches
LEAST_STRETCHES = 4
SURE = 2.0  # standard errors by which the first must lead
PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")


@dataclass(frozen=True)
class Attribution:
    """How a text, or a paragraph that begins at `begin`, costs each candidate: bits per character of those `counted`, and
    the excess over the candidate's own. `order` ranks the candidates, least excess first.

    The first leads by `margin` bits per character, which has the standard error `error`: nan for one candidate, or a
    text that is too short to tell.
    """

    begin: int
    characters: int
    counted: int
    bits: tuple[float, ...]
    excess: tuple[float, ...]
    order: tuple[int, ...]
    margin: float
    error: float

    @property
    def winner(self) -> int | None:
        """The candidate that leads surely; None: too short to say."""
        return self.order[0] if self.margin > SURE * self.error else None


@dataclass(frozen=True)
class Answer:
    """The whole text and its paragraphs, each asked by itself."""

    models: Sequence[Model]
    whole: Attribution
    paragraphs: list[Attribution]


def who(models: Sequence[Model], text: str, on_event: OnEvent = ignore, *, by_paragraph: bool = True) -> Answer:
    """Rank models by how like their own text a text is.

    Raises BadData for a model without a loss of its own, or whose numbers are not finite, and for a text of which not
    two characters are known to all.
    """
    own = [own_bits(model) for model in models]
    spans = [(0, len(text)), *(paragraphs(text) if by_paragraph else ())]
    total = len(models) * sum(end - begin for begin, end in spans)
    costs, done = [], 0
    for model in models:
        engine, vocab = engine_of(model)
        found = []
        for begin, end in spans:
            on_event(Progress(f"asking {model.name}", done, total))
            found.append(bits_of(engine, vocab, text[begin:end]))
            done += end - begin
        costs.append(found)
    whole, *parts = (
        attribute(own, [found[i] for found in costs], begin) for i, (begin, _) in enumerate(spans)
    )
    if not whole.counted:
        raise BadData("the text has no two characters that all these models know")
    return Answer(models, whole, parts)


def own_bits(model: Model) -> float:
    """Bits per character of a model on its own validation part, as recorded; raises BadData when there are none."""
    if model.record.val_bpc is None or math.isnan(model.record.val_bpc):
        raise BadData(f"'{model.name}' has no validation loss of its own, and cannot be a candidate")
    return model.record.val_bpc


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Where the paragraphs of a text begin and end: what blank lines part."""
    begin = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    for gap in PARAGRAPH.finditer(text, begin, end):
        yield begin, gap.start()
        begin = gap.end()
    if begin < end:
        yield begin, end


def bits_of(engine: Engine, vocab: Vocab, text: str) -> "np.ndarray":
    """Bits of each character (len(text),) under `windows/v1`; nan for the first, which has nothing before it, and for
    those that the model does not know. Raises BadData for numbers that are not finite."""
    import numpy as np

    encoder, found = Encoder(vocab), np.zeros(len(text))
    blocks = [(i, text[i : i + BLOCK_CHARACTERS]) for i in range(0, len(text), BLOCK_CHARACTERS)]
    n = sum(int(encoder.counts(block).sum()) for _, block in blocks)

    def owned() -> Iterator[Ids]:
        for begin, block in blocks:
            yield encoder.ids(block), np.repeat(np.arange(begin, begin + len(block)), encoder.counts(block))

    for owners, nats in scored(engine, owned(), windows(n, engine.config.block_size)):
        if not np.isfinite(nats).all():
            raise BadData("the model's numbers are not finite: it diverged in training")
        np.add.at(found, owners, bits(1) * nats)
    for begin, block in blocks:
        found[begin : begin + len(block)][encoder.unknown(block)] = np.nan
    found[:1] = np.nan
    return found


def attribute(own: Sequence[float], costs: "Sequence[np.ndarray]", begin: int = 0) -> Attribution:
    """Rank candidates with so many bits of their own by what each character of a text costs each of them (T,)."""
    import numpy as np

    table = np.array(costs)  # (candidates, T)
    counted = table[:, ~np.isnan(table).any(axis=0)]
    if not counted.shape[1]:
        nothing = (math.nan,) * len(own)
        return Attribution(begin, table.shape[1], 0, nothing, nothing, tuple(range(len(own))), math.nan, math.nan)
    means = counted.mean(axis=1)
    excess = means - np.array(own)
    order = np.argsort(excess, kind="stable")
    margin = error = math.nan
    if len(own) > 1:
        first, second = order[:2]
        margin = float(excess[second] - excess[first])
        error = standard_error(counted[second] - counted[first])
    return Attribution(
        begin,
        table.shape[1],
        counted.shape[1],
        tuple(map(float, means)),
        tuple(map(float, excess)),
        tuple(map(int, order)),
        margin,
        error,
    )


def standard_error(values: "np.ndarray") -> float:
    """Of the mean of a series (T,) whose neighbours are alike, by the means of its stretches; nan for a short one."""
    import numpy as np

    count = len(values) // STRETCH
    if count < LEAST_STRETCHES:
        return math.nan
    stretches = values[: count * STRETCH].reshape(count, STRETCH).mean(axis=1)
    return float(np.std(stretches, ddof=1)) / math.sqrt(count)
