"""How fast a task goes, from the last moments of its progress, and when it will be done."""

import time
from collections import deque

from zoo.cli import numbers
from zoo.events import Progress

WINDOW_SECONDS = 15.0
LEAST_SECONDS = 0.5  # less says nothing


class Rate:
    """Watches the progress of one task after the other."""

    def __init__(self) -> None:
        self.began, self._task, self._seen = 0.0, "", deque[tuple[float, int]]()

    def __call__(self, event: Progress) -> None:
        now = time.monotonic()
        if event.task != self._task or (self._seen and event.done < self._seen[-1][1]):  # another, or begun anew
            self.began, self._task = now, event.task
            self._seen.clear()
        if self._seen and now - self._seen[-1][0] < LEAST_SECONDS / 10:
            return
        self._seen.append((now, event.done))
        while now - self._seen[0][0] > WINDOW_SECONDS and len(self._seen) > 2:
            self._seen.popleft()

    def facts(self, event: Progress, *, narrow: bool = False) -> tuple[str, ...]:
        """What stands beside its bar: amount, speed where it is one of bytes, time to go."""
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        known = end - begin >= LEAST_SECONDS and last > first
        speed = (last - first) / (end - begin) if known else 0.0
        done = f"{100 * event.done // max(1, event.total)} %" if narrow and event.total is not None else amount(event)
        pace = f"{numbers.size(round(speed))}/s" if known else numbers.UNKNOWN
        facts = (done, pace) if event.unit == "bytes" else (done,)
        if event.total is None:
            return facts
        return *facts, f"ETA {numbers.duration((event.total - event.done) / speed if known else float('inf'))}"


def amount(event: Progress) -> str:
    """How much of a task is done."""

    def counted(value: int) -> str:
        return numbers.size(value) if event.unit == "bytes" else f"{value:,} {event.unit}"

    if event.total is None or event.done == event.total:
        return counted(event.done)
    done = counted(event.done) if event.unit == "bytes" else f"{event.done:,}"
    return f"{done} of {counted(event.total)}"
