"""The learning rate as a pure function of the step."""

import math

from zoo.config import TrainConfig


def learning_rate_at(step: int, config: TrainConfig) -> float:
    """Step size of update number `step` (from 0): a linear rise over warmup_steps, then the schedule's fall."""
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / (config.warmup_steps + 1)
    if config.schedule == "constant":
        return config.learning_rate
    progress = (step - config.warmup_steps) / max(1, config.max_steps - config.warmup_steps)
    falling = 1 - progress if config.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return config.min_learning_rate + falling * (config.learning_rate - config.min_learning_rate)
