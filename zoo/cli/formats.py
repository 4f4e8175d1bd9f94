"""What a table is written as for programs and pages: comma-separated values, or Markdown."""

import csv
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from zoo.cli.table import Column
from zoo.cli.terminal import one_line, show

JSON, CSV, MARKDOWN = "json", "csv", "md"
_MARKUP = re.compile(r"[\\`*<>\[\]|~$#!]|(?<!\w)_|_(?!\w)")
_REFERENCE = re.compile(r"[&@:]|(?<=www)\.")  # which a backslash does not stop: entities, mentions, addresses

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a formula begins with, as OWASP lists it


def forms(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --json, --csv and --md, which `chosen` makes one of."""
    for name, what in ((MARKDOWN, "a Markdown table"), (CSV, "comma-separated values"), (JSON, "JSON")):
        help = f"Print {what} instead of tables{'' if name == MARKDOWN else ', in full precision'}."
        command = click.option(f"--{name}", f"as_{name}", is_flag=True, help=help)(command)
    return command


def chosen(*, as_json: bool, as_csv: bool, as_md: bool) -> str:
    """The one form that was asked for, or none; raises UsageError for several."""
    asked = [name for name, flag in ((JSON, as_json), (CSV, as_csv), (MARKDOWN, as_md)) if flag]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(f'--{name}' for name in asked)} exclude each other")
    return asked[0] if asked else ""


def show_csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print rows by RFC 4180: numbers as Python writes them, nothing for None, control characters made visible.

    A text that a spreadsheet would compute as a formula begins with an apostrophe, which makes it a text there.
    """
    writer = csv.writer(sys.stdout)
    for row in (head, *rows):
        writer.writerow([_cell(value) for value in row])


def _cell(value: Any) -> Any:
    match value:
        case None | int() | float() if not isinstance(value, bool):
            return value
        case list() | tuple():
            text = ", ".join(map(str, value))
        case _:
            text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{one_line(text)}" if text.startswith(_FORMULA) else one_line(text)


def show_markdown(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """A table as GitHub draws it; nothing in a cell is taken for markup."""
    if title:
        show(f"**{_escaped(title)}**\n")
    show(_row([_escaped(column.title) for column in columns]))
    show(_row(["---:" if column.right else "---" for column in columns]))
    for row in rows:
        show(_row([_escaped(cell) for cell in row]))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(text: str) -> str:
    text = _MARKUP.sub(r"\\\g<0>", one_line(text))
    return _REFERENCE.sub(lambda match: f"&#{ord(match[0])};", text)
