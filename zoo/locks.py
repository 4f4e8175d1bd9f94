"""Locks of the kernel: one writer at a time, and who is at work; a lock ends with its process."""

import contextlib
import errno
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import BadData, Conflict, NotFound, StorageProblem
from zoo.files import UNABLE, storing
from zoo.permissions import FILE_MODE

LOCK_SECONDS = 10.0


@contextlib.contextmanager
def locked(path: Path, *, seconds: float | None = None, busy: str = "") -> Iterator[None]:
    """Hold the kernel's exclusive lock on the file `path`, which is created and never deleted.

    Raises Conflict (saying `busy`) when somebody else holds it longer than `seconds` (else LOCK_SECONDS), and
    NotFound when its directory does not exist. The lock ends with its process.
    """
    import filelock

    if path.exists() and not path.is_file():
        raise BadData(f"{path} is not a regular file")
    if not path.parent.is_dir():  # filelock would create it
        raise NotFound(f"{path.parent} is missing")
    lock = filelock.FileLock(path, mode=FILE_MODE, fallback_to_soft=False)
    with storing(path):
        try:
            lock.acquire(timeout=LOCK_SECONDS if seconds is None else seconds)
        except filelock.Timeout:
            raise Conflict(busy or f"another zoo process holds {path}; try again") from None
        except FileNotFoundError:  # moved away between the look and the lock
            raise NotFound(f"{path.parent} is missing") from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, *UNABLE):
                raise
            why = f"its file system has no locks ({error.strerror}), without which two writers could lose models"
            way = "choose a home on a local disk with --home or ZOO_HOME"
            raise StorageProblem(f"cannot lock {path}: {why}; {way}") from error
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path) -> bool:
    """Whether some process holds `locked(path)`; looks without creating the file or keeping others out."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return False
    try:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except (ImportError, OSError):
        return False
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let signals that would end this process wait until the block is done, and then have their effect.

    By Python's own handlers, not by a mask, which other threads of the process would not share.
    """
    waiting: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signum = getattr(signal, name, None)
            if signum is not None and signal.getsignal(signum) not in (signal.SIG_IGN, None):
                before[signum] = signal.signal(signum, lambda number, frame: waiting.append(number))
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
        for signum in waiting:
            signal.raise_signal(signum)
