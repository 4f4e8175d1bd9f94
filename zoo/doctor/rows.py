"""The rows of registry.toml beside the model.toml and the directories they speak of, and what puts them in step."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo import files, tables
from zoo.doctor.finding import UNREADABLE, UPGRADE
from zoo.errors import BadData, StorageProblem, UsageProblem, ZooError
from zoo.home import SCHEMA, Home
from zoo.names import check_name
from zoo.registry import trash
from zoo.registry.document import read_document, read_records, write_card, write_document
from zoo.registry.record import Record
from zoo.registry.registry import RUN_LOCK, Model, is_leftover

MODEL_FILES = {"run.toml", "vocab.json", "model.toml", "weights.safetensors", "log.jsonl", "checkpoints", RUN_LOCK}


@dataclass(frozen=True)
class Card:
    """A model.toml: its record, or why there is none, and what the reader must do when it is not for us to mend."""

    record: Record | None
    problem: str = ""
    advice: str = ""


class Rows:
    """The models of a home as they are found: rows, cards, directories. Nothing is raised for what is damaged."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.directories = _directories(home.models)
        self.cards = {path.name: _read_card(path / "model.toml") for path in self.directories}
        self.document: dict[str, Any] = {}
        self.problem, self.newer = "", False
        try:
            self.document = read_document(home.registry)
            if not home.registry.exists() and any(card.record for card in self.cards.values()):
                self.problem = "it is missing, though there are models"
        except BadData as error:
            self.problem, self.newer = str(error), is_newer(home.registry, SCHEMA)
        self.tables: dict[str, Any] = self.document.get("models", {})
        self._changed, self._kept = False, False
        self._leaving: list[Path] = []
        self.records = {name: record for name in self.tables if (record := self.record(name)[0])}

    def record(self, name: str) -> tuple[Record | None, str]:
        """What a row says, or why it cannot be meant."""
        try:
            check_name(name, "model name")
            record = Record.from_table(self.tables[name], f"model '{name}'")
        except (BadData, UsageProblem) as error:
            return None, str(error)
        if record.path != f"models/{name}":
            return None, f"model '{name}' has the path {record.path!r}, not 'models/{name}'"
        return record, ""

    def believed(self) -> Iterator[Model]:
        """Of every model that has a directory, what will stand when row and card are mended."""
        for directory in self.directories:
            name, card = directory.name, self.cards[directory.name]
            row = self.records.get(name)
            if card.advice or self.newer or not directory.is_dir() or not is_name(name):
                continue
            if row is None and is_leftover(directory):
                continue
            record = self.better(name, row, card.record) if row and card.record else row or card.record
            if record is not None:
                yield Model(name, replace(record, path=f"models/{name}"), directory)

    def better(self, name: str, row: Record, card: Record) -> Record:
        """Of two the one that fits the weights; else the row, which is the commit point."""
        if row.weights_sha256 == card.weights_sha256 or row.id != card.id or card.weights_sha256 is None:
            return row
        try:
            there = files.sha256_of(self.home.models / name / "weights.safetensors")
        except ZooError:
            return row
        return card if there == card.weights_sha256 else row

    @cached_property
    def strays(self) -> dict[str, str]:
        """The directories that have a card and no row, by the id of their model."""
        found = ((name, card.record) for name, card in self.cards.items() if name not in self.tables and is_name(name))
        return {record.id: name for name, record in found if record is not None}

    # What mends. Each of these reads nothing again, for whoever calls them holds the registry's lock, and leaves the
    # index to `save`, which writes it once.

    def save(self) -> None:
        """Write the rows, then move away what has left them: in this order no row ever points at nothing."""
        if self._changed:
            write_document(self.home.registry, {**self.document, "models": self.tables})
        for path in self._leaving:
            trash.put_away(self.home, path)

    def settle(self, name: str, record: Record) -> None:
        """Make card and row say this."""
        record = replace(record, path=f"models/{name}")
        write_card(self.home.models / name / "model.toml", name, record)
        self.tables[name] = record.to_table()
        self._changed = True

    def replace_row(self, name: str, record: Record) -> None:
        self._keep_registry()
        self.settle(name, record)

    def write_card(self, name: str, record: Record) -> None:
        path = self.home.models / name / "model.toml"
        if path.is_symlink() or path.exists():
            trash.put_away(self.home, path)
        write_card(path, name, record)

    def put_away(self, name: str) -> None:
        """Take out a row; its directory goes to the trash."""
        self.tables.pop(name, None)
        self._changed = True
        if is_name(name) and (self.home.models / name).is_dir():
            self._leaving.append(self.home.models / name)

    def drop(self, name: str) -> None:
        self._keep_registry()
        self.put_away(name)

    def discard_row(self, name: str, record: Record) -> None:
        trash.put_away_row(self.home, name, record)
        del self.tables[name]
        self._changed = True

    def rename(self, old: str, new: str, record: Record) -> None:
        del self.tables[old]
        self.settle(new, record)

    def _keep_registry(self) -> None:
        """Put a copy of registry.toml into the trash, for what is about to be lost from it."""
        if not self._kept:
            trash.keep_copy(self.home, self.home.registry)
        self._kept = True

    def rebuild(self) -> None:
        """Write registry.toml from every card, oldest first."""
        if self.home.registry.is_symlink() or self.home.registry.exists():
            trash.put_away(self.home, self.home.registry)
        found = {name: card.record for name, card in self.cards.items() if card.record is not None and is_name(name)}
        self.document, self.tables = {"schema": SCHEMA}, {}
        for name in sorted(found, key=lambda name: (found[name].created, name)):
            self.tables[name] = replace(found[name], path=f"models/{name}").to_table()
        self._changed = True


def _directories(models: Path) -> list[Path]:
    """What lies under models/ and looks as if zoo had put it there, dangling links too."""
    try:
        entries = sorted(models.iterdir())
    except OSError:
        return []
    return [path for path in entries if not path.name.startswith(files.TEMPORARY) and _is_ours(path)]


def _is_ours(path: Path) -> bool:
    if not path.is_dir():
        return path.is_symlink() and not path.exists()
    try:
        names = {entry.name for entry in path.iterdir()}
    except OSError:
        return True
    return not names or bool(names & MODEL_FILES)


def _read_card(path: Path) -> Card:
    try:
        records = read_records(path)
    except BadData as error:
        return Card(None, str(error), UPGRADE if is_newer(path, SCHEMA) else "")
    except StorageProblem as error:
        return Card(None, str(error), UNREADABLE)
    if len(records) != 1:
        return Card(None, "model.toml is missing" if not records else "model.toml has several rows")
    (record,) = records.values()
    return Card(record)


def is_newer(path: Path, known: int) -> bool:
    """Whether a file says that it has a later schema than the known one."""
    try:
        table = tables.read_json(path) if path.suffix == ".json" else tables.read_toml(path)
    except ZooError:
        return False
    schema = table.get("schema") if isinstance(table, dict) else None
    return type(schema) is int and schema > known


def is_name(name: str) -> bool:
    try:
        check_name(name)
    except UsageProblem:
        return False
    return True
