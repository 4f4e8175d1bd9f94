"""The index: whether registry.toml, every model.toml and the directories under models/ tell the same."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from zoo import files
from zoo.doctor.finding import Finding
from zoo.errors import BadData, NotFound, UsageProblem, ZooError
from zoo.home import SCHEMA, Home
from zoo.names import check_name
from zoo.registry import trash
from zoo.registry.document import read_document, read_records, write_card, write_document
from zoo.registry.record import Record
from zoo.registry.registry import RUN_LOCK, Model, is_leftover

MODEL_FILES = {"run.toml", "vocab.json", "model.toml", "weights.safetensors", "log.jsonl", "checkpoints", RUN_LOCK}
TO_THE_TRASH = "moved to the trash"


@dataclass(frozen=True)
class Card:
    """A model.toml: its record, or why there is none; `newer` when only a newer zoo can read it."""

    record: Record | None
    problem: str = ""
    newer: bool = False


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
        self.records = {name: record for name in self.tables if (record := self._record(name)[0])}

    def _record(self, name: str) -> tuple[Record | None, str]:
        """What a row says, or why it cannot be meant."""
        try:
            check_name(name, "model name")
            record = Record.from_table(self.tables[name], f"model '{name}'")
        except (BadData, UsageProblem) as error:
            return None, str(error)
        if record.path != f"models/{name}":
            return None, f"model '{name}' has the path {record.path!r}, not 'models/{name}'"
        return record, ""

    def findings(self) -> Iterator[Finding]:
        """All that is wrong between them, each thing once."""
        if self.newer:
            yield Finding("registry.toml", self.problem, "upgrade zoo; it is left as it is")
            return
        if self.problem:
            yield Finding(
                "registry.toml", self.problem, "written anew from the model.toml of each model", self._rebuild
            )
        else:
            for name in self.tables:
                yield from self._judge_row(name)
        for directory in self.directories:
            if directory.name not in self.tables and not (self.problem and self.cards[directory.name].record):
                yield from self._judge_stray(directory)

    def _judge_row(self, name: str) -> Iterator[Finding]:
        record, problem = self._record(name)
        card = self.cards.get(name)
        where = f"models/{name}"
        if card is not None and card.newer:
            yield Finding(f"{where}/model.toml", card.problem, "upgrade zoo; it is left as it is")
        elif record is None and card is not None and card.record is not None:
            cure = "the row is written anew from model.toml"
            yield Finding("registry.toml", problem, cure, partial(self._replace_row, name, card.record))
        elif record is None:
            cure = "the row is taken out, and what is left moved to the trash"
            yield Finding("registry.toml", problem, cure, partial(self._drop, name))
        elif card is None:
            yield self._judge_homeless(name, record)
        elif card.record is None:
            cure = "written anew from the row"
            yield Finding(f"{where}/model.toml", card.problem, cure, partial(self._write_card, name, record))
        elif card.record != record:
            better = self._better(name, record, card.record)
            stale, source = ("model.toml", "the row") if better is record else ("the row", "model.toml")
            cure = f"{stale} is written anew from {source}"
            what = f"the row and model.toml differ: {', '.join(_differences(record, card.record))}"
            yield Finding(where, what, cure, partial(self._settle, name, better))

    def _judge_homeless(self, name: str, record: Record) -> Finding:
        """A row without a directory: renamed by half, or a model that is gone."""
        for other, card in self.cards.items():
            if other not in self.tables and card.record is not None and card.record.id == record.id and _is_name(other):
                what, cure = f"the directory of model '{name}' is models/{other}", f"the model is called '{other}'"
                return Finding(f"models/{name}", what, cure, partial(self._rename, name, other, record))
        what, cure = "the row has no directory", "the row is moved to the trash"
        return Finding(f"models/{name}", what, cure, partial(self._discard_row, name, record))

    def _judge_stray(self, directory: Path) -> Iterator[Finding]:
        """A directory without a row."""
        name, card = directory.name, self.cards[directory.name]
        where = f"models/{name}"
        put_away = partial(trash.put_away, self.home, directory)
        if any(
            record.id == card.record.id for n, record in self.records.items() if n not in self.cards and card.record
        ):
            return  # told of at the row
        if card.newer:
            yield Finding(f"{where}/model.toml", card.problem, "upgrade zoo; it is left as it is")
        elif not directory.exists():
            yield Finding(where, "it is a link that leads nowhere", TO_THE_TRASH, put_away)
        elif not _is_name(name):
            twin = name.casefold() in self.tables or (directory.parent / name.casefold()).exists()
            what = f"it differs from '{name.casefold()}' in case only" if twin else "no model can be called so"
            yield Finding(where, what, TO_THE_TRASH, put_away)
        elif is_leftover(directory):
            yield Finding(where, "it is what was left of a training that had not begun", TO_THE_TRASH, put_away)
        elif card.record is None:
            yield Finding(where, f"it has no row, and {card.problem}", TO_THE_TRASH, put_away)
        else:
            cure = "the row is written from model.toml"
            yield Finding(where, "it has no row", cure, partial(self._settle, name, card.record))

    def believed(self) -> Iterator[Model]:
        """Of every model that has a directory, what will stand when row and card are mended."""
        for directory in self.directories:
            name, card = directory.name, self.cards[directory.name]
            row = self.records.get(name)
            if card.newer or self.newer or not directory.is_dir() or not _is_name(name):
                continue
            if row is None and is_leftover(directory):
                continue
            record = self._better(name, row, card.record) if row and card.record else row or card.record
            if record is not None:
                yield Model(name, replace(record, path=f"models/{name}"), directory)

    def _better(self, name: str, row: Record, card: Record) -> Record:
        """Of two the one that fits the weights; else the row, which is the commit point."""
        if row.weights_sha256 == card.weights_sha256 or row.id != card.id or card.weights_sha256 is None:
            return row
        try:
            return (
                card if files.sha256_of(self.home.models / name / "weights.safetensors") == card.weights_sha256 else row
            )
        except ZooError:
            return row

    # What mends. Each of these reads nothing again: whoever calls them holds the registry's lock.

    def _write(self) -> None:
        write_document(self.home.registry, {**self.document, "models": self.tables})

    def _settle(self, name: str, record: Record) -> None:
        """Make card and row say this."""
        record = replace(record, path=f"models/{name}")
        write_card(self.home.models / name / "model.toml", name, record)
        self.tables[name] = record.to_table()
        self._write()

    def _replace_row(self, name: str, record: Record) -> None:
        self._keep_registry()
        self._settle(name, record)

    def _write_card(self, name: str, record: Record) -> None:
        path = self.home.models / name / "model.toml"
        if path.is_symlink() or path.exists():
            trash.put_away(self.home, path)
        write_card(path, name, record)

    def put_away(self, name: str) -> None:
        """Take out a row, then move its directory to the trash: in this order no row ever points at nothing."""
        self.tables.pop(name, None)
        self._write()
        if _is_name(name) and (self.home.models / name).is_dir():
            trash.put_away(self.home, self.home.models / name)

    def _drop(self, name: str) -> None:
        self._keep_registry()
        self.put_away(name)

    def _discard_row(self, name: str, record: Record) -> None:
        trash.put_away_row(self.home, name, record)
        del self.tables[name]
        self._write()

    def _rename(self, old: str, new: str, record: Record) -> None:
        del self.tables[old]
        self._settle(new, record)

    def _keep_registry(self) -> None:
        """Put a copy of registry.toml into the trash, for what is about to be lost from it."""
        trash.keep_copy(self.home, self.home.registry)

    def _rebuild(self) -> None:
        """Write registry.toml from every card, oldest first."""
        if self.home.registry.is_symlink() or self.home.registry.exists():
            trash.put_away(self.home, self.home.registry)
        found = {name: card.record for name, card in self.cards.items() if card.record is not None and _is_name(name)}
        self.document, self.tables = {"schema": SCHEMA}, {}
        for name in sorted(found, key=lambda name: (found[name].created, name)):
            self.tables[name] = replace(found[name], path=f"models/{name}").to_table()
        self._write()


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
    except (BadData, NotFound) as error:
        return Card(None, str(error), is_newer(path, SCHEMA))
    except ZooError as error:
        return Card(None, str(error))
    if len(records) != 1:
        return Card(None, "model.toml is missing" if not records else "model.toml has several rows")
    (record,) = records.values()
    return Card(record)


def is_newer(path: Path, known: int) -> bool:
    """Whether a file says that it has a later schema than the known one."""
    try:
        schema = files.read_toml(path).get("schema")
    except ZooError:
        return False
    return type(schema) is int and schema > known


def _is_name(name: str) -> bool:
    try:
        check_name(name)
    except UsageProblem:
        return False
    return True


def _differences(row: Record, card: Record) -> list[str]:
    """The keys in which two records differ."""
    one, other = row.to_table(), card.to_table()
    return [key for key in {**one, **other} if one.get(key) != other.get(key)]
