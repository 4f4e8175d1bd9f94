"""zoo datasets"""

import sys
from itertools import islice
from typing import TYPE_CHECKING

import click

from zoo.cli import complete, numbers
from zoo.cli.app import App
from zoo.cli.terminal import cut, fill, is_terminal, safe, say, show, width
from zoo.masking import masked, masked_source

if TYPE_CHECKING:
    from zoo.corpora.corpus import Corpus
    from zoo.corpora.dataset import Dataset

FIRST_LINES = 8
WIDEST = 80
LABEL = 11
INDENT = "  "
QUOTE = "  | "


@click.command(name="datasets")
@click.argument("name", required=False, shell_complete=complete.datasets)
@click.option("--documents", is_flag=True, help="List what the text was made of, and what was left out.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.pass_obj
def command(app: App, name: str | None, documents: bool, as_json: bool) -> None:
    """List the texts that are offered and fetched, or look at one."""
    if name is None and documents:
        raise click.UsageError("--documents goes with a NAME")
    if name is None:
        _list(app, as_json)
    elif documents and not as_json:
        _list_documents(app, name)
    else:
        _look(app, name, as_json)


def _list(app: App, as_json: bool) -> None:
    from zoo.cli.json_out import show_json
    from zoo.cli.table import Column, show_table
    from zoo.corpora.corpus import corpus_names, open_corpus
    from zoo.corpora.dataset import is_private

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
        private = corpus.private if corpus else is_private(dataset)  # type: ignore[arg-type]
        rows.append([name, state, "private" if private else facts.licence, facts.summary])  # type: ignore[union-attr]
    columns = [
        Column("name"),
        Column("characters"),
        Column("licence", keep=2, prose=True),
        Column("summary", keep=1, prose=True),
    ]
    show_table(columns, rows)


def _entry(name: str, dataset: "Dataset | None", corpus: "Corpus | None") -> dict[str, object]:
    from dataclasses import asdict

    offered, fetched = asdict(dataset) if dataset else None, asdict(corpus) if corpus else None
    if fetched:
        del fetched["directory"]
        fetched["source"] = masked(fetched["source"])
    if offered and offered["source"]:
        offered["source"] = masked_source(offered["source"])
    return {"name": name, "offered": offered, "fetched": fetched}


def _corpus(app: App, name: str) -> "Corpus | None":
    """What was fetched under a name; raises NotFound for one that nobody offers either."""
    from zoo.corpora.corpus import corpus_names, open_corpus
    from zoo.corpora.dataset import check_dataset_name

    check_dataset_name(name)
    fetched = corpus_names(app.home)
    if name in fetched:
        return open_corpus(app.home, name)
    app.plugins.dataset(name, fetched)
    return None


def _list_documents(app: App, name: str) -> None:
    from zoo.cli.table import Column, show_table
    from zoo.errors import NotFound

    corpus = _corpus(app, name)
    if corpus is None:
        raise NotFound(f"'{name}' is not fetched yet (zoo fetch {name})")
    rows = [
        [entry["name"], f"{entry['characters']:,}", entry["encoding"], ""]
        if "skipped" not in entry
        else [entry["name"], "", "", f"skipped: {entry['skipped']}"]
        for entry in corpus.documents_listed()
    ]
    columns = [Column("name"), Column("characters", right=True), Column("encoding", keep=1), Column("", prose=True)]
    show_table(columns, rows)


def _look(app: App, name: str, as_json: bool) -> None:
    from zoo.cli.json_out import show_json
    from zoo.config import DEFAULT_PRESET, get_preset
    from zoo.corpora.look import warnings

    corpus = _corpus(app, name)
    if corpus is None:
        _show_offer(app, name, as_json)
    elif as_json:
        show_json(
            "dataset",
            **_entry(name, app.plugins.datasets.get(name), corpus),
            alphabet=corpus.alphabet,
            documents=list(corpus.documents_listed()),
            warnings=list(warnings(corpus, get_preset(DEFAULT_PRESET))),
        )
    else:
        _show_corpus(corpus)


def _show_offer(app: App, name: str, as_json: bool) -> None:
    from zoo.cli.json_out import show_json

    dataset = app.plugins.dataset(name)
    if as_json:
        show_json("dataset", **_entry(name, dataset, None), alphabet=None, documents=[], warnings=[])
        return
    how = dataset.instructions or f"not fetched yet; next: zoo fetch {name}"
    source = masked_source(dataset.source or "your own copy")
    _pairs([("name", name), ("summary", dataset.summary), ("licence", dataset.licence), ("source", source)])
    show(safe(how))


def _show_corpus(corpus: "Corpus") -> None:
    from zoo.cli.alphabet import drawn
    from zoo.config import DEFAULT_PRESET, get_preset
    from zoo.corpora.look import warnings

    alphabet = corpus.alphabet
    _pairs(_facts(corpus))
    _pairs([("alphabet", f"{len(alphabet):,} distinct characters")])
    columns = width() if is_terminal(sys.stdout) else WIDEST
    for line in drawn(alphabet, columns - len(INDENT)):
        show(INDENT + line)
    show("first lines")
    length = columns - len(QUOTE)
    lines = (line for line in next(corpus.blocks("all")).split("\n") if line.strip())
    for line in islice(lines, FIRST_LINES):
        show(QUOTE + cut(safe(line), length))
    for warning in warnings(corpus, get_preset(DEFAULT_PRESET)):
        say(f"zoo: warning: {warning}")


def _facts(corpus: "Corpus") -> list[tuple[str, str]]:
    train, val = corpus.characters_of("train"), corpus.characters_of("val")
    changes = ", ".join(f"{what}: {times:,}" for what, times in corpus.changes.items())
    facts = [
        ("name", corpus.name),
        ("summary", corpus.summary),
        ("licence", corpus.licence + (", private" if corpus.private else "")),
        ("source", masked(corpus.source)),
        ("fetched", corpus.fetched),
        ("options", ", ".join(f"{key} {value!r}" for key, value in corpus.options.items())),
        ("documents", f"{corpus.documents:,}"),
        ("characters", f"{corpus.characters:,} ({numbers.size(corpus.bytes)}), longest line {corpus.longest_line:,}"),
        ("split", f"{train:,} train, {val:,} validate"),
        ("baseline", _baseline(corpus)),
        ("changes", changes or "none"),
        ("sha256", corpus.sha256),
        ("file sha256", corpus.source_sha256),
    ]
    return [(key, value) for key, value in facts if value]


def _baseline(corpus: "Corpus") -> str:
    """What a model must beat."""
    counted = corpus.baseline
    if not counted:
        return ""
    beginning = ""
    if counted["train_characters"] < corpus.train_characters:
        beginning = f" (of the first {numbers.count(counted['train_characters'])} characters)"
    return f"{counted['bpc']:.4f} bits per character, from counting {counted['order']}-grams{beginning}"


def _pairs(pairs: list[tuple[str, str]]) -> None:
    for key, value in pairs:
        line = f"{key:<{LABEL}} {safe(value)}"
        show(fill(line, indent=" " * (LABEL + 1)) if is_terminal(sys.stdout) else line)
