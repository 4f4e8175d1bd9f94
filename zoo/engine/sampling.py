"""Sampling: from logits to the next id. One definition for every engine."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.config import Knobs, knob
from zoo.errors import BadData

if TYPE_CHECKING:
    import numpy as np

RECENT = 64  # ids that the repetition penalty looks back on
COLD = 1e-6  # a temperature below is 0: the likeliest alone is left of float32 numbers


@dataclass(frozen=True, kw_only=True)
class Sampling(Knobs):
    """How the next id is chosen: the penalty first, then the temperature, then the cuts, each of what the last left."""

    WORD = "option"

    temperature: float = knob(0.8, "0: always the likeliest; 1: as the model has it", high=100)
    top_k: int = knob(0, "draw from the N likeliest; 0: from all")
    top_p: float = knob(1.0, "draw from the likeliest that together have this probability", high=1)
    min_p: float = knob(0.0, "draw from those with this share of the likeliest one's probability", high=1)
    repetition_penalty: float = knob(1.0, "above 1: rather not what was just written", low=0.01, high=100)


class Sampler:
    """A source of ids: one uniform number per id, from Python's own generator, through the inverse CDF in id order."""

    def __init__(self, sampling: Sampling, seed: int | None = None) -> None:
        self.sampling = sampling
        self.seed = seed
        self._random = random.Random(seed)

    def choose(self, logits: "np.ndarray", recent: Sequence[int] = ()) -> int:
        """An id drawn from logits (V,), after the text's last ids; raises BadData when the logits are not finite."""
        uniform = self._random.random()
        check_finite(logits)
        if self.sampling.temperature < COLD:
            return int(self._penalised(logits, recent).argmax())
        cdf = self.weights(logits, recent).cumsum()
        return min(int(cdf.searchsorted(uniform * cdf[-1], side="right")), len(cdf) - 1)

    def probabilities(self, logits: "np.ndarray", recent: Sequence[int] = ()) -> "np.ndarray":
        """The distribution (V,) that ids are drawn from, in float64."""
        weights = self.weights(logits, recent)
        return weights / weights.sum()  # type: ignore[no-any-return]

    def weights(self, logits: "np.ndarray", recent: Sequence[int]) -> "np.ndarray":
        """The same but for a factor: the likeliest id has weight 1."""
        import numpy as np

        s = self.sampling
        logits = self._penalised(logits, recent)
        exact = logits.astype(np.float64)
        weights = np.exp((exact - exact.max()) / max(s.temperature, COLD))
        if 0 < s.top_k < len(weights):
            # exactly k survive: of equal ones the lower ids, for a sort that is stable
            weights[np.argsort(-weights, kind="stable")[s.top_k :]] = 0
        if s.top_p < 1:
            order = np.argsort(-weights, kind="stable")
            cumulated = weights[order].cumsum()
            weights[order[1:][cumulated[:-1] >= s.top_p * cumulated[-1]]] = 0  # the likeliest always stays
        if s.min_p > 0:
            weights[weights < s.min_p] = 0
        return weights  # type: ignore[no-any-return]

    def _penalised(self, logits: "np.ndarray", recent: Sequence[int]) -> "np.ndarray":
        """Keskar et al. (2019): logits of what stands among the last ids, divided where positive, else multiplied."""
        import numpy as np

        penalty = self.sampling.repetition_penalty
        if penalty == 1 or not recent:
            return logits
        ids = list({*recent[-RECENT:]})
        penalised = logits.copy()
        penalised[ids] = np.where(logits[ids] > 0, logits[ids] / penalty, logits[ids] * penalty)
        return penalised


def check_finite(logits: "np.ndarray", whose: str = "the model's") -> None:
    """Raise BadData when the largest of these logits is not finite."""
    if not math.isfinite(logits.max()):
        raise BadData(f"{whose} numbers are not finite: it diverged in training")


def log_probability(logits: "np.ndarray", id: int) -> float:
    """What the model itself gave an id, in nats: before penalty, temperature and cuts."""
    import numpy as np

    shifted = logits.astype(np.float64) - logits.max()
    return float(shifted[id] - np.log(np.exp(shifted).sum()))
