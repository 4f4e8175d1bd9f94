"""How fast a text becomes ids, and what memory that and a training from it take.

    python bench/encoding.py [--megabytes N] [--rounds N] [--place DIRECTORY]

Linux only: memory is what /proc says. Each encoding is a process of its own on one core. Before each, ten megabytes of
the same text are encoded as a script commonly does it (read, a dict, a list, an array), so a machine that slows down
slows both; what counts is the ratio. Megabytes are millions of bytes; those of text are in the page cache. Memory is
what is held above the interpreter with numpy, and `file` what of a file is mapped, which the system drops when memory
is short.
"""

import argparse
import dataclasses
import hashlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from zoo import files, moving, tables
from zoo.corpora.corpus import SCHEMA, Corpus, open_corpus
from zoo.corpora.tokens import encode_part
from zoo.corpora.vocab import Bytes, Characters
from zoo.home import Home

MB = 10**6
PEER_BYTES = 10 * MB
ASCII = "etaoinshrdlucmfwypvbgkjqxz" * 8
LETTERS = {"ASCII": ASCII, "5 % not ASCII": ASCII + "éüößñçłø“–語"}
TRAIN = [
    "n_layer=2",
    "n_head=2",
    "n_embd=32",
    "block_size=64",
    "eval_every=10",
    "eval_windows=100",
    "max_steps=1000000",
]
STEPS = 40


def blocks(letters: str, size: int) -> Iterator[str]:
    """Lines of random words, about `size` bytes in all."""
    chance = random.Random(0)
    words = ["".join(chance.choices(letters, k=chance.randint(2, 9))) for _ in range(20_000)]
    while size > 0:
        lines = (" ".join(chance.choices(words, k=12)) for _ in range(1500))
        text = "\n".join(lines)[: size - 1] + "\n"
        size -= len(text.encode())
        yield text


def make_corpus(home: Home, name: str, letters: str, size: int) -> Corpus:
    """A corpus as a fetch leaves it, but for the time that a fetch takes."""
    draft = home.corpora / name / "draft"
    files.make_directory(draft)
    whole, val, counts, train = hashlib.sha256(), hashlib.sha256(), Counter[str](), (0, 0)
    characters = written = 0
    with open(draft / "text.txt", "wb") as file:
        for text in blocks(letters, size):
            data = text.encode()
            file.write(data)
            whole.update(data)
            counts.update(text)
            characters, written = characters + len(text), written + len(data)
            if written <= 0.9 * size:
                train = characters, written
            else:
                val.update(data)
    corpus = Corpus(
        directory=draft.with_name(whole.hexdigest()[:8]), name=name, dataset=name, sha256=whole.hexdigest(),
        val_sha256=val.hexdigest(), characters=characters, train_characters=train[0], bytes=written,
        train_bytes=train[1], documents=1, source="random words", licence="none", private=False, fetched="2026-01-01",
    )  # fmt: skip
    values = {key: value for key, value in dataclasses.asdict(corpus).items() if key != "directory"}
    tables.write_toml(draft / "corpus.toml", {"schema": SCHEMA, **values})
    files.write_bytes(draft / "alphabet.json", json.dumps(counts).encode())
    moving.move(draft, corpus.directory)
    files.write_bytes(draft.with_name("current"), f"{corpus.sha256[:8]}\n".encode())
    return corpus


class Memory(NamedTuple):
    """Bytes of a process: without a file behind them, with one, and the most of both together so far."""

    anonymous: int
    file: int
    most: int


def memory(pid: int | str = "self") -> Memory:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    held = {
        key: int(value.split()[0]) * 1024 for key, _, value in (line.partition(":") for line in lines) if "kB" in value
    }
    return Memory(held["RssAnon"], held["RssFile"], held["VmHWM"])


class Cost(NamedTuple):
    """Megabytes of text a second, and bytes above what the process held before."""

    speed: float
    anonymous: int
    file: int
    most: int


def cost(size: int, act: Callable[[Callable[[object], None]], object]) -> Cost:
    """What an act costs that calls back now and then."""
    Path("/proc/self/clear_refs").write_text("5")  # the most so far is what there is now
    before, anonymous = memory(), [0]

    def look(event: object = None) -> None:
        anonymous.append(memory().anonymous - before.anonymous)

    begin = time.perf_counter()
    kept = act(look)
    seconds = time.perf_counter() - begin
    look()
    after = memory()
    del kept
    return Cost(size / MB / seconds, max(anonymous), after.file - before.file, after.most - before.most)


