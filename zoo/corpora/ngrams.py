"""How well a text is predicted by counting alone: what a model of it must beat.

An interpolated character n-gram model with the modified Kneser-Ney smoothing of Chen and Goodman (1998). Its longest
level counts how often a k-gram occurs, every shorter one before how many distinct characters it occurs, with the
beginning of the text as one of them. What the discounts take from a context is shared out by the level below, the
lowest by a uniform distribution over the alphabet of both parts, so no character of `val` is impossible.
"""

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.corpora.corpus import Corpus, Part

if TYPE_CHECKING:
    import numpy as np

ORDER = 7  # characters of the longest k-gram, the predicted one among them
LIMIT = 2_000_000  # characters of train that, with a ninth as many of val, take a second or two and 250 MB
FALLBACK = (0.5, 1.0, 1.5)  # discounts of a level with too few rare k-grams to estimate them


class _Level(NamedTuple):
    """The distinct k-grams of train and val, K of them: numbered, in any order."""

    at: "np.ndarray"  # (characters - k + 1,) the number of the one that begins at each character
    context: "np.ndarray"  # (K,) the (k-1)-gram that each begins with
    rest: "np.ndarray"  # (K,) the (k-1)-gram that each ends with


def baseline(corpus: Corpus) -> dict[str, Any]:
    """What is kept of it with a corpus: the order, bits per character, and how many characters that was counted on and
    scored; empty for a text that is too short.

    Of a large text the beginning of each part, for a baseline should not take longer than the fetch.
    """
    train, val = _beginning(corpus, "train", LIMIT), _beginning(corpus, "val", LIMIT // 9)
    if len(val) < 2:
        return {}
    return {"order": ORDER, "bpc": ngram_bits(train, val), "train_characters": len(train), "val_characters": len(val)}


def _beginning(corpus: Corpus, part: Part, characters: int) -> str:
    pieces, size = [], 0
    for block in corpus.blocks(part):
        pieces.append(block)
        size += len(block)
        if size >= characters:
            break
    return "".join(pieces)[:characters]


def ngram_bits(train: str, val: str, *, order: int = ORDER) -> float:
    """Bits per character of `val`, predicted from counts of `train` alone.

    Scored as by `windows/v1`: every character but the first, and no context reaches back into `train`. Raises
    ValueError for a `val` of less than two characters, of which none is scored.
    """
    import numpy as np

    if len(val) < 2:
        raise ValueError("the first character is not scored, so a text of less than two has no bits per character")
    points = np.frombuffer((train + val).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    alphabet, ids = np.unique(points, return_inverse=True)
    levels = _levels(ids, len(alphabet), min(order, len(train)))
    probability = np.full(len(val), 1 / len(alphabet))
    for shorter, (level, counts) in enumerate(zip(levels, _counts(levels, len(train)), strict=True)):
        probability[shorter:] = _interpolate(level, counts, level.at[len(train) :], probability[shorter:])
    return float(np.log2(1 / probability[1:]).mean())


def _levels(ids: "np.ndarray", size: int, order: int) -> list[_Level]:
    """The k-grams of ids (T,) below size, for each k from 1 to order."""
    import numpy as np

    levels = []
    at = np.zeros(len(ids) + 1, dtype=np.int64)  # the empty one
    for k in range(1, order + 1):
        shorter = at
        keys, at = np.unique(shorter[:-1] * size + ids[k - 1 :], return_inverse=True)
        rest = np.empty(len(keys), dtype=np.int32)
        rest[at] = shorter[1:]
        levels.append(_Level(at.astype(np.int32), (keys // size).astype(np.int32), rest))
    return levels


def _counts(levels: list[_Level], train: int) -> "list[np.ndarray]":
    """The count (K,) of each k-gram of each level, of which the first `train` characters alone are counted."""
    import numpy as np

    if not levels:
        return []
    longest = levels[-1]
    counts = [np.bincount(longest.at[: train - len(levels) + 1], minlength=len(longest.rest))]
    for longer, level in pairwise(reversed(levels)):
        before = np.bincount(longer.rest[counts[-1] > 0], minlength=len(level.rest))
        before[level.at[0]] += 1  # the beginning of the text
        counts.append(before)
    return counts[::-1]


def _interpolate(level: _Level, counts: "np.ndarray", grams: "np.ndarray", lower: "np.ndarray") -> "np.ndarray":
    """The probability (T,) of the last character of each of the k-grams (T,) after the others, from that of `lower`."""
    import numpy as np

    discounts = _discounts(counts)[np.minimum(counts, 3)]
    total = np.bincount(level.context, weights=counts)
    shared = np.bincount(level.context, weights=discounts)
    context = level.context[grams]
    counted = (counts - discounts)[grams] + shared[context] * lower
    return np.where(total[context] > 0, counted / np.maximum(total[context], 1), lower)


def _discounts(counts: "np.ndarray") -> "np.ndarray":
    """What is taken from a count of 0, of 1, of 2 and of 3 or more: (4,), never all of it nor nothing."""
    import numpy as np

    one, two, three, four = (int((counts == n).sum()) for n in range(1, 5))
    if one and two and three:
        share = one / (one + 2 * two)
        estimated = (share, 2 - 3 * share * three / two, 3 - 4 * share * four / three)
        if min(estimated) > 0:
            return np.array((0, *estimated))
    return np.array((0, *FALLBACK))
