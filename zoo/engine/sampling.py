"""Sampling: from logits to the next id. One definition for every engine."""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.errors import BadData, UsageProblem

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the next id is chosen. temperature 0 is greedy; top_k 0 keeps every id; the same seed gives the same text."""

    temperature: float = 0.8
    top_k: int = 0
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature <= 100:  # also refuses nan
            raise UsageProblem(f"temperature must lie between 0 and 100, not {self.temperature}")
        if self.top_k < 0:
            raise UsageProblem(f"top-k must not be negative, and is {self.top_k}")


class Sampler:
    """A source of ids: one uniform number per id, from Python's own generator, through the inverse CDF in id order."""

    def __init__(self, sampling: Sampling) -> None:
        self.sampling = sampling
        self._random = random.Random(sampling.seed)

    def choose(self, logits: "np.ndarray") -> int:
        """An id drawn from logits (V,); raises BadData when they are not finite."""
        import numpy as np

        uniform = self._random.random()
        if not np.isfinite(logits.max()):
            raise BadData("the model's numbers are not finite: it diverged in training")
        if self.sampling.temperature == 0:
            return int(logits.argmax())
        cdf = np.cumsum(self.probabilities(logits))
        return min(int(np.searchsorted(cdf, uniform * cdf[-1], side="right")), len(cdf) - 1)

    def probabilities(self, logits: "np.ndarray") -> "np.ndarray":
        """The distribution (V,) that ids are drawn from, in float64."""
        import numpy as np

        with np.errstate(over="ignore"):  # a temperature near 0 makes all but the likeliest -inf, as it should
            scaled = (logits.astype(np.float64) - logits.max()) / self.sampling.temperature
        k = self.sampling.top_k
        if 0 < k < len(scaled):
            # exactly k survive: of equal logits the lower ids, for a sort that is stable
            kept = np.argsort(-scaled, kind="stable")[:k]
            cut = np.full_like(scaled, -np.inf)
            cut[kept] = scaled[kept]
            scaled = cut
        e = np.exp(scaled - scaled.max())
        return e / e.sum()  # type: ignore[no-any-return]
