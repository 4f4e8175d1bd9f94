"""Snapshots: a model's weights as they were at steps on its way, each in a file whose name tells step and sha256."""

import hashlib
import re
from dataclasses import replace
from pathlib import Path

from zoo import files
from zoo.errors import BadData, NotFound
from zoo.names import with_step
from zoo.registry.model import Model

SNAPSHOTS = "snapshots"
_NAME = re.compile(r"step-(\d{9,10})\.([0-9a-f]{64})\.safetensors")


def is_due(step: int) -> bool:
    """Whether `--keep log` keeps this step on the way: 0 and the powers of two. The last is kept at the end."""
    return step & (step - 1) == 0


def take(run_dir: Path, step: int, data: bytes) -> None:
    """Write the snapshot of a step; one that an earlier worker wrote of the same step gives way to it."""
    directory = run_dir / SNAPSHOTS
    files.make_directory(directory)
    path = directory / f"step-{step:09d}.{hashlib.sha256(data).hexdigest()}.safetensors"
    files.write_bytes(path, data)
    for old in directory.glob(f"step-{step:09d}.*"):
        if old != path:
            files.remove(old)


def snapshots(run_dir: Path) -> dict[int, Path]:
    """The snapshots of a model by their steps, in order."""
    directory = run_dir / SNAPSHOTS
    if not directory.is_dir():
        return {}
    with files.reading(directory):
        return {int(match[1]): path for path in sorted(directory.iterdir()) if (match := _match(path))}


def at_step(model: Model, step: int) -> Model:
    """The model as it was at a step. Its record tells no loss, for none of the whole validation part was counted then.

    Raises NotFound, with the steps there are, when no snapshot was kept of that one.
    """
    found = snapshots(model.directory)
    if step not in found:
        kept = f"it has {', '.join(map(str, found))}" if found else "it has none (see: zoo train --keep log)"
        raise NotFound(f"no snapshot of '{model.name}' at step {step}; {kept}")
    then = replace(
        model.record,
        val_loss=None,
        val_bpc=None,
        train_loss=None,
        weights="snapshot",
        weights_sha256=sha256_in_name(found[step]),
        steps=step,
        best_step=step,
        tokens=step * _ids_of_a_step(model),
        seconds=0.0,
        finished=None,
    )
    return replace(model, name=with_step(model.name, step), record=then, snapshot=found[step])


def _ids_of_a_step(model: Model) -> int:
    """How many ids a step trains on; 0 for a record that does not tell."""
    batch_size, block_size = model.record.train.get("batch_size"), model.record.model.get("block_size")
    return batch_size * block_size if type(batch_size) is type(block_size) is int else 0


def sha256_in_name(path: Path) -> str:
    """The sha256 that a snapshot's bytes have, unless they were changed."""
    match = _match(path)
    return match[2] if match else ""


def check(path: Path) -> None:
    """Raise BadData unless the bytes of a snapshot are those that its name speaks of."""
    if files.sha256_of(path) != sha256_in_name(path):
        raise BadData(f"{path} was changed since it was written: its sha256 is not that in its name")


def _match(path: Path) -> "re.Match[str] | None":
    return _NAME.fullmatch(path.name) if path.is_file() else None
