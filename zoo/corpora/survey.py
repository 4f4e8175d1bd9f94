"""What is counted while a text streams by: its characters and its lines."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

CODE_POINTS = 0x110000


class Survey:
    """Counts of all text that was added, in blocks of any size."""

    def __init__(self) -> None:
        import numpy as np

        self._counts = np.zeros(CODE_POINTS, dtype=np.int64)
        self._open = 0  # length of the line that has not ended yet
        self._longest = 0

    def add(self, text: str, data: bytes) -> None:
        """Count a block; `data` is `text` in UTF-8."""
        import numpy as np

        ascii_only = len(data) == len(text)
        points = np.frombuffer(data, np.uint8) if ascii_only else np.frombuffer(text.encode("utf-32-le"), np.uint32)
        counted = np.bincount(points)
        self._counts[: len(counted)] += counted
        self._measure_lines(np.flatnonzero(points == ord("\n")), len(points))

    def _measure_lines(self, ends: "np.ndarray", length: int) -> None:
        """Take note of the lines of a block whose line ends stand at `ends`."""
        import numpy as np

        if not len(ends):
            self._open += length
            return
        inner = int(np.diff(ends).max()) - 1 if len(ends) > 1 else 0
        self._longest = max(self._longest, self._open + int(ends[0]), inner)
        self._open = length - 1 - int(ends[-1])

    @property
    def characters(self) -> int:
        return int(self._counts.sum())

    @property
    def longest_line(self) -> int:
        """Characters of the longest line, its end not counted."""
        return max(self._longest, self._open)

    @property
    def alphabet(self) -> dict[str, int]:
        """Every character with its count, in order of code points."""
        import numpy as np

        return {chr(point): int(self._counts[point]) for point in np.flatnonzero(self._counts)}
