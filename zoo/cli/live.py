"""Drawing events on a terminal: lines that pass, and below them a view that stays."""

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from zoo.cli.app import say_event
from zoo.cli.pace import NARROW
from zoo.cli.painter import QUOTE, Painter
from zoo.cli.rate import amount
from zoo.cli.terminal import cut, fill, one_line, safe, size
from zoo.cli.view import Task, View
from zoo.events import Evaluated, Event, Planned, Progress, Started

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

REDRAW_SECONDS = 0.1
MARGIN = 2  # columns, for the ^C that a terminal writes at the end of the last line
UNSEEN_SECONDS = 1.0  # a shorter validation does not show while training, else the bar would flash


class LivePainter(Painter):
    """Keeps a view at the foot of the screen, and lets lines pass above it."""

    def __enter__(self) -> Self:
        from rich.console import Console
        from rich.live import Live

        self.view = View(self.pace)
        self._lines: list[Text] = []
        self._drawn_at, self._is_gone = 0.0, False
        self.console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self.console.size = size()
        self.live = Live(self, console=self.console, auto_refresh=False, transient=True)
        with suppress(OSError):
            self.live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._fit()
            self._lines = []
            self.live.stop()

    def __rich__(self) -> "Group":
        """What is at the foot."""
        from rich.console import Group

        return Group(*self._lines)

    def __call__(self, event: Event) -> None:
        if self._is_gone:
            return
        if isinstance(event, Planned | Started | Evaluated):
            self.view.task = None
        try:
            super().__call__(event)
        except OSError:  # a terminal that has gone is no reason to stop
            self._is_gone = True

    def print(self, text: str) -> None:
        self._compose()
        self.console.print(text if text.startswith(QUOTE) else fill(safe(text)), soft_wrap=True)

    def remark(self, event: Event) -> None:
        self._compose()
        say_event(event)  # which rich lets pass above the view

    def progress(self, event: Progress) -> None:
        if event.done == event.total:
            self.view.task = None
            self.print(f"{event.task}: {amount(event)}")
        else:
            self._show(event)

    def validating(self, event: Progress) -> None:
        if not self.pace.max_steps or time.monotonic() - self.rate.began > UNSEEN_SECONDS:
            self._show(event)

    def step(self) -> None:
        self.view.task = None
        self._draw()

    def _show(self, event: Progress) -> None:
        columns = self.console.width - MARGIN
        narrow, name = columns < NARROW, one_line(event.task)
        name = name.partition(" ")[0] if narrow else cut(name, columns // 3)
        self.view.task = Task(name, event.done, event.total, self.rate.facts(event, narrow=narrow))
        self._draw()

    def _draw(self) -> None:
        now = time.monotonic()
        if now - self._drawn_at >= REDRAW_SECONDS:
            self._drawn_at = now
            if self._compose():
                self.live.refresh()

    def _compose(self) -> bool:
        """Make the lines anew, and say whether they are others than those on the screen."""
        self._fit()
        before, (columns, rows) = self._lines, self.console.size
        self._lines = self.view.lines(max(1, columns - MARGIN), rows, plain=self.console.options.ascii_only)
        return self._lines != before

    def _fit(self) -> None:
        """Follow a terminal that has changed its size.

        It breaks the lines that became too long for it, so they take more rows than rich wrote, and goes up again.
        """
        from rich.control import Control
        from rich.segment import ControlType

        if (now := size()) == self.console.size:
            return
        more = sum((line.cell_len - 1) // now[0] for line in self._lines if line.cell_len)
        up = ((ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
        self.console.control(Control(ControlType.CARRIAGE_RETURN, *up * more))
        self.console.size = now
