"""Verify: whether a model is what its record says."""

import math
from dataclasses import dataclass

from zoo.engine.load import engine_of
from zoo.errors import BadData, ZooError
from zoo.events import OnEvent, ignore
from zoo.home import Home
from zoo.measure.evaluate import measure
from zoo.measure.passage import own_passage
from zoo.protocol import WINDOWS_V1, bits
from zoo.registry.model import Model
from zoo.registry.snapshots import check, snapshots

TOLERANCE = 1e-5  # nats: far above what float32 leaves open between two engines, far below what a table shows


@dataclass(frozen=True)
class Verdict:
    """The recorded and the recomputed loss, in nats per character; `problem` says what is wrong, if anything is."""

    model: Model
    recomputed: float | None = None
    problem: ZooError | None = None

    @property
    def difference(self) -> float | None:
        """How far the recomputed loss is from the recorded one."""
        recorded = self.model.record.val_loss
        return None if recorded is None or self.recomputed is None else abs(self.recomputed - recorded)


def verify(home: Home, model: Model, on_event: OnEvent = ignore) -> Verdict:
    """Hash the weights, the vocabulary and the text again, and recompute the recorded loss from them.

    What is wrong is in the verdict, not raised: NotFound when the text is not here, else BadData.
    """
    try:
        recomputed = _recompute(home, model, on_event)
    except ZooError as error:
        return Verdict(model, problem=error)
    verdict, record = Verdict(model, recomputed), model.record
    if record.val_loss is None or recomputed is None:
        return verdict
    problem = None
    if not abs(recomputed - record.val_loss) <= TOLERANCE:  # which nan is not, either
        problem = BadData(f"the recorded loss of '{model.name}' is off by {verdict.difference:.6f}")
    elif record.val_bpc is None or not math.isclose(record.val_bpc, bits(record.val_loss), rel_tol=1e-9):
        problem = BadData(f"val_loss and val_bpc of '{model.name}' do not say the same")
    return Verdict(model, recomputed, problem)


def _recompute(home: Home, model: Model, on_event: OnEvent) -> float | None:
    """The loss of the weights, those of a step too, on the text of the record; None for weights that never had one."""
    record = model.record
    engine, vocab = engine_of(model)
    if model.snapshot is None:
        _check_beside(model)
        if record.val_loss is None and record.status == "ready":
            raise BadData(f"the record of '{model.name}' has lost its val_loss")
        if record.val_loss is None:
            return None
    if record.val_protocol != WINDOWS_V1:
        raise BadData(
            f"the loss of '{model.name}' was counted by '{record.val_protocol}', which this zoo does not know"
        )
    passage = own_passage(home, model)
    passage.check()
    return measure(engine, vocab, passage, WINDOWS_V1, on_event, task="validating").loss


def _check_beside(model: Model) -> None:
    """Raise BadData unless the weights that it began with, and those of its steps, are what they were."""
    model.check_first_weights()
    for path in snapshots(model.directory).values():
        check(path)
