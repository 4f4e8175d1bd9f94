"""How much of the machine's own matrix-product rate a training step reaches, zoo's presets beside nanoGPT's model.

    python bench/arithmetic.py CHECKOUT [--rounds N]

CHECKOUT is a clone of github.com/karpathy/nanoGPT. A step is forward, backward and update; its arithmetic is counted
the same way for all: six operations per weight of a matrix and token, and attention's products below the diagonal. A
round times a large product and then one step of each.
"""

import argparse
import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from zoo.config import get_preset
from zoo.gpt.device import cpu_threads, take_over
from zoo.gpt.model import GPT
from zoo.gpt.optimizer import make_optimizers

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


def stepper(model: torch.nn.Module, loss: Callable[[], torch.Tensor], update: Step) -> Step:
    def step() -> None:
        loss().backward()  # type: ignore[no-untyped-call]
        update()
        model.zero_grad(set_to_none=True)

    return step


def of_zoo(name: str) -> tuple[Step, float]:
    """A step of a preset, and its arithmetic."""
    preset = get_preset(name)
    config, batch_size = preset.model.resolve(VOCAB), preset.train.batch_size
    model = GPT(config)
    optimizers = make_optimizers(model, preset.train)
    ids = torch.randint(VOCAB, (batch_size, config.block_size + 1))
    step = stepper(
        model,
        lambda: model.loss(ids[:, :-1], ids[:, 1:]),
        lambda: [optimizer.step(1.0) for optimizer in optimizers],
    )
    attended = config.n_head * config.head_dim
    return step, operations(model, batch_size * config.block_size, config.block_size, config.n_layer, attended)


def of_nanogpt(checkout: Path) -> tuple[Step, float]:
    """A step of nanoGPT's README recipe for a CPU, and its arithmetic."""
    sys.path.insert(0, str(checkout))
    theirs = importlib.import_module("model")

    layers, width, block_size, batch_size = 4, 128, 64, 12
    arguments = {"n_layer": layers, "n_head": 4, "n_embd": width, "block_size": block_size, "bias": False}
    model = theirs.GPT(theirs.GPTConfig(**arguments, vocab_size=VOCAB, dropout=0.0))
    optimizer = model.configure_optimizers(0.1, 1e-3, (0.9, 0.99), "cpu")
    ids = torch.randint(VOCAB, (batch_size, block_size + 1))

    def update() -> None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    step = stepper(model, lambda: model(ids[:, :-1], ids[:, 1:].contiguous())[1], update)
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
    take_over(cpu_threads())
    cases = {"nanoGPT": of_nanogpt(asked.checkout)} | {f"zoo, {name}": of_zoo(name) for name in PRESETS}
    a, b = torch.randn(2, SIZE, SIZE).unbind()
    product = 2 * SIZE**3
    shares: dict[str, list[float]] = {title: [] for title in cases}
    times: dict[str, list[float]] = {title: [] for title in cases}
    for warm in range(-2, asked.rounds):
        for title, (step, arithmetic) in cases.items():
            rate = product / seconds(lambda: torch.mm(a, b))
            took = seconds(step)
            if warm >= 0:
                shares[title].append(arithmetic / took / rate)
                times[title].append(took)
    print("| a step of | giga-operations | ms (median) | share of the product's rate: quartile | median | quartile |")
    print("|---|---|---|---|---|---|")
    for title, (_, arithmetic) in cases.items():
        low, middle, high = (100 * share for share in statistics.quantiles(shares[title], n=4))
        assert math.isfinite(middle)
        milliseconds = 1000 * statistics.median(times[title])
        print(
            f"| {title} | {arithmetic / 1e9:.2f} | {milliseconds:.1f} | {low:.0f} % | {middle:.0f} % | {high:.0f} % |"
        )


if __name__ == "__main__":
    main()
