"""Files under gzip, within bounds: a small file must not become an endless text."""

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from zoo.errors import BadData, Refused
from zoo.reading.decoding import Reopen

MAGIC = b"\x1f\x8b"
MOST_RATIO = 100  # text shrinks to a third, the same line again and again to a hundredth
FREE_BYTES = 2**24  # below this size no ratio matters
PIECE_BYTES = 2**20


@contextlib.contextmanager
def unzipped(path: Path, reopen: Reopen) -> Iterator[BinaryIO]:
    """The bytes of the gzip file that `reopen` opens, all its members one after the other, from beginning to end.

    Reading raises BadData for a file that is cut off, damaged or followed by something else, and Refused for one that
    grows more than MOST_RATIO times.
    """
    with reopen() as packed, gzip.GzipFile(fileobj=packed) as file:
        size = os.fstat(packed.fileno()).st_size
        yield cast(BinaryIO, _Bounded(path, cast(BinaryIO, file), max(FREE_BYTES, MOST_RATIO * size)))


class _Bounded:
    """Reads from `file` up to `limit` bytes."""

    def __init__(self, path: Path, file: BinaryIO, limit: int) -> None:
        self.path, self.file, self.limit, self.done = path, file, limit, 0

    def read(self, size: int) -> bytes:
        pieces = []
        while size > 0:
            try:
                piece = self.file.read(min(size, PIECE_BYTES))
            except (OSError, EOFError, zlib.error) as error:
                raise BadData(f"{self.path} is a damaged gzip file: {str(error).lower()}") from None
            if not piece:
                break
            self.done += len(piece)
            if self.done > self.limit:
                raise Refused(f"{self.path} grows more than {MOST_RATIO} times when it is unpacked; unpack it yourself")
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)
