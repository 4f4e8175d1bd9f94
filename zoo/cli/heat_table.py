"""A heat table: numbers in rows and columns on the colours of a scale, broken into as many tables as the width asks."""

import string
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, product

from zoo.cli.heat import UNKNOWN, Canvas, Scale, painted
from zoo.cli.terminal import cells, is_terminal, one_line, squeeze

GAP = 1
MOST_NAME = 24  # columns for the name of a row
LEAST_NAME = 8


@dataclass(frozen=True)
class Cell:
    """What stands in a cell, and the value that gives it its colour: nan for none."""

    text: str
    value: float


def heat_table(
    names: Sequence[str], heads: Sequence[str], rows: Sequence[Sequence[Cell]], scale: Scale, canvas: Canvas
) -> Iterator[str]:
    """Lines: a head, and a row for each name; heads that do not fit above their columns become letters, which are
    explained before. Columns that do not fit at all follow in a table of their own."""
    names, heads = [one_line(name) for name in names], [one_line(head) for head in heads]
    widest = max((cells(cell.text) for row in rows for cell in row), default=1)
    name_width = max(map(cells, names), default=1)
    if is_terminal(sys.stdout):
        name_width = min(name_width, MOST_NAME, max(LEAST_NAME, canvas.columns // 3))
        room = canvas.columns - name_width
    else:  # a pipe gets all of it, in one table
        room = sys.maxsize
    labels = heads
    if sum(max(widest, cells(head)) + GAP for head in heads) > room:
        labels = list(islice(letters(), len(heads)))
        yield from _explained(labels, heads, canvas.columns)
        yield ""
    widths = [max(widest, cells(label)) for label in labels]
    for number, (begin, end) in enumerate(_fitting(widths, room)):
        if number:
            yield ""
        head = "".join(f"{' ' * GAP}{_right(labels[i], widths[i])}" for i in range(begin, end))
        yield (" " * name_width + head).rstrip()
        for name, row in zip(names, rows, strict=True):
            drawn = "".join(_drawn(row[i], widths[i], scale, canvas) for i in range(begin, end))
            yield (_left(squeeze(name, name_width), name_width) + drawn).rstrip()


def letters() -> Iterator[str]:
    """a, b, ..., z, aa, ab, ..."""
    for length in count(1):
        yield from map("".join, product(string.ascii_lowercase, repeat=length))


def _fitting(widths: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """The columns of each table, one at least: (begin, end) pairs."""
    begin = used = 0
    for at, width in enumerate(widths):
        if at > begin and used + width + GAP > room:
            yield begin, at
            begin, used = at, 0
        used += width + GAP
    if widths:
        yield begin, len(widths)


def _drawn(cell: Cell, width: int, scale: Scale, canvas: Canvas) -> str:
    text = _right(cell.text, width)
    step = scale.step_of(cell.value)
    return " " * GAP + (text if step == UNKNOWN or not canvas.colour else painted(text, step, scale))


def _explained(labels: Sequence[str], heads: Sequence[str], columns: int) -> Iterator[str]:
    """Each label with its head, as many to a line as fit in a column each."""
    words = [f"{label} {head}" for label, head in zip(labels, heads, strict=True)]
    width = max(map(cells, words)) + 2
    each = max(1, columns // width)
    for begin in range(0, len(words), each):
        yield "".join(_left(word, width) for word in words[begin : begin + each]).rstrip()


def _left(text: str, width: int) -> str:
    return text + " " * (width - cells(text))


def _right(text: str, width: int) -> str:
    return " " * (width - cells(text)) + text
