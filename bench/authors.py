"""How often `zoo who` is right, by the length of the text it is asked about.

    python bench/authors.py AUTHORS --home HOME [--snippets 30] [--preset nano] [--picture docs/pictures/who.svg]

AUTHORS is a directory of AUTHOR-TITLE.txt, two books an author. One book of each trains a model, by the plain command,
in HOME, where what is there is not trained again; passages of the other book, at places drawn at random, are asked
about. Then the other way round. `raw` and `own` are what `zoo who` does not do: to rank by the bits alone, and with
only the bits of a model's own text as its par.
"""

import argparse
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zoo.cli.plot import new_figure, save_figure
from zoo.corpora.corpus import open_corpus
from zoo.engine.load import engine_of
from zoo.home import Home
from zoo.measure.attribution import attribute
from zoo.measure.scoring import bits_of
from zoo.measure.who import pars_of
from zoo.registry.model import Model
from zoo.registry.registry import Registry

LENGTHS = (32, 64, 128, 256, 512, 1024, 2048, 4096)  # characters
WAYS = ("raw", "own", "who")


class Direction(NamedTuple):
    """For each author the book that trains and the book that is asked about."""

    name: str
    trained: list[str]
    asked: list[str]


class Row(NamedTuple):
    """Shares of passages of a length: attributed rightly each way; those of which `zoo who` says something, and how
    many of these are right."""

    length: int
    right: dict[str, float]
    said: float
    right_of_said: float


def directions(folder: Path) -> Iterator[Direction]:
    """Both ways, authors in alphabetical order."""
    books = defaultdict(list)
    for path in sorted(folder.glob("*-*.txt")):
        books[path.stem.partition("-")[0]].append(path.stem)
    pairs = [pair for pair in books.values() if len(pair) == 2]
    for name, i in (("first book trains", 0), ("second book trains", 1)):
        yield Direction(name, [pair[i] for pair in pairs], [pair[1 - i] for pair in pairs])


def train(folder: Path, home: Path, book: str, preset: str) -> None:
    """A model of a book, unless there is one."""
    zoo = [sys.executable, "-m", "zoo", "--home", str(home)]
    if not (home / ".zoo" / "corpora" / book).exists():
        subprocess.run([*zoo, "fetch", book, "--from", str(folder / f"{book}.txt"), "--unwrap"], check=True)
    if not (home / "models" / f"{book}-{preset}" / "weights.safetensors").exists():
        subprocess.run([*zoo, "train", "-d", book, "-p", preset, "-n", f"{book}-{preset}"], check=True)


def passages(home: Home, book: str, count: int) -> list[str]:
    """As long as the longest length, from the beginnings of words, the same every time."""
    text, chance = open_corpus(home, book).text(), random.Random(book)
    begins = [chance.randrange(len(text) - LENGTHS[-1] - 100) for _ in range(count)]
    return [text[at : at + LENGTHS[-1]] for at in (text.index(" ", begin) + 1 for begin in begins)]


def measure(home: Home, models: list[Model], texts: list[list[str]]) -> list[Row]:
    """A row a length; texts[i] are of the author of models[i]."""
    own, others = map(np.array, pars_of(home, models))
    pars = {"raw": 0 * own, "own": own, "who": (own + others) / 2}
    costs = []
    for model in models:
        engine, vocab = engine_of(model)
        costs.append([bits_of(engine, vocab, text) for some in texts for text in some])
        print(f"  asked {model.name}", file=sys.stderr)
    table = np.array(costs)  # (models, texts, characters)
    authors = np.repeat(np.arange(len(models)), [len(some) for some in texts])
    return [row(pars, table[:, :, :length], authors) for length in LENGTHS]


def row(pars: dict[str, np.ndarray], table: np.ndarray, authors: np.ndarray) -> Row:
    texts = range(len(table))
    found = {
        way: [attribute(par.tolist(), texts, costs) for costs in table.swapaxes(0, 1)] for way, par in pars.items()
    }
    right = {way: np.array([a.order[0] for a in some]) == authors for way, some in found.items()}
    said = np.array([a.winner is not None for a in found["who"]])
    shares = {way: float(some.mean()) for way, some in right.items()}
    return Row(table.shape[2], shares, float(said.mean()), float(right["who"][said].mean()) if said.any() else np.nan)


def show(direction: Direction, rows: list[Row], count: int) -> None:
    print(
        f"\n{direction.name}: {len(direction.trained)} authors, {count} passages each, "
        f"chance {1 / len(direction.asked):.0%}\n"
    )
    print("| characters | raw bits | less own | less par | said | right of these |\n|---:|---:|---:|---:|---:|---:|")
    for r in rows:
        shares = [r.right[way] for way in WAYS]
        said = [f"{r.said:.0%}", "-" if np.isnan(r.right_of_said) else f"{r.right_of_said:.0%}"]
        print(f"| {r.length:,} | {' | '.join([*(f'{share:.0%}' for share in shares), *said])} |")


def draw(path: Path, results: dict[str, list[Row]], authors: int) -> None:
    """Shares by length, of both directions, with chance as a line."""
    figure = new_figure(7, 4)
    axes = figure.add_subplot()
    colours = dict(zip(WAYS, ("#999999", "#E69F00", "#0072B2"), strict=True))
    labels = {"raw": "bits alone", "own": "less its own text's bits", "who": "less its par (zoo who)"}
    for (name, rows), style in zip(results.items(), ("-", "--"), strict=True):
        for way in WAYS:
            axes.plot(
                [r.length for r in rows],
                [100 * r.right[way] for r in rows],
                style,
                color=colours[way],
                marker="o",
                markersize=3,
                label=f"{labels[way]}, {name}",
            )
    axes.axhline(100 / authors, color="#000000", linewidth=0.8, linestyle=":", label="chance")
    axes.set_xscale("log", base=2)
    axes.set_xticks(LENGTHS, [f"{n:,}" for n in LENGTHS])
    axes.set_ylim(0, 100)
    axes.set_xlabel("characters of the passage")
    axes.set_ylabel(f"attributed rightly among {authors} authors, %")
    axes.grid(color="#dddddd", linewidth=0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize="small", loc="upper left")
    save_figure(path, figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("authors", type=Path)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--snippets", type=int, default=30, help="passages of each author")
    parser.add_argument("--preset", default="nano")
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    home, results, authors = Home(args.home.absolute()), {}, 0
    for direction in directions(args.authors):
        for book in (*direction.trained, *direction.asked):
            train(args.authors, home.path, book, args.preset)
        registry = Registry(home)
        models = [registry.get(f"{book}-{args.preset}") for book in direction.trained]
        texts = [passages(home, book, args.snippets) for book in direction.asked]
        authors, results[direction.name] = len(models), measure(home, models, texts)
        show(direction, results[direction.name], args.snippets)
    if args.picture:
        draw(args.picture, results, authors)


if __name__ == "__main__":
    main()
