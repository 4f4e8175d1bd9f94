"""Curves as a drawing in a page: lines that take their colours from the page, and an axis on either side."""

import math
from collections.abc import Sequence

from zoo.cli import html
from zoo.cli.curve import span
from zoo.cli.curves import PALETTE, Line
from zoo.registry.history import Point

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 40
TICKS = 4
DASHES = ("", "6 3", "2 3", "8 3 2 3")
STYLE = (
    "svg { width: 100%; max-width: 45rem; height: auto; }\n"
    "svg text { fill: currentColor; font: 12px system-ui, sans-serif; }\n"
    "svg .axis { stroke: currentColor; stroke-opacity: .2; }\n"
    "svg .line { fill: none; stroke-width: 2; }\n"
    + "".join(f".c{number} {{ stroke: {colour}; }}\n" for number, colour in enumerate(PALETTE))
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
    decimals = max(2, math.ceil(-math.log10((high - low) / TICKS)))
    parts = []
    for i in range(TICKS + 1):
        y, loss = _y(low + (high - low) * i / TICKS, low, high), low + (high - low) * i / TICKS
        parts.append(f'<path class="axis" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{loss:.{decimals}f}</text>')
        x, anchor = LEFT + (WIDTH - LEFT - RIGHT) * i / TICKS, "end" if i == TICKS else "middle"
        parts.append(
            f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="{anchor}">{last * i / TICKS:,.0f}</text>'
        )
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">step</text>')
    return parts


def _drawn(line: Line, low: float, high: float, last: float) -> str:
    places = [_place(point, low, high, last) for point in line.points]
    title = f"<title>{html.text(line.model.name)}</title>"
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return f'<path class="{_classes(line)}"{_dash(line)} d="{path}">{title}</path>'


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
