"""TOML and JSON: read within bounds of size, depth and time, and written so that they read back."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from zoo import files
from zoo.errors import BadData, NewerSchema

CARD_LIMIT = 2**19  # bytes of a file about one thing: hundreds of times what zoo writes, and soon read at its worst
TOML_DEPTH = 16  # parts of a key, and tables in tables; our own files have four
NUMBER_BITS = 1024  # a longer whole number is beyond every float, and a much longer one cannot be written out
MESSAGE_LENGTH = 300  # of what a parser says, which may quote all that it has read

# strings and comments of TOML, also cut off ones: a dot in them parts no key
_TOML_TEXT = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"{3,5}|\Z)'
    r"|'''(?:[^']|'(?!''))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|#[^\n]*+",
    re.DOTALL,
)
_MERGE_MARKER = re.compile(r"^(<{7}|={7}|>{7})( |$)", re.MULTILINE)
_LONG_KEY = re.compile(rf"\.(?:[\w \t-]*+\.){{{TOML_DEPTH - 1}}}")


def read_toml(path: Path, *, limit: int = CARD_LIMIT) -> dict[str, Any]:
    """The tables of a TOML file; raises BadData with file and line."""
    text = files.read_text(path, limit=limit).replace("\r\n", "\n")
    try:
        if _LONG_KEY.search(_TOML_TEXT.sub("s", text)):  # tomllib takes time with the square of their number
            raise ValueError("a key has too many parts")
        tables = tomllib.loads(text)
        if not _is_bounded(tables, TOML_DEPTH):
            raise ValueError("a value is nested too deeply, or a number too long")
        return tables
    except (ValueError, RecursionError) as error:
        if marker := _MERGE_MARKER.search(text):
            line = text.count("\n", 0, marker.start()) + 1
            way = "keep one side of each conflict, and delete the markers"
            raise BadData(f"{path} holds the conflict markers of a merge (line {line}): {way}") from None
        why = str(error) or "nested too deeply"
        raise BadData(f"{path} is not valid TOML: {why[:MESSAGE_LENGTH]}") from None


def _is_bounded(value: Any, levels: int) -> bool:
    """Whether a value can be copied, written and shown: nested no deeper than so, and no number of it too long."""
    if isinstance(value, dict | list):
        items = value.values() if isinstance(value, dict) else value
        return levels > 0 and all(_is_bounded(item, levels - 1) for item in items)
    return not isinstance(value, int) or value.bit_length() <= NUMBER_BITS


def write_toml(
    path: Path, tables: dict[str, Any], *, comment: str = "", limit: int = CARD_LIMIT, over: files.Seen | None = None
) -> None:
    """Write a TOML file, after making sure that it reads back as what was meant; raises BadData when too large.

    Raises Changed when the file is no longer as it was seen: `over`.
    """
    import tomli_w

    text = tomli_w.dumps(tables)
    if _canonical(tomllib.loads(text)) != _canonical(tables):
        raise AssertionError(f"{path} would not read back as written")
    data = ((f"# {comment}\n" if comment else "") + text).encode()
    if len(data) > limit:
        raise BadData(f"{path} would have {len(data):,} bytes, more than the {limit:,} allowed")
    files.write_bytes(path, data, over=over)


def check_schema(table: dict[str, Any], known: int, path: Path) -> None:
    """Raise NewerSchema for the tables of a later schema than the known one, BadData for those of none."""
    schema = table.get("schema")
    if type(schema) is not int:
        raise BadData(f"{path} is damaged: it has no schema")
    if schema > known:
        raise NewerSchema(f"{path} was written by a newer zoo (schema {schema}); upgrade to read it")


def _canonical(tables: dict[str, Any]) -> str:
    """Tables as text that is equal where they are, whatever the order of keys, and for nan too."""
    return json.dumps(tables, sort_keys=True, default=repr)


def read_json(path: Path, *, limit: int = CARD_LIMIT) -> Any:
    """The value of a JSON file; raises BadData with file and line."""
    text = files.read_text(path, limit=limit)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path} is not valid JSON: {error}") from None
