"""What every engine does alike: texts in progress and their windows. How logits come about is each one's own affair.

In the shape comments n is the number of texts, T time, V vocab_size.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from zoo.config import ModelConfig
from zoo.engine.window import window_start

Array = Any  # numpy's arithmetic is typed too loosely for more; shapes stand in the comments


@dataclass
class State:
    """One text in progress: its ids, and what an engine remembers of the last ones, its window."""

    cache: Any
    ids: list[int] = field(default_factory=list)


class Feed(NamedTuple):
    """What a text is given in one call: ids, the position of the first in its window, and its cache."""

    ids: list[int]
    at: int
    cache: Any


class Engine(ABC):
    """A model's arithmetic. It neither samples nor decodes."""

    config: ModelConfig

    @abstractmethod
    def new_cache(self) -> Any:
        """What to remember of a window that is empty yet."""

    @abstractmethod
    def logits(self, feeds: list[Feed], *, every: bool) -> Array:
        """Float32 logits (rows, V) of what follows every id that is fed, or the last of each text."""

    def state(self) -> State:
        """The state of a text that has not begun."""
        return State(self.new_cache())

    def score(self, ids: Array) -> Array:
        """Log-probabilities (T, V) in float64: row t is of what follows ids[: t + 1]. T must not exceed block_size."""
        if not 0 < len(ids) <= self.config.block_size:
            raise ValueError(f"score takes 1 to {self.config.block_size} ids, not {len(ids)}")
        with np.errstate(over="ignore", invalid="ignore"):  # a loss that is not finite says it all
            return log_softmax(self.logits([Feed([int(id) for id in ids], 0, self.new_cache())], every=True))

    def feed(self, states: list[State], ids: list[list[int]]) -> Array:
        """Give each state its next ids, one or more; returns the logits (n, V) of what follows the last of them.
        Past the context: half-window/v1."""
        logits = self.logits([self._feed_of(state, some) for state, some in zip(states, ids, strict=True)], every=False)
        for state, some in zip(states, ids, strict=True):  # last of all: who was interrupted before can do it again
            state.ids += some
        return logits

    def shares(self, state: State, id: int) -> tuple[float, ...]:
        """How much of an id's probability came from each of several models, where there are several."""
        return ()

    def step(self, states: list[State], ids: list[int]) -> Array:
        """Give each state its next id; returns the logits (n, V) of what follows."""
        return self.feed(states, [[id] for id in ids])

    def extend(self, state: State, ids: list[int]) -> Array:
        """Give a state several ids at once; returns the logits (V,) of what follows the last."""
        return self.feed([state], [ids])[0]

    def _feed_of(self, state: State, ids: list[int]) -> Feed:
        """What must be computed to give a state more ids."""
        count = len(state.ids) + len(ids)
        start = window_start(count, self.config.block_size)
        if start != window_start(len(state.ids), self.config.block_size):
            ids = [*state.ids[start:], *ids[max(0, start - len(state.ids)) :]]  # positions moved: all is computed anew
        return Feed(ids, count - start - len(ids), state.cache)


def log_softmax(x: Array) -> Array:
    """Log-probabilities in float64."""
    shifted = x.astype(np.float64) - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def rotary_tables(config: ModelConfig) -> tuple[Array, Array]:
    """Cosines and sines (block_size, D / 2) of position times frequency."""
    exponents = np.arange(0, config.head_dim, 2, dtype=np.float32) / config.head_dim
    frequencies = (1.0 / config.rope_theta**exponents).astype(np.float32)
    angles = np.outer(np.arange(config.block_size, dtype=np.float32), frequencies)
    return np.cos(angles), np.sin(angles)
