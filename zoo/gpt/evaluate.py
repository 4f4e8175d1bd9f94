"""The validation loss under `windows/v1`, computed by torch."""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from zoo.events import Validating
from zoo.gpt.model import GPT
from zoo.protocol import nats_per_character, window_starts

IDS_AT_ONCE = 2048


Autocast = Callable[[], AbstractContextManager[object]]


def validation_loss(model: GPT, ids: np.ndarray, characters: int, *, at_most: int | None = None) -> float:
    """Nats per character of `ids` (T,), the encoded form of a text of so many characters.

    `at_most` scores only so many windows, evenly spread, and extrapolates: for looking on while training.
    """
    steps = validation(model, ids, characters, at_most=at_most)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return float(end.value)


@torch.no_grad()
def validation(
    model: GPT, ids: np.ndarray, characters: int, *, at_most: int | None = None, autocast: Autocast = nullcontext
) -> Generator[Validating, None, float]:
    """As `validation_loss`, a batch at a time, so that a long one can be watched and left."""
    block_size = model.config.block_size
    chosen: Sequence[int] = window_starts(len(ids), block_size)
    if at_most is not None and len(chosen) > at_most:
        chosen = [chosen[i * len(chosen) // at_most] for i in range(at_most)]
    total, scored, done = 0.0, 0, 0
    was_training = model.training
    model.eval()
    try:
        for group in _groups(chosen, max(1, IDS_AT_ONCE // block_size), len(ids) - 1 - block_size):
            rows = np.stack([ids[start : start + block_size + 1] for start in group]).astype(np.int64)
            both = torch.from_numpy(rows).to(model.wte.weight.device)
            with autocast():
                nats = model.loss(both[:, :-1], both[:, 1:], reduction="none")
            total += nats.cpu().double().sum().item()
            scored += nats.numel()
            done += len(group)
            yield Validating(done, len(chosen))
    finally:
        model.train(was_training)
    return nats_per_character(total / scored * (len(ids) - 1), characters)


def _groups(starts: Sequence[int], size: int, last_full: int) -> Iterator[Sequence[int]]:
    """Windows in batches of equal length, in order: one that begins after `last_full` is short, the last, and alone."""
    full = len(starts) - (starts[-1] > last_full)
    for i in range(0, full, size):
        yield starts[i : min(i + size, full)]
    if full < len(starts):
        yield starts[full:]
