"""The trash: where `zoo rm` puts models, and `zoo restore` finds them."""

from contextlib import suppress
from pathlib import Path

from zoo import files
from zoo.errors import BadData, Conflict, NotFound, did_you_mean
from zoo.home import Home
from zoo.registry.record import Record
from zoo.registry.registry import Model, Registry, read_records


def discard(registry: Registry, model: Model) -> None:
    """Move a model to the trash. Its row goes first, so that no row ever points at nothing."""
    with registry.exclusively(model):
        registry.remove(model.name)
        if model.directory.is_dir():
            files.make_directory(registry.home.trash)
            files.move(model.directory, _free_place(registry.home, model.name))


def restore(registry: Registry, name: str) -> Model:
    """Bring back the model of that name that was removed last; raises NotFound, or Conflict when the name is taken."""
    trashed = contents(registry.home)
    if name not in trashed:
        raise NotFound(f"no model named '{name}' in the trash{did_you_mean(name, trashed)}")
    directory, record = trashed[name]
    target = registry.directory_of(name, record)
    if name in registry.own() or target.exists():
        raise Conflict(f"a model named '{name}' exists already; rename it first (zoo rename {name} OTHER)")
    files.make_directory(target.parent)
    files.move(directory, target)
    registry.add(name, record)
    return registry.get(name)


def contents(home: Home) -> dict[str, tuple[Path, Record]]:
    """What the trash holds, by name; of several with one name the last to go in."""
    found: dict[str, tuple[Path, Record]] = {}
    if home.trash.is_dir():
        for card in sorted(home.trash.glob("*/model.toml"), key=lambda path: path.parent.stat().st_ctime_ns):
            with suppress(BadData):  # one damaged card must not hide the others
                for name, record in read_records(card).items():
                    found[name] = card.parent, record
    return found


def _free_place(home: Home, name: str) -> Path:
    number = 1
    while (home.trash / f"{name}~{number}").exists():
        number += 1
    return home.trash / f"{name}~{number}"
