"""How much of the machine's own matrix-product rate a training step reaches, zoo's presets beside nanoGPT's model.

    python bench/arithmetic.py CHECKOUT [--rounds N]

CHECKOUT is a clone of github.com/karpathy/nanoGPT. A step is forward, backward and update; its arithmetic is counted
the same way for all: six operations per weight of a matrix and token, and attention's products below the diagonal. A
round times a large product of each number format and then one step of each; medians, and quartiles in brackets.
"""

import argparse
import dataclasses
import importlib
import os
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from zoo.config import DTYPES, MOST, get_preset
from zoo.gpt.device import cpu_threads
from zoo.gpt.trainer import Trainer

VOCAB = 65
PRESETS = ("nanogpt-cpu", "m2", "nano", "laptop")
SIZE = 2048  # of the product that says what the machine can do

Step = Callable[[], object]


def operations(model: torch.nn.Module, tokens: int, block_size: int, n_layer: int, attended: int) -> float:
    """Of one step over so many tokens."""
    named = dict(model.named_parameters())
    tables = ("wte.weight", "wpe.weight")
    is_tied = not any(name.startswith(("head", "lm_head")) for name in named)
    matrices = sum(p.numel() for n, p in named.items() if p.dim() == 2 and (is_tied or not n.endswith(tables)))
    if is_tied:
        matrices -= sum(p.numel() for n, p in named.items() if n.endswith("wpe.weight"))
    return tokens * (6.0 * matrices + 6 * n_layer * attended * block_size)


def of_zoo(name: str, dtype: str) -> tuple[Step, float]:
    """A step of a preset's training, batch and all, and its arithmetic."""
    preset = get_preset(name)
    config = preset.model.resolve(VOCAB)
    ids = np.random.default_rng(0).integers(VOCAB, size=100_000).astype(np.uint8)
    trainer = Trainer(
        config,
        dataclasses.replace(preset.train, max_steps=MOST, eval_every=MOST),
        train_ids=ids,
        val_ids=ids,
        val_characters=len(ids),
        seed=0,
        device="cpu",
        dtype=dtype,
        checkpoints=Path(os.devnull),
    )
    tokens, attended = preset.train.batch_size * config.block_size, config.n_head * config.head_dim
    arithmetic = operations(trainer.model, tokens, config.block_size, config.n_layer, attended)
    return partial(next, trainer.run()), arithmetic


def of_nanogpt(checkout: Path) -> tuple[Step, float]:
    """A step of nanoGPT's README recipe for a CPU, and its arithmetic."""
    sys.path.insert(0, str(checkout))
    theirs = importlib.import_module("model")

    layers, width, block_size, batch_size = 4, 128, 64, 12
    arguments = {"n_layer": layers, "n_head": 4, "n_embd": width, "block_size": block_size, "bias": False}
    model = theirs.GPT(theirs.GPTConfig(**arguments, vocab_size=VOCAB, dropout=0.0))
    optimizer = model.configure_optimizers(0.1, 1e-3, (0.9, 0.99), "cpu")
    ids = torch.randint(VOCAB, (batch_size, block_size + 1))

    def step() -> None:
        model(ids[:, :-1], ids[:, 1:].contiguous())[1].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        model.zero_grad(set_to_none=True)

    return step, operations(model, batch_size * block_size, block_size, layers, width)


def seconds(act: Step) -> float:
    begin = time.perf_counter()
    act()
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    asked = parser.parse_args()
    torch.set_num_threads(cpu_threads())
    cases = {"nanoGPT": ("float32", *of_nanogpt(asked.checkout))}
    for name in PRESETS:
        cases |= {f"zoo, {name}, {dtype}": (dtype, *of_zoo(name, dtype)) for dtype in DTYPES}
    sides = {dtype: torch.randn(2, SIZE, SIZE).to(getattr(torch, dtype)) for dtype in DTYPES}
    product = 2 * SIZE**3
    times: dict[str, list[float]] = {title: [] for title in cases}
    shares: dict[str, list[float]] = {title: [] for title in cases}  # of the rate of float32
    own: dict[str, list[float]] = {title: [] for title in cases}  # of the rate of the case's own format
    for warm in range(-2, asked.rounds):
        rates = {dtype: product / seconds(partial(torch.mm, *pair)) for dtype, pair in sides.items()}
        for title, (dtype, step, arithmetic) in cases.items():
            took = seconds(step)
            if warm >= 0:
                times[title].append(took)
                shares[title].append(100 * arithmetic / took / rates["float32"])
                own[title].append(100 * arithmetic / took / rates[dtype])
    print("| a step of | giga-operations | ms | share of the float32 product's rate | of its own format's |")
    print("|---|---|---|---|---|")
    for title, (_, _, arithmetic) in cases.items():
        low, middle, high = statistics.quantiles(shares[title], n=4)
        print(
            f"| {title} | {arithmetic / 1e9:.2f} | {1000 * statistics.median(times[title]):.1f} "
            f"| {middle:.0f} % ({low:.0f} to {high:.0f}) | {statistics.median(own[title]):.0f} % |"
        )


if __name__ == "__main__":
    main()
