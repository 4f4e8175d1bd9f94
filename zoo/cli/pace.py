"""How a training goes: how fast, how far, and what its losses were."""

import time

from zoo.cli import numbers
from zoo.cli.terminal import width
from zoo.events import Evaluated, Event, Started, Stepped
from zoo.registry.history import Thinned

NARROW = 70
LEAST_WEIGHT = 0.1  # of a new loss in the smoothed one, which so is about that of the last ten steps


class Pace:
    """Watches the events of one training."""

    def __init__(self) -> None:
        self.first = self.step = self.max_steps = 0
        self.train_loss: float | None = None  # smoothed
        self.val_loss: float | None = None
        self.best: Evaluated | None = None
        self.train, self.val = Thinned(), Thinned()
        self._tokens, self._began = 0, 0.0

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self.max_steps, self._tokens, self.first = event.max_steps, event.tokens, event.step
                self._began, self.step = time.monotonic(), event.step
            case Stepped():
                self.step = event.step
                weight = max(LEAST_WEIGHT, 2 / (1 + max(1, self.step - self.first)))
                before = event.train_loss if self.train_loss is None else self.train_loss
                self.train_loss = before + weight * (event.train_loss - before)
                self.train.add(event.step, self.train_loss)
            case Evaluated():
                self.val_loss = event.val_loss
                self.val.add(event.step, event.val_loss)
                if event.best:
                    self.best = event

    def _seconds_per_step(self) -> float:
        steps = self.step - self.first
        return (time.monotonic() - self._began) / steps if steps > 0 else float("inf")

    def tokens_per_second(self) -> str:
        return numbers.count(round(self._tokens / self._seconds_per_step()))

    def eta(self) -> str:
        return f"ETA {numbers.duration((self.max_steps - self.step) * self._seconds_per_step())}"

    def line(self, event: Evaluated) -> str:
        """What stays of a validation."""
        if width() < NARROW:
            return f"step {event.step:,}  val {event.val_loss:.4f}{' *' if event.best else ''}"
        mark = "  best so far" if event.best else ""
        return self._line(f"train {event.train_loss:.4f}  val {event.val_loss:.4f}") + mark

    def step_line(self) -> str:
        """A sign of life between two validations."""
        return self._line(f"train {numbers.loss(self.train_loss)}")

    def _line(self, losses: str) -> str:
        step = f"step {self.step:>6,}/{self.max_steps:,}"
        return f"{step}  {losses}  {self.tokens_per_second()}/s  {self.eta()}"


def opening(event: Started) -> str:
    """The line with which a training begins."""
    begins = f"goes on at step {event.step:,}" if event.step else f"{event.max_steps:,} steps"
    return (
        f"training {event.name}: {numbers.count(event.parameters)} parameters, {begins}, "
        f"{event.tokens:,} tokens each, on {event.device}"
    )
