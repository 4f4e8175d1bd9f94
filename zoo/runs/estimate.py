"""The estimate: what a run will take on this machine, from its spec and a rehearsal of a few steps."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zoo.config import ModelConfig, TrainConfig
from zoo.corpora.corpus import PARTS, Corpus, open_corpus
from zoo.corpora.look import epochs, too_small_for
from zoo.corpora.vocab import Vocab
from zoo.events import OnEvent, Planned, Progress, ignore
from zoo.home import Home
from zoo.protocol import window_starts
from zoo.runs.memory import peak_memory
from zoo.runs.spec import Spec

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Rehearsal:
    """What was measured here: ids of both parts of the text, seconds of a step, of a window that is validated on the
    way and of one at the end, and of the encoding of the text."""

    train_ids: int
    val_ids: int
    step: float
    window: float
    exact_window: float
    encoding: float = 0.0

    def validations(self, model: ModelConfig, train: TrainConfig, done: int = 0) -> float:
        """Seconds of the validations that are to come after so many steps."""
        return count_validations(train, done) * self.validation(model, train)

    def validation(self, model: ModelConfig, train: TrainConfig) -> float:
        """Seconds of one validation on the way."""
        return self.window * min(train.eval_windows, self._windows(model))

    def ending(self, spec: Spec) -> float:
        """Seconds of what comes before the first step and after the last: encoding, and the whole validation part,
        unless that was scored on the way."""
        windows = self._windows(spec.model)
        return self.encoding + (0 if spec.train.is_exact(spec.dtype, windows) else self.exact_window * windows)

    def _windows(self, model: ModelConfig) -> int:
        return len(window_starts(self.val_ids, model.block_size))


def count_validations(train: TrainConfig, done: int = 0) -> int:
    """How often a run validates on its way, after so many steps: every eval_every steps, and after the last."""
    if done >= train.max_steps:
        return 0
    return -(-train.max_steps // train.eval_every) - done // train.eval_every


def rehearse(
    home: Home,
    spec: Spec,
    vocab: Vocab,
    *,
    on_event: OnEvent = ignore,
    clock: Callable[[], float] = time.perf_counter,
) -> Rehearsal:
    """Try out a few steps on the beginning of the text; writes nothing."""
    on_event(Progress("compiling" if spec.train.compile else "trying out", 0, None, "steps"))
    from zoo.gpt import rehearsal
    from zoo.gpt.device import take_over

    take_over(spec.model, spec.train, device=spec.device, dtype=spec.dtype, threads=spec.threads)
    text = spec.corpora[0]
    corpus = open_corpus(home, text.name, text.sha256, text.val_sha256)
    begun = clock()
    ids, characters = _beginning(corpus, vocab, spec.model.block_size + 1)
    encoding = (clock() - begun) / characters * corpus.characters
    step, window, exact_window = rehearsal.rehearse(
        spec.model, spec.train, ids, seed=spec.seed, device=spec.device, dtype=spec.dtype, clock=clock
    )
    # exact where a character is an id
    train_ids, val_ids = (round(len(ids) / characters * corpus.characters_of(part)) for part in PARTS)
    return Rehearsal(train_ids, val_ids, step, window, exact_window, encoding)


def _beginning(corpus: Corpus, vocab: Vocab, least: int) -> "tuple[np.ndarray, int]":
    """The ids of the first blocks of the training part, and of how many characters they are."""
    import numpy as np

    pieces, size, characters = [], 0, 0
    for block in corpus.blocks("train"):
        pieces.append(vocab.encode(block))
        size, characters = size + len(pieces[-1]), characters + len(block)
        if size >= least:
            break
    return np.concatenate(pieces), characters


def estimate(spec: Spec, rehearsal: Rehearsal, done: int = 0) -> Planned:
    """What is still to be done, and how long it will take, of a run that has made so many steps."""
    model, train = spec.model, spec.train
    tokens = train.batch_size * model.block_size
    steps = max(0, train.max_steps - done)
    seconds = steps * rehearsal.step + rehearsal.validations(model, train, done) + rehearsal.ending(spec)
    return Planned(
        name=spec.name,
        dataset=spec.dataset,
        preset=spec.preset,
        device=spec.device,
        dtype=spec.dtype,
        parameters=model.parameters(),
        steps=steps,
        tokens=tokens,
        train_ids=rehearsal.train_ids,
        epochs=epochs(model, train, rehearsal.train_ids),
        memory=None if spec.device.startswith("cuda") else peak_memory(model, train.batch_size, spec.dtype),
        step_seconds=rehearsal.step,
        validations=count_validations(train, done),
        seconds=seconds,
        warning=too_small_for(spec.preset, model, train, rehearsal.train_ids),
    )
