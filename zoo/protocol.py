"""In which windows a text is scored, once and for all: `windows/v1` for a loss, `sliding/v1` for each of its ids."""

import math
from collections.abc import Iterator

WINDOWS_V1 = "windows/v1"
SLIDING_V1 = "sliding/v1"


def windows(n: int, block_size: int) -> Iterator[tuple[int, int]]:
    """The windows of `windows/v1` over n ids: (start, length) pairs.

    A window feeds ids[start : start + length] and scores ids[start + 1 : start + length + 1]. Windows do not overlap,
    every position from 1 to n - 1 is scored exactly once, and the last window may be short.
    """
    for start in window_starts(n, block_size):
        yield start, min(block_size, n - 1 - start)


def window_starts(n: int, block_size: int) -> range:
    """Where the windows over n ids begin: as many as there are windows, and none of them in memory."""
    return range(0, n - 1, block_size)


def sliding_windows(n: int, block_size: int) -> Iterator[tuple[int, int, int]]:
    """The windows of `sliding/v1` over n ids: (start, length, first) triples.

    A window feeds ids[start : start + length] and scores ids[first : start + length + 1]. Every position from 1 to
    n - 1 is scored exactly once, from block_size // 2 ids before it at least, or from all that there are; and from
    exactly those that a model sees when it writes, under `half-window/v1`.
    """
    advance = block_size - block_size // 2
    first = 1
    for start in range(0, max(n - 1, 0), advance):
        length = min(block_size, n - 1 - start)
        yield start, length, first
        first = start + length + 1
        if first == n:
            return


def nats_per_character(total_nats: float, characters: int) -> float:
    """Mean loss of a text of so many characters, whatever its unit: the first character has no context and is not
    scored, so bytes, characters and sub-words divide by the same count."""
    return total_nats / (characters - 1)


def bits(nats: float) -> float:
    return nats / math.log(2)
