"""The files of records: registry.toml and model.toml have one form, so one reader and one writer serve both."""

import re
from pathlib import Path
from typing import Any

from zoo import files, tables
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.home import SCHEMA
from zoo.names import check_name
from zoo.registry.record import Record

COMMENT = "The models of this zoo. Written by zoo, which keeps keys but no comments: notes belong into `note`."
SIZE_LIMIT = 2**24  # of registry.toml: room for eight thousand models


def read_document(path: Path) -> dict[str, Any]:
    """A registry.toml or model.toml as plain tables, the rows under `models`; without rows for a missing file."""
    try:
        document = tables.read_toml(path, limit=_limit_of(path))
    except NotFound:
        return {"schema": SCHEMA}
    if type(document.get("schema")) is not int:
        raise BadData(f"{path} has no 'schema' and so is no registry")
    tables.check_schema(document, path)
    if not isinstance(document.get("models", {}), dict):
        raise BadData(f"{path}: 'models' is not a table")
    return document


def _limit_of(path: Path) -> int:
    """How large a file of records may be: the index of many models, or the card of one."""
    return SIZE_LIMIT if path.name == "registry.toml" else tables.CARD_LIMIT


def read_records(path: Path) -> dict[str, Record]:
    """The rows of a registry.toml or model.toml; raises BadData naming file, row, key and line."""
    records = {}
    for name, table in read_document(path).get("models", {}).items():
        try:
            check_name(name, "model name")
            records[name] = Record.from_table(table, f"model '{name}'")
        except (BadData, UsageProblem) as error:
            raise BadData(f"{path}, line {_line_of(path, name)}: {error}") from None
    return records


def _line_of(path: Path, name: str) -> int:
    """The line on which a row begins, 1 when it cannot be seen."""
    heading = re.compile(rf"""\s*\[+\s*models\s*\.\s*(["']?){re.escape(name)}\1\s*[].]""")
    lines = enumerate(files.read_text(path, limit=_limit_of(path)).split("\n"), 1)  # as TOML counts them
    return next((number for number, line in lines if heading.match(line)), 1)


def write_document(path: Path, document: dict[str, Any], *, over: files.Seen | None = None) -> None:
    """Write a registry.toml or model.toml; raises Changed when it is no longer as it was seen: `over`."""
    tables.write_toml(path, document, comment=COMMENT, limit=_limit_of(path), over=over)


def write_card(path: Path, name: str, record: Record) -> None:
    """Write the model.toml of one model; raises NewerSchema when a newer zoo has written the one that is there."""
    tables.refuse_newer_file(path)
    write_document(path, {"schema": SCHEMA, "models": {name: record.to_table()}})
