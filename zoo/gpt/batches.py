"""Training batches: which windows a step sees is a function of (seed, step) alone."""

import numpy as np
import torch
from torch import Tensor


class Batches:
    """Random windows of `block_size` ids and their successors."""

    def __init__(self, ids: np.ndarray, *, block_size: int, batch_size: int, seed: int, device: str) -> None:
        self.ids, self.block_size, self.batch_size, self.seed, self.device = ids, block_size, batch_size, seed, device

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Inputs and targets of a step, both (batch_size, block_size).

        Philox (Salmon et al. 2011) is a counter-based generator: step is its counter, so nothing need be remembered.
        """
        random = np.random.Generator(np.random.Philox(key=self.seed, counter=[0, 0, 0, step]))
        starts = random.integers(0, len(self.ids) - self.block_size, size=self.batch_size)
        windows = self.ids[starts[:, None] + np.arange(self.block_size + 1)].astype(np.int64)
        both = torch.from_numpy(windows).to(self.device)
        return both[:, :-1], both[:, 1:]
