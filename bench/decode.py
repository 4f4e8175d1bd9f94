"""How fast a model writes: zoo beside llama.cpp with the same weights, and beside nanoGPT's way of sampling.

    python bench/decode.py --peers PYTHON --nanogpt CHECKOUT [--rounds N] [--threads N...] [--also FORMAT...]
                           [--eval FILE]

PYTHON has the wheels xllamacpp and gguf (`pip install xllamacpp gguf` in an environment of its own), CHECKOUT is a
clone of github.com/karpathy/nanoGPT, whose model has the same sizes, random weights and no cache. llama.cpp computes in
f32, and with --also in f16 or q8_0 too. It is measured at its best: greedily, with its default cache in f16, which is
its fastest, by its server's own clock and in a bare loop (bench/llamacpp.py). The wheel is built for AVX2.

Each contestant has a process of its own, and a round is one of each. It writes texts from one character, within the
context but in the row that says otherwise. `times llama.cpp` is the median run of a round over the best run of
llama.cpp in f32, either way, in the same round. All of it is void, and stops, unless llama.cpp in f32 writes greedily
what zoo does. What is written at once is counted together.

Commands are timed in alternation first: from the start of a process to its first byte on stdout, or, of `zoo eval`, to
its end. --eval takes FILE, tiny Shakespeare.
"""

import argparse
import contextlib
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from llamacpp import PROMPT, Outcome, measure, timed

from zoo.config import ModelConfig
from zoo.corpora.vocab import Characters
from zoo.engine.engine import Engine
from zoo.engine.load import make_engine
from zoo.engine.numpy import NumpyEngine
from zoo.talk.voice import Voice

ALPHABET = "".join(map(chr, range(ord("!"), ord("!") + 65)))
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # what zoo, numpy, torch heed
AGREED = 40  # characters that must be the same
MANY = 32  # texts at once
LONG = 1000  # characters of a text past the window
BARE, BATCH, BEST = "zoo, bare steps, greedy", f"zoo, {MANY} texts at once, greedy", "llama.cpp, f32"


@dataclass(frozen=True)
class Case:
    """A model, and how many characters are written with it at a time."""

    config: ModelConfig
    length: int


CASES = {
    "10.7 M": Case(ModelConfig(n_layer=6, n_head=6, n_embd=384, block_size=256).resolve(len(ALPHABET)), 200),
    "0.8 M": Case(ModelConfig(n_layer=4, n_head=4, n_embd=128, block_size=64).resolve(len(ALPHABET)), 60),
}


def random_weights(config: ModelConfig) -> dict[str, np.ndarray]:
    """Larger than those that a training begins with, so that a greedy text is varied."""
    normal = np.random.default_rng(0).standard_normal
    scales = {name: 3 / shape[-1] ** 0.5 if len(shape) == 2 else 0.1 for name, shape in config.weight_shapes().items()}
    return {
        name: (normal(shape) * scales[name] + (len(shape) == 1)).astype(np.float32)
        for name, shape in config.weight_shapes().items()
    }


def greedy(engine: Engine, texts: int, length: int) -> str:
    """So many texts at once, each from a character of its own, end to end."""
    states = [engine.state() for _ in range(texts)]
    ids = [(ALPHABET.index(PROMPT) + i) % len(ALPHABET) for i in range(texts)]
    written = []
    for _ in range(length):
        ids = [int(id) for id in engine.step(states, ids).argmax(axis=-1)]
        written.append([ALPHABET[id] for id in ids])
    return "".join("".join(text) for text in zip(*written, strict=True))


def of_zoo(make: Callable[..., Engine], case: Case, texts: int | None, length: int) -> Outcome:
    """Greedily so many texts at once, or one that is drawn."""
    engine = make(case.config, random_weights(case.config))
    voice = Voice("random", engine, Characters(ALPHABET))
    if texts:
        return measure(partial(timed, partial(greedy, engine, texts, length)))
    return measure(partial(timed, lambda: voice.generate(PROMPT, max_new=length, seed=1)))


def of_nanogpt(checkout: Path, case: Case) -> Outcome:
    """As sample.py does it, with its temperature and top_k."""
    sys.path.insert(0, str(checkout))
    import model as theirs
    import torch

    sizes = {name: getattr(case.config, name) for name in ("n_layer", "n_head", "n_embd", "block_size", "vocab_size")}
    with contextlib.redirect_stdout(sys.stderr):  # it says how many parameters it has
        model = theirs.GPT(theirs.GPTConfig(**sizes, bias=False)).eval()
    prompt = torch.tensor([[ALPHABET.index(PROMPT)]])

    def write() -> str:
        ids = model.generate(prompt, case.length, temperature=0.8, top_k=200)[0, 1:]
        return "".join(ALPHABET[id] for id in ids)

    return measure(partial(timed, write))


def of_llamacpp(python: str, weights: Path, format: str, way: str, length: int, threads: int) -> Outcome:
    script = Path(__file__).with_name("llamacpp.py")
    words = [python, str(script), str(weights), format, way, str(length), str(threads)]
    text, rates = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    return text, rates


