"""Surprise: how many bits each character of a text costs a model."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from zoo.corpora.vocab import Vocab
from zoo.engine.engine import Engine
from zoo.errors import BadData
from zoo.events import OnEvent, Progress, ignore
from zoo.protocol import bits, sliding_windows

if TYPE_CHECKING:
    import numpy as np

BLOCK_CHARACTERS = 2**16
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

    encoder, per_nat = _Encoder(vocab), bits(1)
    n = 1 + sum(len(ids) for ids, _ in encoder.blocks(text))  # the one in front
    found = np.zeros(len(text))
    for owners, nats in _scored(engine, _led(vocab.first_id(), encoder.blocks(text)), n):
        on_event(Progress(task, int(owners[0]), len(text)))
        np.add.at(found, owners, nats * per_nat)
    for begin in range(0, len(text), BLOCK_CHARACTERS):
        found[begin : begin + BLOCK_CHARACTERS][encoder.unknown(text[begin : begin + BLOCK_CHARACTERS])] = np.nan
    return Measured(text, found)


def gain(one: Measured, other: Measured) -> Measured:
    """How many bits fewer `one` needs than `other` for each character of their text; of those that both know."""
    return Measured(one.text, other.bits - one.bits)


Block = tuple["np.ndarray", "np.ndarray"]  # ids (T,), and the index of the character that each is of


class _Encoder:
    """Encodes a text a block at a time, and remembers of each distinct character how many ids it becomes."""

    def __init__(self, vocab: Vocab) -> None:
        self._vocab = vocab
        self._seen: dict[str, tuple[int, bool]] = {}  # number of ids, and whether it is unknown

    def blocks(self, text: str) -> Iterator[Block]:
        import numpy as np

        for begin in range(0, len(text), BLOCK_CHARACTERS):
            block = text[begin : begin + BLOCK_CHARACTERS]
            counts, _ = self._look(block)
            ids = self._vocab.encode(self._vocab.adapt(block, "replace"))
            yield ids, np.repeat(np.arange(begin, begin + len(block)), counts)

    def unknown(self, block: str) -> "np.ndarray":
        """Whether the vocabulary lacks each character of a block, as a mask (len(block),)."""
        return self._look(block)[1]

    def _look(self, block: str) -> "tuple[np.ndarray, np.ndarray]":
        import numpy as np

        points = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        distinct, which = np.unique(points, return_inverse=True)
        characters = [chr(point) for point in distinct]
        self._learn({c for c in characters if c not in self._seen})
        seen = np.array([self._seen[c] for c in characters], dtype=np.int64)
        return seen[which, 0], seen[which, 1].astype(bool)

    def _learn(self, characters: set[str]) -> None:
        lacking = set(self._vocab.unknown("".join(characters)))
        for character in characters:
            known = self._vocab.adapt(character, "replace") if character in lacking else character
            self._seen[character] = len(self._vocab.encode(known)), character in lacking


def _led(first_id: int, blocks: Iterator[Block]) -> Iterator[Block]:
    """The blocks, and before them an id that is of no character."""
    import numpy as np

    yield np.array([first_id]), np.array([-1])
    yield from blocks


def _scored(engine: Engine, blocks: Iterator[Block], n: int) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    """The nats of all ids but the first, and the characters that they are of, a window at a time; n is the number of
    ids in all blocks."""
    import numpy as np

    base, (ids, owners) = 0, next(blocks)  # what is held begins at position `base`
    for start, length, first in sliding_windows(n, engine.config.block_size):
        while base + len(ids) <= start + length:
            more_ids, more_owners = next(blocks)
            ids, owners = (
                np.concatenate((ids[start - base :], more_ids)),
                np.concatenate((owners[start - base :], more_owners)),
            )
            base = start
        at, end = start - base, start + length - base
        rows = engine.score(ids[at:end])  # (T, V)
        targets = ids[first - base : end + 1]
        nats = -rows[np.arange(first - 1 - start, length), targets]
        if not np.isfinite(nats).all():
            raise BadData("the model's numbers are not finite: it diverged in training")
        yield owners[first - base : end + 1], nats


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
