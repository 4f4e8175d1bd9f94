"""The worker: does what run.toml says, in the directory where it stands, and yields what happens.

It takes nothing but the directory, so that starting, resuming and reproducing are the same call. It never touches the
registry: whoever iterates over it commits.
"""

import json
import math
import os
import platform
import time
from collections.abc import Generator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import files, locks, tables, weights
from zoo.corpora.corpus import Corpus
from zoo.corpora.tokens import encoding
from zoo.corpora.vocab import Vocab, load_vocab
from zoo.engine.load import make_engine
from zoo.errors import BadData, Diverged, ZooError
from zoo.events import Evaluated, Event, Finished, Sampled, Started, Stepped, Warned
from zoo.home import Home
from zoo.registry.model import RUN_LOCK
from zoo.registry.snapshots import SNAPSHOTS, is_due, take
from zoo.runs.init import load_frozen
from zoo.runs.spec import Spec
from zoo.talk.voice import Voice

if TYPE_CHECKING:
    from zoo.gpt.trainer import Trainer

LOG_LIMIT = 2**28  # bytes: millions of lines
SAMPLE_SECONDS = 15.0
SAMPLE_LENGTH = 160
STATE_SECONDS = 5.0


def worker(run_dir: Path) -> Iterator[Event]:
    """Train the run in `run_dir` from its newest valid checkpoint, or from the start, to its end.

    Holds the kernel lock on the directory while it lives. Closing the iterator saves a checkpoint. The last event is
    Finished, also for a loss that left the finite numbers (`reason` says so).
    Raises Conflict when another worker has the directory, BadData when the text or vocabulary are not the spec's.
    """
    for directory in (run_dir, run_dir / "checkpoints", run_dir / SNAPSHOTS):
        files.refuse_link(directory)
    busy = f"'{run_dir.name}' is in training already{_holder(run_dir)}"
    with locks.locked(run_dir / RUN_LOCK, seconds=1.0, busy=busy):
        spec = Spec.load(run_dir / "run.toml")
        corpus = spec.text(Home(run_dir.parent.parent))
        vocab = load_vocab(run_dir / "vocab.json")
        spec.check_vocab(vocab)
        trainer = yield from _trainer(run_dir, spec, corpus, vocab)
        yield Started(
            run_dir.name,
            trainer.progress.step,
            spec.train.max_steps,
            spec.model.parameters(),
            spec.device,
            spec.train.batch_size * spec.model.block_size,
        )
        log = Log(run_dir, trainer.progress.step, trainer.progress.evaluated_step)
        if log.is_torn:
            yield Warned("log.jsonl was damaged: what stood behind the damage is lost, the training is not")
        reason = ""
        try:
            yield from _train(run_dir, trainer, spec, vocab, log)
        except Diverged as error:
            reason = str(error)
        log.sync()
        yield from _finish(run_dir, spec, trainer, reason)


def _trainer(run_dir: Path, spec: Spec, corpus: Corpus, vocab: Vocab) -> Generator[Event, None, "Trainer"]:
    """The trainer at its newest checkpoint, with the text encoded for it."""
    from zoo.gpt.device import choose_device, take_over
    from zoo.gpt.trainer import Trainer

    choose_device(spec.device)  # it may have been another machine that this run began on
    take_over(spec.model, spec.train, device=spec.device, dtype=spec.dtype, threads=spec.threads)
    remarks: list[Event] = []
    trainer = Trainer(
        spec.model,
        spec.train,
        train_ids=(yield from encoding(corpus, vocab, "train")),
        val_ids=(yield from encoding(corpus, vocab, "val")),
        val_characters=corpus.characters_of("val"),
        seed=spec.seed,
        device=spec.device,
        dtype=spec.dtype,
        checkpoints=run_dir / "checkpoints",
        first_weights=load_frozen(spec, run_dir),
        on_event=remarks.append,
    )
    yield from remarks
    if not trainer.progress.step and (run_dir / "log.jsonl").exists():
        yield Warned("there is no checkpoint to go on from, so it begins anew")
    return trainer


def _train(run_dir: Path, trainer: "Trainer", spec: Spec, vocab: Vocab, log: "Log") -> Iterator[Event]:
    """The trainer's events, logged, with a sample now and then; what snapshots are due is written first."""
    sampled_at = -math.inf
    if not trainer.progress.step:
        _snapshot(run_dir, trainer, spec)
    try:
        for event in trainer.run():
            log.write(event, spec.train.log_every)
            if isinstance(event, Stepped):
                _snapshot(run_dir, trainer, spec)
            yield event
            due = time.monotonic() - sampled_at > SAMPLE_SECONDS
            if isinstance(event, Evaluated) and (due or trainer.is_over):
                sampled_at = time.monotonic()
                yield Sampled(event.step, _sample(trainer, spec, vocab))
    except GeneratorExit:  # and nothing else: where a line of the log has failed, no checkpoint may be newer than it
        log.sync()
        trainer.save()
        raise


