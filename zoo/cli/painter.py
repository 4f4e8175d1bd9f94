"""Drawing events: plain lines in a pipe or a log, a live view on a terminal. All of it goes to stderr."""

import sys
import time
from types import TracebackType
from typing import Self

from zoo.cli import planning
from zoo.cli.app import say_event
from zoo.cli.pace import Pace, opening
from zoo.cli.rate import Rate, amount
from zoo.cli.terminal import is_terminal, safe, say, width
from zoo.events import Evaluated, Event, Finished, Planned, Progress, Sampled, Started, Stepped, Validating, Warned

QUOTE = "  | "
QUIET_SECONDS = 30.0  # after which one who only sees lines may wonder


class Painter:
    """A callback for events, and a context that ends what it has drawn. This one says lines."""

    def __init__(self) -> None:
        self.pace, self.rate = Pace(), Rate()
        self._said_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        pass

    def __call__(self, event: Event) -> None:
        self.pace(event)
        match event:
            case Planned():
                self.print(planning.short(event))
                if event.warning:
                    self.remark(Warned(event.warning))
            case Started():
                self.print(opening(event))
            case Evaluated():
                self.rate = Rate()  # the next validation is another one
                self.print(self.pace.line(event))
            case Sampled():
                self.print(_quoted(event.text))
            case Progress():
                self.rate(event)
                self.progress(event)
            case Stepped():
                self.step()
            case Validating():
                windows = Progress("validating", event.done, event.total, "windows")
                self.rate(windows)
                self.validating(windows)
            case Finished():
                if event.early:
                    self.print(event.early)
            case _:
                self.remark(event)

    def print(self, text: str) -> None:
        """Lines that stay."""
        self._said_at = time.monotonic()
        say(text)

    def remark(self, event: Event) -> None:
        self._said_at = time.monotonic()
        say_event(event)

    def progress(self, event: Progress) -> None:
        if event.done == event.total:
            self.print(f"{event.task}: {amount(event)}")
        else:
            self.validating(event)

    def validating(self, event: Progress) -> None:
        if self._is_quiet():
            self.print(f"{event.task}: {'  '.join(self.rate.facts(event))}")

    def step(self) -> None:
        if self._is_quiet():
            self.print(self.pace.step_line())

    def _is_quiet(self) -> bool:
        return time.monotonic() - self._said_at > QUIET_SECONDS


def _quoted(text: str) -> str:
    """A sample behind a bar, its lines broken where the terminal ends."""
    length = max(10, width() - len(QUOTE))
    lines = safe(text).strip("\n").split("\n")
    pieces = [line[i : i + length] for line in lines for i in range(0, max(1, len(line)), length)]
    return "\n".join(QUOTE + piece for piece in pieces)


def painter() -> Painter:
    """The painter for this stderr."""
    from zoo.cli.live import LivePainter

    return LivePainter() if is_terminal(sys.stderr) else Painter()
