"""Locks of the kernel: one writer at a time, and who is at work; a lock ends with its process."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import BadData, Conflict, StorageProblem
from zoo.files import storing

LOCK_SECONDS = 10.0


@contextlib.contextmanager
def locked(path: Path, *, seconds: float | None = None, busy: str = "") -> Iterator[None]:
    """Hold the kernel's exclusive lock on the file `path`, which is created and never deleted.

    Raises Conflict (saying `busy`) when somebody else holds it longer than `seconds` (else LOCK_SECONDS), and
    StorageProblem when its directory does not exist. The lock ends with its process.
    """
    import filelock

    if path.exists() and not path.is_file():
        raise BadData(f"{path} is not a regular file")
    if not path.parent.is_dir():  # filelock would create it
        raise StorageProblem(f"cannot lock {path}: there is no such directory")
    lock = filelock.FileLock(path, fallback_to_soft=False)
    with storing(path):
        try:
            lock.acquire(timeout=LOCK_SECONDS if seconds is None else seconds)
        except filelock.Timeout:
            raise Conflict(busy or f"another zoo process holds {path}; try again") from None
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
