"""A rehearsal: how long a step and a validation take on this machine, from a few of a model that is thrown away."""

import dataclasses
import os
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np

from zoo.config import MOST, ModelConfig, TrainConfig
from zoo.gpt.evaluate import IDS_AT_ONCE
from zoo.gpt.trainer import Trainer

ROUNDS = 20  # times that anything is measured, at most
SECONDS = 0.3  # after which it is measured no more
SMALLEST = 1e-12  # a step size, so that no loss leaves the finite numbers here

Clock = Callable[[], float]


def rehearse(
    model: ModelConfig,
    config: TrainConfig,
    ids: np.ndarray,
    *,
    seed: int,
    device: str,
    dtype: str,
    clock: Clock,
) -> tuple[float, float, float]:
    """Seconds of one step, of one window of a validation on the way, and of one of the exact one at the end.

    Medians, for a machine stumbles now and then, and without the first step, which also makes what the others find.
    Writes nothing. Every training seeds itself, so none can tell whether it was rehearsed.
    """
    windows = max(1, min(IDS_AT_ONCE, len(ids) - 1) // model.block_size)
    config = dataclasses.replace(
        config,
        max_steps=MOST,
        eval_every=MOST,
        eval_windows=windows,
        learning_rate=SMALLEST,
        min_learning_rate=SMALLEST,
        matrix_learning_rate=SMALLEST,
    )
    trainer = Trainer(
        model,
        config,
        train_ids=ids,
        val_ids=ids[: windows * model.block_size + 1],
        val_characters=len(ids),
        seed=seed,
        device=device,
        dtype=dtype,
        checkpoints=Path(os.devnull),  # which holds none
    )
    steps = trainer.run()
    next(steps)
    step = _seconds(lambda: next(steps), clock)
    window = _seconds(lambda: list(trainer.validation()), clock) / windows
    exact_window = _seconds(lambda: list(trainer.validation(exact=True)), clock) / windows
    return step, window, exact_window


def _seconds(act: Callable[[], object], clock: Clock) -> float:
    """The median time that an act takes; of something slow, of one time only."""
    times = [_timed(act, clock)]
    while sum(times) < SECONDS and len(times) < ROUNDS:
        times.append(_timed(act, clock))
    return statistics.median(times)


def _timed(act: Callable[[], object], clock: Clock) -> float:
    begun = clock()
    act()
    return clock() - begun
