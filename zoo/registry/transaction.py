"""Change registry.toml under its lock, while programs that take no lock may save it, too."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from zoo import files
from zoo.errors import BadData, Changed, Conflict, ZooError
from zoo.registry.document import SIZE_LIMIT, read_document, write_document
from zoo.registry.row import Known

ATTEMPTS = 10
PAUSE = 0.1  # seconds, in which a program that writes the file in place comes to its end
RowTables = dict[str, Any]


class Transaction:
    """The rows of registry.toml, and how to change them.

    An editor, git or a sync tool takes no lock. So a write makes sure that the file still holds what was read; if it
    does not, the change is made again to what is there now. Only what such a program saves in the instant between that
    look and the replacement is lost.
    """

    def __init__(self, path: Path, known: Known) -> None:
        """Read the rows; `known` are rows by their texts, of earlier reads."""
        self._path, self._known = path, known
        self._read()

    def _read(self) -> None:
        self._seen = files.Seen(self._path, limit=SIZE_LIMIT)
        self._document = read_document(self._path, self._known)
        if self._seen.data is None:
            raise BadData(f"{self._path} is missing")
        self._document.setdefault("models", {})

    @property
    def rows(self) -> RowTables:
        """The rows as they were read last, by the names of their models."""
        return self._document["models"]  # type: ignore[no-any-return]

    def write(self, change: Callable[[RowTables], RowTables]) -> None:
        """Write what `change` returns for the present rows; call it again when another program has changed them.

        Raises Conflict when another program changes the file all the time, and what `change` raises.
        """
        for _ in range(ATTEMPTS):
            try:
                write_document(self._path, {**self._document, "models": change(self.rows)}, over=self._seen)
                return
            except Changed:
                time.sleep(PAUSE)
                try:
                    self._read()
                except BadData as error:
                    raise BadData(f"{error} (see: zoo doctor)") from None
        raise Conflict(f"another program changes {self._path} all the time; end it, and try again")

    def undo(self) -> None:
        """Put back what was replaced, unless somebody has saved the file since."""
        with suppress(ZooError):
            self._seen.put_back()