def encode(home: Home, name: str, kind: str) -> Cost:
    """A whole text."""
    corpus = open_corpus(home, name)
    vocab = Characters(corpus.alphabet) if kind == "characters" else Bytes()
    import numpy as np  # noqa: F401  # is no part of the cost

    return cost(corpus.bytes, lambda look: encode_part(corpus, vocab, "all", look))


def peer(home: Home, name: str) -> Cost:
    """The beginning of a text, the common way."""
    import numpy as np

    corpus = open_corpus(home, name)
    stoi = {character: i for i, character in enumerate(sorted(corpus.alphabet))}
    part = home.path / "part.txt"
    with files.opened(corpus.text_path) as file:
        part.write_bytes(file.read(PEER_BYTES))
    size = part.stat().st_size

    def act(look: Callable[[object], None]) -> object:
        data = part.read_text(encoding="utf-8", errors="ignore")
        ids = [stoi[c] for c in data]
        np.array(ids, dtype=np.uint16).tofile(home.path / "part.bin")
        look(None)
        return ids

    return cost(size, act)


def alone(function: Callable[..., Cost], *words: object) -> Cost:
    """What a function gives in a fresh process on the first core we may use."""
    core = {min(os.sched_getaffinity(0))}
    with ProcessPoolExecutor(1, get_context("spawn"), os.sched_setaffinity, (0, core)) as pool:
        return pool.submit(function, *words).result()


def train(home: Home, name: str) -> tuple[Memory, float]:
    """The most of each kind of memory of some steps of training, and the seconds until the first."""
    words = [sys.executable, "-m", "zoo", "train", "-d", name, "-n", name]
    words += [word for setting in TRAIN for word in ("--set", setting)]
    log, seen, begin, first = home.models / name / "log.jsonl", [Memory(0, 0, 0)], time.perf_counter(), 0.0
    with subprocess.Popen(words, env={**os.environ, "ZOO_HOME": str(home.path)}, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            seen.append(memory(process.pid))
            text = log.read_text() if log.exists() else ""
            first = first or (time.perf_counter() - begin if text else 0.0)
            if f'"step": {STEPS},' in text:
                process.send_signal(signal.SIGTERM)
                process.wait()
            time.sleep(0.01)
    return Memory(*(max(column) for column in zip(*seen, strict=True))), first


def report_encoding(home: Home, names: dict[str, str], rounds: int) -> None:
    print(
        "| text | ids | MB/s (median) | times the common way: min | median | max | MB anonymous | file | both, peak |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    peers = []
    for title, name in names.items():
        for kind in ("characters", "bytes"):
            costs, ratios = [], []
            for _ in range(rounds):
                peers.append(alone(peer, home, name))
                costs.append(alone(encode, home, name, kind))
                ratios.append(costs[-1].speed / peers[-1].speed)
            print(f"| {title} | {kind} | {_row(costs, ratios)} |", flush=True)
    print(f"| its first {PEER_BYTES // MB} MB, the common way | characters | {_row(peers, [1.0])} |")


def _row(costs: list[Cost], ratios: list[float]) -> str:
    times = f"{min(ratios):.1f} | {statistics.median(ratios):.1f} | {max(ratios):.1f}"
    held = " | ".join(f"{max(column) / MB:.1f}" for column in list(zip(*costs, strict=True))[1:])
    return f"{statistics.median(cost.speed for cost in costs):.0f} | {times} | {held}"


def report_training(home: Home, names: dict[str, str]) -> None:
    print("\n| training from | MB anonymous, peak | file, peak | both, peak | seconds to the first log line |")
    print("|---|---|---|---|---|")
    for title, name in names.items():
        most, first = train(home, name)
        print(f"| {title} | " + " | ".join(f"{value / MB:.0f}" for value in most) + f" | {first:.1f} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--place", help="where the texts are to be made, a disk with several times their size")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.place) as directory:
        home = Home(Path(directory))
        home.create()
        for number, letters in enumerate(LETTERS.values()):
            make_corpus(home, f"text-{number}", letters, asked.megabytes * MB)
        make_corpus(home, "small", ASCII, MB)
        names = {f"{asked.megabytes:,} MB, {title}": f"text-{number}" for number, title in enumerate(LETTERS)}
        report_encoding(home, names, asked.rounds)
        report_training(home, {"1 MB, ASCII": "small", **names})


if __name__ == "__main__":
    main()
