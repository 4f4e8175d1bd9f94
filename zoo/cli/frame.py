"""A line chart, however it is drawn: its lines, the frame around them, round ticks, and what of a line lies inside."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from zoo.protocol import CODE_POINTS
from zoo.registry.history import Point
from zoo.registry.model import Model

# by Okabe and Ito, safe for colour-blind readers; without black (dark terminals) and yellow (white paper)
PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#0072B2")
INTERVALS = 5  # at most, between the ticks of an axis
GUESS = math.log(CODE_POINTS)  # nats per character of a guess among all of Unicode; a greater loss has diverged
FLAT = 1e-3  # of the greatest loss: lines that differ by less lie in the middle of their frame
PADDING = 0.05  # of the loss, above and below such lines
PLAIN = 1e4  # a label is written in full below this

Place = tuple[float, float]  # shares of the width, from the left, and of the height, from the top


@dataclass(frozen=True)
class Line:
    """The validations of a model while it was trained, and its number among all that are drawn."""

    model: Model
    number: int
    points: list[Point]

    @property
    def colour(self) -> str:
        return PALETTE[self.number % len(PALETTE)]


@dataclass(frozen=True)
class Frame:
    """Steps from first to last and losses from low to high; the ticks of the losses are multiples of `grain`."""

    first: float
    last: float
    low: float
    high: float
    grain: float

    @classmethod
    def around(cls, lines: Iterable[Sequence[Point]], first: float = 0, last: float | None = None) -> Self:
        """Return a frame around lines, but for their first tenth and for what has diverged: both tower over the rest.

        Lines leave it where they are higher. The bounds are rounded outwards to ticks, so they seldom change.
        """
        lines = list(lines)
        if last is None:
            last = math.ceil(max((step for line in lines for step, _ in line), default=0))
        losses = [loss for line in lines for _, loss in line[len(line) // 10 :]]
        losses = [loss for loss in losses if loss <= GUESS] or losses or [0.0, 1.0]
        low, high = min(losses), max(losses)
        if high - low <= FLAT * max(high, FLAT):
            padding = max(PADDING * high, FLAT)
            low, high = max(0.0, low - padding), high + padding
        grain = _grain(high - low, INTERVALS)
        # rounded, because 1.1 / 0.1 is more than 11
        low, high = math.floor(round(low / grain, 9)), math.ceil(round(high / grain, 9))
        return cls(first, max(last, first + 1), _multiple(low, grain), _multiple(high, grain), grain)

    def losses(self) -> list[tuple[float, str]]:
        """Return the ticks of the losses, from low to high, each as its share of the height and its label."""
        decimals = max(0, -math.floor(math.log10(self.grain)))
        ticks = _ticks(self.low, self.high, self.grain)
        return [
            (self.place((0, loss))[1], f"{loss:.{decimals}f}" if self.high < PLAIN else f"{loss:g}") for loss in ticks
        ]

    def steps(self, intervals: int = INTERVALS) -> list[tuple[float, str]]:
        """Return the ticks of the steps, each as its share of the width and its label."""
        ticks = _ticks(self.first, self.last, max(1, _grain(self.last - self.first, intervals)))
        return [(self.place((step, 0))[0], f"{step:,.0f}") for step in ticks]

    def place(self, point: Point) -> Place:
        """Return where a point lies; outside of the frame the shares are negative or above 1."""
        step, loss = point
        return (step - self.first) / (self.last - self.first), (self.high - loss) / (self.high - self.low)

    def points(self, line: Sequence[Point]) -> list[Place]:
        """Return the places of the points that lie inside the frame."""
        return [place for place in map(self.place, line) if all(0 <= share <= 1 for share in place)]

    def strokes(self, line: Sequence[Point]) -> list[list[Place]]:
        """Return what is seen of a line, cut off where it crosses the edge of the frame: one list for each part."""
        places = [self.place(point) for point in line]
        strokes: list[list[Place]] = []
        for segment in pairwise(places if len(places) > 1 else places * 2):
            if part := clipped(*segment):
                if strokes and strokes[-1][-1] == part[0]:
                    strokes[-1].append(part[1])
                else:
                    strokes.append(list(part))
        return strokes

    def note(self, line: Line) -> str:
        """Return what a legend should say of a line that cannot be seen, with a blank before it."""
        return "" if self.strokes(line.points) else " (above the frame)"


def clipped(begin: Place, end: Place) -> tuple[Place, Place] | None:
    """Return the part of a segment that lies in the unit square, after Liang and Barsky; None if there is none."""
    enter, leave = 0.0, 1.0
    for at, to in zip(begin, end, strict=True):
        if at == to:
            if not 0 <= at <= 1:
                return None
            continue
        crossings = sorted((-at / (to - at), (1 - at) / (to - at)))
        enter, leave = max(enter, crossings[0]), min(leave, crossings[1])
    if enter > leave:
        return None
    first = begin if enter == 0 else _between(begin, end, enter)
    return first, end if leave == 1 else _between(begin, end, leave)


def _between(begin: Place, end: Place, share: float) -> Place:
    x, y = (min(max(at + (to - at) * share, 0.0), 1.0) for at, to in zip(begin, end, strict=True))
    return x, y


def _grain(span: float, intervals: int) -> float:
    """Return the least of 1, 2 or 5 times a power of ten that divides a span into at most `intervals` parts."""
    least = span / intervals
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))


def _ticks(low: float, high: float, grain: float) -> list[float]:
    begin, end = math.ceil(round(low / grain, 9)), math.floor(round(high / grain, 9))
    return [_multiple(number, grain) for number in range(begin, end + 1)]


def _multiple(number: int, grain: float) -> float:
    """Return `number` times `grain`. Below 1 it divides, because 3 / 10 is nearer to 0.3 than 3 * 0.1."""
    return number / round(1 / grain) if grain < 1 else number * grain
