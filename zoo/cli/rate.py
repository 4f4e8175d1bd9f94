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
        self._task, self._seen = "", deque[tuple[float, int]]()

    def __call__(self, event: Progress) -> None:
        now = time.monotonic()
        if event.task != self._task or (self._seen and event.done < self._seen[-1][1]):  # another, or begun anew
            self._task = event.task
            self._seen.clear()
        if self._seen and now - self._seen[-1][0] < LEAST_SECONDS / 10:
            return
        self._seen.append((now, event.done))
        while now - self._seen[0][0] > WINDOW_SECONDS and len(self._seen) > 2:
            self._seen.popleft()

    def facts(self, event: Progress, narrow: bool) -> str:
        """What stands beside the bar of a download: amount, speed, time to go."""
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        known = end - begin >= LEAST_SECONDS and last > first
        speed = (last - first) / (end - begin) if known else 0.0
        amount = numbers.size(event.done)
        if event.total is not None:
            share = f"{100 * event.done // max(1, event.total)} %"
            amount = share if narrow else f"{amount} of {numbers.size(event.total)}"
        parts = [amount, f"{numbers.size(round(speed))}/s" if known else "-"]
        if event.total is not None:
            parts.append(f"ETA {numbers.duration((event.total - event.done) / speed if known else float('inf'))}")
        return (" " if narrow else "  ").join(parts)
