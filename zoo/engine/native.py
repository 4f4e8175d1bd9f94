"""The native engine: the function of numpy.py in C (native.c), several times as fast.

It is there where a C compiler was at hand when zoo was installed; everything works without it.
"""

import numpy as np

from zoo.config import ACTIVATIONS, ModelConfig
from zoo.engine import _native
from zoo.engine.engine import Array, Engine, Feed, rotary_tables
from zoo.threads import available

CACHE_LINE = 64  # bytes
MOST_THREADS = 8  # a step of a small model is over before more could take part


class NativeEngine(Engine):
    """A model's arithmetic. `weights` are float32 arrays named and shaped as config.weight_shapes() says.

    The numbers do not depend on `threads`, nor on how many texts are computed together. `kind` is that of a processor,
    for those who want to see what another one would compute.
    """

    def __init__(self, config: ModelConfig, weights: dict[str, Array], threads: int = 0, kind: str = "") -> None:
        self.config, self.threads = config, threads or min(available(), MOST_THREADS)
        arrays = {name: _laid_out(name, weight) for name, weight in weights.items()}
        if config.tied:
            arrays["head.weight"] = _panels(weights["wte.weight"])
        if config.shape == "modern":
            arrays["cos"], arrays["sin"] = rotary_tables(config)
        c = config
        sizes = (c.n_layer, c.n_head, c.n_embd, c.block_size, c.vocab_size, c.head_dim, c.hidden_size)
        activation = ACTIVATIONS.index(c.activation)
        self._model = _native.model(
            c.shape == "modern", *sizes, activation, c.norm_eps, arrays, kind or _native.KINDS[-1]
        )
        self._cache_size = _native.cache_size(self._model)

    def new_cache(self) -> Array:
        return np.zeros(self._cache_size, dtype=np.float32)

    def logits(self, feeds: list[Feed], *, every: bool) -> Array:
        ids = np.array([id for some, _, _ in feeds for id in some], dtype=np.int32)
        texts = [(len(some), at, cache) for some, at, cache in feeds]
        out = np.empty((len(ids) if every else len(feeds), _padded(self.config.vocab_size)), dtype=np.float32)
        _native.logits(self._model, ids, texts, out, every, self.threads)
        return out[:, : self.config.vocab_size]


def can_compute(config: ModelConfig) -> bool:
    """Whether a model of this shape is within what native.c has room for; numpy has room for any."""
    return max(config.block_size, config.head_dim) <= _native.LARGEST


def _padded(n: int) -> int:
    return -(-n // _native.PANEL) * _native.PANEL


def _laid_out(name: str, weight: Array) -> Array:
    """A weight as native.c wants it: matrices in panels, their biases padded, all else as it is."""
    if weight.ndim == 2 and name not in ("wte.weight", "wpe.weight"):
        return _panels(weight)
    if name.endswith(".bias") and "norm" not in name:
        return np.pad(weight.astype(np.float32), (0, _padded(len(weight)) - len(weight)))
    return np.ascontiguousarray(weight, dtype=np.float32)


def _panels(matrix: Array) -> Array:
    """A matrix (out, in) as (out+ / PANEL, in, PANEL)."""
    outputs, inputs = matrix.shape
    padded = np.zeros((_padded(outputs), inputs), dtype=np.float32)
    padded[:outputs] = matrix
    panels = _aligned(padded.size).reshape(-1, inputs, _native.PANEL)
    panels[...] = padded.reshape(-1, _native.PANEL, inputs).transpose(0, 2, 1)
    return panels


def _aligned(size: int) -> Array:
    """So many numbers, beginning where a line of the processor's cache does: no vector lies across two lines then."""
    room = np.empty(size + CACHE_LINE // 4, dtype=np.float32)
    begin = -room.ctypes.data % CACHE_LINE // 4
    return room[begin : begin + size]
