"""Comparing models: a leaderboard per validation text, and what differs between a few."""

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from zoo.registry.model import Model

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
    "tokens_per_second",
)
LOSSES = ("val_loss", "val_bpc", "train_loss")
ALWAYS = ("parameters", "seconds", "tokens_per_second")  # are shown though they be equal
BESIDE = {"keep", "log_every"}  # change what is written down, and not what is learned
MEASURED = {*ALWAYS, *LOSSES}  # of which it is worth knowing by how much they differ


@dataclass(frozen=True)
class Seeds:
    """Models that differ in nothing but their seed, best first, one for a seed; mean and sample standard deviation of
    their validation losses, in nats and in bits per character."""

    models: list[Model]
    mean: float
    sd: float
    mean_bpc: float
    sd_bpc: float


@dataclass(frozen=True)
class Leaderboard:
    """Models whose losses may be ranked together, best first; those without a loss come last."""

    datasets: list[str]
    protocol: str
    val_sha256: str
    models: list[Model]

    @property
    def seeds(self) -> list[Seeds]:
        """Those of the models that differ in nothing but their seed, by the mean of their losses."""
        return seeds(self.models)


@dataclass(frozen=True)
class Field:
    """What models have under a key, and by how much that is more than what the first one has, where it is a number and
    may be set against that one's."""

    key: str
    values: list[Any]
    deltas: list[float | None]


def leaderboards(models: Iterable[Model]) -> list[Leaderboard]:
    """One leaderboard for every validation text and protocol: only losses on the same text are ranked together."""
    boards = [
        Leaderboard(sorted({m.record.dataset for m in group}), *comparable_by(group[0]), sorted(group, key=by_loss))
        for group in comparable(models)
    ]
    return sorted(boards, key=lambda board: (board.datasets, board.protocol, board.val_sha256))


def comparable(models: Iterable[Model]) -> list[list[Model]]:
    """The models in groups whose losses may be set against each other, in the order in which they are met."""
    groups: dict[tuple[str, str], list[Model]] = {}
    for model in models:
        groups.setdefault(comparable_by(model), []).append(model)
    return list(groups.values())


def comparable_by(model: Model) -> tuple[str, str]:
    """Two models are ranked together only if this is equal: the protocol, and the sha256 of the validation text; what a
    record does not tell is equal to nothing."""
    texts = [part.val_sha256 for part in model.record.corpora]
    known = len(texts) == 1 and texts[0] != ""
    return model.record.val_protocol, texts[0] if known else f"unknown, of {model.record.id}"


def by_loss(model: Model) -> tuple[bool, float, str]:
    """Sort key: lowest validation loss first, unknown and nan last."""
    loss = model.record.val_loss
    return (False, loss, model.name) if loss is not None and has_loss(model) else (True, 0.0, model.name)


def has_loss(model: Model) -> bool:
    """Whether the model can be ranked at all."""
    return _is_quantity(model.record.val_loss)


def best(models: Iterable[Model]) -> Model | None:
    """The one with the lowest loss of several that may be ranked together; None when fewer than two have one."""
    ranked = sorted((model for model in models if has_loss(model)), key=by_loss)
    return ranked[0] if len(ranked) > 1 else None


def seeds(models: Iterable[Model]) -> list[Seeds]:
    """Those of the models that were trained to the end and differ in nothing but their seed, by their mean loss.

    Of several with one seed, which should be the same model, the first that was made stands for all.
    """
    groups: dict[Hashable, dict[int, Model]] = {}
    for model in sorted(models, key=lambda model: (model.record.created, model.name)):
        if model.record.status == "ready" and _is_quantity(model.record.val_loss):
            groups.setdefault(_recipe(model), {}).setdefault(model.record.seed, model)
    several = [sorted(group.values(), key=by_loss) for group in groups.values() if len(group) > 1]
    return sorted(map(_seeds, several), key=lambda found: (found.mean, found.models[0].name))


def _seeds(models: list[Model]) -> Seeds:
    import statistics  # which is slow to import

    losses = [float(model.record.val_loss or 0) for model in models]
    mean, sd = statistics.mean(losses), statistics.stdev(losses)
    return Seeds(models, mean, sd, mean / math.log(2), sd / math.log(2))


def _recipe(model: Model) -> Hashable:
    """Equal for models that differ in nothing but their seed: not in text, alphabet, hyperparameters, device, number
    format, nor in the weights with which they began."""
    record = model.record
    texts = tuple((part.sha256, part.val_sha256, part.weight) for part in record.corpora)
    table = {**record.model, **record.train}
    knobs = sorted((key, repr(value)) for key, value in table.items() if key not in BESIDE)
    machine = record.device, record.dtype
    return record.val_protocol, texts, record.vocab.sha256, *machine, record.init_sha256, tuple(knobs)


def differences(models: list[Model], *, everything: bool = False) -> list[Field]:
    """The fields in which models differ, with their values: facts, hyperparameters, then the losses.

    Parameters, time and speed are always there, and `everything` gives the other equal ones too. A hyperparameter that
    a model does not have is None. Losses have no delta where they may not be set against those of the first model.
    """
    fields = [(key, [fact(model, key) for model in models]) for key in FACTS]
    fields += [("vocab", [f"{m.record.vocab.kind} {m.record.vocab.size}" for m in models])]
    if not are_comparable(models) or everything:
        fields += [("val_protocol", [comparable_by(model)[0] for model in models])]
        fields += [("val_text", [comparable_by(model)[1][:8] for model in models])]
    for group in ("model", "train"):
        tables = [getattr(m.record, group) for m in models]
        keys = list(dict.fromkeys(key for table in tables for key in table))
        fields += [(key, [table.get(key) for table in tables]) for key in keys]
    shown = [(k, v) for k, v in fields if everything or k in ALWAYS or any(value != v[0] for value in v[1:])]
    shown += [(key, [getattr(m.record, key) for m in models]) for key in LOSSES]
    return [Field(key, values, _deltas(key, values, models)) for key, values in shown]


def fact(model: Model, key: str) -> Any:
    """A field of a record; the status as it is now, and no time for a step of a model, for none was written down."""
    if key == "status":
        return model.status
    return None if model.snapshot and key == "seconds" else getattr(model.record, key)


def _deltas(key: str, values: list[Any], models: list[Model]) -> list[float | None]:
    """By how much each value is more than the first one, which has no delta itself."""
    first = values[0]
    deltas: list[float | None] = [None] * len(values)
    if key not in MEASURED or not _is_quantity(first):
        return deltas
    for at, (value, model) in enumerate(zip(values[1:], models[1:], strict=True), 1):
        if _is_quantity(value) and (key not in LOSSES or comparable_by(model) == comparable_by(models[0])):
            deltas[at] = value - first
    return deltas


def _is_quantity(value: object) -> bool:
    """Whether a value is a number that a loss, a time or a size can be."""
    return isinstance(value, int | float) and 0 <= value < math.inf


def are_comparable(models: Iterable[Model]) -> bool:
    """Whether the losses of these models may be set against each other: same validation text, same protocol."""
    return len({comparable_by(model) for model in models}) == 1


def unlike(model: Model, other: Model) -> str:
    """Why the loss of a model may not be set against that of another one; nothing where it may."""
    (protocol, text), (its_protocol, its_text) = comparable_by(model), comparable_by(other)
    why = [] if text == its_text else ["another validation text"]
    return " and ".join(why + ([] if protocol == its_protocol else [f"another protocol ({protocol})"]))
