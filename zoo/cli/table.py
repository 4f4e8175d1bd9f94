"""Tables: drawn by rich for people, plain aligned columns for pipes."""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.cli.terminal import cells, is_terminal, one_line, show, width

GAP = 2
SHORTEST_PROSE = 16


@dataclass(frozen=True)
class Column:
    """`keep` orders the columns by importance: where the terminal is narrow, the highest go first; 0 always stays.
    `prose` may be cut short to fit, before anything goes."""

    title: str
    right: bool = False
    keep: int = 0
    prose: bool = False


def show_table(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    bold_row: int = -1,
    bold: Collection[tuple[int, int]] = (),
) -> None:
    """Write a table to stdout, with a row in bold, or cells by row and column. Pipes get every column whole; a terminal
    gets what fits, and a coloured head."""
    rows, title = [[one_line(cell) for cell in row] for row in rows], one_line(title)
    if not is_terminal(sys.stdout):
        _plain(columns, rows, title)
    else:
        _drawn(columns, rows, title, {*bold, *((bold_row, at) for at in range(len(columns)))})


def show_blocks(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, bold: Collection[tuple[int, int]] = ()
) -> None:
    """`show_table`, but nothing is left out: the columns for which a terminal has no room follow in tables of their
    own, each of which begins with the first column again, without the rows that have nothing there."""
    begin = 1
    for number, end in enumerate(blocks(columns, rows)):
        if number:
            show()
        chosen = [0, *range(begin, end)]
        kept = [at for at, row in enumerate(rows) if any(row[i] for i in chosen[1:])]
        show_table(
            [columns[i] for i in chosen],
            [[rows[at][i] for i in chosen] for at in kept],
            bold={(kept.index(at), chosen.index(i)) for at, i in bold if at in kept and i in chosen},
        )
        begin = end


def blocks(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """Where the blocks of columns end: each has one at least, and as many as there is room for; all in a pipe."""
    if not is_terminal(sys.stdout):
        return [len(columns)]
    first, *widths = _widths(columns, rows)
    ends: list[int] = []
    used = first
    for at, w in enumerate(widths, 1):
        used += GAP + w
        if used > width() and at > max([1, *ends]):
            ends.append(at)
            used = first + GAP + w
    return [*ends, len(columns)]


def show_stacked(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Where there is room for nothing else: each row below its head, each cell behind that of its column."""
    for head, *row in rows:
        cells_of = [f"{column.title} {one_line(cell)}" for column, cell in zip(columns[1:], row, strict=True)]
        longest = max(map(cells, cells_of), default=0)
        many = max(1, width() // (longest + GAP))
        show(one_line(head))
        for begin in range(0, len(cells_of), many):
            padded = (cell + " " * (longest - cells(cell)) for cell in cells_of[begin : begin + many])
            show(" " * GAP + (" " * GAP).join(padded).rstrip())


def shows(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str) -> bool:
    """Whether a terminal has room for the column of that title; false where there is no terminal."""
    if not is_terminal(sys.stdout):
        return False
    at = [column.title for column in columns].index(title)
    return at in fitting(columns, _widths(columns, rows), width())


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max([cells(column.title), *(cells(row[i]) for row in rows)], default=0) for i, column in enumerate(columns)]


def _plain(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str) -> None:
    widths = _widths(columns, rows)
    lines = [title] if title else []
    for row in ([column.title for column in columns], *rows):
        padded = [
            " " * (w - cells(cell)) + cell if column.right else cell + " " * (w - cells(cell))
            for cell, w, column in zip(row, widths, columns, strict=True)
        ]
        lines.append((" " * GAP).join(padded).rstrip())
    sys.stdout.write("\n".join(lines) + "\n")


def fitting(columns: Sequence[Column], widths: Sequence[int], available: int) -> dict[int, int]:
    """The columns to show and how wide: prose is cut first, then the least important go until the rest fits."""
    least = [min(w, SHORTEST_PROSE) if column.prose else w for column, w in zip(columns, widths, strict=True)]
    shown = list(range(len(columns)))

    def needed() -> int:
        return sum(least[i] for i in shown) + GAP * (len(shown) - 1)

    while needed() > available and (droppable := [i for i in shown if columns[i].keep]):
        shown.remove(max(droppable, key=lambda i: columns[i].keep))
    room = max(0, available - needed())
    fitted = {}
    for i in shown:
        extra = min(room, widths[i] - least[i])
        room -= extra
        fitted[i] = least[i] + extra
    return fitted


def _drawn(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str, bold: Collection[tuple[int, int]]
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=width(), highlight=False, markup=False)
    shown = fitting(columns, _widths(columns, rows), console.width)
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold cyan")
    for i in shown:
        justify: Literal["left", "right"] = "right" if columns[i].right else "left"
        overflow: Literal["ellipsis", "fold"] = "ellipsis" if columns[i].prose else "fold"
        most = shown[i] if columns[i].prose else None
        table.add_column(
            Text(columns[i].title), justify=justify, overflow=overflow, max_width=most, no_wrap=columns[i].prose
        )
    for number, row in enumerate(rows):
        table.add_row(*(Text(row[i], style="bold" if (number, i) in bold else "") for i in shown))
    if title:
        console.print(Text(title, style="bold"))
    console.print(table)
