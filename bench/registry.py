"""How long a home of thousands of models takes, against parsing the same registry.toml once.

    python bench/registry.py [--models N] [--rounds N]

Each round runs the peer, `tomllib.load` of the registry, and then the command, so a machine that slows down slows both;
what counts is the ratio. The models are real: a tiny one is trained, and stands N times in the home under other names.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from zoo.home import Home
from zoo.registry.document import write_card, write_document
from zoo.registry.registry import Registry

ZOO = [sys.executable, "-m", "zoo", "--home"]
SIZES = ["n_layer=1", "n_head=2", "n_embd=16", "block_size=16", "batch_size=4", "max_steps=20", "eval_every=10"]
SHARED = ("weights.safetensors", "vocab.json", "log.jsonl", "timing.jsonl")


def make_home(root: Path, count: int) -> Home:
    """A home with so many copies of one trained model, whose large files are links to its own."""
    text, home = root / "text.txt", Home(root / "home")
    text.write_text("The cat sat on a mat and saw two dogs run by.\n" * 200)
    settings = [word for pair in SIZES for word in ("--set", pair)]
    for command in (["fetch", "tiny", "--from", str(text)], ["train", "-d", "tiny", "--name", "first", *settings]):
        subprocess.run([*ZOO, str(home.path), *command], check=True, capture_output=True)
    first = Registry(home).get("first")
    rows, spec = {"first": first.record.to_table()}, (first.directory / "run.toml").read_text()
    for number in range(1, count):
        name = f"model-{number:05}"
        record = replace(first.record, id=f"00000000-0000-0000-0000-{number:012d}", path=f"models/{name}")
        directory = home.models / name
        directory.mkdir()
        for file in SHARED:
            os.link(first.directory / file, directory / file)
        write_card(directory / "model.toml", name, record)
        (directory / "run.toml").write_text(spec.replace('"first"', f'"{name}"').replace(first.record.id, record.id))
        rows[name] = record.to_table()
    write_document(home.registry, {"schema": 1, "models": rows})
    return home


def seconds(command: list[str], *, code: int = 0, stdin: str = "") -> float:
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, input=stdin, text=True, check=False)
    if done.returncode != code:
        raise RuntimeError(f"{command} ended with {done.returncode}: {done.stderr[-300:]}")
    return time.perf_counter() - begin


def seconds_locked(home: Home, number: int) -> float:
    """How long one change, as at the end of a training, holds the registry."""
    registry = Registry(home)
    begin = time.perf_counter()
    registry.update("model-00002", f"00000000-0000-0000-0000-{2:012d}", note=f"change {number}")
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = make_home(Path(directory), given.models)
        peer = [sys.executable, "-c", f"import tomllib; tomllib.load(open({str(home.registry)!r}, 'rb'))"]
        zoo = [*ZOO, str(home.path)]
        names = ["model-00001", "renamed"]
        measures = {
            "zoo list, the first time": lambda n: (home.rows.unlink(missing_ok=True), seconds([*zoo, "list"]))[1],
            "zoo list": lambda n: seconds([*zoo, "list"]),
            "zoo chat, until it ends": lambda n: seconds([*zoo, "chat", "first"], stdin="/exit\n"),
            "zoo compare": lambda n: seconds([*zoo, "compare"]),
            "zoo rename": lambda n: seconds([*zoo, "rename", names[n % 2], names[1 - n % 2]]),
            "one change, in one process": lambda n: seconds_locked(home, n),
        }
        print(f"{given.models:,} models, registry.toml of {home.registry.stat().st_size:,} bytes\n")
        print("| command | seconds (median) | times parsing registry.toml: min | median | max |")
        print("|---|---|---|---|---|")
        for title, measure in measures.items():
            show(title, [(seconds(peer), measure(number)) for number in range(given.rounds)])
        show("zoo doctor, once", [(seconds(peer), seconds([*zoo, "doctor"]))])


def show(title: str, pairs: list[tuple[float, float]]) -> None:
    ratios = [own / peer for peer, own in pairs]
    middle = statistics.median(own for _, own in pairs)
    low, median, high = min(ratios), statistics.median(ratios), max(ratios)
    print(f"| {title} | {middle:.2f} | {low:.2f} | {median:.2f} | {high:.2f} |", flush=True)


if __name__ == "__main__":
    main()
