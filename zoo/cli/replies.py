"""Drawing replies: one as it is drawn, several in columns where there is room, else one below the other."""

import sys
from collections.abc import Iterable, Iterator, Sequence

from zoo.cli.columns import draw_columns, flowing, room_for
from zoo.cli.terminal import RESET, is_ascii_only, is_terminal, safe, shows_colours, width
from zoo.talk.text import Piece

# of the 256 colours, those nearest to ones that the colour-blind tell apart (Okabe & Ito 2008): orange, sky blue,
# green, yellow, vermilion
COLOURS = (178, 74, 36, 227, 166)


def draw(replies: "Sequence[tuple[str, Iterable[Piece]]]") -> None:
    """Draw named replies on stdout: one without its name, several with theirs."""
    if len(replies) == 1:
        _write(mark(replies[0][1], coloured=shows_colours(sys.stdout)))
        return
    if is_terminal(sys.stdout) and (room := room_for(len(replies))):
        draw_columns([(clean(name), mark(pieces)) for name, pieces in replies], room)
        return
    for i, (name, pieces) in enumerate(replies):
        sys.stdout.write(f"{chr(10) if i else ''}[{clean(name)}]\n")
        _write(mark(pieces, coloured=shows_colours(sys.stdout)))


def clean(text: str) -> str:
    """What may be written: on a terminal nothing that it would obey; a pipe gets the text as it is."""
    return safe(text) if sys.stdout.isatty() else text


def _write(texts: Iterable[str]) -> None:
    """Write texts as they come, on a terminal a word at a time, and a line's end when they have come."""
    try:
        for text in flowing(texts, width()) if is_terminal(sys.stdout) else texts:
            sys.stdout.write(text)
            sys.stdout.flush()
    finally:
        sys.stdout.write("\n")
        sys.stdout.flush()


def mark(pieces: Iterable[Piece], *, coloured: bool = False) -> Iterator[str]:
    """What is written of a reply: to a pipe the text alone; on a terminal that of a blend word by word, with a number
    where another member begins to have the larger share, and in its colour if that can be."""
    if not sys.stdout.isatty():
        yield from (piece.text for piece in pieces)
        return
    speaking = -1
    for word, shares in _words(pieces):
        chief, text = _chief(word, shares, speaking), clean(word)
        if coloured and chief >= 0:
            text = f"\x1b[38;5;{COLOURS[chief % len(COLOURS)]}m{text}{RESET}"
        yield f"{label(chief) if chief != speaking else ''}{text}"
        speaking = chief


def _words(pieces: Iterable[Piece]) -> Iterator[tuple[str, list[tuple[float, ...]]]]:
    """Every word with the white space after it, and the shares of its pieces; where there are none, piece by piece."""
    word, shares = "", []
    for piece in pieces:
        word += piece.text
        shares.append(piece.shares)
        if not piece.shares or piece.text[-1:].isspace():
            yield word, shares
            word, shares = "", []
    if word:
        yield word, shares


def _chief(word: str, shares: list[tuple[float, ...]], speaking: int) -> int:
    """Who wrote most of a word; of what is no word, who wrote the last one."""
    totals = [sum(one) for one in zip(*filter(None, shares), strict=True)]
    return totals.index(max(totals)) if word.strip() and totals else speaking


def label(number: int) -> str:
    """The mark of a member: a raised digit where the terminal can write it."""
    digit = "" if is_ascii_only(sys.stdout) else "¹²³⁴⁵⁶⁷⁸⁹"[number : number + 1]
    return digit or f"[{number + 1}]"
