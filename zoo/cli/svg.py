"""Curves as a drawing in a page: lines that take their colours from the page, and an axis on either side."""

import math
from collections.abc import Sequence

from zoo.cli import html
from zoo.cli.curve import span
from zoo.cli.curves import PALETTE, Line
from zoo.registry.history import Point

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 40
TICKS = 5
DOTTED = 40  # points, of which each has a dot: one alone would not be seen
DASHES = ("", "6 3", "2 3", "8 3 2 3")
STYLE = (
    "svg { width: 100%; max-width: 45rem; height: auto; }\n"
    "svg text { fill: currentColor; font: 12px system-ui, sans-serif; }\n"
    "svg .axis { stroke: currentColor; stroke-opacity: .2; }\n"
    "svg .line { fill: none; stroke-width: 2; }\n"
    + "".join(f".c{number} {{ stroke: {colour}; }}\n" for number, colour in enumerate(PALETTE))
    + "".join(f"circle.c{number} {{ fill: {colour}; }}\n" for number, colour in enumerate(PALETTE))
)


def curves(lines: Sequence[Line]) -> str:
    """The validation losses of models that compare, by step, in one frame."""
    low, high = span(line.points for line in lines)
    last = max(step for line in lines for step, _ in line.points) or 1
    names = ", ".join(line.model.name for line in lines)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="validation loss by step of {html.text(names)}">',
        *_axes(low, high, last),
        *(_drawn(line, low, high, last) for line in lines),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def key(line: Line) -> str:
    """A stroke like that of a line, for a legend."""
    dash = _dash(line)
    stroke = f'<path class="{_classes(line)}"{dash} d="M0 4H24"/>'
    return f'<svg class="key" viewBox="0 0 24 8" aria-hidden="true">{stroke}</svg>'


def _axes(low: float, high: float, last: float) -> list[str]:
    losses = _round_numbers(low, high)
    decimals = max(2, math.ceil(-math.log10(losses[1] - losses[0]))) if len(losses) > 1 else 2
    parts = []
    for loss in losses:
        y = _y(loss, low, high)
        parts.append(f'<path class="axis" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:.{decimals}f}</text>')
    for step in _round_numbers(0, last):
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / last
        anchor = "end" if x > WIDTH - 2 * RIGHT else "middle"
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="{anchor}">{step:,.0f}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">step</text>')
    return parts


def _round_numbers(low: float, high: float) -> list[float]:
    """From low to high, at most so many and one: multiples of 1, 2 or 5 times a power of ten."""
    least = max(high - low, 1e-9) / TICKS
    power = 10.0 ** math.floor(math.log10(least))
    grain = next(digit * power for digit in (1, 2, 5, 10) if digit * power >= least * (1 - 1e-9))
    return [grain * i for i in range(math.ceil(low / grain - 1e-9), math.floor(high / grain + 1e-9) + 1)]


def _drawn(line: Line, low: float, high: float, last: float) -> str:
    places = [_place(point, low, high, last) for point in line.points]
    title = f"<title>{html.text(line.model.name)}</title>"
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle class="c{line.number % len(PALETTE)}" cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in places
    )
    return (
        f'<path class="{_classes(line)}"{_dash(line)} d="{path}">{title}</path>{dots if len(places) <= DOTTED else ""}'
    )


def _place(point: Point, low: float, high: float, last: float) -> tuple[float, float]:
    step, loss = point
    return LEFT + (WIDTH - LEFT - RIGHT) * step / last, _y(loss, low, high)


def _y(loss: float, low: float, high: float) -> float:
    """Of a loss; one that is above the frame stands at its edge."""
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - min(max(loss, low), high)) / (high - low)


def _classes(line: Line) -> str:
    return f"line c{line.number % len(PALETTE)}"


def _dash(line: Line) -> str:
    dash = DASHES[line.number // len(PALETTE) % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""
