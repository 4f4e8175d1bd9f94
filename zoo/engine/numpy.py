"""The numpy engine: the function of zoo/gpt/model.py in numpy, with a key-value cache.

In the shape comments n is the number of states, T time, C n_embd, H n_head, D head_dim, V vocab_size.
"""

from typing import NamedTuple

import numpy as np

from zoo.config import ModelConfig
from zoo.engine.engine import Array, Engine, Feed, rotary_tables

LOWEST = np.float32(-80)  # below, exp(-x) leaves float32, and x / (1 + exp(-x)) is 0 to its precision


class Cache(NamedTuple):
    """The keys and values of a window, each (n_layer, H, block_size, D)."""

    keys: Array
    values: Array


class NumpyEngine(Engine):
    """A model's arithmetic. `weights` are float32 arrays named and shaped as config.weight_shapes() says."""

    def __init__(self, config: ModelConfig, weights: dict[str, Array]) -> None:
        self.config = config
        self.weights = {name: np.ascontiguousarray(w, dtype=np.float32) for name, w in weights.items()}
        self.head = self.weights["wte.weight" if config.tied else "head.weight"]
        if config.shape == "modern":
            self.cos, self.sin = rotary_tables(config)

    def new_cache(self) -> Cache:
        c = self.config
        shape = (c.n_layer, c.n_head, c.block_size, c.head_dim)
        return Cache(np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32))

    @np.errstate(over="ignore", invalid="ignore")  # whoever looks at them refuses what is not finite
    def logits(self, feeds: list[Feed], *, every: bool) -> Array:
        streams = [self._stream(feed) for feed in feeds]
        return self._head(np.concatenate(streams if every else [x[-1:] for x in streams]))

    def _stream(self, feed: Feed) -> Array:
        """Run ids through the blocks, filling the cache from their position on; returns the stream (T, C)."""
        ids, at, cache = feed
        T = len(ids)
        x = self.weights["wte.weight"][ids]  # (T, C)
        if self.config.shape == "classic":
            x = x + self.weights["wpe.weight"][at : at + T]
        for i in range(self.config.n_layer):
            x = x + self._attention(i, self._norm(f"blocks.{i}.norm1", x), cache, at)
            x = x + self._mlp(i, self._norm(f"blocks.{i}.norm2", x))
        return self._norm("norm", x)

    def _attention(self, i: int, x: Array, cache: Cache, at: int) -> Array:
        c, T = self.config, len(x)
        name = f"blocks.{i}.attention"
        qkv = self._linear(f"{name}.qkv", x).reshape(T, 3, c.n_head, c.head_dim)
        q, k, v = qkv[:, 0], qkv[:, 1], qkv[:, 2]  # each (T, H, D)
        if c.shape == "modern":
            q = self._rotate(rms_norm(q, self.weights[f"{name}.q_norm.weight"], c.norm_eps), at)
            k = self._rotate(rms_norm(k, self.weights[f"{name}.k_norm.weight"], c.norm_eps), at)
        keys, values = cache.keys[i], cache.values[i]  # both (H, block_size, D)
        keys[:, at : at + T] = k.transpose(1, 0, 2)
        values[:, at : at + T] = v.transpose(1, 0, 2)
        q = q.transpose(1, 0, 2) * np.float32(c.head_dim**-0.5)  # (H, T, D)
        scores = q @ keys[:, : at + T].transpose(0, 2, 1)  # (H, T, at + T)
        if T > 1:
            future = np.arange(at + T) > np.arange(at, at + T)[:, None]
            scores = np.where(future, np.float32(-np.inf), scores)
        y = softmax(scores) @ values[:, : at + T]  # (H, T, D)
        return self._linear(f"{name}.proj", y.transpose(1, 0, 2).reshape(T, c.n_head * c.head_dim))

    def _rotate(self, x: Array, at: int) -> Array:
        """Rotary positions of x (T, H, D) from window position `at`."""
        half = x.shape[-1] // 2
        cos, sin = self.cos[at : at + len(x), None], self.sin[at : at + len(x), None]
        a, b = x[..., :half], x[..., half:]
        return np.concatenate((a * cos - b * sin, b * cos + a * sin), axis=-1)

    def _mlp(self, i: int, x: Array) -> Array:
        name = f"blocks.{i}.mlp"
        up = self._linear(f"{name}.up", x)
        match self.config.activation:
            case "swiglu":
                gate = self._linear(f"{name}.gate", x)
                hidden = gate / (1 + np.exp(-np.maximum(gate, LOWEST))) * up
            case "relu":
                hidden = np.maximum(up, 0)
            case "gelu_tanh":
                hidden = 0.5 * up * (1 + np.tanh(np.float32((2 / np.pi) ** 0.5) * (up + np.float32(0.044715) * up**3)))
            case _:
                hidden = 0.5 * up * (1 + erf(up * np.float32(0.5**0.5)))
        return self._linear(f"{name}.down", hidden)

    def _linear(self, name: str, x: Array) -> Array:
        y = x @ self.weights[f"{name}.weight"].T
        bias = self.weights.get(f"{name}.bias")
        return y if bias is None else y + bias

    def _norm(self, name: str, x: Array) -> Array:
        weight, eps = self.weights[f"{name}.weight"], self.config.norm_eps
        if self.config.shape == "modern":
            return rms_norm(x, weight, eps)
        centred = x - x.mean(axis=-1, keepdims=True)
        y = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + np.float32(eps)) * weight
        bias = self.weights.get(f"{name}.bias")
        return y if bias is None else y + bias

    def _head(self, x: Array) -> Array:
        y = x @ self.head.T
        bias = self.weights.get("head.bias")
        return y if bias is None else y + bias


def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + np.float32(eps)) * weight


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def erf(x: Array) -> Array:
    """The error function to 1.5e-7: Abramowitz & Stegun (1964), formula 7.1.26."""
    t = 1 / (1 + 0.3275911 * np.abs(x, dtype=np.float64))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return (np.sign(x) * (1 - series * np.exp(-np.square(x, dtype=np.float64)))).astype(np.float32)
