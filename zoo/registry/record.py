"""A record: one table of registry.toml, and the whole of a model.toml."""

import dataclasses
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self, TypeVar

from zoo.errors import BadData

Status = Literal["training", "interrupted", "diverged", "ready"]
STATUSES = ("training", "interrupted", "diverged", "ready")
OVER = ("diverged", "ready")  # of a training that has come to its end
OF_THE_READER = frozenset({"tags", "note"})  # fields that no command sets, and that a reader edits in the row
FASTEST = 1e15  # tokens per second, beyond any machine

_Made = TypeVar("_Made")


@dataclass(frozen=True, kw_only=True)
class CorpusPart:
    """One text a model was trained on, by its hashes."""

    name: str
    weight: float = 1.0
    sha256: str
    val_sha256: str
    characters: int
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VocabPart:
    """The vocabulary a model has, by its hash; the vocabulary itself stands in vocab.json."""

    kind: str
    size: int
    sha256: str
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Everything known about one model.

    val_loss is in nats per character under val_protocol, of exactly the bytes with weights_sha256; val_bpc is the same
    in bits; weights says which were kept, `best` or `last`; seconds is wall time spent training; tokens counts ids
    trained on. `model` and `train` hold every hyperparameter. `extra` holds keys of other hands or newer versions,
    which are kept.
    """

    id: str
    dataset: str
    preset: str
    status: Status
    path: str
    parameters: int
    device: str
    device_name: str
    host: str
    threads: int
    dtype: str
    val_loss: float | None = None
    val_bpc: float | None = None
    val_protocol: str
    weights: str | None = None
    train_loss: float | None = None
    steps: int = 0
    best_step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    created: str
    finished: str | None = None
    seed: int
    private: bool
    weights_sha256: str | None = None
    init_sha256: str | None = None
    parent: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    command: str = ""
    tags: tuple[str, ...] = ()
    note: str = ""
    corpora: tuple[CorpusPart, ...]
    vocab: VocabPart
    model: dict[str, Any]
    train: dict[str, Any]
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def tokens_per_second(self) -> float | None:
        """How fast it was trained; None when no time was counted, or none that can be."""
        speed = self.tokens / self.seconds if self.seconds > 0 else math.inf
        return speed if 0 <= speed < FASTEST else None

    def age(self, now: datetime) -> float | None:
        """Seconds since it was made; 0 for the future, for clocks go wrong, and None for what is no time."""
        try:
            then = datetime.fromisoformat(self.created)
        except ValueError:
            return None
        return max(0.0, (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds())

    def to_table(self) -> dict[str, Any]:
        """The TOML table, in stable order: TOML has no null, so what is unknown is left out."""
        table = dataclasses.asdict(self)
        extra = table.pop("extra")
        table["tags"] = list(self.tags)
        # tables come last, for what follows one would belong to it
        groups = {key: table.pop(key) for key in ("versions", "corpora", "vocab", "model", "train")}
        for part in (*groups["corpora"], groups["vocab"]):
            part.update(part.pop("extra"))
        groups["corpora"] = list(groups["corpora"])
        table.update({key: value for key, value in extra.items() if not isinstance(value, dict)})
        groups.update({key: value for key, value in extra.items() if isinstance(value, dict)})
        return {key: value for key, value in {**table, **groups}.items() if value is not None}

    @classmethod
    def from_table(cls, table: object, where: str) -> Self:
        """The record of a TOML table; raises BadData naming the key when the table makes no record."""
        if not isinstance(table, dict):
            raise BadData(f"{where} is not a table")
        values = {key: value for key, value in table.items() if key in _TYPES}
        wrong = {key for key, value in values.items() if type(value) not in _TYPES[key] or _is_huge(value)}
        if wrong or not values.keys() >= _NEEDED[Record]:
            wrong |= _NEEDED[Record] - values.keys()
            key = next(key for key in _KNOWN[Record] if key in wrong)
            raise BadData(
                f"{where}: '{key}' cannot be {short(values[key])}" if key in values else f"{where} lacks '{key}'"
            )
        if values["status"] not in STATUSES:
            raise BadData(f"{where}: 'status' cannot be {short(values['status'])}; it is one of {', '.join(STATUSES)}")
        values["corpora"] = tuple(read_part(CorpusPart, part, f"{where}: 'corpora'") for part in values["corpora"])
        values["vocab"] = read_part(VocabPart, values["vocab"], f"{where}: 'vocab'")
        values["tags"] = tuple(str(tag) for tag in values.get("tags", ()))
        values.setdefault("versions", {})
        return _made(cls, values, {key: value for key, value in table.items() if key not in _TYPES})


# the fields that a table may give a value
_KNOWN: dict[type, dict[str, dataclasses.Field[Any]]] = {
    cls: {f.name: f for f in dataclasses.fields(cls) if f.name != "extra"} for cls in (Record, CorpusPart, VocabPart)
}

_NEEDED = {
    cls: {name for name, f in known.items() if f.default is f.default_factory is dataclasses.MISSING}
    for cls, known in _KNOWN.items()
}

# what tomllib may give for each key; a whole number is a fine float
_NUMBER = (float, int)
_TYPES: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(["id", "dataset", "preset", "status", "path", "device", "device_name", "host", "dtype"], (str,)),
    **dict.fromkeys(["val_protocol", "weights", "created", "finished", "weights_sha256", "init_sha256"], (str,)),
    **dict.fromkeys(["parent", "command", "note"], (str,)),
    **dict.fromkeys(["parameters", "threads", "steps", "best_step", "tokens", "seed"], (int,)),
    **dict.fromkeys(["val_loss", "val_bpc", "train_loss", "seconds"], _NUMBER),
    **dict.fromkeys(["versions", "vocab", "model", "train"], (dict,)),
    **dict.fromkeys(["tags", "corpora"], (list,)),
    "private": (bool,),
}


def read_part(cls: type[_Made], table: object, where: str) -> _Made:
    """A CorpusPart or VocabPart from its table; raises BadData naming the key when the table makes none."""
    known = _KNOWN[cls]
    if not isinstance(table, dict) or not table.keys() >= _NEEDED[cls]:
        raise BadData(f"{where} makes no sense")
    values = {key: value for key, value in table.items() if key in known}
    for key, f in known.items():
        value = values.get(key, f.default)
        if type(value) is not f.type and not (f.type is float and type(value) is int):
            raise BadData(f"{where}: '{key}' cannot be {short(value)}")
    return _made(cls, values, {key: value for key, value in table.items() if key not in known})


def _made(cls: type[_Made], values: dict[str, Any], extra: dict[str, Any]) -> _Made:
    """An instance with these values. The constructor of a frozen class takes longer, and a home has thousands."""
    made = object.__new__(cls)
    vars(made).update(values, extra=extra)
    return made


def _is_huge(value: object) -> bool:
    """Whether a whole number is beyond anything that is counted here, or that a float could hold."""
    return type(value) is int and abs(value) >= 2**63


def short(value: object) -> str:
    """A value as a message quotes it."""
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
