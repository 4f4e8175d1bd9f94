"""Drawing events: a live bar on a terminal, plain lines in a pipe or a log. All of it goes to stderr."""

import contextlib
import sys
import time
from types import TracebackType
from typing import Any, Self

from zoo.cli import numbers
from zoo.cli.app import say_event
from zoo.cli.rate import Rate
from zoo.cli.terminal import fill, is_terminal, safe, say, width
from zoo.events import Evaluated, Event, Finished, Progress, Sampled, Started, Stepped, Validating

NARROW = 70
QUOTE = "  | "
REFRESH_SECONDS = 0.1


class Painter:
    """A callback for events, and a context that ends what it has drawn."""

    def __init__(self) -> None:
        self.pace = Pace()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def __call__(self, event: Event) -> None:
        self.pace(event)
        match event:
            case Started():
                self.print(_opening(event))
            case Evaluated():
                self.print(self.pace.line(event))
            case Sampled():
                self.print(_quoted(event.text))
            case Progress():
                self.progress(event)
            case Stepped():
                self.step(event)
            case Validating():
                self.validating(event)
            case Finished():
                pass
            case _:
                self.remark(event)

    def print(self, text: str) -> None:
        """Lines that stay."""
        say(text)

    def remark(self, event: Event) -> None:
        say_event(event)

    def progress(self, event: Progress) -> None:
        if event.done == event.total:
            say(f"{event.task}: {_amount(event)}")

    def step(self, event: Stepped) -> None:
        pass

    def validating(self, event: Validating) -> None:
        pass


class LivePainter(Painter):
    """Draws one bar at the foot of the screen, and lets lines pass above it."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn
        from rich.progress import Progress as Bar

        self.console = Console(stderr=True, width=width(), highlight=False, markup=False)
        columns: list[Any] = [TextColumn("{task.description}", markup=False), BarColumn(bar_width=None)]
        columns.append(TextColumn("{task.fields[facts]}", markup=False))
        self.bar: Bar = Bar(*columns, console=self.console, transient=True, expand=True, auto_refresh=False)
        self.bar.start()
        self._drawn_at = 0.0
        self.rate = Rate()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.bar.stop()

    def __call__(self, event: Event) -> None:
        with contextlib.suppress(OSError):  # a terminal that has gone is no reason to stop
            super().__call__(event)

    def print(self, text: str) -> None:
        self.console.print(text if text.startswith(QUOTE) else fill(safe(text)), soft_wrap=True)

    def remark(self, event: Event) -> None:
        self.bar.stop()
        say_event(event)
        self.bar.start()

    def progress(self, event: Progress) -> None:
        description, facts = safe(event.task), _amount(event)
        if event.unit == "bytes" and event.done:
            narrow = self.console.width < NARROW
            self.rate(event)
            facts = self.rate.facts(event, narrow)
            description = description.partition(" ")[0] if narrow else _short(description, self.console.width // 3)
        self._draw(description, event.done, event.total, facts)
        if event.done == event.total:
            self._clear()
            self.bar.refresh()  # else the bar stays while what comes next has nothing to show
            self.print(f"{event.task}: {_amount(event)}")

    def step(self, event: Stepped) -> None:
        narrow = self.console.width < NARROW
        self._draw("step" if narrow else "training", event.step, self.pace.max_steps, self.pace.facts(event, narrow))

    def validating(self, event: Validating) -> None:
        self._draw("validating", event.done, event.total, f"{event.done:,} of {event.total:,} windows")

    def _draw(self, description: str, done: int, total: int | None, facts: str) -> None:
        now = time.monotonic()
        if now - self._drawn_at < REFRESH_SECONDS:
            return
        self._drawn_at = now
        if not self.bar.tasks or self.bar.tasks[0].description != description:
            self._clear()
            self.bar.add_task(description, total=total, facts=facts)
        self.bar.update(self.bar.tasks[0].id, completed=done, total=total, facts=facts)
        self.bar.refresh()

    def _clear(self) -> None:
        for task in self.bar.tasks:
            self.bar.remove_task(task.id)


class Pace:
    """How fast a training goes, and what its last validation said."""

    def __init__(self) -> None:
        self.max_steps, self._tokens, self._first, self._began = 0, 0, 0, 0.0
        self._val_loss: float | None = None
        self._step = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Started):
            self.max_steps, self._tokens, self._first = event.max_steps, event.tokens, event.step
            self._began, self._step = time.monotonic(), event.step
        elif isinstance(event, Stepped):
            self._step = event.step
        elif isinstance(event, Evaluated):
            self._val_loss = event.val_loss

    def _seconds_per_step(self) -> float:
        steps = self._step - self._first
        return (time.monotonic() - self._began) / steps if steps > 0 else float("inf")

    def _speed(self) -> str:
        return f"{numbers.count(round(self._tokens / self._seconds_per_step()))}/s"

    def _eta(self) -> str:
        return numbers.duration((self.max_steps - self._step) * self._seconds_per_step())

    def facts(self, event: Stepped, narrow: bool) -> str:
        """What stands beside the bar."""
        val = numbers.loss(self._val_loss)
        if narrow:
            return f"val {val} ETA {self._eta()}"
        step = f"{event.step:,}/{self.max_steps:,}"
        return f"{step}  loss {event.train_loss:.3f}  val {val}  {self._speed()}  ETA {self._eta()}"

    def line(self, event: Evaluated) -> str:
        """What stays of a validation."""
        if width() < NARROW:
            return f"step {event.step:,}  val {event.val_loss:.4f}{' *' if event.best else ''}"
        mark = "  best so far" if event.best else ""
        return (
            f"step {event.step:>6,}/{self.max_steps:,}  train {event.train_loss:.4f}  val {event.val_loss:.4f}"
            f"  {self._speed()}  ETA {self._eta()}{mark}"
        )


def _opening(event: Started) -> str:
    begins = f"goes on at step {event.step:,}" if event.step else f"{event.max_steps:,} steps"
    return (
        f"training {event.name}: {numbers.count(event.parameters)} parameters, {begins}, "
        f"{event.tokens:,} tokens each, on {event.device}"
    )


def _quoted(text: str) -> str:
    """A sample behind a bar, its lines broken where the terminal ends."""
    length = max(10, width() - len(QUOTE))
    lines = safe(text).strip("\n").split("\n")
    pieces = [line[i : i + length] for line in lines for i in range(0, max(1, len(line)), length)]
    return "\n".join(QUOTE + piece for piece in pieces)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _amount(event: Progress) -> str:
    def amount(value: int) -> str:
        return numbers.size(value) if event.unit == "bytes" else f"{value:,} {event.unit}"

    if event.total is None or event.done == event.total:
        return amount(event.done)
    done = amount(event.done) if event.unit == "bytes" else f"{event.done:,}"
    return f"{done} of {amount(event.total)}"


def painter() -> Painter:
    """The painter for this stderr."""
    return LivePainter() if is_terminal(sys.stderr) else Painter()
