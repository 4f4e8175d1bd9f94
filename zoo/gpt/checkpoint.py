"""Checkpoints: all that a trainer needs to go on as if it had never stopped, in one file that proves itself whole."""

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zoo import files, tables, weights
from zoo.errors import BadData, NotFound, StorageProblem
from zoo.events import OnEvent, Warned, ignore
from zoo.gpt.model import GPT
from zoo.gpt.optimizer import AdamW, Optimizer, restore_state

KEEP = 2
SCHEMA = tables.SCHEMAS["checkpoint"]
_NAME = re.compile(r"step-\d{9}\.[0-9a-f]{16}\.safetensors")
_COPIES = 2 * 2 + len(AdamW.STATE)  # of each weight: its own and the best, where a tied one stands twice; AdamW's


@dataclass
class Progress:
    """How far a training is. Random numbers and data order are functions of (seed, step), so this is all."""

    step: int = 0
    evaluated_step: int = 0
    best_step: int = 0
    best_val_loss: float | None = None
    train_loss: float | None = None  # the mean between the last two validations
    loss_sum: float = 0.0
    loss_count: int = 0
    seconds: float = 0.0


def save_checkpoint(
    directory: Path, model: GPT, optimizers: list[Optimizer], best: dict[str, Tensor], progress: Progress
) -> Path:
    """Write weights, best weights, optimizer state and progress; then keep KEEP checkpoints, this one among them."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    tensors.update({f"best.{name}": tensor for name, tensor in best.items()})
    for optimizer in optimizers:
        for name, state in optimizer.state.items():
            tensors.update({f"optimizer.{key}.{name}": tensor for key, tensor in state.items()})
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}
    data = weights.to_bytes(arrays, json.dumps({"schema": SCHEMA, **asdict(progress)}))
    files.make_directory(directory)
    # the hash is part of the name: a file that was cut off or altered is not the one its name speaks of
    path = directory / f"step-{progress.step:09d}.{hashlib.sha256(data).hexdigest()[:16]}.safetensors"
    files.write_bytes(path, data)
    # of the others only earlier steps are worth keeping: a later one was damaged, or this run would have begun there
    found = newest_first(directory)
    earlier = [old for old in found if old.name < f"step-{progress.step:09d}"]
    for old in set(found) - {path, *earlier[: KEEP - 1]}:
        files.remove(old)
    return path


def load_checkpoint(
    directory: Path, model: GPT, optimizers: list[Optimizer], on_event: OnEvent = ignore
) -> tuple[dict[str, Tensor], Progress] | None:
    """Load the newest valid checkpoint into model and optimizers; returns best weights and progress, or None.

    A damaged one is passed over with a warning; raises BadData when there are checkpoints and none is whole, and
    NewerSchema when a newer zoo has written one of them.
    """
    refuse_newer(directory)
    found = newest_first(directory)
    for path in found:
        try:
            return _take(*read(path, limit=size_limit(model.config.parameters())), path, model, optimizers)
        except (BadData, NotFound, StorageProblem) as error:
            on_event(Warned(f"passed over a checkpoint: {error}"))
    if found:
        raise BadData(f"no checkpoint in {directory} is whole; remove the directory to train from the start")
    return None


def _take(
    arrays: dict[str, np.ndarray], metadata: str, path: Path, model: GPT, optimizers: list[Optimizer]
) -> tuple[dict[str, Tensor], Progress]:
    """Give model and optimizers what a checkpoint holds; raises BadData when it is of others than these."""
    groups: dict[str, dict[str, Tensor]] = {"model": {}, "best": {}, "optimizer": {}}
    for name, array in arrays.items():
        group, _, rest = name.partition(".")
        groups.setdefault(group, {})[rest] = torch.from_numpy(array.copy())
    expected = {name: tensor.shape for name, tensor in model.state_dict().items()}
    for group in ("model", "best"):
        have = {name: tensor.shape for name, tensor in groups[group].items()}
        if have != expected and (have or group == "model"):  # before the first validation there are no best weights
            raise BadData(f"{path} is of another model")
    try:
        told = json.loads(metadata)
        told.pop("schema", None)  # those of the first zoo have none
        progress = Progress(**told)
        _check(progress, path)
        restore_state(optimizers, groups["optimizer"])
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise BadData(f"{path} is of another training") from None
    model.load_state_dict(groups["model"])
    return groups["best"], progress


def size_limit(parameters: int) -> int:
    """Bytes that the checkpoint of a model with so many parameters cannot exceed."""
    return 8 + weights.HEADER_LIMIT + 4 * _COPIES * parameters


def read(path: Path, *, limit: int) -> tuple[dict[str, np.ndarray], str]:
    """Arrays and metadata of a checkpoint whose bytes are those that its name speaks of, and no more than `limit`."""
    data = weights.read(path, limit=limit)
    if not path.name.endswith(f"{hashlib.sha256(data).hexdigest()[:16]}.safetensors"):
        raise BadData(f"{path} is damaged")
    return weights.from_bytes(data, path)


def refuse_newer(directory: Path) -> None:
    """Raise NewerSchema when a newer zoo has written a checkpoint in a directory."""
    for path in newest_first(directory):
        weights.refuse_newer(path, "checkpoint")


def _check(progress: Progress, path: Path) -> None:
    """Raise ValueError unless these are numbers that a training of the step in the file's name can have had."""
    for f in fields(progress):
        value = getattr(progress, f.name)
        if f.type is int and not (type(value) is int and 0 <= value <= progress.step):
            raise ValueError(f"{f.name} cannot be {value}")
        if f.type is not int and not (value is None or (type(value) is float and math.isfinite(value))):
            raise ValueError(f"{f.name} cannot be {value}")
    if progress.loss_count != progress.step - progress.evaluated_step:
        raise ValueError("the losses since the last validation are not those of its steps")
    if not path.name.startswith(f"step-{progress.step:09d}."):
        raise ValueError(f"it is of step {progress.step}")


def newest_first(directory: Path) -> list[Path]:
    """Checkpoints by step, not by the clock; steps have as many digits in every name."""
    if not directory.is_dir():
        return []
    return sorted((path for path in directory.iterdir() if _NAME.fullmatch(path.name) and path.is_file()), reverse=True)


def newest_step(directory: Path) -> int:
    """The step of the newest checkpoint, whole or not; 0 when there is none."""
    return max((int(path.name[5:14]) for path in newest_first(directory)), default=0)
