"""TOML and JSON: read within bounds of size, depth and time, and written so that they read back."""

import hashlib
import json
import re
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from zoo import files
from zoo.errors import BadData, NewerSchema, NotFound, StorageProblem

# the newest schema that is known of each kind of file; a kind is a name of a file, or what files of many names are
SCHEMAS = dict.fromkeys(("registry.toml", "model.toml", "run.toml", "corpus.toml", "vocab.json", "state.json"), 1)
SCHEMAS |= {"checkpoint": 1, "weights": 1, "evaluation": 1}
CARD_LIMIT = 2**19  # bytes of a file about one thing: hundreds of times what zoo writes, and soon read at its worst
SCHEMA_LIMIT = 2**24  # bytes of a file of which only the schema is needed
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
    """Return the tables of a TOML file; raises BadData with file and line."""
    return parse_toml(toml_text(path, limit=limit), path)


def read_toml_head(path: Path, *, limit: int = CARD_LIMIT) -> dict[str, Any]:
    """Return the keys of a TOML file before its first table, such as its schema; raises as `read_toml` does."""
    text = toml_text(path, limit=limit)
    try:
        return parse_toml(text.partition("\n[")[0], path)
    except BadData:  # it was no heading, or the file is damaged
        return parse_toml(text, path)


def toml_text(path: Path, *, limit: int) -> str:
    """Return the text of a TOML file, with \\n at the end of each line."""
    return files.read_text(path, limit=limit).replace("\r\n", "\n")


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Return the tables of the text of `path`; raises BadData with file and line."""
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


def write_toml(path: Path, tables: dict[str, Any], *, comment: str = "", limit: int = CARD_LIMIT) -> None:
    """Write a TOML file, after making sure that it reads back as what was meant; raises BadData when too large."""
    write_text(path, to_toml(tables), comment=comment, limit=limit)


def to_toml(tables: dict[str, Any], *, read: str = "") -> str:
    """Return tables as TOML text that reads back as the same tables. `read`: the text that they were read from."""
    import tomli_w

    text = tomli_w.dumps(tables)
    if text != read and _canonical(tomllib.loads(text)) != _canonical(tables):
        raise AssertionError(f"the tables would not read back as written: {text[:MESSAGE_LENGTH]}")
    return text


def write_text(
    path: Path, text: str, *, comment: str = "", limit: int = CARD_LIMIT, over: files.Seen | None = None
) -> None:
    """Write the text of a TOML file below a comment.

    Raises BadData when it would be too large, and Changed when the file no longer holds what `over` has read.
    """
    data = ((f"# {comment}\n" if comment else "") + text).encode()
    if len(data) > limit:
        raise BadData(f"{path} would have {len(data):,} bytes, more than the {limit:,} allowed")
    files.write_bytes(path, data, over=over)


def check_schema(table: dict[str, Any], path: Path) -> None:
    """Raise NewerSchema for a table of a later schema than the one known for that file, BadData for one without any."""
    if type(table.get("schema")) is not int:
        raise BadData(f"{path} is damaged: it has no schema")
    refuse_newer(table, path, path.name)


def refuse_newer(table: object, path: Path, kind: str) -> None:
    """Raise NewerSchema for a table that states a later schema than the one known for its kind."""
    schema = table.get("schema") if isinstance(table, dict) else None
    if type(schema) is int and schema > SCHEMAS[kind]:
        raise NewerSchema(f"{path} was written by a newer zoo (schema {schema}); upgrade zoo, for it is left as it is")


def refuse_newer_file(path: Path, kind: str = "") -> None:
    """Raise NewerSchema for a file that a newer zoo has written; a missing or damaged file is not newer."""
    table: object = None
    with suppress(BadData, NotFound, StorageProblem):
        table = (read_json if path.suffix == ".json" else read_toml_head)(path, limit=SCHEMA_LIMIT)
    refuse_newer(table, path, kind or path.name)


def newer_in(directory: Path) -> Path | None:
    """Return a file in a directory that a newer zoo has written, if there is any."""
    for path in _stating_schemas(directory):
        try:
            refuse_newer_file(path)
        except NewerSchema:
            return path
    return None


def refuse_newer_in(directory: Path) -> None:
    """Raise NewerSchema when a newer zoo has written a file in a directory that is about to be changed."""
    for path in _stating_schemas(directory):
        refuse_newer_file(path)


def _stating_schemas(directory: Path) -> list[Path]:
    """Return what stands in a directory under the name of a file that states its schema."""
    with suppress(OSError):
        return sorted(path for path in directory.iterdir() if path.name in SCHEMAS)
    return []


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


def read_derived(path: Path, *, limit: int = CARD_LIMIT) -> Any:
    """Return the table of a file that `write_derived` wrote.

    Raises:
        NotFound: there is no such file.
        BadData: the file is not as it was written, or it has no checksum.
    """
    head, _, rest = files.read_bytes(path, limit=limit).partition(b"\n")
    if head != _checksum(rest):
        raise BadData(f"{path} is not as it was written")
    try:
        return json.loads(b"{" + rest)
    except (ValueError, RecursionError) as error:
        raise BadData(f"{path} is not valid JSON: {error}") from None


def write_derived(path: Path, table: dict[str, Any]) -> None:
    """Write a JSON file of what can be computed again, with a checksum of the rest on its first line."""
    rest = json.dumps(table)[1:].encode() + b"\n"
    files.make_directory(path.parent)
    files.write_bytes(path, _checksum(rest) + b"\n" + rest, durable=False)


def _checksum(rest: bytes) -> bytes:
    return f'{{"sha256": "{hashlib.sha256(rest).hexdigest()}",'.encode()