def alone(act: Callable[..., Outcome], *arguments: object) -> Outcome:
    """What a function gives in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(act, *arguments).result()


def contestants(asked: argparse.Namespace, case: Case, weights: Path, threads: int) -> dict[str, Callable[[], Outcome]]:
    length = case.length
    llamacpp = {
        f"llama.cpp, {format}, {way}": partial(of_llamacpp, asked.peers, weights, format, way, length, threads)
        for format in ("f32", *asked.also)
        for way in ("server", "bare")
    }
    return {
        "zoo, drawn": partial(alone, of_zoo, make_engine, case, None, length),
        BARE: partial(alone, of_zoo, make_engine, case, 1, length),
        "zoo in numpy, bare steps, greedy": partial(alone, of_zoo, NumpyEngine, case, 1, length),
        **llamacpp,
        "nanoGPT, generate": partial(alone, of_nanogpt, asked.nanogpt, case),
        f"zoo, drawn, {LONG:,} characters": partial(alone, of_zoo, make_engine, case, None, LONG),
        BATCH: partial(alone, of_zoo, make_engine, case, MANY, length),
    }


def same_characters(a: str, b: str) -> int:
    """How many both begin with."""
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def agreed(title: str, outcomes: dict[str, Outcome]) -> str:
    """How many characters each greedy llama.cpp shares with zoo; ends the program where they should be the same."""
    counts = {}
    for name, (text, _) in outcomes.items():
        if name.startswith("llama.cpp"):
            counts[name] = same_characters(text, outcomes[BARE][0])
            if name.startswith(BEST) and counts[name] < AGREED:
                sys.exit(f"void: {name} and zoo agree on {counts[name]} characters of {title}, not on {AGREED}")
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def report(rounds: list[dict[str, Outcome]]) -> None:
    print("| who | characters/s: min | median | max | times llama.cpp: min | median | max | times zoo's bare steps |")
    print("|---|---|---|---|---|---|---|---|")
    best = [max(max(rates) for name, (_, rates) in found.items() if name.startswith(BEST)) for found in rounds]
    for name in rounds[0]:
        runs = [rate for found in rounds for rate in found[name][1]]
        middles = [statistics.median(found[name][1]) for found in rounds]
        ratios = [middle / peer for middle, peer in zip(middles, best, strict=True)]
        own = [middle / statistics.median(found[BARE][1]) for middle, found in zip(middles, rounds, strict=True)]
        print(
            f"| {name} | {min(runs):,.0f} | {statistics.median(runs):,.0f} | {max(runs):,.0f} | {min(ratios):.2f} "
            f"| {statistics.median(ratios):.2f} | {max(ratios):.2f} | {statistics.median(own):.2f} |"
        )


def seconds(words: list[str], whole: bool) -> float:
    """Of a command that must succeed, to its first byte on stdout or to its end."""
    begin = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        process.stdout.read(1)
        if not whole:
            took = time.perf_counter() - begin
        process.stdout.read()
    if process.returncode:
        sys.exit(f"{' '.join(words)} failed")
    return time.perf_counter() - begin if whole else took


def time_commands(rounds: int, home: Path, text: Path | None) -> None:
    zoo = [sys.executable, "-m", "zoo", "--home", str(home)]
    cases = {f"import {name}": [sys.executable, "-c", f"import {name}; print(1)"] for name in ("torch", "numpy")}
    cases["zoo generate"] = [*zoo, "generate", "shakespeare-nano", "ROMEO:", "--max-new", "1", "--seed", "1"]
    if text:
        subprocess.run([*zoo, "fetch", "shakespeare", "--from", str(text)], check=True, stdout=subprocess.DEVNULL)
        cases["zoo eval"] = [*zoo, "eval", "shakespeare-nano"]
    found = [{name: seconds(words, name == "zoo eval") for name, words in cases.items()} for _ in range(rounds + 1)][1:]
    print("| command | seconds: min | median | max | times import torch | times import numpy |")
    print("|---|---|---|---|---|---|")
    for name in cases:
        times = [took[name] for took in found]
        ratios = [
            statistics.median(took[name] / took[peer] for took in found) for peer in ("import torch", "import numpy")
        ]
        middle = statistics.median(times)
        print(f"| {name} | {min(times):.3f} | {middle:.3f} | {max(times):.3f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--peers", required=True)
    parser.add_argument("--nanogpt", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--also", nargs="+", choices=("f16", "q8_0"), default=[])
    parser.add_argument("--eval", type=Path)
    asked = parser.parse_args()
    found: dict[tuple[str, int], list[dict[str, Outcome]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory, "home")
        home.mkdir()
        time_commands(asked.rounds, home, asked.eval)
        for _ in range(asked.rounds):
            for title, case in CASES.items():
                weights = Path(directory, f"{title}.npz")
                config = json.dumps(case.config.to_dict())
                np.savez(weights, config=config, alphabet=ALPHABET, **random_weights(case.config))
                for threads in asked.threads:
                    os.environ.update(dict.fromkeys(THREADS, str(threads)))
                    sides = contestants(asked, case, weights, threads)
                    outcomes = {name: write() for name, write in sides.items()}
                    agreed(title, outcomes)
                    found.setdefault((title, threads), []).append(outcomes)
        for (title, threads), rounds in found.items():
            print(f"\n{title} parameters, threads: {threads}. Characters as zoo's: {agreed(title, rounds[-1])}\n")
            report(rounds)


if __name__ == "__main__":
    main()
