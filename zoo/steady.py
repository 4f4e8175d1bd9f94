"""Read a file that must not change meanwhile: a mixture of two versions would be a text that never existed."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zoo import files
from zoo.errors import Conflict


class SteadyFile:
    """Open one file as often as needed, and raise Conflict when it has changed since it was first opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._version: tuple[int, int, int] | None = None

    @contextlib.contextmanager
    def __call__(self) -> Iterator[BinaryIO]:
        """Open the file. Raises as `files.opened` does, and Conflict, at the end too."""
        with files.opened(self.path) as file:
            self._check(file)
            try:
                yield file
            except Exception:
                self._check(file)  # bytes that make no sense may be those of two versions
                raise
            self._check(file)

    def sha256(self) -> str:
        """Return the sha256 of the file's bytes, in hexadecimal."""
        with self() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    def check(self, sha256: str) -> None:
        """Raise Conflict unless the file is unchanged and its bytes have this sha256: size and times alone miss a write
        within the same tick of the file system's clock."""
        if self.sha256() != sha256:
            raise self._changed()

    def _check(self, file: BinaryIO) -> None:
        status = os.fstat(file.fileno())  # not the inode: some file systems give a new number each time
        version = status.st_size, status.st_mtime_ns, status.st_ctime_ns
        self._version = self._version or version
        if version != self._version:
            raise self._changed()

    def _changed(self) -> Conflict:
        return Conflict(
            f"{self.path} changed while it was read, so nothing of it is kept; try again when it is complete"
        )