def _snapshot(run_dir: Path, trainer: "Trainer", spec: Spec, *, is_last: bool = False) -> None:
    """Keep the weights of this step, if they are to be kept: before the checkpoint that follows, so that a run that
    begins at a checkpoint has all snapshots up to it."""
    step = trainer.progress.step
    if spec.train.keep == "log" and (is_due(step) or is_last):
        take(run_dir, step, weights.model_bytes(trainer.current_weights(), spec.model, spec.vocab.sha256))


def _sample(trainer: "Trainer", spec: Spec, vocab: Vocab) -> str:
    voice = Voice(spec.name, make_engine(spec.model, trainer.current_weights()), vocab)
    try:
        return voice.generate(max_new=SAMPLE_LENGTH, seed=spec.seed)
    except BadData:  # weights on their way to diverging are for the trainer to report
        return ""


def _finish(run_dir: Path, spec: Spec, trainer: "Trainer", reason: str) -> Iterator[Event]:
    """Write the weights that are kept: the best ones, or the last finite ones of a run that never got to validate."""
    p, begin = trainer.progress, time.monotonic()
    _snapshot(run_dir, trainer, spec, is_last=True)
    sha256 = weights.save_model(run_dir / "weights.safetensors", trainer.best_weights(), spec.model, spec.vocab.sha256)
    val_loss, kept = None, "last"
    if p.best_val_loss is not None:
        val_loss, kept = (yield from trainer.best_loss()), "best"
    seconds = p.seconds + time.monotonic() - begin
    early = ""
    if (times := trainer.in_vain) and p.step < spec.train.max_steps:
        early = f"stopped early at step {p.step:,}: {times} validations without a better one than at {p.best_step:,}"
    yield Finished(p.step, p.best_step, p.train_loss, val_loss, sha256, seconds, kept, reason, early)


class Log:
    """log.jsonl, the same for the same spec; beside it timing.jsonl and state.json hold what the clock said."""

    def __init__(self, run_dir: Path, step: int, evaluated_step: int) -> None:
        """Cut what an earlier worker wrote after the checkpoint that this one starts from."""
        self.directory = run_dir
        self._state_at = -math.inf
        self.is_torn = not _cut(run_dir / "log.jsonl", step, evaluated_step)
        _cut(run_dir / "timing.jsonl", step, evaluated_step)

    def write(self, event: Event, every: int) -> None:
        if isinstance(event, Evaluated):
            self._append(step=event.step, train_loss=event.train_loss, val_loss=event.val_loss)
            self.sync()
        elif isinstance(event, Stepped):
            if event.step % every == 0:
                self._append(step=event.step, train_loss=event.train_loss, learning_rate=event.learning_rate)
            self._touch(event.step)

    def _append(self, **values: Any) -> None:
        files.append_line(self.directory / "log.jsonl", json.dumps(values))
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        kind = "val" if "val_loss" in values else "train"
        files.append_line(self.directory / "timing.jsonl", json.dumps({"step": values["step"], kind: now}))

    def _touch(self, step: int) -> None:
        """Say in state.json that this worker lives."""
        if time.monotonic() - self._state_at < STATE_SECONDS:
            return
        self._state_at = time.monotonic()
        who = {"schema": tables.SCHEMAS["state.json"], "host": platform.node(), "pid": os.getpid()}
        state = {**who, "step": step, "time": datetime.now(UTC).isoformat()}
        with suppress(ZooError):  # nothing depends on it
            files.write_bytes(self.directory / "state.json", json.dumps(state).encode(), durable=False)

    def sync(self) -> None:
        """Make the log durable."""
        if (self.directory / "log.jsonl").exists():
            files.sync(self.directory / "log.jsonl")


def _cut(path: Path, step: int, evaluated_step: int) -> bool:
    """Drop the lines of a log that stand for what the checkpoint at `step` does not know, and a line cut short.

    Returns whether it was whole but for its end.
    """
    if not path.exists():
        return True
    lines = files.read_bytes(path, limit=LOG_LIMIT).splitlines(keepends=True)
    kept, is_whole = 0, True
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            validated = "val_loss" in entry or "val" in entry
            if not line.endswith(b"\n") or entry["step"] > (evaluated_step if validated else step):
                break
        except (ValueError, KeyError, TypeError, RecursionError):
            is_whole = number == len(lines)
            break
        kept += len(line)
    files.truncate(path, kept)
    return is_whole


def _holder(run_dir: Path) -> str:
    """Who is at work in a directory, as far as state.json tells."""
    try:
        state = tables.read_json(run_dir / "state.json")
        return f" (process {state['pid']} on {state['host']})"
    except Exception:  # a message must not fail for want of a detail
        return ""
