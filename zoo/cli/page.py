"""A heat map as a page for a browser: one file, without scripts and without anything from elsewhere."""

from collections.abc import Iterator
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from zoo.cli.heat import BLOCK_CHARACTERS, LINE_END, UNKNOWN, UNKNOWN_LABEL, Colour, Scale, visible
from zoo.cli.terminal import one_line

if TYPE_CHECKING:
    import numpy as np

MOST_TITLED = 100_000  # characters with a title each: a browser is slow with more
LEVELS = (0, 95, 135, 175, 215, 255)  # of red, green and blue in the 256 colours
STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #000; }
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; \
background: var(--ground); color: var(--ink); }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
pre { font: 1rem/1.6 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.legend span { display: inline-block; padding: 0 .5em; }
.end::before { content: "%s"; }
.unknown { text-decoration: underline; }
"""


def page(title: str, summary: list[str], text: str, values: "np.ndarray", scale: Scale) -> Iterator[str]:
    """The page in pieces: a text with the bits of its characters (len(text),), each in the title of its character where
    there are not too many."""
    import numpy as np

    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{_text(title)}</title>\n<style>{_style(scale)}</style>\n</head>\n<body>\n<h1>{_text(title)}</h1>\n"
    )
    yield "".join(f"<p>{_text(line)}</p>\n" for line in summary)
    yield f'<p class="legend">{_legend(scale, unknown=bool(np.isnan(values).any()))}</p>\n<pre lang="">'
    titled = len(text) <= MOST_TITLED
    for begin in range(0, len(text), BLOCK_CHARACTERS):
        end = begin + BLOCK_CHARACTERS
        yield (
            _titled(text[begin:end], values[begin:end], scale)
            if titled
            else _runs(text[begin:end], values[begin:end], scale)
        )
    yield "</pre>\n</body>\n</html>\n"


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


def _text(text: str) -> str:
    return escape(one_line(text))


def _legend(scale: Scale, *, unknown: bool) -> str:
    words = [f'<span class="s{number}">{_text(step.label)}</span>' for number, step in enumerate(scale.steps)]
    words = [_text(scale.low), *words, _text(scale.high)]
    return " ".join([*words, *([f'<span class="unknown">{UNKNOWN_LABEL}</span>'] if unknown else [])])


def _style(scale: Scale) -> str:
    light = "".join(_rule(number, step.light) for number, step in enumerate(scale.steps))
    dark = "".join(_rule(number, step.dark) for number, step in enumerate(scale.steps))
    dark = f":root {{ --ground: #111; --ink: #ddd; }}\n{dark}"
    return f"{STYLE % LINE_END}{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _rule(step: int, colour: Colour) -> str:
    ink, paper = (None if number is None else hexadecimal(number) for number in colour)
    return f".s{step} {{ color: {ink or 'inherit'}; background: {paper or 'none'}; }}\n"


def hexadecimal(number: int) -> str:
    """One of the 256 colours beyond the first 16, as CSS writes it."""
    if number >= 232:
        return f"#{8 + 10 * (number - 232):02x}" + 2 * f"{8 + 10 * (number - 232):02x}"
    red, rest = divmod(number - 16, 36)
    return "#" + "".join(f"{LEVELS[level]:02x}" for level in (red, *divmod(rest, 6)))
