"""zoo fetch"""

import click

from zoo.cli import complete
from zoo.cli.app import App
from zoo.cli.painter import painter
from zoo.cli.terminal import say


@click.command(name="fetch")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=complete.datasets)
@click.option(
    "--from", "source", type=click.Path(), metavar="SRC", help="A file, a directory or a URL to take the text from."
)
@click.option("--encoding", metavar="E", help="How the text is encoded, when it is not UTF-8 (cp1252, utf-16, ...).")
@click.option("--glob", metavar="G", help="Which files of a directory to take, as in '**/*.md'; else all .txt.")
@click.option("--public", is_flag=True, help="Your own text may appear in cards, reports and exports.")
@click.pass_obj
def command(
    app: App, names: tuple[str, ...], source: str | None, encoding: str | None, glob: str | None, public: bool
) -> None:
    """Bring texts into the zoo: by name, or your own with --from.

    \b
    zoo fetch shakespeare
    zoo fetch essays --from ~/essays/
    """
    from zoo.corpora.dataset import Dataset
    from zoo.corpora.fetch import Wish, fetch
    from zoo.names import check_name

    if source is not None and len(names) > 1:
        raise click.UsageError("--from goes with one NAME")
    wish = Wish(source=source, encoding=encoding, glob=glob, public=public)
    for name in names:
        check_name(name, "dataset")
        unknown = source is not None and name not in app.plugins.datasets
        dataset = Dataset(name=name) if unknown else app.plugins.dataset(name)
        with painter() as on_event:
            offered = app.plugins.datasets.values()
            corpus = fetch(app.home, dataset, wish, opener=app.plugins.open, offered=offered, on_event=on_event)
        for change, times in corpus.changes.items():
            say(f"{change}: {times:,}")
        say(
            f"fetched {name}: {corpus.characters:,} characters, {len(corpus.alphabet)} distinct, "
            f"sha256 {corpus.sha256[:12]}{', private' if corpus.private else ''}\n"
            f"next: zoo train --dataset {name}"
        )
