"""How a validation loss is counted, once and for all: `windows/v1`."""

import math
from collections.abc import Iterator

WINDOWS_V1 = "windows/v1"


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


def nats_per_character(total_nats: float, characters: int) -> float:
    """Mean loss of a text of so many characters, whatever its unit: the first character has no context and is not
    scored, so bytes, characters and sub-words divide by the same count."""
    return total_nats / (characters - 1)


def bits(nats: float) -> float:
    return nats / math.log(2)
