"""Pages for a browser: one file each, without scripts and without anything from elsewhere, for light and dark."""

from html import escape

from zoo.cli.heat import Scale
from zoo.cli.terminal import one_line

LEVELS = (0, 95, 135, 175, 215, 255)  # of red, green and blue in the 256 colours
STYLE = """
:root { color-scheme: light dark; --ground: #fff; --ink: #000; }
body { max-width: %s; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; \
background: var(--ground); color: var(--ink); }
h1 { font-size: 1.25rem; overflow-wrap: anywhere; }
pre { font: 1rem/1.6 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.legend { line-height: 1.8; }
.legend span { display: inline-block; padding: 0 .5em; }
.unknown { text-decoration: underline; }
"""
DARK = ":root { --ground: #111; --ink: #ddd; }\n"
END = "</body>\n</html>\n"


def begin(title: str, *, width: str = "50rem", light: str = "", dark: str = "") -> str:
    """A page as far as its heading; the rules of `dark` hold where the reader prefers that."""
    rules = f"{STYLE % width}{light}@media (prefers-color-scheme: dark) {{\n{DARK}{dark}}}\n"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{text(title)}</title>\n<style>{rules}</style>\n</head>\n<body>\n<h1>{text(title)}</h1>\n"
    )


def text(words: str) -> str:
    """Words of anybody's, on one line, with nothing in them that a browser would obey."""
    return escape(one_line(words))


def rules(scale: Scale, *, dark: bool, name: str = "s") -> str:
    """The colours of the steps of a scale, as classes s0, s1, ..."""
    pairs = ((number, step.dark if dark else step.light) for number, step in enumerate(scale.steps))
    shown = ((number, *(None if c is None else hexadecimal(c) for c in colour)) for number, colour in pairs)
    return "".join(
        f".{name}{n} {{ color: {ink or 'inherit'}; background: {paper or 'none'}; }}\n" for n, ink, paper in shown
    )


def hexadecimal(number: int) -> str:
    """One of the 256 colours beyond the first 16, as CSS writes it."""
    if number >= 232:
        return f"#{8 + 10 * (number - 232):02x}" + 2 * f"{8 + 10 * (number - 232):02x}"
    red, rest = divmod(number - 16, 36)
    return "#" + "".join(f"{LEVELS[level]:02x}" for level in (red, *divmod(rest, 6)))
