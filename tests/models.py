"""Models that are made in a moment: a random one, and one that writes what it was told to."""

from typing import Any

import numpy as np

from zoo.config import ModelConfig
from zoo.corpora.vocab import Characters, Vocab
from zoo.engine.engine import Engine
from zoo.engine.load import make_engine
from zoo.talk.voice import Voice

LETTERS = Characters("\n abcdeE")


def random_engine(vocab: Vocab, *, block_size: int = 8, seed: int = 0, scale: float = 0.5) -> Engine:
    """A random model of a vocabulary, with weights of this size."""
    config = ModelConfig(n_layer=1, n_head=2, n_embd=8, block_size=block_size).resolve(len(vocab))
    chance = np.random.default_rng(seed)
    weights = {
        name: chance.normal(0, scale, shape).astype(np.float32) for name, shape in config.weight_shapes().items()
    }
    return make_engine(config, weights)


def chain_engine(vocab: Vocab, text: str, *, strength: float = 100) -> Engine:
    """A model that writes the ids of a text for ever, in a circle; they must be distinct. Its logits are about as large
    as `strength`."""
    size = len(vocab)
    config = ModelConfig(
        shape="classic", activation="relu", n_layer=1, n_head=1, n_embd=size, block_size=4, hidden_size=1
    ).resolve(size)
    weights = {name: np.zeros(shape, dtype=np.float32) for name, shape in config.weight_shapes().items()}
    weights["wte.weight"] = np.eye(size, dtype=np.float32)
    weights["norm.weight"] += 1
    ids = vocab.encode(text).tolist()
    assert len(set(ids)) == len(ids)
    for id, follower in zip(ids, ids[1:] + ids[:1], strict=True):
        weights["head.weight"][follower, id] = strength
    return make_engine(config, weights)


def random_voice(vocab: Vocab = LETTERS, name: str = "random", **options: Any) -> Voice:
    return Voice(name, random_engine(vocab, **options), vocab)


def chain_voice(vocab: Vocab, text: str, name: str = "chain", **options: Any) -> Voice:
    return Voice(name, chain_engine(vocab, text, **options), vocab)
