"""The registry of a home: reads registry.toml and the starters, changes it under a lock."""

import contextlib
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zoo import files
from zoo.errors import BadData, Conflict, NotFound, Refused, UsageProblem, did_you_mean
from zoo.home import SCHEMA, Home
from zoo.names import check_name
from zoo.registry.record import Record

COMMENT = "The models of this zoo. Written by zoo, which keeps keys but no comments: notes belong into `note`."
STARTERS = "zoo_starters"
STARTER_TAG = "starter"  # in a checkout the reader's own models lie beside the starters
DEFAULT_DATASET = "shakespeare"
RUN_LOCK = "run.lock"


@dataclass(frozen=True)
class Model:
    """A record with its name and the directory it describes."""

    name: str
    record: Record
    directory: Path
    starter: bool = False

    @property
    def weights_path(self) -> Path:
        return self.directory / "weights.safetensors"

    @property
    def vocab_path(self) -> Path:
        return self.directory / "vocab.json"

    @property
    def is_running(self) -> bool:
        """Whether a worker holds the kernel lock on the directory at this moment."""
        return not self.starter and files.is_locked(self.directory / RUN_LOCK)

    @property
    def status(self) -> str:
        """The recorded status, but `interrupted` for a training whose worker is gone, `missing` without weights."""
        if self.record.status == "training":
            return "training" if self.is_running else "interrupted"
        if self.record.status == "ready" and not self.weights_path.is_file():
            return "missing"
        return self.record.status

    @property
    def size(self) -> int:
        """Bytes of the weights file, 0 without one."""
        try:
            return self.weights_path.stat().st_size
        except OSError:
            return 0


class Registry:
    """The models of a home and, under them, the starters."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def own(self) -> dict[str, Model]:
        """The home's models by name, in the order of registry.toml. Raises BadData for a damaged file."""
        return {name: self._model(name, record) for name, record in read_records(self.home.registry).items()}

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
            if root == self.home.models or root.resolve() == self.home.models.resolve():
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
        """What a reader means by a word: an exact name, a dataset (its best model of that status), or a unique
        beginning of a name.

        None means the dataset `shakespeare`. Raises NotFound with the candidates otherwise.
        """
        wanted = DEFAULT_DATASET if reference is None else reference
        models = self.models()
        if wanted in models:
            return models[wanted]
        trained = [m for m in models.values() if m.record.dataset == wanted and m.status == status]
        if trained:
            return min(trained, key=lambda m: _worst_if_unknown(m.record.val_bpc))
        beginning = [name for name in models if wanted and name.startswith(wanted)]
        if len(beginning) == 1:
            return models[beginning[0]]
        if beginning:
            raise NotFound(f"'{wanted}' may mean {', '.join(sorted(beginning))}; type more of the name")
        known = {*models, *(m.record.dataset for m in models.values())}
        raise NotFound(f"no model named '{wanted}'{did_you_mean(wanted, known)} (see: zoo list)")

    def add(self, name: str, record: Record) -> None:
        """Insert a row; raises Conflict when the name, in any case, is taken."""

        def insert(tables: dict[str, Any]) -> None:
            if name.casefold() in {taken.casefold() for taken in tables}:
                raise Conflict(f"a model named '{name}' exists already")
            self._write_card(name, record)
            tables[name] = record.to_table()

        self._change(insert)

    def update(self, name: str, record: Record) -> None:
        """Replace a row, in model.toml first, in registry.toml last: that is the commit point."""

        def replace_row(tables: dict[str, Any]) -> None:
            self._write_card(name, record)
            tables[name] = record.to_table()

        self._change(replace_row)

    def remove(self, name: str) -> None:
        """Drop a row; files stay."""
        self._change(lambda tables: tables.pop(name, None))

    def rename(self, old: str, new: str) -> Model:
        """Give a model and its directory another name; raises Conflict when it is taken or the model is in training."""
        check_name(new, "model name")
        model = self.own_model(old)
        if new in self.own() or (self.home.models / new).exists():
            raise Conflict(f"a model named '{new}' exists already")
        with self.exclusively(model):
            record = replace(model.record, path=f"models/{new}")
            files.move(model.directory, self.home.models / new)
            self._write_card(new, record)

            def rename_row(tables: dict[str, Any]) -> None:
                rows = [(new, record.to_table()) if name == old else (name, row) for name, row in tables.items()]
                tables.clear()
                tables.update(rows)

            self._change(rename_row)
        return self.get(new)

    def own_model(self, name: str) -> Model:
        """A model that may be changed; raises Refused for a starter."""
        model = self.get(name)
        if model.starter:
            raise Refused(f"'{name}' is a starter, which comes with zoo and cannot be changed")
        return model

    def exclusively(self, model: Model) -> Any:
        """Hold the model's directory against trainers; raises Conflict while it is in training."""
        busy = f"'{model.name}' is in training; stop it first"
        if not model.directory.is_dir():
            return contextlib.nullcontext()
        return files.locked(model.directory / RUN_LOCK, seconds=0.5, busy=busy)

    def lock(self) -> Any:
        return files.locked(self.home.lock("registry"), busy="another zoo process is writing the registry; try again")

    def _write_card(self, name: str, record: Record) -> None:
        write_records(self.directory_of(name, record) / "model.toml", {name: record.to_table()})

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Re-read, change and write registry.toml under its lock, so that no row of another process is lost."""
        with self.lock():
            document = read_document(self.home.registry)
            change(document.setdefault("models", {}))
            files.make_directory(self.home.path)
            files.write_toml(self.home.registry, document, comment=COMMENT)


def _worst_if_unknown(loss: float | None) -> float:
    return math.inf if loss is None or math.isnan(loss) else loss


def read_document(path: Path) -> dict[str, Any]:
    """A registry.toml or model.toml as plain tables, the rows under `models`; without rows for a missing file."""
    try:
        document = files.read_toml(path)
    except NotFound:
        return {"schema": SCHEMA}
    schema = document.get("schema")
    if type(schema) is not int:
        raise BadData(f"{path} has no 'schema' and so is no registry; write 'schema = {SCHEMA}' on its first line")
    if schema > SCHEMA:
        raise BadData(f"{path} was written by a newer zoo (schema {schema}); upgrade to read it")
    if not isinstance(document.get("models", {}), dict):
        raise BadData(f"{path}: 'models' is not a table")
    return document


def read_records(path: Path) -> dict[str, Record]:
    """The rows of a registry.toml or model.toml; raises BadData naming file, row, key and line."""
    records = {}
    for name, table in read_document(path).get("models", {}).items():
        try:
            check_name(name, "model name")
            records[name] = Record.from_table(table, f"model '{name}'")
        except (BadData, UsageProblem) as error:
            raise BadData(f"{path}, line {_line_of(path, name)}: {error}") from None
    return records


def _line_of(path: Path, name: str) -> int:
    """The line on which a row begins, 1 when it cannot be seen."""
    heading = re.compile(rf"""\s*\[+\s*models\s*\.\s*(["']?){re.escape(name)}\1\s*[].]""")
    lines = enumerate(files.read_text(path, limit=64 * 2**20).splitlines(), 1)
    return next((number for number, line in lines if heading.match(line)), 1)


def write_records(path: Path, tables: dict[str, Any]) -> None:
    """Write rows as registry.toml or model.toml."""
    files.make_directory(path.parent)
    files.write_toml(path, {"schema": SCHEMA, "models": tables}, comment=COMMENT)
