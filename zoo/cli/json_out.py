"""--json: one object with its schema, full precision, NaN and infinities as null."""

import json
import math
import sys
from collections.abc import Iterator
from typing import Any


def show_json(schema: str, **values: Any) -> None:
    """An iterator among the values becomes a list that is written as it comes, for it may be long."""
    begin = "{\n "
    for key, value in {"schema": f"zoo.{schema}/1", **values}.items():
        sys.stdout.write(f"{begin}{json.dumps(key)}: ")
        if isinstance(value, Iterator):
            _write_list(value)
        else:
            sys.stdout.write(_text(value, indent=1).replace("\n", "\n "))
        begin = ",\n "
    sys.stdout.write("\n}\n")


def _write_list(items: Iterator[Any]) -> None:
    begin = "[\n  "
    for item in items:
        sys.stdout.write(begin + _text(item))
        begin = ",\n  "
    sys.stdout.write("[]" if begin.startswith("[") else "\n ]")


def _text(value: Any, indent: int | None = None) -> str:
    return json.dumps(_finite(value), indent=indent, ensure_ascii=True, allow_nan=False)


def _finite(value: Any) -> Any:
    """The value with what JSON cannot say made null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if value is None or isinstance(value, str | int):
        return value
    return str(value)
