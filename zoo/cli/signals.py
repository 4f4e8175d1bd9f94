"""Ending in good order: what a first signal does, and what a second."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from zoo.cli.terminal import is_terminal
from zoo.errors import Terminated

_ASKING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def unwind_on_signals() -> Iterator[None]:
    """Make SIGTERM and SIGHUP unwind the block as Ctrl-C does, so that nothing half made stays, then end the process.

    A second SIGTERM ends it at once. A second SIGHUP is ignored, because a terminal that closes often sends two.
    """
    usual = [signum for signum in _ASKING if signal.getsignal(signum) is signal.SIG_DFL]  # nohup: stay deaf

    def restore(hang_up: signal.Handlers = signal.SIG_DFL) -> None:
        for signum in usual:
            signal.signal(signum, signal.SIG_DFL if signum == signal.SIGTERM else hang_up)

    def unwind(signum: int, frame: FrameType | None) -> None:
        restore(hang_up=signal.SIG_IGN)
        raise Terminated(signum)

    for signum in usual:
        signal.signal(signum, unwind)
    try:
        try:
            yield
        finally:
            restore()
    except Terminated as end:
        signal.raise_signal(end.signum)  # so that whoever waits for the process sees what ended it


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Callable[[], int | None]]:
    """Gives a function that answers which signal has asked us to stop, None while none has.

    After the first one the usual handlers are back, so a second Ctrl-C ends the process at once.
    """
    asked: list[int] = []
    said = b"stopping; a second time ends at once"
    # on a terminal it takes the last line, for what is drawn there must stay where it is
    said = b"\r\x1b[2K" + said if is_terminal(sys.stderr) else b"\nzoo: " + said + b"\n"
    before: dict[int, object] = {}

    def restore() -> None:
        for signum, handler in before.items():
            signal.signal(signum, handler)  # type: ignore[arg-type]

    def ask(signum: int, frame: FrameType | None) -> None:
        asked.append(signum)
        restore()
        with contextlib.suppress(OSError):  # a hang-up may have taken the terminal
            os.write(2, said)

    for signum in _ASKING:
        if signal.getsignal(signum) is not signal.SIG_IGN:  # nohup: stay deaf
            before[signum] = signal.signal(signum, ask)
    try:
        yield lambda: asked[0] if asked else None
    finally:
        restore()


@contextlib.contextmanager
def until_interrupted() -> Iterator[Callable[[], bool]]:
    """Gives a function that answers whether Ctrl-C has been pressed; a second time it interrupts at once, as ever."""
    asked: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def ask(signum: int, frame: FrameType | None) -> None:
        asked.append(signum)
        if len(asked) > 1:
            raise KeyboardInterrupt

    if before is signal.SIG_IGN or threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    signal.signal(signal.SIGINT, ask)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
