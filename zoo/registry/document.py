"""The files of records: registry.toml and model.toml have one form, so one reader and one writer serve both.

The text of a file that zoo wrote is split into the texts of its rows: a row that was read before is not parsed again,
and an unchanged row keeps its text. Any other text is parsed as a whole.
"""

import re
from pathlib import Path
from typing import Any

from zoo import files, tables
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.home import SCHEMA, Home
from zoo.names import check_name
from zoo.registry.record import Record
from zoo.registry.row import BETWEEN, Known, Row, read_rows, split

COMMENT = "The models of this zoo. Written by zoo, which keeps keys but no comments: notes belong into `note`."
SIZE_LIMIT = 2**26  # of registry.toml: room for thirty thousand models


def read_document(path: Path, known: Known | None = None) -> dict[str, Any]:
    """Return a registry.toml or model.toml as plain tables, the rows under `models`; no rows for a missing file.

    Args:
        known: rows by their texts, of earlier reads; they are not parsed again, and those read now are added.
    """
    try:
        document = _parsed(path, {} if known is None else known)
    except NotFound:
        return {"schema": SCHEMA}
    if type(document.get("schema")) is not int:
        raise BadData(f"{path} has no 'schema' and so is no registry")
    tables.check_schema(document, path)
    if not isinstance(document.get("models", {}), dict):
        raise BadData(f"{path}: 'models' is not a table")
    return document


def _parsed(path: Path, known: Known) -> dict[str, Any]:
    """Return the tables of a file; parse it row by row where that gives the same as parsing the whole text."""
    text = tables.toml_text(path, limit=_limit_of(path))
    head, texts = split(text)
    try:
        document = tables.parse_toml(head, path)
        rows = read_rows(texts, path, _cache_of(path), known)
    except BadData:  # parsing the whole text tells the line
        return tables.parse_toml(text, path)
    if "models" in document or len(rows) < len(texts) or not texts:
        return tables.parse_toml(text, path)
    return {**document, "models": rows}


def _cache_of(path: Path) -> Path | None:
    """Return the cache of a registry's parsed rows; None for another file, and outside a home."""
    home = Home(path.parent)
    return home.rows if path == home.registry and home.rows.parent.is_dir() else None


def _limit_of(path: Path) -> int:
    """How large a file of records may be: the index of many models, or the card of one."""
    return SIZE_LIMIT if path.name == "registry.toml" else tables.CARD_LIMIT


def read_records(path: Path, known: Known | None = None) -> dict[str, Record]:
    """The rows of a registry.toml or model.toml; raises BadData naming file, row, key and line."""
    records = {}
    for name, table in read_document(path, known).get("models", {}).items():
        try:
            check_name(name, "model name")
            records[name] = record_of(name, table)
        except (BadData, UsageProblem) as error:
            raise BadData(f"{path}, line {_line_of(path, name)}: {error}") from None
    return records


def record_of(name: str, table: object) -> Record:
    """Return the record of a row; raises BadData naming model and key when the row makes none."""
    return table.record if isinstance(table, Row) else Record.from_table(table, f"model '{name}'")


def _line_of(path: Path, name: str) -> int:
    """The line on which a row begins, 1 when it cannot be seen."""
    heading = re.compile(rf"""\s*\[+\s*models\s*\.\s*(["']?){re.escape(name)}\1\s*[].]""")
    lines = enumerate(files.read_text(path, limit=_limit_of(path)).split("\n"), 1)  # as TOML counts them
    return next((number for number, line in lines if heading.match(line)), 1)


def write_document(path: Path, document: dict[str, Any], *, over: files.Seen | None = None) -> None:
    """Write a registry.toml or model.toml.

    Raises BadData when it would be too large, and Changed when the file no longer holds what `over` has read.
    """
    *others, last = document
    rows = document[last]
    is_usual = last == "models" and rows and all(isinstance(row, dict) for row in rows.values())
    if others and is_usual:
        head = tables.to_toml({key: document[key] for key in others})
        texts = (
            row.text if isinstance(row, Row) and row.name == name else Row(name, row).text for name, row in rows.items()
        )
        text = BETWEEN.join([head.removesuffix("\n"), *texts]) + "\n"
    else:
        text = tables.to_toml(document)
    tables.write_text(path, text, comment=COMMENT, limit=_limit_of(path), over=over)


def write_card(path: Path, name: str, record: Record) -> None:
    """Write the model.toml of one model; raises NewerSchema when a newer zoo has written the one that is there."""
    tables.refuse_newer_file(path)
    write_document(path, {"schema": SCHEMA, "models": {name: record.to_table()}})
