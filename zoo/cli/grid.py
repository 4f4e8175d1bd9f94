"""A grid of dots in characters: braille, or what ASCII has, with lines and signs of several colours."""

from itertools import groupby, pairwise
from typing import NamedTuple

BRAILLE, DOTS = 0x2800, ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # a cell of two columns by four rows
POINTS = (" ", "'", ".", ":")  # a cell of one by two, in ASCII
MARK, ASCII_MARK = "●", "o"


class Piece(NamedTuple):
    """A part of a drawn row, and the number of the line it is of."""

    text: str
    line: int | None = None


class Grid:
    """Cells of dots; of each, the number of the line that was drawn there last."""

    def __init__(self, columns: int, rows: int, plain: bool) -> None:
        self.plain, self.columns = plain, columns
        self.cell = (1, 2) if plain else (2, 4)
        self.width, self.height = columns * self.cell[0], rows * self.cell[1]
        self._dots = [[0] * columns for _ in range(rows)]
        self._lines: dict[tuple[int, int], int] = {}
        self._marks: dict[tuple[int, int], str] = {}

    def nearest(self, x: float, y: float) -> tuple[int, int]:
        """Return the dot nearest to shares of width and height, from 0 to 1."""
        return round(x * (self.width - 1)), round(y * (self.height - 1))

    def row(self, y: float) -> int:
        """Return the row of a share of the height."""
        return self.nearest(0, y)[1] // self.cell[1]

    def line(self, places: list[tuple[int, int]], number: int = 0) -> None:
        """Dots from place to place, without a gap."""
        for place in places[:1]:
            self._dot(*place, number)
        for (x, y), (next_x, next_y) in pairwise(places):
            length = max(abs(next_x - x), abs(next_y - y), 1)
            for i in range(length + 1):
                self._dot(round(x + (next_x - x) * i / length), round(y + (next_y - y) * i / length), number)

    def _dot(self, x: int, y: int, number: int) -> None:
        wide, high = self.cell
        self._dots[y // high][x // wide] |= y % high + 1 if self.plain else DOTS[x % wide][y % high]
        self._lines[x // wide, y // high] = number

    def mark(self, x: int, y: int, sign: str = "", number: int = 0) -> None:
        """A sign in the cell of a dot."""
        cell = x // self.cell[0], y // self.cell[1]
        self._marks[cell] = sign or (ASCII_MARK if self.plain else MARK)
        self._lines[cell] = number

    def is_marked(self, x: int, y: int) -> bool:
        """Whether a sign stands in the cell of a dot."""
        return (x // self.cell[0], y // self.cell[1]) in self._marks

    def rows(self) -> list[str]:
        return ["".join(piece.text for piece in row) for row in self.pieces()]

    def pieces(self) -> list[list[Piece]]:
        """The rows, without the blanks at their ends, in pieces of one line each."""
        rows = []
        for y, row in enumerate(self._dots):
            end = max((x + 1 for x in range(len(row)) if row[x] or (x, y) in self._marks), default=0)
            cells = [(self._shown(x, y), self._lines.get((x, y))) for x in range(end)]
            rows.append([Piece("".join(c for c, _ in run), of) for of, run in groupby(cells, key=lambda cell: cell[1])])
        return rows

    def _shown(self, x: int, y: int) -> str:
        if sign := self._marks.get((x, y)):
            return sign
        dots = self._dots[y][x]
        return POINTS[dots] if self.plain else chr(BRAILLE + dots) if dots else " "
