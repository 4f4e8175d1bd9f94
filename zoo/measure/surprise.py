"""Surprise: how many bits each character of a text costs a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from zoo.corpora.vocab import Vocab
from zoo.engine.engine import Engine
from zoo.events import OnEvent, Progress, ignore
from zoo.measure.scoring import Encoder, Ids, blocks_of, check_finite, owned, scored
from zoo.protocol import bits, sliding_windows

if TYPE_CHECKING:
    import numpy as np

CONTEXT = 40  # characters on either side of a surprise


@dataclass(frozen=True)
class Measured:
    """A text and a number of bits for each of its characters (len(text),), nan where there is none to be had."""

    text: str
    bits: "np.ndarray"

    @cached_property
    def known(self) -> int:
        """How many characters have bits."""
        import numpy as np

        return len(self.text) - int(np.count_nonzero(np.isnan(self.bits)))

    @property
    def coverage(self) -> float:
        """The share of the characters that have bits; 1 for no text."""
        return self.known / len(self.text) if self.text else 1.0

    @cached_property
    def mean(self) -> float:
        """Bits per character, of those that have any; nan where none has."""
        import numpy as np

        return float(self.bits.sum(where=~np.isnan(self.bits))) / self.known if self.known else float("nan")


class Peak(NamedTuple):
    """A character that stands out: where it is (line and column from 1, offset from 0), and what stands around it."""

    offset: int
    line: int
    column: int
    before: str
    character: str
    after: str


def surprise(engine: Engine, vocab: Vocab, text: str, on_event: OnEvent = ignore, *, task: str = "reading") -> Measured:
    """The bits of each character of a text, under `sliding/v1`; of a character of several ids, those of all of them.

    The first follows what stands before an empty prompt. A character that the vocabulary lacks has no bits, and those
    after it see the nearest known one in its place, if there is any.
    Raises BadData for a model whose numbers are not finite. Reports characters done, at the beginning of each window.
    """
    import numpy as np

    encoder, per_nat = Encoder(vocab), bits(1)
    n = 1 + sum(int(encoder.counts(block).sum()) for _, block in blocks_of(text))  # the one in front
    found = np.zeros(len(text))
    ids = _led(encoder, text, vocab.first_id())
    for owners, nats in scored(engine, ids, sliding_windows(n, engine.config.block_size)):
        check_finite(nats)
        on_event(Progress(task, int(owners[0]), len(text)))
        np.add.at(found, owners, nats * per_nat)
    for begin, block in blocks_of(text):
        found[begin : begin + len(block)][encoder.unknown(block)] = np.nan
    return Measured(text, found)


def gain(one: Measured, other: Measured) -> Measured:
    """How many bits fewer `one` needs than `other` for each character of their text; of those that both know."""
    return Measured(one.text, other.bits - one.bits)


def _led(encoder: Encoder, text: str, lead: int) -> Iterator[Ids]:
    """The ids of a text and of which character each is, and before them an id that is of none."""
    import numpy as np

    yield np.array([lead]), np.array([-1])
    yield from owned(encoder, text)


def peaks(text: str, values: "np.ndarray", count: int, *, context: int = CONTEXT) -> list[Peak]:
    """The characters of a text with the highest values (len(text),), highest first, at most `count`; nan has none.

    Of equal ones the first comes first.
    """
    chosen = _highest(values, count)
    places: dict[int, tuple[int, int]] = {}
    line, begin, at = 1, 0, 0
    for index in sorted(chosen):
        line += text.count("\n", at, index)
        begin = max(begin, text.rfind("\n", at, index) + 1)
        at = index
        places[index] = line, index - begin + 1
    return [
        Peak(index, *places[index], text[max(0, index - context) : index], text[index], text[index + 1 :][:context])
        for index in chosen
    ]


def _highest(values: "np.ndarray", count: int) -> list[int]:
    import numpy as np

    candidates = np.flatnonzero(~np.isnan(values))
    if count < len(candidates):
        least = np.partition(values[candidates], -count)[-count]
        candidates = candidates[values[candidates] >= least]
    return [int(i) for i in candidates[np.argsort(-values[candidates], kind="stable")][:count]]
