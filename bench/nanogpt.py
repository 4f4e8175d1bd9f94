"""zoo beside nanoGPT: the whole training commands of both in alternation, and how much of the machine each uses.

    python bench/nanogpt.py CHECKOUT --text FILE [--rounds N] [--only TITLE]...

CHECKOUT is a clone of github.com/karpathy/nanoGPT (copied, not changed), FILE is tiny Shakespeare. nanoGPT trains as
its README says for a CPU, and its last checkpoint is measured as every model here is. A round is nanoGPT's command and
then one of each case; what counts is the ratio of seconds within a round. Memory is the peak above that of `import
torch`.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from zoo.home import Home
from zoo.registry.registry import Registry

# README.md, "I only have a macbook"; every loss is printed there, here every hundredth
RECIPE = [
    *("config/train_shakespeare_char.py", "--device=cpu", "--compile=False", "--eval_iters=20", "--log_interval=100"),
    *("--block_size=64", "--batch_size=12", "--n_layer=4", "--n_head=4", "--n_embd=128", "--max_iters=2000"),
    *("--lr_decay_iters=2000", "--dropout=0.0"),
]
SMALL = (  # of nano, with which the first steps go furthest in a second
    *("n_layer=3", "n_head=3", "n_embd=96", "block_size=128", "batch_size=16", "max_steps=110"),
    *("learning_rate=2e-2", "matrix_learning_rate=3e-2"),
)
CASES = {
    "nanogpt-cpu in float32": ["-p", "nanogpt-cpu", "--dtype", "float32"],
    "nanogpt-cpu": ["-p", "nanogpt-cpu"],
    "nano, smaller and cut short": ["-p", "nano", *(word for pair in SMALL for word in ("--set", pair))],
    "nano": ["-p", "nano"],
    "laptop": ["-p", "laptop"],
}


@dataclass(frozen=True)
class Outcome:
    """Of one command: seconds of wall time, peak memory in bytes, loss in nats under windows/v1, number format."""

    seconds: float
    memory: int
    loss: float
    dtype: str


def run(words: list[str], directory: Path) -> tuple[float, int]:
    """Seconds and peak memory of a command that must succeed."""
    begin = time.perf_counter()
    process = subprocess.Popen(words, cwd=directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(words)} failed:\n{said.decode(errors='replace')}")
    return time.perf_counter() - begin, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def nanogpt(checkout: Path) -> Outcome:
    seconds, memory = run([sys.executable, "train.py", *RECIPE], checkout)
    return Outcome(seconds, memory, nanogpt_loss(checkout), "float32")  # it has no other on a CPU


def nanogpt_loss(checkout: Path) -> float:
    """What its last checkpoint comes to under windows/v1, in a model of ours with its weights."""
    import numpy as np
    import torch

    from zoo.config import get_preset
    from zoo.gpt.evaluate import validation_loss
    from zoo.gpt.model import GPT

    saved = torch.load(checkout / "out-shakespeare-char" / "ckpt.pt", weights_only=True)
    model = GPT(get_preset("nanogpt-cpu").model.resolve(saved["model_args"]["vocab_size"]))
    ours = {"transformer.wte": "wte", "transformer.wpe": "wpe", "transformer.ln_f": "norm", "lm_head": "head"}
    parts = {"ln_1": "norm1", "attn.c_attn": "attention.qkv", "attn.c_proj": "attention.proj"}
    parts |= {"ln_2": "norm2", "mlp.c_fc": "mlp.up", "mlp.c_proj": "mlp.down"}
    for i in range(model.config.n_layer):
        ours |= {f"transformer.h.{i}.{theirs}": f"blocks.{i}.{name}" for theirs, name in parts.items()}
    weights = {f"{ours[name.removesuffix('.weight')]}.weight": tensor for name, tensor in saved["model"].items()}
    model.load_state_dict(weights)
    ids = np.fromfile(checkout / "data" / "shakespeare_char" / "val.bin", dtype=np.uint16)
    return validation_loss(model, ids, len(ids))


def zoo(home: Path, words: list[str], seed: int) -> Outcome:
    command = [sys.executable, "-m", "zoo", "--home", str(home)]
    name = f"model-{time.time_ns()}"
    training = [*command, "train", "-d", "shakespeare", "-n", name, "--device", "cpu", "--seed", str(seed), *words]
    seconds, memory = run(training, home)
    record = Registry(Home(home)).get(name).record
    assert record.val_loss is not None
    return Outcome(seconds, memory, record.val_loss, record.dtype)


def report(title: str, outcomes: list[Outcome], peers: list[Outcome], torch_memory: int) -> None:
    losses = sorted(outcome.loss for outcome in outcomes)
    seconds = statistics.median(outcome.seconds for outcome in outcomes)
    ratios = sorted(outcome.seconds / peer.seconds for outcome, peer in zip(outcomes, peers, strict=True))
    memory = statistics.median(outcome.memory for outcome in outcomes) - torch_memory
    (dtype,) = {outcome.dtype for outcome in outcomes}
    print(
        f"| {title} | {dtype} | {statistics.median(losses):.4f} | {losses[0]:.4f} to {losses[-1]:.4f} | {seconds:.1f} "
        f"| {ratios[0]:.3f} | {statistics.median(ratios):.3f} | {ratios[-1]:.3f} | {memory / 2**20:.0f} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", action="append", choices=CASES)
    asked = parser.parse_args()
    cases = {title: CASES[title] for title in asked.only or CASES}
    with tempfile.TemporaryDirectory() as directory:
        checkout, home = Path(directory, "nanoGPT"), Path(directory, "home")
        shutil.copytree(asked.checkout, checkout, ignore=shutil.ignore_patterns(".git", "out-*", "*.bin"))
        shutil.copy(asked.text, checkout / "data" / "shakespeare_char" / "input.txt")
        run([sys.executable, "data/shakespeare_char/prepare.py"], checkout)
        home.mkdir()
        source = ["fetch", "shakespeare", "--from", str(asked.text.resolve())]
        run([sys.executable, "-m", "zoo", "--home", str(home), *source], home)
        _, torch_memory = run([sys.executable, "-c", "import torch"], home)
        peers: list[Outcome] = []
        outcomes: dict[str, list[Outcome]] = {title: [] for title in cases}
        for round in range(asked.rounds):
            peers.append(nanogpt(checkout))
            for title, words in cases.items():
                outcomes[title].append(zoo(home, words, seed=round + 1))
    print("| command | products in | val loss: median | range | seconds | nanoGPT's times: min | median | max | MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    report("nanoGPT", peers, peers, torch_memory)
    for title, found in outcomes.items():
        report(f"zoo, {title}", found, peers, torch_memory)


if __name__ == "__main__":
    main()
