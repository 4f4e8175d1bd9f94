"""The trash: where `zoo rm` puts models, and `zoo restore` finds them."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from zoo import files, moving, permissions
from zoo.errors import BadData, NotFound, StorageProblem, ZooError, did_you_mean
from zoo.home import Home
from zoo.registry.document import read_records
from zoo.registry.model import WEIGHTS, Model
from zoo.registry.record import Record
from zoo.registry.registry import Registry

COPY_LIMIT = 2**27  # bytes
LONGEST_NAME = 200  # bytes of what a thing was called, which leave room for number and time
MOST_LISTED = 8  # items that a message lists, the last ones
_ITEM = re.compile(r"(.*)~(?:(\d{6,18})-)?(\d{8}T\d{12})", re.DOTALL)


def discard(registry: Registry, model: Model) -> None:
    """Move a model to the trash; raises Conflict while it is in training."""
    with registry.exclusively(model):
        registry.dismiss(model.name, model.record.id, place(registry.home, model.name))


def restore(registry: Registry, wanted: str) -> Model:
    """Bring back a model: the one that was removed last under a name, or that of an item of the trash.

    Raises NotFound, BadData for an item that holds no model, or Conflict when the name is taken.
    """
    held = list(models(registry.home))
    found = {directory.name: (name, directory, record) for name, directory, record in held}
    found |= {name: (name, *last) for name, last in _last_of_each_name(held).items()}
    if wanted not in found:
        raise _not_restorable(registry.home, wanted, [*found])
    name, directory, record = found[wanted]
    registry.adopt(name, record, directory)
    return registry.get(name)


def _not_restorable(home: Home, wanted: str, known: list[str]) -> ZooError:
    """Return the error that says why this word restores no model."""
    for item in reversed(_items(home)):
        if wanted in (item.name, _name_of(item)):
            try:
                read_records(item / "model.toml")
            except ZooError as error:
                return error
            return BadData(f"{item} is not a model with its model.toml; move it back by hand")
    holds = f" (it holds: {', '.join(known[-MOST_LISTED:])})" if known else ""
    return NotFound(f"no model named '{wanted}' in the trash{did_you_mean(wanted, known)}{holds}")


def contents(home: Home) -> dict[str, tuple[Path, Record]]:
    """Return what the trash holds, by name. Of several with one name, return the last to go in that has more than a
    row, or else the last row."""
    return _last_of_each_name(models(home))


def _last_of_each_name(held: Iterable[tuple[str, Path, Record]]) -> dict[str, tuple[Path, Record]]:
    found: dict[str, tuple[Path, Record]] = {}
    for name, directory, record in held:
        if name not in found or not is_row_alone(directory) or is_row_alone(found[name][0]):
            found[name] = (directory, record)
    return found


def words(home: Home) -> dict[str, str]:
    """Return the words by which `zoo restore` brings back the models in the trash that have more than a row, by their
    ids."""
    held = list(models(home))
    names = {directory: name for name, (directory, _) in _last_of_each_name(held).items()}
    whole = [(directory, record) for _, directory, record in held if not is_row_alone(directory)]
    return {record.id: names.get(directory, directory.name) for directory, record in whole}


def is_row_alone(directory: Path) -> bool:
    """Whether a directory of the trash holds a record, and nothing of its model."""
    return not any((directory / name).exists() for name in ("run.toml", WEIGHTS))


def models(home: Home) -> Iterator[tuple[str, Path, Record]]:
    """Yield every model in the trash, in the order in which they went in."""
    for path in _cards(home):
        with suppress(BadData, StorageProblem):  # one damaged card must not hide the others
            for name, record in read_records(path).items():
                yield name, path.parent, record


def cards(home: Home) -> Iterator[dict[str, Record]]:
    """As `models`, card by card; raises BadData or StorageProblem at the first that cannot be read."""
    yield from map(read_records, _cards(home))


def _cards(home: Home) -> list[Path]:
    return [item / "model.toml" for item in _items(home) if item.is_dir()]


def _items(home: Home) -> list[Path]:
    """Return everything in the trash, in the order in which it went in, without what a move left half done."""
    with suppress(OSError):  # there is none, or it cannot be looked into
        items = [path for path in home.trash.iterdir() if not path.name.startswith(files.TEMPORARY)]
        return sorted(items, key=lambda path: _order(path.name))
    return []


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
    permissions.keep_audience(path, home.path)
    moving.move(path, target)


def put_away_row(home: Home, name: str, record: Record) -> None:
    """Keep a row that has no directory, as the model.toml of one."""
    Registry(home).keep_row(name, record, place(home, name))


def keep_copy(home: Home, path: Path) -> None:
    """Put a copy of a file that is about to be replaced into the trash; what is not a file goes there itself.

    A huge file is not copied but gets a second name there: a replacement leaves it as it was.
    """
    if not path.is_file():
        put_away(home, path)
        return
    target = place(home, path.name)
    files.make_directory(target.parent)
    permissions.keep_audience(path, home.path)
    if path.stat().st_size <= COPY_LIMIT or not files.link(path, target):
        files.copy(path, target)


def place(home: Home, name: str) -> Path:
    """Return a free path in the trash. Its number is the greatest there: times alone give a wrong order once the clock
    is set back."""
    number = 1 + max((_order(item.name)[0] for item in _items(home)), default=0)
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    return home.trash / f"{os.fsdecode(os.fsencode(name)[:LONGEST_NAME])}~{number:06d}-{now}"


def _order(item: str) -> tuple[int, str, str]:
    """Return what orders an item: its number and its time. Items of the first zoo have no number, and are older."""
    match = _ITEM.fullmatch(item)
    return (int(match[2] or 0), match[3], item) if match else (0, "", item)


def _name_of(item: Path) -> str:
    match = _ITEM.fullmatch(item.name)
    return match[1] if match else item.name
