"""Tables: drawn by rich for people, plain aligned columns for pipes."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from zoo.cli.terminal import cells, is_terminal, one_line, width

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
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, title: str = "", bold_row: int = -1
) -> None:
    """Write a table to stdout. Pipes get every column whole; a terminal gets what fits, and a coloured head."""
    rows, title = [[one_line(cell) for cell in row] for row in rows], one_line(title)
    if not is_terminal(sys.stdout):
        _plain(columns, rows, title)
    else:
        _drawn(columns, rows, title, bold_row)


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


def _drawn(columns: Sequence[Column], rows: Sequence[Sequence[str]], title: str, bold_row: int) -> None:
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
        table.add_row(*(Text(row[i]) for i in shown), style="bold" if number == bold_row else "")
    if title:
        console.print(Text(title, style="bold"))
    console.print(table)
