"""Which models, and in which order: filters like `val_bpc<2.2`, `age<7d` or `alice-*`, and sorting by any key."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from zoo.errors import UsageProblem
from zoo.registry.keys import SEVERAL, TEXT, TRUTH, is_nan, kind_of, kinds_of, read_value, value_of
from zoo.registry.model import Model

_FILTER = re.compile(r"([^<>=!]+)(<=|>=|!=|==|=|<|>)(.*)", re.DOTALL)
_SIGNS, _GLOB = set("<>=!"), set("*?[")
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Filter:
    """One word of a reader: a key, how it is compared, with what, and what the key is of."""

    key: str
    sign: str
    wanted: Any
    kind: str

    def holds(self, model: Model, now: datetime) -> bool:
        """Whether a model is as wanted. What is unknown or nan is neither less nor more than anything."""
        value = value_of(model, self.key, self.kind, now)
        if self.sign in _ORDERS:
            return value is not None and not is_nan(value) and _ORDERS[self.sign](value, self.wanted)
        return self._equals(value) == (self.sign == "=")

    def _equals(self, value: Any) -> bool:
        if self.wanted is None or value is None:
            return value is self.wanted
        if self.kind in (TEXT, SEVERAL):
            return any(fnmatchcase(item, self.wanted) for item in (value if self.kind == SEVERAL else [value]))
        return bool(value == self.wanted) or (is_nan(value) and is_nan(self.wanted))


def is_filter(word: str) -> bool:
    """Whether a word is a filter or a pattern, and not what a model is called."""
    return bool(set(word) & (_SIGNS | _GLOB))


def select(models: Iterable[Model], words: Sequence[str], now: datetime | None = None) -> list[Model]:
    """The models, in their order, of which every word holds: `KEY OP VALUE`, a beginning of a name or a glob on names.

    Raises UsageProblem for a key that nothing has, a value that cannot be meant, or an order where there is none.
    """
    models, now = list(models), now or datetime.now(UTC)
    kinds = kinds_of(models)
    filters = [parsed(word, kinds) for word in words]
    return [model for model in models if all(wanted.holds(model, now) for wanted in filters)]


def in_order(models: Iterable[Model], key: str, *, reverse: bool = False, now: datetime | None = None) -> list[Model]:
    """The models by what they have under a key, least first; what is unknown or nan comes last, reversed or not.

    Raises UsageProblem for a key that nothing has.
    """
    models, now = list(models), now or datetime.now(UTC)
    kind = kind_of(key, kinds_of(models))
    values = [(value_of(model, key, kind, now), model) for model in models]
    known = [pair for pair in values if pair[0] is not None and not is_nan(pair[0])]
    unknown = [model for value, model in values if value is None or is_nan(value)]
    return [model for _, model in sorted(known, key=lambda pair: pair[0], reverse=reverse)] + unknown


def parsed(word: str, kinds: Mapping[str, str]) -> Filter:
    """What a reader's word means; raises UsageProblem when it can mean nothing."""
    found = _FILTER.fullmatch(word)
    if not found:
        if not word or set(word) & _SIGNS:
            raise UsageProblem(f"'{word}' is no filter: write KEY=VALUE, as in dataset=shakespeare or 'val_bpc<2.2'")
        return Filter("name", "=", word if set(word) & _GLOB else f"{word}*", TEXT)
    key, sign, value = found[1].strip(), "=" if found[2] == "==" else found[2], found[3].strip()
    kind = kind_of(key, kinds)
    if sign in _ORDERS and kind in (TRUTH, SEVERAL):
        raise UsageProblem(f"'{key}' has no order; write {key}={value or 'VALUE'} or {key}!={value or 'VALUE'}")
    wanted = read_value(key, kind, value)
    if sign in _ORDERS and (wanted is None or is_nan(wanted)):
        raise UsageProblem(f"nothing is more or less than '{value}', which '{word}' asks for")
    return Filter(key, sign, wanted, kind)
