"""Scoring: what each id of a text costs a model, in the windows of a protocol, whatever an id stands for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.corpora.vocab import Vocab
from zoo.engine.engine import Engine
from zoo.errors import BadData
from zoo.protocol import Window, bits, windows

if TYPE_CHECKING:
    import numpy as np

BLOCK_CHARACTERS = 2**16

Ids = tuple["np.ndarray", "np.ndarray"]  # ids (T,), and of each a mark: what the caller wants to know of it


@dataclass(frozen=True)
class Tally:
    """What a text costs a model: `nats` for all its known characters together, but the first that becomes an id, which
    has nothing before it. Of its characters the vocabulary lacks `unknown`, of which so many are `charged`: all but one
    that stands first."""

    nats: float
    characters: int
    unknown: int
    charged: int


class Encoder:
    """Encodes blocks of text, and remembers of each distinct character how many ids it becomes and whether it is known.

    An unknown character becomes the nearest known one, if there is any, so that what follows it is read in order.
    """

    def __init__(self, vocab: Vocab) -> None:
        self._vocab = vocab
        self._seen: dict[str, tuple[int, bool]] = {}  # number of ids, and whether it is unknown

    def ids(self, block: str) -> "np.ndarray":
        """Ids (T,) of a block."""
        return self._vocab.encode(self._vocab.adapt(block, "replace"))

    def counts(self, block: str) -> "np.ndarray":
        """How many ids each character of a block becomes (len(block),)."""
        return self.look(block)[0]

    def unknown(self, block: str) -> "np.ndarray":
        """Whether the vocabulary lacks each character of a block, as a mask (len(block),)."""
        return self.look(block)[1]

    def look(self, block: str) -> "tuple[np.ndarray, np.ndarray]":
        """Both of these."""
        import numpy as np

        points = np.frombuffer(block.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        distinct, which = np.unique(points, return_inverse=True)
        characters = [chr(point) for point in distinct]
        self._learn({c for c in characters if c not in self._seen})
        seen = np.array([self._seen[c] for c in characters], dtype=np.int64).reshape(-1, 2)
        return seen[which, 0], seen[which, 1].astype(bool)

    def _learn(self, characters: set[str]) -> None:
        lacking = set(self._vocab.unknown("".join(characters)))
        for character in characters:
            known = self._vocab.adapt(character, "replace") if character in lacking else character
            self._seen[character] = len(self._vocab.encode(known)), character in lacking


def scored(
    engine: Engine, blocks: Iterator[Ids], windows: Iterable[Window]
) -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    """The marks and nats of ids, a window at a time; `windows` are those of a protocol over all ids of the blocks, of
    which as few are held as a window needs."""
    import numpy as np

    base, (ids, marks) = 0, next(blocks)  # what is held begins at position `base`
    for start, length, first in windows:
        while base + len(ids) <= start + length:
            more_ids, more_marks = next(blocks)
            ids = np.concatenate((ids[start - base :], more_ids))
            marks = np.concatenate((marks[start - base :], more_marks))
            base = start
        at, end = start - base, start + length - base
        rows = engine.score(ids[at:end])  # (T, V)
        targets = ids[first - base : end + 1]
        yield marks[first - base : end + 1], -rows[np.arange(first - 1 - start, length), targets]


def tally(
    engine: Engine,
    vocab: Vocab,
    blocks: Callable[[], Iterator[str]],
    cut: Callable[[int, int], Iterator[Window]],
    on_ids: Callable[[int, int], None] = lambda done, total: None,
) -> Tally:
    """What a text costs, which `blocks()` gives anew each time it is called; `cut` is a protocol's function of the
    number of ids and the block_size. `on_ids` is told how many ids of how many are scored, before each window.

    A model whose numbers are not finite costs nan. Memory does not grow with the text.
    """
    encoder = Encoder(vocab)
    n, characters, unknown, first_is_free = _survey(encoder, blocks())
    nats, done = 0.0, 1
    pieces = _marked(encoder, blocks())
    for known, cost in scored(engine, pieces, cut(n, engine.config.block_size)) if n else ():
        on_ids(done, n)
        nats += float(cost.sum() if known.all() else cost.sum(where=known))
        done += len(cost)
    return Tally(nats, characters, unknown, min(unknown - first_is_free, characters - 1))


def bits_of(
    engine: Engine, vocab: Vocab, text: str, on_characters: Callable[[int], None] = lambda done: None
) -> "np.ndarray":
    """Bits of each character of a text (len(text),) under `windows/v1`; nan for the first that becomes an id, which has
    nothing before it, and for those that the model does not know. `on_characters` is told how many are done, before
    each window. Raises BadData for numbers that are not finite."""
    import numpy as np

    encoder, found = Encoder(vocab), np.zeros(len(text))
    n = sum(int(encoder.counts(block).sum()) for _, block in blocks_of(text))
    for owners, nats in scored(engine, owned(encoder, text), windows(n, engine.config.block_size)) if n else ():
        check_finite(nats)
        on_characters(int(owners[0]))
        np.add.at(found, owners, bits(1) * nats)
    for begin, block in blocks_of(text):
        found[begin : begin + len(block)][encoder.unknown(block)] = np.nan
    first = next((int(owners[0]) for _, owners in owned(encoder, text) if len(owners)), 0)
    found[first : first + 1] = np.nan
    return found


def check_finite(nats: "np.ndarray") -> None:
    """Raise BadData for the nats of a model that is none any more."""
    import numpy as np

    if not np.isfinite(nats).all():
        raise BadData("the model's numbers are not finite: it diverged in training")


def owned(encoder: Encoder, text: str) -> Iterator[Ids]:
    """The ids of a text, and the index of the character that each is of."""
    import numpy as np

    for begin, block in blocks_of(text):
        yield encoder.ids(block), np.repeat(np.arange(begin, begin + len(block)), encoder.counts(block))


def blocks_of(text: str) -> Iterator[tuple[int, str]]:
    """Pieces of a text, and where they begin."""
    for begin in range(0, len(text), BLOCK_CHARACTERS):
        yield begin, text[begin : begin + BLOCK_CHARACTERS]


def _survey(encoder: Encoder, blocks: Iterator[str]) -> tuple[int, int, int, bool]:
    """How many ids, characters and unknown characters there are, and whether the first character that becomes an id,
    which stands where nothing is scored, is an unknown one."""
    ids = characters = unknown = 0
    first_is_free = False
    for block in blocks:
        counts, lacking = encoder.look(block)
        if not ids and counts.any():
            first_is_free = bool(lacking[counts.nonzero()[0][0]])
        ids += int(counts.sum())
        characters += len(block)
        unknown += int(lacking.sum())
    return ids, characters, unknown, first_is_free


def _marked(encoder: Encoder, blocks: Iterator[str]) -> Iterator[Ids]:
    """The ids of a text, and whether each is of a known character."""
    import numpy as np

    for block in blocks:
        counts, lacking = encoder.look(block)
        yield encoder.ids(block), np.repeat(~lacking, counts)
