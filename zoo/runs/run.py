"""Starting and resuming: the parent's side of a run. Only this side writes the registry."""

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from zoo import files
from zoo.corpora.vocab import Vocab, load_vocab, save_vocab
from zoo.errors import Conflict, Diverged, Stopped, StorageProblem, ZooError, shortage
from zoo.events import Finished, OnEvent, Started, Stepped, ignore
from zoo.home import Home
from zoo.names import whole
from zoo.protocol import bits
from zoo.registry.model import FIRST_WEIGHTS, Model
from zoo.registry.record import OVER
from zoo.registry.registry import Registry
from zoo.runs.estimate import estimate, rehearse
from zoo.runs.init import from_parent
from zoo.runs.plan import check_fits, remark
from zoo.runs.spec import Spec
from zoo.runs.worker import worker

Stop = Callable[[], int | None]


def never() -> int | None:
    """The `stop` of callers who do not interrupt."""
    return None


def start(
    home: Home,
    spec: Spec,
    vocab: Vocab,
    *,
    first_weights: bytes | None = None,
    on_event: OnEvent = ignore,
    stop: Stop = never,
) -> Model:
    """Claim the name, freeze the spec, train, commit; returns the ready model.

    `first_weights` are those of a spec that has a parent; without them the parent is asked. `stop` is asked between
    events and answers with a signal number to end the run after saving. Raises Conflict when the name was taken or the
    parent changed meanwhile, Stopped, Diverged, StorageProblem.
    """
    registry = Registry(home)
    first_weights = first_weights or from_parent(registry, spec, vocab)

    def fill(run_dir: Path) -> None:
        spec.save(run_dir / "run.toml")
        save_vocab(run_dir / "vocab.json", vocab)
        if first_weights is not None:
            files.write_bytes(run_dir / FIRST_WEIGHTS, first_weights)

    run_dir = registry.claim(spec.name, spec.record(), fill)
    return _follow(registry, spec, run_dir, on_event, stop)


def resume(home: Home, name: str, *, on_event: OnEvent = ignore, stop: Stop = never) -> Model:
    """Go on with an interrupted run from its newest checkpoint. Raises Conflict when it is in training or finished."""
    from zoo.gpt.checkpoint import newest_step, refuse_newer

    registry = Registry(home)
    model = registry.own_model(registry.resolve(whole(name), status="interrupted").name)
    if model.status == "training":
        raise Conflict(f"'{model.name}' is in training already")
    if model.status == "diverged":
        raise Conflict(f"'{model.name}' diverged and would again; train anew with a smaller learning_rate")
    if model.status != "interrupted":
        raise Conflict(f"'{model.name}' is finished: there is nothing to resume")
    run_dir = model.directory
    refuse_newer(run_dir / "checkpoints")
    spec = Spec.load(run_dir / "run.toml")
    spec.check_record(model.record)
    remark(spec, on_event)
    vocab = load_vocab(run_dir / "vocab.json")
    spec.check_vocab(vocab)
    check_fits(spec, spec.text(home), vocab)
    on_event(estimate(spec, rehearse(home, spec, vocab, on_event=on_event), newest_step(run_dir / "checkpoints")))
    return _follow(registry, dataclasses.replace(spec, name=model.name), run_dir, on_event, stop)


def _follow(registry: Registry, spec: Spec, run_dir: Path, on_event: OnEvent, stop: Stop) -> Model:
    """Iterate over the worker, writing to the registry when it starts, stops or is done."""
    steps, step, taken, committed = worker(run_dir), 0, False, False
    try:
        for event in steps:
            step = event.step if isinstance(event, Started | Stepped) else step
            if isinstance(event, Started):
                _take_up(registry, spec)
                taken = True
            if isinstance(event, Finished):
                # while the worker still holds the directory, so that nobody sees it neither running nor ready
                _commit(registry, spec, event)
                committed = True
                _clean_up(run_dir)
            on_event(event)
            if (signum := stop()) is not None and not committed:
                where = f"at step {step:,}" if taken else "before its first step here"
                raise Stopped(f"stopped {where}; go on with: zoo resume {spec.name}", signum)
            if isinstance(event, Finished) and event.reason:
                raise Diverged(f"{event.reason}; the {event.weights} finite weights are kept as '{spec.name}'")
    except BaseException as error:
        steps.close()  # type: ignore[attr-defined]  # which saves, before anything else can take its time
        if taken and not committed and not isinstance(error, Conflict):  # a busy registry was waited for long enough
            _note_interrupted(registry, spec, step)
        cause = shortage(error) or error
        if isinstance(cause, StorageProblem) or (taken and isinstance(error, Conflict)):
            raise type(cause)(f"{cause}; once that is mended, go on with: zoo resume {spec.name}") from error
        raise
    return registry.get(spec.name)


def _note_interrupted(registry: Registry, spec: Spec, step: int) -> None:
    """Say in the row where the run stopped, unless another process has taken it up. Readers see by the lock that it is
    interrupted, so a failure here fails nothing."""
    with suppress(ZooError), registry.exclusively(registry.get(spec.name)):
        if registry.get(spec.name).record.status == "training":
            registry.update(spec.name, spec.id, status="interrupted", steps=step)


def _take_up(registry: Registry, spec: Spec) -> None:
    """Give the row the status `training`, now that the worker holds the directory.

    Raises Conflict when another process finished the run while this one waited.
    """
    status = registry.get(spec.name).record.status
    if status in OVER:
        raise Conflict(f"'{spec.name}' is finished: there is nothing to resume")
    if status != "training":
        registry.update(spec.name, spec.id, status="training")


def _commit(registry: Registry, spec: Spec, event: Finished) -> None:
    """Write the outcome into the registry."""
    registry.update(
        spec.name,
        spec.id,
        status="diverged" if event.reason else "ready",
        val_loss=event.val_loss,
        val_bpc=None if event.val_loss is None else bits(event.val_loss),
        weights=event.weights,
        train_loss=event.train_loss,
        steps=event.step,
        best_step=event.best_step,
        tokens=event.step * spec.train.batch_size * spec.model.block_size,
        seconds=round(event.seconds, 1),
        finished=datetime.now(UTC).replace(microsecond=0).isoformat(),
        weights_sha256=event.weights_sha256,
    )


def _clean_up(run_dir: Path) -> None:
    """Drop what only a resume would need; the model stands without it, so a failure here fails nothing."""
    with suppress(ZooError):
        files.remove(run_dir / "state.json")
    with suppress(ZooError):
        if (run_dir / "checkpoints").is_dir():
            files.remove_tree(run_dir / "checkpoints")
