"""Attribution: from what each character of a text costs several models to whose text it is most like."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

STRETCH = 32  # characters: neighbours are alike, so errors are those of the means of stretches
LEAST_STRETCHES = 8
SURE = 2.0  # standard errors by which the first must lead


@dataclass(frozen=True)
class Attribution:
    """What a text costs each candidate: `bits` per character, of those `counted`, which all candidates know; and how
    far that is above the candidate's par, its `excess`. `order` ranks the candidates, least excess first.

    The first leads by `margin` bits per character, which has the standard error `error`: nan for one candidate, or for
    a text that is too short to tell.
    """

    characters: int
    counted: int
    bits: tuple[float, ...]
    excess: tuple[float, ...]
    order: tuple[int, ...]
    margin: float
    error: float

    @property
    def winner(self) -> int | None:
        """The candidate that leads surely; None: too short to say."""
        return self.order[0] if self.margin > SURE * self.error else None


def attribute(pars: Sequence[float], costs: "Sequence[np.ndarray]") -> Attribution:
    """Rank candidates with these pars, in bits per character, by what each character of a text costs each of them, in
    bits (T,), nan for what does not count."""
    import numpy as np

    table = np.array(costs)  # (candidates, T)
    counted = table[:, ~np.isnan(table).any(axis=0)]
    if not counted.shape[1]:
        nothing = (math.nan,) * len(pars)
        return Attribution(table.shape[1], 0, nothing, nothing, tuple(range(len(pars))), math.nan, math.nan)
    means = counted.mean(axis=1)
    excess = means - np.array(pars)
    order = np.argsort(excess, kind="stable")
    margin = error = math.nan
    if len(pars) > 1:
        first, second = order[:2]
        margin = float(excess[second] - excess[first])
        error = standard_error(counted[second] - counted[first])
    sizes, ranked = (table.shape[1], counted.shape[1]), tuple(map(int, order))
    return Attribution(*sizes, _floats(means), _floats(excess), ranked, margin, error)


def standard_error(values: "np.ndarray") -> float:
    """Of the mean of a series (T,) whose neighbours are alike, by the means of its stretches; nan for a short one."""
    import numpy as np

    count = len(values) // STRETCH
    if count < LEAST_STRETCHES:
        return math.nan
    stretches = values[: count * STRETCH].reshape(count, STRETCH).mean(axis=1)
    return float(np.std(stretches, ddof=1)) / math.sqrt(count)


def _floats(values: "np.ndarray") -> tuple[float, ...]:
    return tuple(map(float, values))
