"""Project Gutenberg's frame around a book: header, licence, and the credits of those who made the file."""

import re
from bisect import bisect_left
from collections.abc import Iterator

HEADER_CHARACTERS = 20_000  # more than a header has, even one with the old small print
LICENCE_CHARACTERS = 60_000  # more than a licence and the next book's header have
MENTIONS = 5  # of the project's name: fewer are no licence
FRONT_CHARACTERS = 4_000  # in which credits and notes about the file stand
CREDIT_CHARACTERS = 600
_FLAGS = re.IGNORECASE | re.MULTILINE
_BOOK = r"(?:THE |THIS )?(?:COPYRIGHTED )?PROJECT GUTENBERG['’]?S? *E-?(?:BOOK|TEXT)"
_START = re.compile(
    rf"^[ \t]{{0,80}}\*{{3}} ?START OF {_BOOK}[^*]{{0,600}}?(?:\*{{3}}[^\n]*$|\n[ \t]*\n)"
    r"|^\*END\*? ?THE SMALL PRINT![^\n]{0,200}\*END\*[^\n]*$",
    _FLAGS,
)
_END = re.compile(
    rf"^[ \t]{{0,80}}(?:\*{{3}} ?END OF {_BOOK}|End of (?:the |this )?Project Gutenberg|Ende dieses Projekt Gutenberg)",
    _FLAGS,
)
_HEADER = re.compile(r"^[^\n]{0,40}Project Gutenberg", _FLAGS)
_LICENCE_END = re.compile(r"subscribe to our email newsletter to hear about\s+new e-?books\.", re.IGNORECASE)
_PARAGRAPH = re.compile(r"\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")
_CREDIT = re.compile(
    r"Produced by (?:[A-Z]|an? )|E-?text prepared by|Transcribed (?:by|from) (?:[A-Z]|the )|HTML version by"
    r"|\[?Transcriber['’]s [Nn]ote|\[?(?:An? )?Project Gutenberg"
    r"|This e-?(?:[Tt]ext|[Bb]ook) (?:was|is|has been) (?:produced|prepared|made|created|derived|transcribed)"
)
_THANKS = re.compile(r"Special thanks[^\n]*(?:\n[^\n]+)*?(?:e-?text|e-?book|proofread|scann)", re.IGNORECASE)


def strip_frame(text: str) -> tuple[str, int]:
    """A text without Project Gutenberg's headers, credits and licences, and how many characters those had.

    What stands outside the frames stays, and a text without their marks is left as it is. Lines end with LF.
    """
    starts = [found.span() for found in _START.finditer(text)]
    ends = [found.start() for found in _END.finditer(text)]
    if not starts and not (ends := [end for end in ends[-1:] if _is_before_licence(text, end)]):
        return text, 0
    pieces = [piece.strip("\n") for piece in _pieces(text, starts or [(0, 0)], ends)]
    stripped = "\n\n".join(piece for piece in pieces if piece) + "\n"
    return stripped, len(text) - len(stripped)


def _is_before_licence(text: str, end: int) -> bool:
    return len(re.findall("Project Gutenberg", text[end : end + LICENCE_CHARACTERS], re.IGNORECASE)) >= MENTIONS


def _pieces(text: str, starts: list[tuple[int, int]], ends: list[int]) -> Iterator[str]:
    """The books, and what stands between the frame of one and the header of the next."""
    licence_ends = [found.end() for found in _LICENCE_END.finditer(text)]
    limits = [start for start, _ in starts[1:]] + [len(text)]
    behind = 0  # of the last frame
    for (start, begin), limit in zip(starts, limits, strict=True):
        header = _HEADER.search(text, max(behind, start - HEADER_CHARACTERS), start)
        yield text[behind : header.start() if header else start]
        end, behind = _end_of_book(begin, limit, ends, licence_ends)
        yield _without_credits(text[begin:end])
    yield text[behind:]


def _end_of_book(begin: int, limit: int, ends: list[int], licence_ends: list[int]) -> tuple[int, int]:
    """Where a book ends that begins at `begin`, and where its licence does, both before `limit`.

    An end is one only where a licence follows: these words may stand in a text about such books, too.
    """
    first = bisect_left(licence_ends, begin)
    licence_end = licence_ends[first] if first < len(licence_ends) and licence_ends[first] <= limit else limit
    place = bisect_left(ends, max(begin, licence_end - LICENCE_CHARACTERS))
    if place < len(ends) and ends[place] < licence_end:
        return ends[place], licence_end
    return limit, limit


def _without_credits(book: str) -> str:
    """The book without the paragraphs at its beginning that speak of the file."""
    front = book[:FRONT_CHARACTERS]
    kept, done = [], 0
    for found in _PARAGRAPH.finditer(front):
        is_credit = _CREDIT.match(found[0]) or _THANKS.match(found[0])
        if is_credit and len(found[0]) <= CREDIT_CHARACTERS and found.end() < FRONT_CHARACTERS:
            kept.append(front[done : found.start()])
            done = found.end()
    return "".join([*kept, front[done:], book[FRONT_CHARACTERS:]])
