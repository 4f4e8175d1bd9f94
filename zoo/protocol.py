"""How a text is scored, once and for all: in which windows, and what a character costs that a model does not know.

`windows/v1` is for a loss that is ranked, `sliding/v1` for what a model that writes the text would see.
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

WINDOWS_V1 = "windows/v1"
SLIDING_V1 = "sliding/v1"
UNKNOWN_SHARE = 2.0**-10  # of all probability, kept for the characters that a model does not know
CODE_POINTS = 0x110000 - 0x800  # characters that a text may have: those of Unicode, without halves of pairs


class Window(NamedTuple):
    """Feeds ids[start : start + length] and scores ids[first : start + length + 1]."""

    start: int
    length: int
    first: int


def windows(n: int, block_size: int) -> Iterator[Window]:
    """The windows of `windows/v1` over n ids: they do not overlap, every position from 1 to n - 1 is scored exactly
    once, and the last window may be short."""
    for start in window_starts(n, block_size):
        yield Window(start, min(block_size, n - 1 - start), start + 1)


def window_starts(n: int, block_size: int) -> range:
    """Where the windows over n ids begin: as many as there are windows, and none of them in memory."""
    return range(0, n - 1, block_size)


def sliding_windows(n: int, block_size: int) -> Iterator[Window]:
    """The windows of `sliding/v1` over n ids: every position from 1 to n - 1 is scored exactly once, from
    block_size // 2 ids before it at least, or from all that there are; and from exactly those that a model sees when it
    writes, under `half-window/v1`."""
    advance = block_size - block_size // 2
    first = 1
    for start in range(0, max(n - 1, 0), advance):
        length = min(block_size, n - 1 - start)
        yield Window(start, length, first)
        first = start + length + 1
        if first == n:
            return


PROTOCOLS: dict[str, Callable[[int, int], Iterator[Window]]] = {WINDOWS_V1: windows, SLIDING_V1: sliding_windows}


def unknown_nats() -> float:
    """What a character costs that a model does not know: a share of all probability is kept for these, and every
    character of Unicode has as much of it as any other."""
    return math.log(CODE_POINTS) - math.log(UNKNOWN_SHARE)


def known_nats() -> float:
    """What a known character costs more, in a text that has unknown ones: their share must come from somewhere."""
    return -math.log1p(-UNKNOWN_SHARE)


def nats_per_character(total_nats: float, characters: int) -> float:
    """Mean loss of a text of so many characters, whatever its unit: the first character has no context and is not
    scored, so bytes, characters and sub-words divide by the same count."""
    return total_nats / (characters - 1)


def bits(nats: float) -> float:
    return nats / math.log(2)
