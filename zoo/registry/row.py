"""A row: the table of one model in a file of records, and its text as zoo writes it."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property
from hashlib import sha256
from json import dumps, loads
from pathlib import Path
from typing import Any, Self

from zoo import tables
from zoo.errors import BadData, ZooError
from zoo.registry.record import Record

BETWEEN = "\n\n"  # rows, as zoo writes them
MANY = 100  # rows that are parsed in a moment; the cache is for more
CACHE_LIMIT = 2**27  # bytes; twice those of registry.toml
_BEFORE_ROW = re.compile(BETWEEN + r'(?=\[models\.(?:[A-Za-z0-9_-]+|"[^"\\\n]*")\]\n)')
_HEADING_OF_ONE_PART = re.compile(r"^[ \t]*\[[^\[\].\n]+\]", re.MULTILINE)

Known = dict[str, "Row"]


class Row(dict[str, Any]):
    """The table of a model. Replace a row to change it: its text and its record are those it was made with."""

    def __init__(self, name: str, table: Mapping[str, Any], *, read: str = "") -> None:
        super().__init__(table)
        self.name = name
        self._read = read

    @classmethod
    def parsed(cls, text: str, path: Path) -> Self:
        """The row of a text that holds nothing else; raises BadData for any other text."""
        document = tables.parse_toml(text, path)
        models = document.pop("models", None)
        if document or not isinstance(models, dict) or len(models) != 1 or _HEADING_OF_ONE_PART.search(text):
            raise BadData(f"{path}: a row is expected")
        ((name, table),) = models.items()
        if not isinstance(table, dict):
            raise BadData(f"{path}: a row is expected")
        return cls(name, table, read=text)

    @cached_property
    def text(self) -> str:
        """The TOML that zoo writes for the row, without the line end of its last line."""
        return tables.to_toml({"models": {self.name: self}}, read=f"{self._read}\n").removesuffix("\n")

    @cached_property
    def record(self) -> Record:
        """The record; raises BadData naming the key when the row makes no record."""
        return Record.from_table(self, f"model '{self.name}'")


def split(text: str) -> tuple[str, list[str]]:
    """What stands before the rows of a file of records, and the text of each row, if zoo wrote it."""
    head, *rows = _BEFORE_ROW.split(text.removesuffix("\n"))
    return head, rows


def read_rows(texts: list[str], path: Path, cache: Path | None, known: Known) -> dict[str, Row]:
    """The rows of such texts by name; what was read is added to `known`. Raises BadData for a text that is no row.

    Args:
        cache: where the rows of many texts are kept, so that the next process need not parse them.
        known: rows by their texts, of earlier reads.
    """
    if cache and sum(text not in known for text in texts) > MANY:
        _recall(texts, cache, known)
    new = [text for text in texts if text not in known]
    known.update((text, Row.parsed(text, path)) for text in new)
    if cache and len(new) > MANY:
        _keep(texts, cache, known)
    return {row.name: row for row in map(known.__getitem__, texts)}


def _recall(texts: Iterable[str], cache: Path, known: Known) -> None:
    """Add those of the rows that are in the cache."""
    try:
        table = tables.read_derived(cache, limit=CACHE_LIMIT)
        kept, shared = table["rows"], table["tables"]
    except (ZooError, KeyError):  # none yet, or damaged
        return
    for text in texts:
        if text not in known and (found := kept.get(_key(text))):
            name, values, numbers = found
            row = known[text] = Row(name, values | {key: shared[number] for key, number in numbers.items()})
            row.text = text


def _keep(texts: Iterable[str], cache: Path, known: Known) -> None:
    """Write the cache: all rows whose texts are as zoo writes them, and whose values JSON has too. Many have the same
    hyperparameters: each distinct table is written once, and rows hold its number."""
    rows: dict[str, Any] = {}
    shared: dict[str, int] = {}
    for text in texts:
        row = known[text]
        with suppress(TypeError):  # a date
            if row.text == text and dumps(row):
                inner = {key: value for key, value in row.items() if isinstance(value, dict)}
                numbers = {key: shared.setdefault(dumps(value), len(shared)) for key, value in inner.items()}
                rows[_key(text)] = [row.name, {key: row[key] for key in row if key not in inner}, numbers]
    with suppress(ZooError):
        tables.write_derived(cache, {"tables": [loads(text) for text in shared], "rows": rows})


def _key(text: str) -> str:
    return sha256(text.encode()).hexdigest()
