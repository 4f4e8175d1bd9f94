"""A model's loss on a text."""

from typing import TYPE_CHECKING

from zoo.engine.engine import Engine
from zoo.events import OnEvent, Validating, ignore
from zoo.protocol import nats_per_character, window_starts, windows

if TYPE_CHECKING:
    import numpy as np


def loss_of(engine: Engine, ids: "np.ndarray", characters: int, on_event: OnEvent = ignore) -> float:
    """Nats per character of ids (T,), the encoded form of a text of so many characters, under `windows/v1`."""
    import numpy as np

    block_size = engine.config.block_size
    total, count = 0.0, len(window_starts(len(ids), block_size))
    for done, (start, length) in enumerate(windows(len(ids), block_size), 1):
        rows = engine.score(ids[start : start + length])  # (T, V)
        total -= rows[np.arange(length), ids[start + 1 : start + length + 1]].sum()
        on_event(Validating(done, count))
    return nats_per_character(total, characters)
