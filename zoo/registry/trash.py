"""The trash: where `zoo rm` puts models, and `zoo restore` finds them."""

import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from zoo import files, moving, permissions
from zoo.errors import BadData, NotFound, StorageProblem, did_you_mean
from zoo.home import Home
from zoo.registry.document import read_records
from zoo.registry.model import Model
from zoo.registry.record import Record
from zoo.registry.registry import Registry

COPY_LIMIT = 2**30  # bytes of a file that is copied
LONGEST_NAME = 200  # bytes of what a thing was called, which leave room for the time


def discard(registry: Registry, model: Model) -> None:
    """Move a model to the trash; raises Conflict while it is in training."""
    with registry.exclusively(model):
        registry.dismiss(model.name, model.record.id, place(registry.home, model.name))


def restore(registry: Registry, name: str) -> Model:
    """Bring back the model of that name that was removed last; raises NotFound, or Conflict when the name is taken."""
    trashed = contents(registry.home)
    if name not in trashed:
        raise NotFound(f"no model named '{name}' in the trash{did_you_mean(name, trashed)}")
    directory, record = trashed[name]
    registry.adopt(name, record, directory)
    return registry.get(name)


def contents(home: Home) -> dict[str, tuple[Path, Record]]:
    """What the trash holds, by name; of several with one name the last to go in."""
    return {name: (directory, record) for name, directory, record in models(home)}


def models(home: Home) -> Iterator[tuple[str, Path, Record]]:
    """Every model in the trash, by the order in which those of one name went in."""
    for path in _cards(home):
        with suppress(BadData, StorageProblem):  # one damaged card must not hide the others
            for name, record in read_records(path).items():
                yield name, path.parent, record


def cards(home: Home) -> Iterator[dict[str, Record]]:
    """As `models`, card by card; raises BadData or StorageProblem at the first that cannot be read."""
    yield from map(read_records, _cards(home))


def _cards(home: Home) -> list[Path]:
    found = sorted(home.trash.glob("*/model.toml")) if home.trash.is_dir() else []
    return [path for path in found if not path.parent.name.startswith(files.TEMPORARY)]  # half of one, or a second one


def size(home: Home) -> int:
    """Bytes in the trash."""
    return sum(path.lstat().st_size for path in home.trash.rglob("*") if path.is_file() or path.is_symlink())


def put_away(home: Home, path: Path) -> None:
    """Move anything of a home to the trash, if it is there; what it was shows in its name."""
    if not (path.is_symlink() or path.exists()):
        return
    parts = path.relative_to(home.models if path.is_relative_to(home.models) else home.path).parts
    is_temporary = path.name.startswith(files.TEMPORARY)
    target = place(home, path.name if is_temporary else ".".join(part.lstrip(".") for part in parts))
    permissions.close(path, home.path)
    moving.move(path, target)


def put_away_row(home: Home, name: str, record: Record) -> None:
    """Keep a row that has no directory, as the model.toml of one."""
    Registry(home).keep_row(name, record, place(home, name))


def keep_copy(home: Home, path: Path) -> None:
    """Put a copy of a file of the home into the trash, for it is about to be replaced; what is no file, or too large,
    goes there itself."""
    if not path.is_file() or path.stat().st_size > COPY_LIMIT:
        put_away(home, path)
        return
    target = place(home, path.name)
    files.make_directory(target.parent)
    permissions.close(path, home.path)
    files.copy(path, target)


def place(home: Home, name: str) -> Path:
    """A free directory in the trash; its name sorts by time among those of one model."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    return home.trash / f"{os.fsdecode(os.fsencode(name)[:LONGEST_NAME])}~{now}"
