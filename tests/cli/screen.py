"""A terminal as far as zoo knows it: what a person sees after the bytes that a program has written."""

import re

# a resize, as the program under it can tell of it: rows and columns
PIECE = re.compile(r"\x1b\[8;(\d+);(\d+)t|\x1b\[(\d*)([A-Za-z])|\x1b\[\?25[hl]|\x1b\[[\d;]*m|[\r\n]|[^\x1b\r\n]+")


class Screen:
    """Lines, of which the last `rows` can still be reached. It breaks long ones anew when it gets narrower."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.lines, self.row, self.column = [""], 0, 0
        self.colours: set[str] = set()

    def feed(self, written: str) -> "Screen":
        end = 0
        for piece in PIECE.finditer(written):
            assert piece.start() == end, written[end : piece.start()]
            end = piece.end()
            self._obey(piece)
        assert end == len(written), written[end:]
        return self

    def _obey(self, piece: re.Match[str]) -> None:
        text = piece[0]
        if piece[1]:
            self._resize(int(piece[2]), int(piece[1]))
        elif text == "\r":
            self.column = 0
        elif text == "\n":
            self.row += 1
            self.lines += [""] * (self.row == len(self.lines))
        elif piece[4] == "A":
            self.row = max(self.row - int(piece[3] or 1), len(self.lines) - self.rows, 0)
        elif piece[4] == "K":
            self.lines[self.row] = ""
        elif not text.startswith("\x1b"):
            self._write(text)
        elif text.endswith("m"):
            self.colours.add(text)

    def _write(self, text: str) -> None:
        line = self.lines[self.row].ljust(self.column)
        line = line[: self.column] + text + line[self.column + len(text) :]
        assert len(line) <= self.columns, line
        self.lines[self.row], self.column = line, self.column + len(text)

    def _resize(self, columns: int, rows: int) -> None:
        pieces = [
            [line[i : i + columns] for i in range(0, len(line), columns)] if line else [""] for line in self.lines
        ]
        self.row = sum(map(len, pieces[: self.row])) + max(0, self.column - 1) // columns
        self.lines, self.column = [piece for line in pieces for piece in line], (self.column - 1) % columns + 1
        self.columns, self.rows = columns, rows

    def shown(self) -> list[str]:
        """All lines, to the last that is not blank."""
        lines = [line.rstrip() for line in self.lines]
        while lines and not lines[-1]:
            lines.pop()
        return lines
