"""The registry of a home: reads registry.toml and the starters, changes it under a lock."""

import contextlib
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo import files, locks, moving, permissions, tables
from zoo.errors import BadData, Conflict, NotFound, Refused, UsageProblem, ZooError, did_you_mean
from zoo.home import Home
from zoo.names import check_name, split_step, whole
from zoo.registry.document import read_records, record_of, write_card
from zoo.registry.model import RUN_LOCK, Model, is_leftover
from zoo.registry.record import Record
from zoo.registry.references import meant_by
from zoo.registry.row import Known
from zoo.registry.snapshots import at_step
from zoo.registry.transaction import RowTables, Transaction

STARTERS = "zoo_starters"
STARTER_TAG = "starter"  # in a checkout the reader's own models lie beside the starters


class Registry:
    """The models of a home and, under them, the starters."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._known: Known = {}

    def own(self) -> dict[str, Model]:
        """The home's models by name, in the order of registry.toml. Raises BadData for a damaged or lost file."""
        with _pointing_to_the_doctor(), _without_collection():
            self.home.check()
            records = read_records(self.home.registry, self._known)
            return {name: self._model(name, record) for name, record in records.items()}

    def models(self) -> dict[str, Model]:
        """Own models and those starters that no own name hides."""
        own = self.own()
        return {**{name: model for name, model in self._starters.items() if name not in own}, **own}

    @cached_property
    def _starters(self) -> dict[str, Model]:
        """The packaged models; none when the home is the repository itself, for there they are its own."""
        spec = find_spec(STARTERS)
        for location in (spec and spec.submodule_search_locations) or ():
            root = Path(location)
            if _is_same(root, self.home.models):
                continue
            return {
                name: Model(name, record, path.parent, starter=True)
                for path in sorted(root.glob("*/model.toml"))
                for name, record in read_records(path).items()
                if name == path.parent.name and STARTER_TAG in record.tags
            }
        return {}

    def _model(self, name: str, record: Record) -> Model:
        return Model(name, record, self.directory_of(name, record))

    def directory_of(self, name: str, record: Record) -> Path:
        """Where a model of the home lies; raises Refused for a record that points anywhere else."""
        if record.path != f"models/{name}":
            raise Refused(f"{self.home.registry}: model '{name}' has the path {record.path!r}, not 'models/{name}'")
        return self.home.models / name

    def get(self, name: str) -> Model:
        """The model of exactly that name; raises NotFound with a suggestion."""
        models = self.models()
        if name not in models:
            raise NotFound(f"no model named '{name}'{did_you_mean(name, models)} (see: zoo list)")
        return models[name]

    def resolve(self, reference: str | None, *, status: str = "ready") -> Model:
        """What a reader means by a word; raises as `references.meant_by` does."""
        return meant_by(reference, self.models(), status=status)

    def resolve_all(self, references: Sequence[str | None]) -> list[Model]:
        """The same for each of several words, from one look at the registry."""
        models = self.models()
        return [meant_by(reference, models) for reference in references]

    def parent_of(self, record: Record) -> Model | None:
        """The model, as it was at that step, whose weights a record's began with; None when it is not here any more."""
        if record.parent is None:
            return None
        try:
            id, step = split_step(record.parent)
            parent = next((model for model in self.models().values() if model.record.id == id), None)
            return parent if parent is None or step is None else at_step(parent, step)
        except (NotFound, UsageProblem):  # the snapshot is gone, or somebody edited the row
            return None

    def lineage(self, model: Model) -> list[Model]:
        """A model, the one whose weights it began with, and so on, as far as they are here."""
        found, seen = [model], {model.record.id}
        while (parent := self.parent_of(model.record)) is not None and parent.record.id not in seen:
            seen.add(parent.record.id)
            found.append(model := parent)
        return found

    def claim(self, name: str, record: Record, fill: Callable[[Path], None]) -> Path:
        """Create a model's directory and row together, and return the directory; `fill` puts in what belongs there.

        Raises Conflict when either exists; whatever fails, neither is left.
        """
        with self._transaction() as index:
            directory = self._clear(name, index.rows)
            files.claim_directory(directory)
            try:
                fill(directory)
                index.write(lambda rows: self._with_new(name, record, rows))
            except BaseException:
                with contextlib.suppress(ZooError):
                    files.remove_tree(directory)
                raise
        return directory

    def adopt(self, name: str, record: Record, source: Path) -> None:
        """Move a directory in from elsewhere in the home and give it a row; raises Conflict when the name is taken.

        A row of the same model without a directory, as in an older registry.toml, is replaced.
        """
        with self._transaction() as index:
            is_homeless = not (self.home.models / name).exists()

            def others(rows: RowTables) -> RowTables:
                is_stale = is_homeless and _id_of(name, rows) == record.id
                return {other: row for other, row in rows.items() if not (is_stale and other == name)}

            directory = self._clear(name, others(index.rows))
            if source.is_symlink() or not source.is_dir():
                raise NotFound(f"model '{name}' was restored or moved meanwhile")
            tables.refuse_newer_in(source)
            with moving.moved(source, directory):
                index.write(lambda rows: self._with_new(name, record, others(rows)))

    def update(self, name: str, id: str, **changes: Any) -> None:
        """Change fields of a row: model.toml first, registry.toml last, which is the commit point.

        Raises NotFound when the row is gone, or is another model's by now.
        """
        with self._transaction() as index:
            index.write(lambda rows: self._with(name, replace(self._current(name, id, rows), **changes), rows))

    def dismiss(self, name: str, id: str, target: Path) -> None:
        """Drop a row and move its directory away. The row goes first, so that no row ever points at nothing.

        Raises NotFound when the row is gone, or is another model's by now.
        """
        with self._transaction() as index:
            record = self._current(name, id, index.rows)
            directory = self.directory_of(name, record)

            def without(rows: RowTables) -> RowTables:
                nonlocal record
                record = self._current(name, id, rows)
                if directory.is_dir() and not _says(directory / "model.toml", name, record):
                    write_card(directory / "model.toml", name, record)  # an update that was cut short wrote it, no row
                return {other: row for other, row in rows.items() if other != name}

            index.write(without)
            if directory.is_dir():
                permissions.keep_audience(directory, self.home.path)
                moving.move(directory, target)
            else:
                self.keep_row(name, record, target)

    def keep_row(self, name: str, record: Record, target: Path) -> None:
        """Write a row as the card of a new directory, for those who can read registry.toml."""
        files.make_directory(target)
        with files.storing(target):
            permissions.narrow(target, permissions.audience(self.home.registry, self.home.path))
        write_card(target / "model.toml", name, record)

    def rename(self, old: str, new: str) -> Model:
        """Give a model and its directory another name; raises Conflict when it is taken or the model is in training."""
        check_name(new, "model name")
        model = self.own_model(old)
        with self.exclusively(model), self._transaction() as index:
            before = self._current(old, model.record.id, index.rows)
            directory = self._clear(new, index.rows)

            def renamed(rows: RowTables) -> RowTables:
                nonlocal before
                before = self._current(old, model.record.id, rows)
                _refuse_taken(new, rows)
                rows = {new if name == old else name: row for name, row in rows.items()}
                return self._with(new, replace(before, path=f"models/{new}"), rows)

            with moving.moved(model.directory, directory):
                try:
                    index.write(renamed)
                except BaseException:
                    with contextlib.suppress(ZooError):
                        write_card(directory / "model.toml", old, before)
                    raise
        return self.get(new)

    def check_free(self, name: str) -> None:
        """Raise Conflict unless a model of that name could be made now."""
        self._free(name, self.own())

    def own_model(self, name: str) -> Model:
        """A model that may be changed; raises Refused for a starter, and for a link to a directory elsewhere, and
        NewerSchema for one that a newer zoo has worked on."""
        model = self.get(whole(name))
        if model.starter:
            raise Refused(f"'{name}' is a starter, which comes with zoo and cannot be changed")
        files.refuse_link(model.directory)
        tables.refuse_newer_in(model.directory)
        return model

    def exclusively(self, model: Model) -> contextlib.AbstractContextManager[None]:
        """Hold the model's directory against trainers; raises Conflict while it is in training."""
        busy = f"'{model.name}' is in training; stop it first"
        if not model.directory.is_dir():
            return contextlib.nullcontext()
        return locks.locked(model.directory / RUN_LOCK, seconds=0.5, busy=busy)

    def alone(self) -> contextlib.AbstractContextManager[None]:
        """Hold the registry against other writers; raises Conflict when another one has it for too long."""
        return locks.locked(self.home.lock("registry"), busy="another zoo process is writing the registry; try again")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Transaction]:
        """Hold the lock of the registry, and yield its rows and the way to change them.

        Whatever fails in the block, the file is as it was; signals wait until the block is done.
        """
        self.home.create()
        with self.alone():
            with _pointing_to_the_doctor():
                index = Transaction(self.home.registry, self._known)
            with locks.undisturbed():
                try:
                    yield index
                except BaseException:
                    index.undo()
                    raise

    def _free(self, name: str, rows: Mapping[str, object]) -> Path:
        """The directory for a new model of that name; raises Conflict when the name is taken.

        What a kill left of a training that had not begun does not take it.
        """
        check_name(name, "model name")
        directory = self.home.models / name
        _refuse_taken(name, rows)
        if directory.exists() and not (directory.is_dir() and is_leftover(directory)):
            raise Conflict(f"{directory} is in the way, though the registry does not know it (see: zoo doctor)")
        return directory

    def _clear(self, name: str, rows: RowTables) -> Path:
        """As `_free`, and nothing stands there any more."""
        directory = self._free(name, rows)
        if directory.exists():
            files.remove_tree(directory)
        return directory

    def _current(self, name: str, id: str, rows: RowTables) -> Record:
        """The record as it is now; raises NotFound unless it is still the model of that id."""
        if _id_of(name, rows) != id:
            raise NotFound(f"model '{name}' was removed or renamed meanwhile")
        return record_of(name, rows[name])

    def _with_new(self, name: str, record: Record, rows: RowTables) -> RowTables:
        """Return the rows as `_with` does, for a new model; raises Conflict when the name is taken."""
        _refuse_taken(name, rows)
        return self._with(name, record, rows)

    def _with(self, name: str, record: Record, rows: RowTables) -> RowTables:
        """Write a record as model.toml, and return the rows with it. A missing directory is not created.

        Raises BadData, and writes nothing, for a record that could not be read again.
        """
        Record.from_table(record.to_table(), f"model '{name}'")
        directory = self.directory_of(name, record)
        if directory.is_dir():
            write_card(directory / "model.toml", name, record)
        return {**rows, name: record.to_table()}


def _id_of(name: str, rows: RowTables) -> object:
    """Return the id in a row; None when there is no such row, or when it is not a table."""
    row = rows.get(name)
    return row.get("id") if isinstance(row, dict) else None


def _refuse_taken(name: str, rows: Mapping[str, object]) -> None:
    """Raise Conflict when a row has that name."""
    if name in rows:
        way = f"take another name, or rename that one: zoo rename {name} NEW"
        raise Conflict(f"a model named '{name}' exists already; {way}")


@contextlib.contextmanager
def _pointing_to_the_doctor() -> Iterator[None]:
    """Say of damage where it can be mended."""
    try:
        yield
    except BadData as error:
        raise BadData(f"{error} (see: zoo doctor)") from None


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the garbage collector: it would look through thousands of new records again and again, and free nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths are one directory."""
    try:
        return one.samefile(other)
    except OSError:  # one of them is missing, or a loop of links
        return False


def _says(card: Path, name: str, record: Record) -> bool:
    """Whether a model.toml says what the row does."""
    try:
        return read_records(card) == {name: record}
    except ZooError:
        return False
