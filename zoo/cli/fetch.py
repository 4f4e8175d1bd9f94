"""zoo fetch"""

import re
from typing import TYPE_CHECKING, Any

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.terminal import say

if TYPE_CHECKING:
    from zoo.corpora.corpus import Corpus


@click.command(name="fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.datasets)
@click.option(
    "--from",
    "sources",
    type=click.Path(),
    multiple=True,
    metavar="SRC",
    help="Take the text from a file, a directory, a URL, or gutenberg:NUMBER. Several make one text, in this order.",
)
@click.option("--encoding", metavar="E", help="How the text is encoded, when it is told wrong (cp1252, utf-16, ...).")
@click.option("--glob", metavar="G", help="Which files of a directory to take, as in '**/*.md'; else all .txt.")
@click.option("--unwrap", is_flag=True, help="Join the lines of paragraphs that were broken to fit a page.")
@click.option("--separator", metavar="S", help=r"What stands between two files (\n is a line end); else a blank line.")
@click.option(
    "--split",
    type=click.Choice(["tail", "files"]),
    default="tail",
    show_default=True,
    help="Validate on the last tenth, or on the last files, about a tenth.",
)
@click.option("--public", is_flag=True, help="Your own text may appear in cards, reports and exports.")
@click.pass_obj
def command(app: App, /, names: tuple[str, ...], **wishes: Any) -> None:
    """Bring texts into the zoo: by name, or your own with --from.

    Files may be plain text, Markdown, HTML or EPUB, and gzipped.

    \b
    zoo fetch shakespeare
    zoo fetch essays --from ~/essays/ --glob '**/*.md'
    zoo fetch austen --from gutenberg:1342 --from gutenberg:158 --unwrap
    """
    from zoo.corpora.dataset import Dataset, check_dataset_name
    from zoo.corpora.fetch import Wish, fetch

    if wishes["sources"] and len(names) > 1:
        way = "write it before each source: zoo fetch NAME --from A --from B"  # a shell makes many words of *.txt
        raise click.UsageError(f"--from goes with one NAME; {way}")
    if wishes["separator"] is not None:
        wishes["separator"] = _unescaped(wishes["separator"])
    for name in names:
        check_dataset_name(name)
        unknown = wishes["sources"] and name not in app.plugins.datasets
        dataset = Dataset(name=name) if unknown else app.plugins.dataset(name)
        with painter() as on_event:
            offered = app.plugins.datasets.values()
            corpus = fetch(
                app.home, dataset, Wish(**wishes), opener=app.plugins.open, offered=offered, on_event=on_event
            )
        _say(corpus)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([nt\\])", lambda match: {"n": "\n", "t": "\t", "\\": "\\"}[match[1]], text)


def _say(corpus: "Corpus") -> None:
    """What became of the text."""
    for change, times in corpus.changes.items():
        say(f"{change}: {times:,}")
    documents = f"{corpus.documents:,} documents, " if corpus.documents > 1 else ""
    say(
        f"fetched {corpus.name}: {documents}{corpus.characters:,} characters, {len(corpus.alphabet):,} distinct, "
        f"sha256 {corpus.sha256[:12]}{', private' if corpus.private else ''}\n"
        f"next: zoo train --dataset {corpus.name}"
    )
