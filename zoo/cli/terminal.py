"""The terminal: what may be written to it, and what it can show."""

import contextlib
import os
import re
import shutil
import sys
import textwrap
import unicodedata
from typing import TextIO

# C0 (but newline and tab), DEL, C1, lone surrogates; bidirectional, zero-width and annotating controls, tags;
# what is no character
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
    r"\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f\ufdd0-\ufdef\ufffe\uffff]"
)


DOTS = "..."
RESET = "\x1b[0m"  # what turns colours off


def safe(text: str) -> str:
    """The text with nothing in it that a terminal would obey: the one door for all that comes from corpora, models,
    file names, records and servers."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub(lambda match: escaped(match[0]), text)


def one_line(text: str) -> str:
    """`safe`, and newlines and tabs made visible too."""
    return safe(text).replace("\n", "\\n").replace("\t", "\\t")


def escaped(character: str) -> str:
    """A character as Python would write it, by its code point."""
    point = ord(character)
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at this stream, on a terminal that can do more than print."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def shows_colours(stream: TextIO) -> bool:
    """Whether it is a terminal of 256 colours whose reader wants them: rich knows TERM, COLORTERM and NO_COLOR."""
    if not is_terminal(stream):
        return False
    from rich.console import Console

    console = Console(file=stream)
    return not console.no_color and console.color_system in ("256", "truecolor")


def is_ascii_only(stream: TextIO) -> bool:
    """Whether it can write no more than ASCII, or so little more that nothing can be drawn with it."""
    return not (stream.encoding or "utf-8").lower().startswith("utf")


def size() -> tuple[int, int]:
    """Columns and rows of the terminal; 80 and 24 when there is none, or when it says nonsense."""
    fallback = os.terminal_size((80, 24))
    with contextlib.suppress(OSError):
        fallback = os.get_terminal_size(2)  # stdout may be a pipe where stderr is not
    columns, rows = shutil.get_terminal_size(fallback)
    return columns if columns > 0 else 80, rows if rows > 0 else 24


def width() -> int:
    """Columns of the terminal."""
    return size()[0]


def cells(text: str) -> int:
    """Columns that a text takes: East Asian wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me") else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def cut(line: str, columns: int) -> str:
    """The line, or as much of it as fits in so many columns."""
    used, fitting = 0, 0
    for at, character in enumerate(line):
        used += cells(character)
        if used <= columns - len(DOTS):
            fitting = at + 1
        if used > columns:
            return line[:fitting] + DOTS
    return line


def squeeze(line: str, columns: int) -> str:
    """The line, or of one that does not fit its beginning and its end: names are often told apart there."""
    if cells(line) <= columns:
        return line
    half = (columns - len(DOTS)) // 2
    ends = (line[at:] for at in range(len(line)))
    end = next((end for end in ends if cells(end) <= half), "")
    return cut(line[: len(line) - len(end)], columns - cells(end)) + end


def fill(text: str, indent: str = "  ") -> str:
    """The text with its lines broken between words where the terminal ends, what follows indented."""
    return "\n".join(
        textwrap.fill(line, max(20, width()), subsequent_indent=indent, break_on_hyphens=False)
        if line.strip()
        else line
        for line in text.split("\n")
    )


def show(line: str = "") -> None:
    """One line of data to stdout. Not click.echo, which writes UTF-8 to an ASCII terminal."""
    sys.stdout.write(line + "\n")


def show_filled(text: str, indent: str = "  ") -> None:
    """Prose of data to stdout, broken between words on a terminal."""
    show(fill(text, indent) if is_terminal(sys.stdout) else text)


def say(text: str) -> None:
    """One line for the reader that is not data: to stderr, broken between words on a terminal."""
    text = safe(text)
    with contextlib.suppress(OSError):  # nobody to tell it to is no reason to stop
        print(fill(text) if is_terminal(sys.stderr) else text, file=sys.stderr, flush=True)
