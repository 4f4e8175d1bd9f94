"""Project Gutenberg's frame around a book: header, licence, and the credits of those who made the file."""

import re
from bisect import bisect_left
from collections.abc import Iterator

LICENCE_CHARACTERS = 60_000  # more than a licence and the next book's header have
FRONT_CHARACTERS = 4_000  # in which credits and notes about the file stand
_FLAGS = re.IGNORECASE | re.MULTILINE
_BOOK = r"PROJECT GUTENBERG['’]?S? *E-?(?:BOOK|TEXT)"
_START = re.compile(
    rf"^[ \t]{{0,80}}\*{{3}} ?START OF (?:THE |THIS )?{_BOOK}[^*]{{0,600}}?(?:\*{{3}}[^\n]*$|\n[ \t]*\n)"
    r"|^\*END\*? ?THE SMALL PRINT![^\n]{0,200}\*END\*[^\n]*$",
    _FLAGS,
)
_END = re.compile(
    rf"^[ \t]{{0,80}}(?:\*{{3}} ?END OF (?:THE |THIS )?{_BOOK}|End of (?:the |this )?Project Gutenberg)", _FLAGS
)
_CREDIT = re.compile(
    r"(?:produced by|e-?text prepared by|transcribed (?:by|from)|special thanks|html version by|this e-?(?:text|book) )"
    r"|\[?transcriber['’]s note|\[?(?:an? )?project gutenberg",
    re.IGNORECASE,
)
_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")


def strip_frame(text: str) -> tuple[str, int]:
    """The books of a text without Project Gutenberg's headers, credits and licences, and how many characters those had.

    A text without the marks of a frame is left as it is. Lines end with LF.
    """
    spans = list(_books(text))
    if spans == [(0, len(text))]:
        return text, 0
    books = [_without_credits(text[begin:end]).strip("\n") for begin, end in spans]
    stripped = "\n\n".join(book for book in books if book) + "\n"
    return stripped, len(text) - len(stripped)


def _books(text: str) -> Iterator[tuple[int, int]]:
    """Where each book begins and ends."""
    starts = [found.span() for found in _START.finditer(text)] or [(0, 0)]
    ends = [found.start() for found in _END.finditer(text)]
    limits = [start for start, _ in starts[1:]] + [len(text)]
    for (_, begin), limit in zip(starts, limits, strict=True):
        # an end is one only where a licence follows: these words may stand in a text about such books, too
        first = bisect_left(ends, max(begin, limit - LICENCE_CHARACTERS))
        yield begin, ends[first] if first < len(ends) and ends[first] < limit else limit


def _without_credits(book: str) -> str:
    """The book without the paragraphs at its beginning that speak of the file."""
    front = book[:FRONT_CHARACTERS]
    kept, done = [], 0
    for found in _PARAGRAPH.finditer(front):
        if _CREDIT.match(found[0]) and found.end() < FRONT_CHARACTERS:
            kept.append(front[done : found.start()])
            done = found.end()
    return "".join([*kept, front[done:], book[FRONT_CHARACTERS:]])
