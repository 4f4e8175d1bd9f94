"""Keys: all that a model can be asked for by a word, and how a reader writes a value of each."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from zoo.config import ModelConfig, TrainConfig
from zoo.errors import UsageProblem, did_you_mean
from zoo.registry.model import Model
from zoo.registry.record import Record

UNKNOWN, NAN = "-", "nan"  # as tables show them
SCALES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
AGES = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800, "y": 31_557_600}
_NUMBER = re.compile(r"([-+]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:e[-+]?\d{1,3})?) ?([a-z]*)", re.ASCII)
_TRUTHS = {"yes": True, "true": True, "no": False, "false": False}

# what a key is of; SEVERAL are texts of which one is enough
NUMBER, TIME, AGE, BYTES, TRUTH, TEXT, SEVERAL = "number", "time", "age", "bytes", "truth", "text", "several"
_KINDS: dict[Any, str] = {int: NUMBER, float: NUMBER, float | None: NUMBER, bool: TRUTH}
_LOOKED_UP = {"name": TEXT, "status": SEVERAL, "starter": TRUTH, "size": BYTES, "age": AGE}
_DERIVED = {"seconds": TIME, "tokens_per_second": NUMBER, "corpora": SEVERAL, "tags": SEVERAL}
_FIELDS = {f.name: _KINDS.get(f.type, TEXT) for f in fields(Record) if f.name not in ("versions", "model", "train")}
del _FIELDS["extra"]


def kinds_of(models: Iterable[Model] = ()) -> dict[str, str]:
    """Every key with what it is of: of a record, looked up, and of all hyperparameters, known ones or not."""
    kinds = _FIELDS | _DERIVED | _LOOKED_UP
    for group in (ModelConfig, TrainConfig):
        kinds |= {f.name: _KINDS.get(f.type, TEXT) for f in fields(group)}
    for model in models:
        for table in (model.record.model, model.record.train, model.record.extra):
            for key, value in table.items():
                kinds.setdefault(key, _KINDS.get(type(value), TEXT))
    return kinds


def kind_of(key: str, kinds: Mapping[str, str]) -> str:
    """What a key is of; raises UsageProblem, with the nearest one, for a key that nothing has."""
    if key not in kinds:
        raise UsageProblem(f"no model has a '{key}'{did_you_mean(key, kinds)} (see: zoo show MODEL)")
    return kinds[key]


def value_of(model: Model, key: str, kind: str, now: datetime) -> Any:
    """What a model has under a key: sizes in bytes, ages and times in seconds.

    None when it has nothing, or something that is not of this kind, which somebody must have written by hand.
    """
    value = _found(model, key, now)
    fits = {
        TEXT: isinstance(value, str) and value != "",
        SEVERAL: isinstance(value, tuple) and value != (),
        TRUTH: isinstance(value, bool),
    }
    return value if fits.get(kind, type(value) in (int, float)) else None


def _found(model: Model, key: str, now: datetime) -> Any:
    record = model.record
    match key:
        case "name" | "starter" | "size":
            return getattr(model, key)
        case "status":  # a table says of a starter that it is one
            return ("starter", model.status) if model.starter else (model.status,)
        case "age":
            return record.age(now)
        case "corpora":
            return tuple(part.name for part in record.corpora)
        case "vocab":
            return record.vocab.kind
    if key in _FIELDS or key in _DERIVED:
        return getattr(record, key)
    return next((table[key] for table in (record.model, record.train, record.extra) if key in table), None)


def read_value(key: str, kind: str, text: str) -> Any:
    """A value as a reader writes one of that kind, None for what is unknown; raises UsageProblem."""
    return None if text in (UNKNOWN, "") else _READERS[kind](key, text)


def _number(key: str, text: str) -> float:
    return _measured(key, text, SCALES, "a number, as 12, 0.5, 1e-3, 12k, 3M or 1G")


def _bytes(key: str, text: str) -> float:
    return _measured(key, text.lower().removesuffix("b"), SCALES, "a size, as 900k, 5MB or 1.5GB")


def _age_of(key: str, text: str) -> float:
    return _measured(key, text, AGES, "a time, as 90s, 5min, 3h, 7d, 2w or 1y")


def _time(key: str, text: str) -> float:
    return _measured(key, text, {"": 1, **AGES}, "a time, as 90, 90s, 5min or 3h")


def _measured(key: str, text: str, units: Mapping[str, int], what: str) -> float:
    """A number with its unit; whole ones stay whole, however long. Raises UsageProblem."""
    if text.lower() in (NAN, "inf", "-inf") and "" in units:
        return float(text)
    found = _NUMBER.fullmatch(text.lower())
    if not found or found[2] not in units:
        raise UsageProblem(f"'{key}' is {what}, not '{text}'")
    number, unit = found[1], units[found[2]]
    return int(number) * unit if number.lstrip("+-").isdecimal() else float(number) * unit


def _truth(key: str, text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise UsageProblem(f"'{key}' is yes or no, not '{text}'")
    return _TRUTHS[text.lower()]


def _text(key: str, text: str) -> str:
    return text


_READERS: dict[str, Callable[[str, str], Any]] = {
    NUMBER: _number,
    TIME: _time,
    AGE: _age_of,
    BYTES: _bytes,
    TRUTH: _truth,
    TEXT: _text,
    SEVERAL: _text,
}


def is_nan(value: object) -> bool:
    """Whether a value is the number that is none."""
    return isinstance(value, float) and math.isnan(value)
