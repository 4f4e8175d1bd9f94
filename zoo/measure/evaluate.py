"""Evaluate: a model's loss on a text."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.corpora.corpus import Corpus, open_corpus
from zoo.corpora.tokens import encode_part
from zoo.corpora.vocab import Vocab
from zoo.engine.engine import Engine
from zoo.engine.load import engine_of
from zoo.errors import BadData
from zoo.events import OnEvent, Validating, ignore
from zoo.home import Home
from zoo.protocol import WINDOWS_V1, bits, nats_per_character, window_starts, windows
from zoo.registry.model import Model

if TYPE_CHECKING:
    import numpy as np


LARGEST = 700.0  # nats whose exponential is a number


@dataclass(frozen=True)
class Evaluation:
    """A model's loss, in nats per character, on the validation part of a corpus, which has so many characters."""

    model: Model
    corpus: str
    characters: int
    loss: float
    protocol: str = WINDOWS_V1

    @property
    def bits_per_character(self) -> float:
        return bits(self.loss)

    @property
    def perplexity(self) -> float:
        """Per character."""
        return math.exp(self.loss) if self.loss < LARGEST else math.inf


def evaluate(home: Home, model: Model, on_event: OnEvent = ignore) -> Evaluation:
    """The loss on the validation part of the text that a model was trained on, computed anew.

    Raises NotFound when the text is not here, and BadData for a model or a text that is damaged.
    """
    engine, vocab = engine_of(model)
    corpus = own_corpus(home, model)
    return Evaluation(model, corpus.name, corpus.characters_of("val"), loss_on(corpus, engine, vocab, on_event))


def own_corpus(home: Home, model: Model) -> Corpus:
    """The text that a model was trained on, as it was; raises NotFound when it is not here, and BadData when it is
    damaged, or the record names none."""
    parts = model.record.corpora
    if len(parts) != 1:
        raise BadData(f"'{model.name}' names {len(parts)} texts, where this zoo knows one")
    corpus = open_corpus(home, parts[0].name, parts[0].sha256, parts[0].val_sha256)
    corpus.check_text(parts[0].val_sha256)
    return corpus


def loss_on(corpus: Corpus, engine: Engine, vocab: Vocab, on_event: OnEvent = ignore) -> float:
    """Nats per character of the validation part of a corpus."""
    ids = encode_part(corpus, vocab, "val", on_event)
    return loss_of(engine, ids, corpus.characters_of("val"), on_event)


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
