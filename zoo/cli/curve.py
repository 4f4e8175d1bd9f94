"""The curve of the losses, in characters: a line for those of training, a mark for each validation."""

import math
from collections.abc import Sequence
from itertools import pairwise

from zoo.registry.history import Point

LEAST_SPAN = 16
BRAILLE, DOTS = 0x2800, ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # a cell of two columns by four rows
POINTS = (" ", "'", ".", ":")  # a cell of one by two, in ASCII
MARK, ASCII_MARK = "●", "o"
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
    low, high, decimals = _range([loss for _, loss in train], [loss for _, loss in val])
    top, bottom = (_label(high, decimals), _label(low, decimals)) if train or val else ("", "")
    gutter = max(len(top), len(bottom), 4) + 2
    grid = _Grid(columns - gutter, rows, plain)

    def place(point: Point) -> tuple[int, int]:
        x, y = (point[0] - first) / max(1, last - first), (high - point[1]) / (high - low)
        return grid.nearest(x, y)

    grid.line([place(point) for point in train])
    for point in val:
        grid.mark(*place(point))
    tick, axis = ("|", "|") if plain else ("┤", "│")
    labels = [top, *[""] * (rows - 2), bottom]
    left = [f"{label:>{gutter - 2}} {tick if label else axis}" for label in labels]
    begin, end = f"{first:,}", f"{last:,}"
    foot = " " * gutter + begin + end.rjust(columns - gutter - len(begin))
    return [*map("".join, zip(left, grid.rows(), strict=True)), foot]


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


def _range(train: list[float], val: list[float]) -> tuple[float, float, int]:
    """The losses between which a curve is drawn, rounded so that they seldom change, and their decimals.

    The first losses tower over all later ones, so the first tenth may stick out at the top.
    """
    losses = train[len(train) // 10 :] + val
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


class _Grid:
    """Cells of dots."""

    def __init__(self, columns: int, rows: int, plain: bool) -> None:
        self.plain = plain
        self.cell = (1, 2) if plain else (2, 4)
        self.width, self.height = columns * self.cell[0], rows * self.cell[1]
        self._dots = [[0] * columns for _ in range(rows)]
        self._marks: set[tuple[int, int]] = set()

    def nearest(self, x: float, y: float) -> tuple[int, int]:
        """The dot for shares of width and height; what lies outside stands at the edge."""
        return round(min(max(x, 0), 1) * (self.width - 1)), round(min(max(y, 0), 1) * (self.height - 1))

    def line(self, places: list[tuple[int, int]]) -> None:
        """Dots from place to place, without a gap."""
        for place in places[:1]:
            self._dot(*place)
        for (x, y), (next_x, next_y) in pairwise(places):
            length = max(abs(next_x - x), abs(next_y - y), 1)
            for i in range(length + 1):
                self._dot(round(x + (next_x - x) * i / length), round(y + (next_y - y) * i / length))

    def _dot(self, x: int, y: int) -> None:
        wide, high = self.cell
        self._dots[y // high][x // wide] |= y % high + 1 if self.plain else DOTS[x % wide][y % high]

    def mark(self, x: int, y: int) -> None:
        self._marks.add((x // self.cell[0], y // self.cell[1]))

    def rows(self) -> list[str]:
        return ["".join(self._shown(x, y) for x in range(len(row))).rstrip() for y, row in enumerate(self._dots)]

    def _shown(self, x: int, y: int) -> str:
        if (x, y) in self._marks:
            return ASCII_MARK if self.plain else MARK
        dots = self._dots[y][x]
        return POINTS[dots] if self.plain else chr(BRAILLE + dots) if dots else " "
