"""A heat map of a text: each character on a colour, or above a glyph, that tells the step of its value."""

import math
import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple, TextIO

from zoo.cli.terminal import RESET, cells, escaped, is_ascii_only, one_line, show, shows_colours, width

if TYPE_CHECKING:
    import numpy as np

BLOCK_CHARACTERS = 2**16
UNKNOWN = -1  # the step of what has no value
UNKNOWN_GLYPH, UNKNOWN_LABEL, UNDERLINED = "?", "unknown", "\x1b[0;4m"
LINE_END, ASCII_LINE_END = "\u21b5", r"\n"
CIRCLE = "\u25cc"  # for a mark that would stand on the character before it


class Colour(NamedTuple):
    """Numbers of the 256 colours; None is what the reader's own are."""

    ink: int | None
    paper: int | None


class Step(NamedTuple):
    """Values between two edges of a scale: how they are called and drawn, on dark and on light ground."""

    label: str
    glyph: str
    dark: Colour
    light: Colour


@dataclass(frozen=True)
class Scale:
    """Steps in order and the edges between them, of which there is one less; an edge is of the step above it."""

    edges: Sequence[float]
    steps: Sequence[Step]
    low: str = ""  # what stands before the steps in a legend, and after them
    high: str = ""

    def steps_of(self, values: "np.ndarray") -> "np.ndarray":
        """The number of the step of each value (n,), UNKNOWN for nan."""
        import numpy as np

        return np.where(np.isnan(values), UNKNOWN, np.digitize(values, self.edges))

    def step_of(self, value: float) -> int:
        """The same for one."""
        return UNKNOWN if math.isnan(value) else bisect_right(self.edges, value)


BLACK, WHITE = 16, 231
# from viridis, so that brighter is always more, for colour-blind readers too; reversed where the ground is bright
BITS = Scale(
    (1, 2, 4, 6, 8),
    (
        Step("0-1", " ", Colour(252, 17), Colour(None, None)),
        Step("1-2", ".", Colour(WHITE, 25), Colour(BLACK, 229)),
        Step("2-4", ":", Colour(WHITE, 30), Colour(BLACK, 149)),
        Step("4-6", "+", Colour(BLACK, 71), Colour(BLACK, 36)),
        Step("6-8", "*", Colour(BLACK, 149), Colour(WHITE, 25)),
        Step("8+", "#", Colour(BLACK, 227), Colour(WHITE, 54)),
    ),
    low="bits",
)


# the best is the brightest here, on any ground, for it is what one looks for
EXCESS = Scale(
    (0.01, 0.1, 0.25, 0.5, 1, 2),
    (
        Step("0.01", " ", Colour(BLACK, 227), Colour(BLACK, 227)),
        Step("0.1", " ", Colour(BLACK, 149), Colour(BLACK, 149)),
        Step("0.25", " ", Colour(BLACK, 71), Colour(BLACK, 71)),
        Step("0.5", " ", Colour(WHITE, 30), Colour(WHITE, 30)),
        Step("1", " ", Colour(WHITE, 25), Colour(WHITE, 25)),
        Step("2", " ", Colour(WHITE, 19), Colour(WHITE, 19)),
        Step("more", " ", Colour(252, 17), Colour(252, 17)),
    ),
    low="bits above the best, less than:",
)


def gain_scale(one: str, other: str) -> Scale:
    """How many bits one needs less than the other: blue where it does, orange where it needs more."""
    steps = (
        Step("2+", "%", Colour(BLACK, 222), Colour(BLACK, 208)),
        Step("1-2", "=", Colour(BLACK, 172), Colour(BLACK, 215)),
        Step("0.5-1", "-", Colour(WHITE, 94), Colour(BLACK, 223)),
        Step("even", " ", Colour(252, 236), Colour(None, None)),
        Step("0.5-1", ".", Colour(WHITE, 24), Colour(BLACK, 153)),
        Step("1-2", "+", Colour(BLACK, 32), Colour(BLACK, 75)),
        Step("2+", "#", Colour(BLACK, 117), Colour(WHITE, 25)),
    )
    return Scale((-2, -1, -0.5, 0.5, 1, 2), steps, low=f"{other} better", high=f"{one} better")


class Canvas(NamedTuple):
    """What is drawn on: without colour there are glyphs, and plain keeps to ASCII."""

    columns: int
    colour: bool
    plain: bool


def canvas_of(stream: TextIO) -> Canvas:
    return Canvas(width(), shows_colours(stream), is_ascii_only(stream))


def show_heat(text: str, values: "np.ndarray", scale: Scale) -> None:
    """Draw a text with the values of its characters (len(text),) on stdout, and the legend below it."""
    canvas = canvas_of(sys.stdout)
    has_unknown = False
    for row in rows(text, values, scale, canvas):
        has_unknown |= any(cell.step == UNKNOWN for cell in row)
        for line in drawn(row, scale, canvas):
            show(line)
    show()
    for line in legend(scale, canvas, unknown=has_unknown):
        show(line)


