"""Curves of losses in characters: of one training, with a mark for each validation, and of several in one frame."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from string import ascii_letters

from zoo.cli.frame import Frame
from zoo.cli.grid import Grid, Piece
from zoo.registry.history import Point

LEAST_SPAN = 16
LABELLED_ROWS = 8  # a lower frame has labels at its bounds alone
LETTERS, LETTER_GAP = ascii_letters, 6  # cells between two letters of one line
LEVELS, ASCII_LEVELS = "▁▂▃▄▅▆▇█", "_.-=+*#"


def reach(first: int, step: int, last: int) -> int:
    """Where the steps of a curve should end: the way to the last one, halved as often as it still holds this step.

    So the curve fills at least half of its room, and moves only when it has doubled.
    """
    span = last - first
    while span // 2 >= max(step - first, LEAST_SPAN):
        span //= 2
    return first + span


def curve(
    train: Sequence[Point], val: Sequence[Point], *, first: int, last: int, columns: int, rows: int, plain: bool = False
) -> list[str]:
    """Draw a training in `rows` rows and one below for the steps from first to last; `plain` keeps to ASCII."""
    axes = _Axes(Frame.around([train, val], first, last), columns, rows, plain, is_empty=not (train or val))
    axes.draw(train)
    for place in axes.frame.points(val):
        axes.grid.mark(*axes.grid.nearest(*place))
    return [*map("".join, zip(axes.left(), axes.grid.rows(), strict=True)), axes.foot()]


def overlay(
    lines: Mapping[int, Sequence[Point]], *, columns: int, rows: int, plain: bool = False, lettered: bool = False
) -> list[list[Piece]]:
    """Draw several lines in one frame, from step 0 to the last: `rows` rows in pieces, and one for the steps.

    Each line ends in its letter, or has it where it is seen last; `lettered` sets it on the way, too, for those who see
    no colours. Where lines meet, the first is on top.
    """
    axes = _Axes(Frame.around(lines.values()), columns, rows, plain, is_empty=not any(lines.values()))
    grid = axes.grid
    for number, line in reversed(list(lines.items())):
        axes.draw(line, number)
    for number, line in lines.items():
        before = math.inf
        for x, y in reversed([grid.nearest(*place) for place in axes.frame.points(line)]):
            is_due = before == math.inf or (lettered and before - x >= LETTER_GAP * grid.cell[0])
            if is_due and not grid.is_marked(x, y):
                grid.mark(x, y, letter(number)[0], number)
                before = x
    body = zip(axes.left(), grid.pieces(), strict=True)
    return [*([Piece(left), *pieces] for left, pieces in body), [Piece(axes.foot())]]


def letter(number: int) -> str:
    """What stands for a line: a letter, and a number behind it when all have been used."""
    rounds, at = divmod(number, len(LETTERS))
    return f"{LETTERS[at]}{rounds or ''}"


class _Axes:
    """A frame as a grid with labels: losses on the left, the first and the last step below."""

    def __init__(self, frame: Frame, columns: int, rows: int, plain: bool, *, is_empty: bool) -> None:
        ticks = [] if is_empty else frame.losses()
        self.frame = frame
        self._gutter = max(4, *(len(label) for _, label in ticks), 0) + 2
        self.grid = Grid(columns - self._gutter, rows, plain)
        labelled = {self.grid.row(y): label for y, label in ticks[:: _every(len(ticks) - 1, rows)]}
        self._labels = [labelled.get(row, "") for row in range(rows)]

    def draw(self, line: Sequence[Point], number: int = 0) -> None:
        for stroke in self.frame.strokes(line):
            self.grid.line([self.grid.nearest(*place) for place in stroke], number)

    def left(self) -> list[str]:
        tick, axis = ("|", "|") if self.grid.plain else ("┤", "│")
        return [f"{label:>{self._gutter - 2}} {tick if label else axis}" for label in self._labels]

    def foot(self) -> str:
        begin, end = f"{self.frame.first:,}", f"{self.frame.last:,}"
        return " " * self._gutter + (begin + end.rjust(self.grid.columns - len(begin)))[-self.grid.columns :]


def _every(intervals: int, rows: int) -> int:
    """Return n so that every n-th tick can have a label, the first and the last included, with a row between two."""
    fitting = (n for n in range(1, intervals) if intervals % n == 0 and rows > 2 * intervals // n)
    return next(fitting if rows >= LABELLED_ROWS else iter(()), max(1, intervals))


def sparkline(points: Sequence[Point], columns: int, *, plain: bool = False) -> str:
    """Return a history in one line of at most so many cells, each the mean of neighbours.

    A first loss above all others is cut off: it has the highest level to itself, the others share those below.
    """
    levels = ASCII_LEVELS if plain else LEVELS
    count = min(columns, len(points))
    edges = [len(points) * at // max(1, count) for at in range(count + 1)]
    means = [sum(loss for _, loss in points[a:b]) / (b - a) for a, b in pairwise(edges)]
    if not means:
        return ""
    low, high = min(means), max(means[count > 2 :])
    top = len(levels) - (2 if means[0] > high else 1)
    return "".join(
        levels[-1] if mean > high else levels[round(top * (mean - low) / (high - low)) if high > low else 0]
        for mean in means
    )
