"""Columns: several texts that are written at the same time, side by side."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

from zoo.cli.terminal import cells, cut, width

NARROWEST = 30  # columns of a column
GAP = " | "
TAB = "    "
COLOUR = re.compile(r"\x1b\[[\d;]*m")


def room_for(count: int) -> int:
    """How wide each of so many columns can be; 0 when that is too narrow to read."""
    room = (width() - len(GAP) * (count - 1)) // count
    return room if room >= NARROWEST else 0


def draw_columns(texts: "Sequence[tuple[str, Iterable[str]]]", room: int) -> None:
    """Draw texts with their titles, each in a column of so many cells. A row is written when every column has its line:
    so nothing that stands on the screen changes any more."""
    columns = [_lines(title, pieces, room) for title, pieces in texts]
    for row in zip_longest(*columns, fillvalue=""):
        padded = (line + " " * (room - cells(line)) for line in row)
        sys.stdout.write(GAP.join(padded).rstrip() + "\n")
        sys.stdout.flush()


def _lines(title: str, pieces: Iterable[str], room: int) -> Iterator[str]:
    yield cut(title, room)
    yield "-" * room
    yield from wrapped(pieces, room)


def wrapped(pieces: Iterable[str], room: int) -> Iterator[str]:
    """The lines of a text that comes in pieces, broken between words where they would be longer than `room` cells."""
    line, full = "", False  # full: the line before this one ended where there was no more room
    for piece in pieces:
        for character in piece.replace("\t", TAB):
            if character == "\n":
                if line or not full:
                    yield line
                line, full = "", False
            else:
                line += character
                if cells(line) > room:
                    done, line = _broken(line)
                    full = True
                    yield done
    if line:
        yield line


def flowing(pieces: Iterable[str], room: int) -> Iterator[str]:
    """A text that comes in pieces, word by word, with a line's end in the place of blanks where the next word would not
    fit into `room` cells. Colours take no room."""
    word, gap, used = "", "", 0
    for piece in pieces:
        for character in piece.replace("\t", TAB):
            if not character.isspace():
                word += character
                continue
            if word:
                used, flowed = _flowed(gap, word, used, room)
                yield flowed
                word, gap = "", ""
            if character == "\n":
                yield gap + character if used + len(gap) <= room else character
                gap, used = "", 0
            else:
                gap += character
    if word:
        yield _flowed(gap, word, used, room)[1]
    elif used + len(gap) <= room:
        yield gap


def _flowed(gap: str, word: str, used: int, room: int) -> tuple[int, str]:
    """How much of a line is used after a word, and the blanks and the word as they stand there."""
    shown = cells(COLOUR.sub("", word))
    if used and used + len(gap) + shown > room:
        return shown, f"\n{word}"
    return used + len(gap) + shown, gap + word


def _broken(line: str) -> tuple[str, str]:
    """A line that is one character too long in two: after its last space, else before its last character."""
    at = line.rfind(" ")
    return (line[:at], line[at + 1 :]) if at > 0 else (line[:-1], line[-1])
