"""The rows of registry.toml beside the model.toml and the directories they speak of, as they are found."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo import files
from zoo.doctor.finding import NEWER, UNREADABLE, UPGRADE
from zoo.doctor.witnesses import Settled, Witnesses, differences, rebuilt
from zoo.errors import BadData, NewerSchema, StorageProblem, UsageProblem
from zoo.home import Home
from zoo.names import check_name, is_name
from zoo.registry import trash
from zoo.registry.document import SIZE_LIMIT, read_document, read_records, record_of
from zoo.registry.model import RUN_LOCK, Model, is_leftover
from zoo.registry.record import Record
from zoo.registry.row import Known

MODEL_FILES = {"run.toml", "vocab.json", "model.toml", "log.jsonl", RUN_LOCK}  # which nobody else has


@dataclass(frozen=True)
class Card:
    """A model.toml: its record, or why there is none, and what the reader must do when it is not for us to mend.

    `table` is what it holds, even if that makes no record.
    """

    record: Record | None
    problem: str = ""
    advice: str = ""
    table: object = None


class Rows:
    """The models of a home as they are found: rows, cards, directories. Nothing is raised for what is damaged.

    `known` are rows by their texts: a card that says what its row does is not parsed again, nor is any at a later look.
    """

    def __init__(self, home: Home, known: Known | None = None) -> None:
        self.home, self.known = home, {} if known is None else known
        self.directories, self.blindness = _directories(home.models)
        self.document: dict[str, Any] = {}
        self.problem, self.newer = "", False
        self.seen = files.Seen(home.registry, limit=SIZE_LIMIT)
        try:
            home.check()
            self.document = read_document(home.registry, self.known)
        except BadData as error:
            self.problem, self.newer = str(error), isinstance(error, NewerSchema)
        self.cards = {path.name: _read_card(path / "model.toml", self.known) for path in self.directories}
        self.tables: dict[str, Any] = self.document.get("models", {})
        self.read = {name: self._read(name) for name in self.tables}
        self.records = {name: record for name, (record, _) in self.read.items() if record is not None}
        self._settled: dict[str, Settled] = {}

    def _read(self, name: str) -> tuple[Record | None, str]:
        """What a row says, or why it cannot be meant."""
        try:
            check_name(name, "model name")
            record = record_of(name, self.tables[name])
        except (BadData, UsageProblem) as error:
            return None, str(error)
        if record.path != f"models/{name}":
            return None, f"model '{name}' has the path {record.path!r}, not 'models/{name}'"
        return record, ""

    def believed(self) -> Iterator[Model]:
        """Of every model that has a directory of its own, what will stand when row and card are mended."""
        for directory in self.directories:
            name, card = directory.name, self.cards[directory.name]
            row = self.records.get(name)
            if card.advice or self.newer or directory.is_symlink() or not directory.is_dir() or not is_name(name):
                continue
            if row is None and is_leftover(directory):
                continue
            record = row or card.record
            if row and card.record:
                settled = self.settled(name, row, card.record)
                record = None if settled.dispute else settled.record
            if record is not None:
                yield Model(name, replace(record, path=f"models/{name}"), directory)

    def settled(self, name: str, row: Record, card: Record) -> Settled:
        """Return what row and card of a model say together; it is settled once."""
        if name not in self._settled:
            same = not differences(row, card)
            self._settled[name] = Settled(row) if same else Witnesses(self.home.models / name).settle(row, card)
        return self._settled[name]

    def rebuilt(self, name: str) -> Record | None:
        """Return the record of a model whose row and card both make none, if its run.toml can be read."""
        tables = (self.cards[name].table if name in self.cards else None, self.tables.get(name))
        return rebuilt(name, self.home.models / name, [table for table in tables if isinstance(table, dict)])

    @cached_property
    def trashed(self) -> dict[str, str]:
        """The words that restore the models in the trash, by their ids."""
        return trash.words(self.home)

    @cached_property
    def strays(self) -> dict[str, str]:
        """The directories that have a card and no row, by the id of their model."""
        found = ((name, card.record) for name, card in self.cards.items() if name not in self.tables)
        return {record.id: name for name, record in found if record is not None}


def _directories(models: Path) -> tuple[list[Path], str]:
    """What lies under models/ and looks as if zoo had put it there, dangling links too; and why nothing can be seen."""
    try:
        entries = sorted(models.iterdir())
    except OSError as error:
        return [], (error.strerror or str(error)).lower()
    return [path for path in entries if not path.name.startswith(files.TEMPORARY) and _is_ours(path)], ""


def _is_ours(path: Path) -> bool:
    if not path.is_dir():
        return path.is_symlink() and not path.exists()
    try:
        names = {entry.name for entry in path.iterdir() if not entry.name.startswith(files.TEMPORARY)}
    except OSError:
        return True
    return not names or bool(names & MODEL_FILES)


def _read_card(path: Path, known: Known) -> Card:
    table: object = None
    try:
        rows = read_document(path, known).get("models", {})
        table = next(iter(rows.values())) if len(rows) == 1 else None
        records = read_records(path, known)
    except NewerSchema:
        return Card(None, NEWER, UPGRADE)
    except BadData as error:
        return Card(None, str(error), table=table)
    except StorageProblem as error:
        return Card(None, str(error), UNREADABLE)
    if len(records) != 1:
        return Card(None, "model.toml is missing" if not records else "model.toml has several rows")
    (record,) = records.values()
    return Card(record, table=table)
