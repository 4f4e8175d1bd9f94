"""Attribution: from what each character of a text costs several models to whose text it is most like."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

# A text is cut into stretches, for neighbours are alike: of so many characters at least, so few and so many of them;
# those of a long text are longer, for it has names and topics that last.
STRETCH, LEAST_STRETCHES, MOST_STRETCHES = 32, 8, 32
SURE = 2.0  # standard errors by which the first must lead
LEAST_SHARE = 0.5  # of the characters, which must count


@dataclass(frozen=True)
class Attribution:
    """What a text costs each candidate: `bits` per character, of those `counted`, which all candidates know; and how
    far that is above the candidate's par, its `excess`. `order` ranks the candidates, least excess first.

    The first leads the best candidate of another text by `margin` bits per character. That has the standard error
    `error`, of this text alone, nan when it is too short to tell; `is_sure` when it leads all candidates of other texts
    by enough of their errors.
    """

    characters: int
    counted: int
    bits: tuple[float, ...]
    excess: tuple[float, ...]
    order: tuple[int, ...]
    margin: float
    error: float
    is_sure: bool

    @property
    def winner(self) -> int | None:
        """The candidate that leads surely; None: too short to say, or too even."""
        return self.order[0] if self.is_sure else None


def attribute(pars: Sequence[float], texts: Sequence[Hashable], costs: "Sequence[np.ndarray]") -> Attribution:
    """Rank candidates with these pars, in bits per character, each a model of one of the texts, by what each character
    costs each of them, in bits (T,), nan for what does not count."""
    import numpy as np

    table = np.array(costs)  # (candidates, T)
    counted = table[:, ~np.isnan(table).any(axis=0)]
    characters, count = table.shape[1], counted.shape[1]
    if not count:
        nothing = (math.nan,) * len(pars)
        return Attribution(characters, 0, nothing, nothing, tuple(range(len(pars))), math.nan, math.nan, False)
    means = counted.mean(axis=1, dtype=np.float64)
    excess = means - np.array(pars)
    first, *rest = order = [int(i) for i in np.argsort(excess, kind="stable")]
    others = [i for i in rest if texts[i] != texts[first]]
    leads = [(float(excess[i] - excess[first]), standard_error(counted[i] - counted[first])) for i in others]
    margin, error = leads[0] if leads else (math.nan, math.nan)
    is_sure = bool(leads) and all(lead > SURE * error for lead, error in leads) and count >= LEAST_SHARE * characters
    return Attribution(characters, count, _floats(means), _floats(excess), tuple(order), margin, error, is_sure)


def standard_error(values: "np.ndarray") -> float:
    """Of the mean of a series (T,) whose neighbours are alike, by the means of its stretches; nan for a short one."""
    import numpy as np

    count = min(len(values) // STRETCH, MOST_STRETCHES)
    if count < LEAST_STRETCHES:
        return math.nan
    size = len(values) // count
    stretches = values[: count * size].reshape(count, size).mean(axis=1, dtype=np.float64)
    return float(np.std(stretches, ddof=1)) / math.sqrt(count)


def _floats(values: "np.ndarray") -> tuple[float, ...]:
    return tuple(map(float, values))
