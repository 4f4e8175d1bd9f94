"""A heat map of a text as a page for a browser."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from zoo.cli import html
from zoo.cli.heat import BLOCK_CHARACTERS, LINE_END, UNKNOWN, UNKNOWN_LABEL, Scale, visible

if TYPE_CHECKING:
    import numpy as np

MOST_TITLED = 100_000  # characters with a title each: a browser is slow with more
STYLE = f'.end::before {{ content: "{LINE_END}"; }}\n'


def page(title: str, summary: list[str], text: str, values: "np.ndarray", scale: Scale) -> Iterator[str]:
    """The page in pieces: a text with the bits of its characters (len(text),), each in the title of its character where
    there are not too many."""
    import numpy as np

    yield html.begin(title, light=STYLE + html.rules(scale, dark=False), dark=html.rules(scale, dark=True))
    yield "".join(f"<p>{html.text(line)}</p>\n" for line in summary)
    yield f'<p class="legend">{legend(scale, unknown=bool(np.isnan(values).any()))}</p>\n'
    yield from heat(text, values, scale)
    yield html.END


def heat(text: str, values: "np.ndarray", scale: Scale) -> Iterator[str]:
    """The text itself, in pieces."""
    yield '<pre lang="">'
    drawn = _titled if len(text) <= MOST_TITLED else _runs
    for begin in range(0, len(text), BLOCK_CHARACTERS):
        end = begin + BLOCK_CHARACTERS
        yield drawn(text[begin:end], values[begin:end], scale)
    yield "</pre>\n"


def _titled(text: str, values: "np.ndarray", scale: Scale) -> str:
    """A span for each character."""
    signed = "+" if scale.high else ""
    pieces = []
    for character, value, step in zip(text, values.tolist(), scale.steps_of(values).tolist(), strict=True):
        said = UNKNOWN_LABEL if step == UNKNOWN else f"{value:{signed}.2f} bits"
        pieces.append(_span([character], step, f' title="{said}"'))
    return "".join(pieces)


def _runs(text: str, values: "np.ndarray", scale: Scale) -> str:
    """A span for all neighbours of one step; a line end has one of its own."""
    steps = scale.steps_of(values).tolist()
    grouped = groupby(zip(text, steps, strict=True), key=lambda pair: (pair[1], pair[0] == "\n"))
    return "".join(_span([character for character, _ in run], step) for (step, _), run in grouped)


def _span(characters: list[str], step: int, title: str = "") -> str:
    classes = "unknown" if step == UNKNOWN else f"s{step}"
    if characters[0] == "\n":
        return f'<span class="{classes} end"{title}></span>\n' * len(characters)
    shown = "".join(character if character == "\t" else visible(character)[0] for character in characters)
    return f'<span class="{classes}"{title}>{escape(shown)}</span>'


def legend(scale: Scale, *, unknown: bool, name: str = "s") -> str:
    """The steps by their colours."""
    words = [f'<span class="{name}{number}">{html.text(step.label)}</span>' for number, step in enumerate(scale.steps)]
    words = [html.text(scale.low), *words, html.text(scale.high)]
    return " ".join([*words, *([f'<span class="unknown">{UNKNOWN_LABEL}</span>'] if unknown else [])])
