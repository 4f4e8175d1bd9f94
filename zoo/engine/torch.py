"""The torch engine, for GPUs: the model of zoo/gpt/model.py itself, with a key-value cache."""

from collections import defaultdict

import numpy as np
import torch
from torch import Tensor

from zoo.config import ModelConfig
from zoo.engine.engine import Array, Engine, Feed
from zoo.gpt.model import GPT


class Past:
    """The keys and values, in one block, of texts that have come equally far: of each a cache (2, H, block_size, D)."""

    def __init__(self, caches: list[Tensor], at: int) -> None:
        self.caches, self.at = caches, at

    def put(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Keep keys and values (n, H, T, D) of the next T ids; returns those of all so far (n, H, at + T, D)."""
        end = self.at + k.shape[2]
        for i, cache in enumerate(self.caches):
            cache[0, :, self.at : end] = k[i]
            cache[1, :, self.at : end] = v[i]
        both = torch.stack([cache[:, :, :end] for cache in self.caches], dim=1)  # (2, n, H, at + T, D)
        return both[0], both[1]


class TorchEngine(Engine):
    """A model's arithmetic on a device of torch's. `weights` are float32 arrays named and shaped as
    config.weight_shapes() says."""

    def __init__(self, config: ModelConfig, weights: dict[str, Array], device: str = "cpu") -> None:
        self.config, self.device = config, torch.device(device)
        self.model = GPT(config).eval()
        state = {name: torch.from_numpy(np.array(weight, dtype=np.float32)) for name, weight in weights.items()}
        if config.tied:
            state["head.weight"] = state["wte.weight"]
        self.model.load_state_dict(state)
        self.model.to(self.device)

    def new_cache(self) -> Tensor:
        c = self.config
        return torch.zeros(c.n_layer, 2, c.n_head, c.block_size, c.head_dim, device=self.device)

    @torch.inference_mode()
    def logits(self, feeds: list[Feed], *, every: bool) -> Array:
        alike = defaultdict(list)  # texts that have come equally far are computed together
        for i, feed in enumerate(feeds):
            alike[feed.at, len(feed.ids)].append(i)
        rows: list[Array] = [None] * len(feeds)
        for (at, _), chosen in alike.items():
            ids = torch.tensor([feeds[i].ids for i in chosen], device=self.device)
            caches = [feeds[i].cache for i in chosen]  # each (n_layer, 2, H, block_size, D)
            pasts = [Past([cache[layer] for cache in caches], at) for layer in range(self.config.n_layer)]
            logits = self.model(ids, at, pasts)  # (n, T, V)
            for i, some in zip(chosen, (logits if every else logits[:, -1:]).float().cpu().numpy(), strict=True):
                rows[i] = some
        return np.concatenate(rows)
