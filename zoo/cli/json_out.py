"""--json: one object with its schema, full precision, NaN and infinities as null."""

import json
import math
import sys
from typing import Any


def show_json(schema: str, **values: Any) -> None:
    text = json.dumps(_finite({"schema": f"zoo.{schema}/1", **values}), indent=1, ensure_ascii=True, allow_nan=False)
    sys.stdout.write(text + "\n")


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
