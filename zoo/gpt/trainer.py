"""The trainer: a loop that yields what happens, and can be stopped and taken up again between any two events."""

import math
import time
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from zoo.config import ModelConfig, TrainConfig
from zoo.errors import Diverged
from zoo.events import Evaluated, Event, OnEvent, Stepped, Validating, ignore
from zoo.gpt.batches import Batches
from zoo.gpt.checkpoint import Progress, load_checkpoint, save_checkpoint
from zoo.gpt.compiler import compile_blocks, compiling, uncompiled
from zoo.gpt.evaluate import validation
from zoo.gpt.model import GPT
from zoo.gpt.optimizer import make_optimizers
from zoo.gpt.schedule import learning_rate_at
from zoo.protocol import window_starts


class Trainer:
    """Trains one model on one array of ids.

    train_ids and val_ids are (T,) arrays; val_characters is the number of characters that val_ids encode;
    first_weights, as config.weight_shapes() names them, are what it begins with instead of chance.
    """

    def __init__(  # noqa: PLR0913  # each is one thing that a training depends on
        self,
        model_config: ModelConfig,
        config: TrainConfig,
        *,
        train_ids: np.ndarray,
        val_ids: np.ndarray,
        val_characters: int,
        seed: int,
        device: str,
        dtype: str,
        checkpoints: Path,
        first_weights: dict[str, np.ndarray] | None = None,
        on_event: OnEvent = ignore,
    ) -> None:
        self.config, self.seed, self.device, self.dtype, self.checkpoints = config, seed, device, dtype, checkpoints
        self.val_ids, self.val_characters = val_ids, val_characters
        torch.manual_seed(seed)
        self.model = GPT(model_config)
        if first_weights:
            # not strictly: a tied head is stored once, as the embedding
            self.model.load_state_dict({k: torch.tensor(w) for k, w in first_weights.items()}, strict=False)
        self.model.to(device)
        if config.compile:
            compile_blocks(self.model)
        self.optimizers = make_optimizers(self.model, config, dtype)
        self.batches = Batches(
            train_ids,
            block_size=model_config.block_size,
            batch_size=config.batch_size,
            seed=seed,
            device=device,
        )
        self.best: dict[str, Tensor] = {}
        self.progress = Progress()
        if loaded := load_checkpoint(checkpoints, self.model, self.optimizers, on_event):
            self.best, self.progress = loaded

    def run(self) -> Iterator[Event]:
        """Train until it is over. Between two events the iterator can be closed, and `save` keeps that moment.

        Raises Diverged, before the update, when a loss or a gradient is not finite: the weights are those of the last
        finite step.
        """
        p, clock = self.progress, time.monotonic() - self.progress.seconds
        while True:
            if p.step > p.evaluated_step and (p.step % self.config.eval_every == 0 or p.step == self.config.max_steps):
                yield (yield from self._evaluate())
                p.seconds = time.monotonic() - clock
                self.save()
            if self.is_over:
                return
            with compiling() if self.config.compile else nullcontext():
                event = self._step()
            p.seconds = time.monotonic() - clock
            yield event

    @property
    def is_over(self) -> bool:
        """Whether max_steps are made, or patience is at its end.

        How many validations have passed since the best one follows from the steps of both, so a resumed training stops
        where an uninterrupted one does.
        """
        return self.progress.step >= self.config.max_steps or bool(self.in_vain)

    @property
    def in_vain(self) -> int:
        """Validations since the best one, once they are as many as patience allows; else 0."""
        p = self.progress
        since = (p.evaluated_step - p.best_step) // self.config.eval_every
        return since if 0 < self.config.patience <= since else 0

    def _step(self) -> Stepped:
        """One update."""
        p = self.progress
        rate = learning_rate_at(p.step, self.config)
        if self.model.config.dropout:
            # so that the masks, too, are a function of (seed, step)
            torch.manual_seed(int(np.random.SeedSequence((self.seed, p.step)).generate_state(1, np.uint64)[0]))
        inputs, targets = self.batches.at(p.step)
        with self._autocast():
            loss = self.model.loss(inputs, targets)
        self.model.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self.config.grad_clip:
            torch.nn.utils.clip_grads_with_norm_(self.model.parameters(), self.config.grad_clip, norm)
        train_loss = loss.item()
        if not math.isfinite(train_loss) or not math.isfinite(norm.item()):
            raise Diverged(f"the loss is not finite at step {p.step + 1}; try a smaller learning_rate")
        for optimizer in self.optimizers:
            optimizer.step(rate / self.config.learning_rate)
        p.step += 1
        p.loss_sum += train_loss
        p.loss_count += 1
        return Stepped(p.step, train_loss, rate)

    def _evaluate(self) -> Generator[Event, None, Evaluated]:
        """Validate, remember the weights if they are the best so far, and start a new mean of the training loss."""
        p = self.progress
        val_loss = yield from self.validation()
        if not math.isfinite(val_loss):
            raise Diverged(f"the validation loss is not finite at step {p.step}; try a smaller learning_rate")
        best = p.best_val_loss is None or val_loss < p.best_val_loss
        if best:
            p.best_val_loss, p.best_step = val_loss, p.step
            self.best = {name: tensor.detach().cpu().clone() for name, tensor in self.model.state_dict().items()}
        p.train_loss = p.loss_sum / p.loss_count
        p.loss_sum, p.loss_count, p.evaluated_step = 0.0, 0, p.step
        return Evaluated(p.step, p.train_loss, val_loss, best)

    def validation(self, *, exact: bool = False) -> Generator[Event, None, float]:
        """The loss of the current weights on at most eval_windows windows of the validation part, in the training's
        number format; an exact one is of all windows, and in float32."""
        at_most, autocast = (None, nullcontext) if exact else (self.config.eval_windows, self._autocast)
        with uncompiled() if self.config.compile else nullcontext():  # it has batches of other sizes
            return (
                yield from validation(self.model, self.val_ids, self.val_characters, at_most=at_most, autocast=autocast)
            )

    def _autocast(self) -> AbstractContextManager[object]:
        if self.dtype == "float32":
            return nullcontext()
        return torch.autocast(self.device.split(":")[0], dtype=getattr(torch, self.dtype))

    def save(self) -> None:
        """Write a checkpoint of this moment."""
        save_checkpoint(self.checkpoints, self.model, self.optimizers, self.best, self.progress)

    def current_weights(self) -> dict[str, np.ndarray]:
        """The weights as they are, a tied head stored once."""
        return self._to_numpy(self.model.state_dict())

    def best_weights(self) -> dict[str, np.ndarray]:
        """The weights of the best validation, or the current ones before the first, in the format they are stored in;
        in float32 all the same if that cannot hold them."""
        weights = self._to_numpy(self.best or self.model.state_dict())
        stored = np.dtype(self.config.stored_dtype)
        fits = all(np.abs(array).max() <= np.finfo(stored).max for array in weights.values())
        return {name: array.astype(stored) for name, array in weights.items()} if fits else weights

    def _to_numpy(self, state: dict[str, Tensor]) -> dict[str, np.ndarray]:
        names = self.model.config.weight_shapes()
        return {name: state[name].detach().cpu().numpy().astype(np.float32) for name in names}

    def best_loss(self) -> Generator[Event, None, float]:
        """The loss of exactly the best weights on the whole validation part, in float32; for after the last step, since
        it puts them in the place of the current ones."""
        stored = {name: torch.from_numpy(array) for name, array in self.best_weights().items()}
        self.model.load_state_dict(stored, strict=False)  # a tied head stands in it once
        windows = len(window_starts(len(self.val_ids), self.model.config.block_size))
        if self.config.is_exact(self.dtype, windows):
            assert self.progress.best_val_loss is not None
            yield Validating(windows, windows)  # so that one can stop here, too
            return self.progress.best_val_loss  # which was measured in just this way
        return (yield from self.validation(exact=True))