class Cell(NamedTuple):
    """A character as it is shown, how many columns that takes, and its step."""

    shown: str
    columns: int
    step: int
    breaks: bool  # whether a row may end after it


def rows(text: str, values: "np.ndarray", scale: Scale, canvas: Canvas) -> Iterator[list[Cell]]:
    """The text in rows that fit: one for a line, or more, broken after a blank if there is one in the second half."""
    row: list[Cell] = []
    used = 0
    for character, cell in zip(text, _cells(text, values, scale, canvas.plain), strict=True):
        if row and used + cell.columns > canvas.columns:
            end = _break(row)
            yield row[:end]
            row = row[end:]
            used = sum(cell.columns for cell in row)
        row.append(cell)
        used += cell.columns
        if character == "\n":
            yield row
            row, used = [], 0
    if row:
        yield row


def _break(row: list[Cell]) -> int:
    """How many cells of a row stay in it when it is full."""
    return next((at for at in range(len(row), len(row) // 2, -1) if row[at - 1].breaks), len(row))


def _cells(text: str, values: "np.ndarray", scale: Scale, plain: bool) -> Iterator[Cell]:
    seen: dict[str, tuple[str, int]] = {}
    for begin in range(0, len(text), BLOCK_CHARACTERS):
        block = text[begin : begin + BLOCK_CHARACTERS]
        steps = scale.steps_of(values[begin : begin + BLOCK_CHARACTERS]).tolist()
        for character, step in zip(block, steps, strict=True):
            if character not in seen:
                seen[character] = visible(character, plain=plain)
            yield Cell(*seen[character], step, character.isspace())


def visible(character: str, *, plain: bool = False) -> tuple[str, int]:
    """A character as something that can be seen and has a place of its own, and how many columns it takes."""
    if character == "\n":
        shown = ASCII_LINE_END if plain else LINE_END
        return shown, len(shown)
    category = unicodedata.category(character)
    if (plain and not character.isascii()) or not (character.isprintable() or category in ("Zs", "Cc")):
        shown = escaped(character)
    elif category in ("Mn", "Me") or not cells(character):
        return CIRCLE + character, 1
    else:
        shown = one_line(character)
    return shown, cells(shown)


def drawn(row: list[Cell], scale: Scale, canvas: Canvas) -> list[str]:
    """A row as a coloured line, or as two: the text, and a glyph under each character."""
    if not canvas.colour:
        glyphs = "".join(_glyph(cell.step, scale) * cell.columns for cell in row)
        return ["".join(cell.shown for cell in row).rstrip(), glyphs.rstrip()]
    pieces = [
        _sequence(step, scale) + "".join(cell.shown for cell in run)
        for step, run in groupby(row, key=lambda cell: cell.step)
    ]
    return ["".join(pieces) + RESET]


def _glyph(step: int, scale: Scale) -> str:
    return UNKNOWN_GLYPH if step == UNKNOWN else scale.steps[step].glyph


def _sequence(step: int, scale: Scale) -> str:
    """What turns a terminal to the colours of a step."""
    if step == UNKNOWN:
        return UNDERLINED
    ink, paper = scale.steps[step].dark
    return f"\x1b[0;38;5;{ink};48;5;{paper}m"


def painted(text: str, step: int, scale: Scale) -> str:
    """A text on the colours of a step."""
    return f"{_sequence(step, scale)}{text}{RESET}"


def legend(scale: Scale, canvas: Canvas, *, unknown: bool) -> list[str]:
    """Lines that name the steps, broken between them; what is unknown too, if there is any."""
    numbers = [*range(len(scale.steps)), *([UNKNOWN] if unknown else [])]
    named = [(_name(number, scale, canvas), _sequence(number, scale)) for number in numbers]
    words = [(one_line(scale.low), ""), *named]
    if scale.high:
        words.insert(1 + len(scale.steps), (one_line(scale.high), ""))
    lines, used = [""], 0
    gap = " " if canvas.colour else "  "  # swatches have blanks of their own
    for word, sequence in words:
        if used and used + len(gap) + cells(word) > canvas.columns:
            lines.append("")
            used = 0
        between = gap if used else ""
        lines[-1] += between + (f"{sequence}{word}{RESET}" if sequence and canvas.colour else word)
        used += len(between) + cells(word)
    return lines


def _name(step: int, scale: Scale, canvas: Canvas) -> str:
    label = UNKNOWN_LABEL if step == UNKNOWN else scale.steps[step].label
    if canvas.colour:
        return f" {label} "
    glyph = _glyph(step, scale)
    return f"{glyph if glyph.strip() else repr(glyph)} {label}"
