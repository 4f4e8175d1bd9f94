"""How much memory a training on a CPU takes, before anything is allocated."""

import os

from zoo.config import ModelConfig
from zoo.errors import UsageProblem

PROCESS = 265 * 2**20  # Python, torch, zoo, and what the allocator does not give back
FLOAT = 4
COPIES = 5  # of each weight: itself, its gradient, two moments of AdamW, the best so far
IN_BFLOAT16 = 0.9  # what is left of a block's where that is multiplied; most stays in float32


def peak_memory(model: ModelConfig, batch_size: int, dtype: str) -> int:
    """Bytes that the process has at its largest.

    Fitted to VmHWM of `zoo train` and of its steps alone (docs/log.md): for every id of a step a classic block keeps
    about 23 times its width until the gradient is made, a modern one 38 times, and attention without a fused kernel
    rows of scores. A validation comes on top, for what the steps have freed lies in pieces.
    """
    from zoo.gpt.evaluate import IDS_AT_ONCE
    from zoo.gpt.model import SHORT

    wide, hidden, modern, half = model.n_embd, model.hidden_size, model.shape == "modern", dtype == "bfloat16"
    block = (22 * wide + 6 * hidden if modern else 11 * wide + 3 * hidden) * (IN_BFLOAT16 if half else 1)
    rows = 0.5 if half and model.block_size <= SHORT else 0.0
    if model.dropout and not modern:
        rows += 1.25 if half else 5
    block += rows * model.n_head * model.block_size
    kept = batch_size * model.block_size * (model.n_layer * block + 3 * model.vocab_size)
    scored = IDS_AT_ONCE * (3 * wide + (3 if modern else 2) * hidden + model.vocab_size)
    return PROCESS + round(FLOAT * (COPIES * model.parameters() + kept + scored))


def check_memory(model: ModelConfig, batch_size: int, dtype: str) -> None:
    """Raise UsageProblem for a training that this machine cannot hold."""
    needed = peak_memory(model, batch_size, dtype)
    try:
        available = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return
    if needed > available:
        raise UsageProblem(
            f"{model.parameters():,} parameters and {batch_size * model.block_size:,} ids a step need about "
            f"{needed / 2**30:,.0f} GiB, and this machine has {available / 2**30:,.0f}; try a smaller batch_size"
        )
