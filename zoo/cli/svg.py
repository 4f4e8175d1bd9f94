"""A line chart as a drawing in a page: lines that take their colours from the page, and an axis on either side."""

from collections.abc import Sequence

from zoo.cli import html
from zoo.cli.frame import INTERVALS, PALETTE, Frame, Line, Place

WIDTH, HEIGHT = 640, 340
FONT, PHONE_FONT = 13, 20  # units; on a phone a unit is about half a pixel, and there is room for the larger one
CHARACTER = 0.65  # of the font: the width of a digit, in the widest of the usual fonts
GAP = 8  # units between an axis and its labels
BOTTOM = 2.9 * PHONE_FONT  # units for the labels below, and what they count
DOTTED = 40  # points, of which each has a dot: one alone would not be seen
DASHES = ("", "6 3", "2 3", "8 3 2 3")
STYLE = (
    ".chart { display: block; width: 100%; max-width: 45rem; }\n"
    f".chart text {{ fill: currentColor; font: {FONT}px system-ui, sans-serif; }}\n"
    f"@media (max-width: 40rem) {{ .chart text {{ font-size: {PHONE_FONT}px; }} }}\n"
    "figure { margin: 1rem 0; }\n"
    "figcaption { margin-bottom: .5rem; opacity: .7; }\n"
    ".keys { display: flex; flex-wrap: wrap; gap: 0 1.25rem; margin: .5rem 0 0; padding: 0; list-style: none; }\n"
    ".keys li { display: flex; align-items: center; gap: .4rem; min-width: 0; overflow-wrap: anywhere; }\n"
    ".key { flex: none; width: 24px; height: 8px; }\n"
    ".grid { stroke: currentColor; stroke-opacity: .2; }\n"
    ".line, .dots { fill: none; stroke-width: 2; stroke-linejoin: round; }\n"
    ".dots { stroke-width: 5; stroke-linecap: round; }\n"
    ".grid, .line, .dots { vector-effect: non-scaling-stroke; }\n"
    + "".join(f".c{number} {{ stroke: {colour}; }}\n" for number, colour in enumerate(PALETTE))
)


class _Area:
    """The area of a chart in which lines are drawn: as large as the labels beside and below it leave it."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.left = max(_length(label) for _, label in frame.losses()) + GAP
        widest = _length(f"{frame.last:,.0f}")
        self.top, self.width = PHONE_FONT / 2, WIDTH - self.left - widest / 2  # half of the last step stands out
        self.height = HEIGHT - self.top - BOTTOM
        self.intervals = max(1, min(INTERVALS, int(self.width / widest) - 1))

    def at(self, place: Place) -> str:
        """Return the coordinates of a place."""
        x, y = place
        return f"{self.left + x * self.width:.1f} {self.top + y * self.height:.1f}"


def figure(lines: Sequence[Line]) -> str:
    """Return a chart of the validation losses of models that compare, by step, and its legend."""
    area = _Area(Frame.around([line.points for line in lines]))
    names = html.text(", ".join(line.model.name for line in lines))
    parts = [
        "<figure>\n<figcaption>validation loss in training by step, nats per character</figcaption>",
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="validation losses of {names}">',
        *_axes(area),
        *(_drawn(line, area) for line in reversed(lines)),  # the best on top
        '</svg>\n<ul class="keys">',
        *(_key(line, area.frame) for line in lines),
        "</ul>\n</figure>",
    ]
    return "\n".join(parts) + "\n"


def _key(line: Line, frame: Frame) -> str:
    """Return the entry of a line in the legend, with a stroke like its own."""
    stroke = f'<path class="line {_colour(line)}"{_dash(line)} d="M0 4H24"/>'
    return (
        f'<li><svg class="key" viewBox="0 0 24 8" aria-hidden="true">{stroke}</svg>'
        f"{html.text(line.model.name)}{frame.note(line)}</li>"
    )


def _axes(area: _Area) -> list[str]:
    right, bottom = area.left + area.width, area.top + area.height
    losses = [(area.top + share * area.height, label) for share, label in area.frame.losses()]
    steps = [(area.left + share * area.width, label) for share, label in area.frame.steps(area.intervals)]
    grid = "".join(f"M{area.left:.1f} {y:.1f}H{right:.1f}" for y, _ in losses)
    return [
        f'<path class="grid" d="{grid}"/>',
        *(_text(area.left - GAP, y, ".35em", "end", label) for y, label in losses),
        *(_text(x, bottom, "1.4em", "middle", label) for x, label in steps),
        _text(area.left + area.width / 2, bottom, "2.6em", "middle", "step"),
    ]


def _text(x: float, y: float, down: str, anchor: str, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" dy="{down}" text-anchor="{anchor}">{words}</text>'


def _length(words: str) -> float:
    return CHARACTER * PHONE_FONT * len(words)


def _drawn(line: Line, area: _Area) -> str:
    strokes = "".join("M" + "L".join(map(area.at, stroke)) for stroke in area.frame.strokes(line.points))
    title = f"<title>{html.text(line.model.name)}</title>"
    path = f'<path class="line {_colour(line)}"{_dash(line)} d="{strokes}">{title}</path>'
    if len(line.points) > DOTTED:
        return path
    dots = "".join(f"M{area.at(place)}h0" for place in area.frame.points(line.points))
    return f'{path}<path class="dots {_colour(line)}" d="{dots}"/>'


def _colour(line: Line) -> str:
    return f"c{line.number % len(PALETTE)}"


def _dash(line: Line) -> str:
    dash = DASHES[line.number // len(PALETTE) % len(DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""
