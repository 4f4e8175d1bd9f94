"""zoo datasets"""

import sys
import unicodedata
from typing import TYPE_CHECKING

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.terminal import fill, is_terminal, safe, show, width

if TYPE_CHECKING:
    from zoo.corpora.corpus import Corpus
    from zoo.corpora.dataset import Dataset

FIRST_LINES = 8
WIDEST = 80
LABEL = 11
QUOTE = "  | "


@click.command(name="datasets")
@click.argument("name", required=False, shell_complete=complete.datasets)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(app: App, name: str | None, as_json: bool) -> None:
    """List the texts that are offered and fetched, or look at one."""
    if name is None:
        _list(app, as_json)
    else:
        _look(app, name, as_json)


def _list(app: App, as_json: bool) -> None:
    from zoo.cli.json_out import show_json
    from zoo.cli.table import Column, show_table
    from zoo.corpora.corpus import corpus_names, open_corpus

    fetched = {name: open_corpus(app.home, name) for name in corpus_names(app.home)}
    offered = app.plugins.datasets
    names = sorted({*offered, *fetched})
    if as_json:
        show_json("datasets", datasets=[_entry(name, offered.get(name), fetched.get(name)) for name in names])
        return
    rows = []
    for name in names:
        dataset, corpus = offered.get(name), fetched.get(name)
        state = numbers.count(corpus.characters) if corpus else "bring your own" if not dataset.source else "offered"  # type: ignore[union-attr]
        facts = corpus or dataset
        rows.append([name, state, "private" if facts.private else facts.licence, facts.summary])  # type: ignore[union-attr]
    columns = [
        Column("name"),
        Column("characters"),
        Column("licence", keep=2, prose=True),
        Column("summary", keep=1, prose=True),
    ]
    show_table(columns, rows)


def _entry(name: str, dataset: "Dataset | None", corpus: "Corpus | None") -> dict[str, object]:
    from dataclasses import asdict

    facts = {key: value for key, value in asdict(corpus).items() if key != "directory"} if corpus else None
    return {"name": name, "offered": asdict(dataset) if dataset else None, "fetched": facts}


def _look(app: App, name: str, as_json: bool) -> None:
    from zoo.cli.json_out import show_json
    from zoo.corpora.corpus import corpus_names, open_corpus
    from zoo.names import check_name

    check_name(name, "dataset")
    fetched = corpus_names(app.home)
    if name not in fetched:
        dataset = app.plugins.dataset(name, fetched)
        if as_json:
            show_json("dataset", **_entry(name, dataset, None), alphabet=None)
            return
        how = dataset.instructions or f"not fetched yet; next: zoo fetch {name}"
        source = dataset.source or "your own copy"
        _pairs([("name", name), ("summary", dataset.summary), ("licence", dataset.licence), ("source", source)])
        show(safe(how))
        return
    corpus = open_corpus(app.home, name)
    alphabet = corpus.alphabet
    if as_json:
        show_json("dataset", **_entry(name, app.plugins.datasets.get(name), corpus), alphabet=alphabet)
        return
    train, val = corpus.characters_of("train"), corpus.characters_of("val")
    _pairs(
        [
            ("name", corpus.name),
            ("summary", corpus.summary),
            ("licence", corpus.licence + (", private" if corpus.private else "")),
            ("source", corpus.source),
            ("fetched", corpus.fetched),
            ("documents", f"{corpus.documents:,}"),
            ("characters", f"{corpus.characters:,} ({numbers.size(corpus.bytes)})"),
            ("split", f"{train:,} train, {val:,} validate"),
            ("alphabet", f"{len(alphabet)}: {' '.join(_shown(c) for c in alphabet)}"),
            ("changes", ", ".join(f"{what}: {times:,}" for what, times in corpus.changes.items()) or "none"),
            ("sha256", corpus.sha256),
        ]
    )
    show("first lines")
    length = (width() if is_terminal(sys.stdout) else WIDEST) - len(QUOTE)
    for line in next(corpus.blocks("all")).split("\n")[:FIRST_LINES]:
        show(QUOTE + safe(line if len(line) <= length else line[: length - 3] + "..."))


def _pairs(pairs: list[tuple[str, str]]) -> None:
    for key, value in pairs:
        line = f"{key:<{LABEL}} {safe(value)}"
        show(fill(line, indent=" " * (LABEL + 1)) if is_terminal(sys.stdout) else line)


def _shown(character: str) -> str:
    """A character as it can be read: spaces and what has no shape by name or number."""
    if character == " ":
        return "space"
    if character == "\n":
        return "newline"
    if character.isprintable() and not unicodedata.combining(character):
        return character
    return f"U+{ord(character):04X}"
