"""Comparing models: a leaderboard per validation text, and what differs between a few."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from zoo.registry.model import Model

Field = tuple[str, list[Any]]

# what a reader wants to see of every model, in this order; hyperparameters follow
FACTS = (
    "dataset",
    "preset",
    "status",
    "device",
    "dtype",
    "seed",
    "parameters",
    "steps",
    "best_step",
    "tokens",
    "seconds",
)
LOSSES = ("val_loss", "val_bpc", "train_loss")


@dataclass(frozen=True)
class Leaderboard:
    """Models whose losses may be ranked together, best first; those without a loss come last."""

    datasets: list[str]
    protocol: str
    val_sha256: str
    models: list[Model]


def leaderboards(models: Iterable[Model]) -> list[Leaderboard]:
    """One leaderboard for every validation text and protocol: only losses on the same text are ranked together."""
    groups: dict[tuple[str, str], list[Model]] = {}
    for model in models:
        groups.setdefault(comparable_by(model), []).append(model)
    boards = [
        Leaderboard(sorted({model.record.dataset for model in group}), *key, sorted(group, key=by_loss))
        for key, group in groups.items()
    ]
    return sorted(boards, key=lambda board: (board.datasets, board.protocol, board.val_sha256))


def comparable_by(model: Model) -> tuple[str, str]:
    """Two models are ranked together only if this is equal: the protocol, and the sha256 of the validation text."""
    return model.record.val_protocol, " ".join(part.val_sha256 for part in model.record.corpora)


def by_loss(model: Model) -> tuple[bool, float, str]:
    """Sort key: lowest validation loss first, unknown and nan last."""
    loss = model.record.val_loss
    return (False, loss, model.name) if has_loss(model) and loss is not None else (True, 0.0, model.name)


def has_loss(model: Model) -> bool:
    """Whether the model can be ranked at all."""
    return model.record.val_loss is not None and not math.isnan(model.record.val_loss)


def differences(models: list[Model], *, everything: bool = False) -> list[Field]:
    """The fields in which models differ, with their values: facts, hyperparameters, then the losses.

    `everything` gives the equal ones too. A hyperparameter that a model does not have is None.
    """
    fields = [(key, [m.status if key == "status" else getattr(m.record, key) for m in models]) for key in FACTS]
    fields += [("vocab", [f"{m.record.vocab.kind} {m.record.vocab.size}" for m in models])]
    for group in ("model", "train"):
        tables = [getattr(m.record, group) for m in models]
        keys = list(dict.fromkeys(key for table in tables for key in table))
        fields += [(key, [table.get(key) for table in tables]) for key in keys]
    shown = [field for field in fields if everything or any(value != field[1][0] for value in field[1])]
    return shown + [(key, [getattr(m.record, key) for m in models]) for key in LOSSES]


def are_comparable(models: list[Model]) -> bool:
    """Whether the losses of these models may be set against each other: same validation text, same protocol."""
    return len({comparable_by(model) for model in models}) == 1
