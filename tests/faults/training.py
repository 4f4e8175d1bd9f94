"""A whole training that takes a moment, and the checkpoints that it lives on, for disks that fail. Needs torch."""

import dataclasses
import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import torch
from faults import acts
from faults.disk import Disk, copy, in_a_child, scratch, without_syncs

from zoo.config import ModelConfig
from zoo.errors import NotFound, Stopped
from zoo.events import Event, Stepped
from zoo.gpt.checkpoint import Progress, save_checkpoint
from zoo.gpt.model import GPT
from zoo.gpt.optimizer import make_optimizers
from zoo.home import Home
from zoo.registry.registry import Registry
from zoo.runs.run import resume, start
from zoo.runs.spec import Spec

NAME = "run"
STOP_AT = 3  # where the first half of the training ends, after a validation and before the next


def make_home(sandbox: Path) -> Home:
    """A home with the tiny text and nothing else."""
    home = acts.home_in(sandbox)
    acts.create(home)
    acts.store(home)
    return home


def make_spec() -> Spec:
    spec = acts.spec(NAME)
    train = dataclasses.replace(spec.train, max_steps=6, eval_every=2, log_every=1)
    return dataclasses.replace(spec, train=train)


def train(home: Home) -> None:
    """All of it: stopped once, and resumed."""
    steps: list[int] = []

    def count(event: Event) -> None:
        if isinstance(event, Stepped):
            steps.append(event.step)

    try:
        start(home, make_spec(), acts.VOCAB, on_event=count, stop=lambda: signal.SIGTERM if STOP_AT in steps else None)
    except Stopped:
        resume(home, NAME)


class Rehearsal(NamedTuple):
    """A training to repeat under faults: where it begins, what it did to the disk, and what came out."""

    folder: Path
    stage: Path
    disk: Disk
    results: tuple[bytes, str | None, float | None]


@contextmanager
def rehearsed() -> Iterator[Rehearsal]:
    """Train once, watched, on a disk where nothing fails."""
    with scratch() as folder:
        stage = folder / "stage"
        stage.mkdir()
        make_home(stage)
        home = acts.home_in(copy(stage, folder / "whole"))
        disk = Disk(folder / "whole")
        with disk.watched():
            train(home)
        yield Rehearsal(folder, stage, disk, results(home))


def go_on(home: Home) -> None:
    """What a user does after whatever happened: resume it, or begin when it had not begun."""
    try:
        model = Registry(home).get(NAME)
    except NotFound:
        start(home, make_spec(), acts.VOCAB)
        return
    if model.status != "ready":
        resume(home, NAME)


def results(home: Home) -> tuple[bytes, str | None, float | None]:
    """What must come out the same to the byte, whatever happens on the way."""
    model = Registry(home).get(NAME)
    return (model.directory / "log.jsonl").read_bytes(), model.record.weights_sha256, model.record.val_loss


class Saver:
    """Saves checkpoints of a small model, each of another step with other weights."""

    def __init__(self) -> None:
        config = ModelConfig(n_layer=1, n_head=2, n_embd=8, block_size=6).resolve(11)
        self.model = GPT(config)
        self.optimizers = make_optimizers(self.model, make_spec().train, "float32")

    def save(self, directory: Path, step: int) -> Path:
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.fill_(step)
        return save_checkpoint(directory, self.model, self.optimizers, {}, Progress(step=step, evaluated_step=step))


def warm_up() -> None:
    """Import all that a training imports on its way, so that those who are forked need not; no gradient is computed."""
    saver = Saver()
    for parameter in saver.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for optimizer in saver.optimizers:
        optimizer.step(1.0)


def killed_and_resumed(stage: Path, folder: Path, at: int, moment: str) -> dict[str, object]:
    """Train in a process that is killed at an operation, go on in another, and tell how it came out."""
    home = acts.home_in(copy(stage, folder))

    def begin() -> None:
        with Disk(folder, at=at, dying=moment).watched():  # type: ignore[arg-type]
            train(home)

    first, second = in_a_child(begin), in_a_child(lambda: go_on(home))
    rows = Registry(home).own()
    log, sha256, loss = results(home) if NAME in rows else (b"", None, None)
    return {"at": at, "first": first, "second": second, "log": log.decode(), "sha256": sha256, "loss": loss}


if __name__ == "__main__":  # a process that has torch and has not trained, for what has cannot be forked
    torch.set_num_threads(1)
    warm_up()
    with without_syncs():
        for line in sys.stdin:
            place, work, number, when = json.loads(line)
            print(json.dumps(killed_and_resumed(Path(place), Path(work), number, when)), flush=True)
    os._exit(0)
