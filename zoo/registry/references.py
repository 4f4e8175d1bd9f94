"""References: which of the models a reader means by a word."""

import math
from collections.abc import Mapping

from zoo.errors import NotFound, did_you_mean
from zoo.names import split_step
from zoo.registry.model import Model
from zoo.registry.snapshots import at_step

DEFAULT_DATASET = "shakespeare"


def meant_by(reference: str | None, models: Mapping[str, Model], *, status: str = "ready") -> Model:
    """An exact name, a dataset (its best model of that status), or a unique beginning of a name; followed by @STEP, the
    model as it was at that step.

    None means the dataset `shakespeare`. Raises NotFound with the candidates otherwise.
    """
    name, step = split_step(DEFAULT_DATASET if reference is None else reference)
    model = _find(name, models, status)
    return model if step is None else at_step(model, step)


def _find(wanted: str, models: Mapping[str, Model], status: str) -> Model:
    if wanted in models:
        return models[wanted]
    trained = [m for m in models.values() if m.record.dataset == wanted and m.status == status]
    if trained:
        return min(trained, key=lambda m: _worst_if_unknown(m.record.val_bpc))
    beginning = [name for name in models if wanted and name.startswith(wanted)]
    if len(beginning) == 1:
        return models[beginning[0]]
    if beginning:
        raise NotFound(f"'{wanted}' may mean {', '.join(sorted(beginning))}; type more of the name")
    known = {*models, *(m.record.dataset for m in models.values())}
    raise NotFound(f"no model named '{wanted}'{did_you_mean(wanted, known)} (see: zoo list)")


def _worst_if_unknown(loss: float | None) -> float:
    return math.inf if loss is None or math.isnan(loss) else loss
