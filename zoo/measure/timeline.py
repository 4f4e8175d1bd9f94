"""A timeline: a model as it was at steps on its way, and as it was kept."""

from collections.abc import Sequence

from zoo.errors import NotFound, UsageProblem
from zoo.names import AT
from zoo.registry.model import Model
from zoo.registry.snapshots import at_step, snapshots


def stages(model: Model, steps: Sequence[int] | None = None) -> list[Model]:
    """A model at these steps, or at all that were kept, among which, unless some were asked for, stand the weights of
    its record, in the place of a snapshot of the same step.

    Raises NotFound for a step that was not kept, and when none was; UsageProblem for a model that is a step itself.
    """
    if model.snapshot is not None:
        name = model.name.partition(AT)[0]
        raise UsageProblem(f"'{model.name}' is one step of a model; a timeline is of several: zoo timeline {name}")
    kept = snapshots(model.directory)
    if not kept:
        how = f"they are kept in training: zoo train -d {model.record.dataset} --keep log"
        raise NotFound(f"'{model.name}' has no snapshots of its steps; {how}")
    found = [at_step(model, step) for step in (kept if steps is None else dict.fromkeys(steps))]
    if steps is None and model.record.weights_sha256 is not None:
        found = sorted([*(stage for stage in found if step_of(stage) != step_of(model)), model], key=step_of)
    return found


def step_of(model: Model) -> int:
    """The step that a model's weights are of."""
    return model.record.steps if model.record.weights == "last" else model.record.best_step
