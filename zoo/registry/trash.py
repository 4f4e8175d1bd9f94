"""The trash: where `zoo rm` puts models, and `zoo restore` finds them."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from zoo.errors import BadData, NotFound, did_you_mean
from zoo.home import Home
from zoo.registry.document import read_records
from zoo.registry.record import Record
from zoo.registry.registry import Model, Registry


def discard(registry: Registry, model: Model) -> None:
    """Move a model to the trash; raises Conflict while it is in training."""
    with registry.exclusively(model):
        registry.dismiss(model.name, model.record.id, _place(registry.home, model.name))


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
    found: dict[str, tuple[Path, Record]] = {}
    if home.trash.is_dir():
        for card in sorted(home.trash.glob("*/model.toml")):
            with suppress(BadData):  # one damaged card must not hide the others
                for name, record in read_records(card).items():
                    found[name] = card.parent, record
    return found


def _place(home: Home, name: str) -> Path:
    """A free directory in the trash; its name sorts by time among those of one model."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
    return home.trash / f"{name}~{now}"
