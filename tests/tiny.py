"""The smallest text, model and outcome that tests get along with."""

import random
from pathlib import Path
from typing import NamedTuple

TINY = ["n_layer=1", "n_head=2", "n_embd=16", "block_size=16", "batch_size=4", "eval_every=10", "warmup_steps=2"]
# a gentle recipe, whatever that of the default preset is by now
TINY += ["optimizer=adamw", "learning_rate=0.004", "weight_decay=0.1", "beta2=0.99", "grad_clip=1.0"]
TINY += ["stored_dtype=float32"]


class Outcome(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


def write_tiny_text(characters: int = 6000) -> str:
    """Lines of made-up speech, the same every time."""
    chance = random.Random(0)
    words = [
        "the",
        "cat",
        "sat",
        "on",
        "a",
        "mat",
        "and",
        "saw",
        "two",
        "dogs",
        "run",
        "by",
        "old",
        "red",
        "barn",
        "doors",
        "while",
        "rain",
        "fell",
    ]
    lines: list[str] = []
    while sum(map(len, lines)) < characters:
        lines.append(" ".join(chance.choices(words, k=chance.randint(3, 9))).capitalize() + ".")
    return "\n".join(lines) + "\n"


def tiny_settings(**changes: object) -> list[str]:
    """The options of a training that takes a moment."""
    pairs = dict(pair.split("=") for pair in TINY) | {key: str(value) for key, value in changes.items()}
    return [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]


def empty(directory: Path) -> None:
    """Put nothing into a directory that was claimed for a model."""
