"""Curves of losses in characters: of one training, with a mark for each validation, and of several in one frame."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from string import ascii_letters

from zoo.cli.grid import Grid, Piece
from zoo.registry.history import Point

LEAST_SPAN = 16
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
    """So many rows, and one below them for the steps from first to last; `plain` keeps to ASCII."""
    losses = [loss for _, loss in (*train[len(train) // 10 :], *val)]
    frame = _Frame(losses, first, last, columns, rows, plain)
    frame.grid.line([frame.place(point) for point in train])
    for point in val:
        frame.grid.mark(*frame.place(point))
    return [*map("".join, zip(frame.left(), frame.grid.rows(), strict=True)), frame.foot()]


def overlay(
    lines: Mapping[int, Sequence[Point]], *, columns: int, rows: int, plain: bool = False, lettered: bool = False
) -> list[list[Piece]]:
    """Several lines in one frame, from step 0 to the last one: so many rows in pieces, and one for the steps.

    Each line ends in its letter, or has it where it is seen last; `lettered` sets it on the way, too, for those who see
    no colours. Where lines meet, the first is on top.
    """
    losses = [loss for line in lines.values() for loss in _settled(line)]
    last = max((step for line in lines.values() for step, _ in line), default=0)
    frame = _Frame(losses, 0, math.ceil(last), columns, rows, plain)
    for number, line in reversed(list(lines.items())):
        frame.grid.line([frame.place(point) for point in line], number)
    for number, line in lines.items():
        before = math.inf
        for x, y in reversed([frame.place(point) for point in line]):
            is_due = before == math.inf or (lettered and before - x >= LETTER_GAP * frame.grid.cell[0])
            if is_due and not frame.grid.is_marked(x, y):
                frame.grid.mark(x, y, letter(number)[0], number)
                before = x
    body = zip(frame.left(), frame.grid.pieces(), strict=True)
    return [*([Piece(left), *pieces] for left, pieces in body), [Piece(frame.foot())]]


def letter(number: int) -> str:
    """What stands for a line: a letter, and a number behind it when all have been used."""
    rounds, at = divmod(number, len(LETTERS))
    return f"{LETTERS[at]}{rounds or ''}"


def span(lines: Iterable[Sequence[Point]]) -> tuple[float, float]:
    """The losses between which lines are drawn."""
    low, high, _ = _range([loss for line in lines for loss in _settled(line)])
    return low, high


def _settled(line: Sequence[Point]) -> list[float]:
    """The losses of a line without its first tenth: they tower over all later ones, and may stick out at the top."""
    return [loss for _, loss in line[math.ceil(len(line) / 10) if len(line) > 2 else 0 :]]


class _Frame:
    """The axes around a grid: losses on the left, steps below."""

    def __init__(self, losses: list[float], first: int, last: int, columns: int, rows: int, plain: bool) -> None:
        self.low, self.high, decimals = _range(losses)
        self.first, self.last = first, last
        top, bottom = (_label(self.high, decimals), _label(self.low, decimals)) if losses else ("", "")
        self._labels = [top, *[""] * (rows - 2), bottom]
        self._gutter = max(len(top), len(bottom), 4) + 2
        self.grid = Grid(columns - self._gutter, rows, plain)

    def place(self, point: Point) -> tuple[int, int]:
        """The dot for a point."""
        x = (point[0] - self.first) / max(1, self.last - self.first)
        return self.grid.nearest(x, (self.high - point[1]) / (self.high - self.low))

    def left(self) -> list[str]:
        tick, axis = ("|", "|") if self.grid.plain else ("┤", "│")
        return [f"{label:>{self._gutter - 2}} {tick if label else axis}" for label in self._labels]

    def foot(self) -> str:
        begin, end = f"{self.first:,}", f"{self.last:,}"
        return " " * self._gutter + (begin + end.rjust(self.grid.columns - len(begin)))[-self.grid.columns :]


def sparkline(points: Sequence[Point], columns: int, *, plain: bool = False) -> str:
    """A history in one line of at most so many cells, each the mean of neighbours; its first loss may be cut off."""
    levels = ASCII_LEVELS if plain else LEVELS
    count = min(columns, len(points))
    edges = [len(points) * at // max(1, count) for at in range(count + 1)]
    means = [sum(loss for _, loss in points[a:b]) / (b - a) for a, b in pairwise(edges)]
    if not means:
        return ""
    low, high = min(means), max(means[count > 2 :])
    share = [(min(mean, high) - low) / (high - low) if high > low else 0.0 for mean in means]
    return "".join(levels[round(at * (len(levels) - 1))] for at in share)


def _label(loss: float, decimals: int) -> str:
    return f"{loss:.{decimals}f}" if loss < 1000 else f"{loss:.2g}"


def _range(losses: list[float]) -> tuple[float, float, int]:
    """The losses between which a curve is drawn, rounded so that they seldom change, and their decimals."""
    if not losses:
        return 0.0, 1.0, 2
    low, high = min(losses), max(losses)
    grain = _grain(max(high - low, 1e-3 * abs(high), 1e-6) / 5)
    low, high = math.floor(low / grain) * grain, math.ceil(high / grain) * grain
    return low, max(high, low + grain), max(2, math.ceil(-math.log10(grain)))


def _grain(at_most: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... and 0.5, 0.2, 0.1, ... that is not larger."""
    power = 10.0 ** math.floor(math.log10(at_most))
    return max(digit * power for digit in (1, 2, 5) if digit * power <= at_most or digit == 1)
