"""A model's loss on a text, computed by the CPU engine."""

from zoo.corpora.vocab import Vocab
from zoo.engine.cpu import CpuEngine
from zoo.events import OnEvent, Validating, ignore
from zoo.protocol import nats_per_character, windows


def loss_of(engine: CpuEngine, vocab: Vocab, text: str, on_event: OnEvent = ignore) -> float:
    """Nats per character of a text under `windows/v1`; raises BadData for characters the vocabulary lacks."""
    import numpy as np

    ids = vocab.encode(text)
    chosen = list(windows(len(ids), engine.config.block_size))
    total = 0.0
    for done, (start, length) in enumerate(chosen, 1):
        rows = engine.score(ids[start : start + length])  # (T, V)
        total -= rows[np.arange(length), ids[start + 1 : start + length + 1]].sum()
        on_event(Validating(done, len(chosen)))
    return nats_per_character(total, len(text))
