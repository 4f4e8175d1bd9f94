"""What happened: long work reports these through a callback, and only the cli draws them."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Base of all events."""


OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The callback of callers who do not want to know."""


@dataclass(frozen=True)
class Note(Event):
    """One line worth saying once."""

    text: str


@dataclass(frozen=True)
class Warned(Event):
    """One line about something that went wrong and was survived."""

    text: str


@dataclass(frozen=True)
class Skipped(Event):
    """A document that was left out of a corpus, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Progress(Event):
    """How far a task is; total is None while unknown, done == total ends it."""

    task: str
    done: int
    total: int | None
    unit: str = "characters"


@dataclass(frozen=True, kw_only=True)
class Planned(Event):
    """What a run will be and take, before its first step here: steps and validations are those still to be made, tokens
    is the number of ids one step trains on, epochs is how often the whole run reads each of train_ids.

    memory is the process's peak in bytes, None where it is not known; warning says that the text will be learned by
    heart, and is else empty.
    """

    name: str
    dataset: str
    preset: str
    device: str
    dtype: str
    parameters: int
    steps: int
    tokens: int
    train_ids: int
    epochs: float
    memory: int | None
    step_seconds: float
    validations: int
    seconds: float
    warning: str


@dataclass(frozen=True)
class Started(Event):
    """A run begins or goes on, at this step; tokens is the number of ids one step trains on."""

    name: str
    step: int
    max_steps: int
    parameters: int
    device: str
    tokens: int


@dataclass(frozen=True)
class Stepped(Event):
    """One update was made; the loss is that of its own batch, in nats per id."""

    step: int
    train_loss: float
    learning_rate: float


@dataclass(frozen=True)
class Validating(Event):
    """A validation has scored so many of its windows."""

    done: int
    total: int


@dataclass(frozen=True)
class Evaluated(Event):
    """A validation: nats per character, and whether it is the best so far."""

    step: int
    train_loss: float
    val_loss: float
    best: bool


@dataclass(frozen=True)
class Sampled(Event):
    """Text that the model in training writes by now."""

    step: int
    text: str


@dataclass(frozen=True)
class Finished(Event):
    """The run is over and the kept weights are on disk; val_loss is exactly theirs, None where none was ever finite.

    weights is `best`, or `last` for a run that never got to validate;
    seconds is time spent training; reason is empty unless the loss left the finite numbers, early unless patience came
    to its end before max_steps.
    """

    step: int
    best_step: int
    train_loss: float | None
    val_loss: float | None
    weights_sha256: str
    seconds: float
    weights: str = "best"
    reason: str = ""
    early: str = ""
