"""native.c, as Python sees it."""

from typing import Any

PANEL: int
LARGEST: int
KINDS: list[str]

def model(
    modern: bool,
    n_layer: int,
    n_head: int,
    n_embd: int,
    block_size: int,
    vocab_size: int,
    head_dim: int,
    hidden_size: int,
    activation: int,
    norm_eps: float,
    arrays: dict[str, Any],
    kind: str,
    /,
) -> object: ...
def cache_size(model: object, /) -> int: ...
def logits(
    model: object, ids: Any, texts: list[tuple[int, int, Any]], out: Any, every: bool, threads: int, /
) -> None: ...
