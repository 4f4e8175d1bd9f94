"""What can go wrong for a user: one tree of errors, each class owns its exit code.

    ZooError                 1
    ├── UsageProblem         2   an option, name or value that cannot be meant
    ├── NotFound             3   no model, dataset, preset or corpus of that name
    ├── BadData              4   text, weights or records that are damaged or unusable
    │   └── PluginFailure    4   a plugin raised or answered nonsense
    ├── Conflict             5   the name is taken, or another program holds the lock or writes the file
    ├── StorageProblem       6   the disk is full, read-only or not ours; no memory, no threads, no open files
    ├── NetworkProblem       7   no network, or bytes with the wrong hash
    ├── Diverged             8   the loss left the finite numbers
    ├── Refused              9   refused for safety
    └── Stopped        128 + n   ended by signal n after saving

A message is one line: what, why, what to type next.
"""

import difflib
import re
import signal
from collections.abc import Iterable

# "x.so: failed to map segment from shared object", "x.so: cannot open shared object file: Too many open files"
_NOT_LOADED = r"(\S+): (?:failed to map segment|cannot [^:]*: (?:Cannot allocate memory|Too many (open files)))"
_NO_MEMORY = "(annot|can't) allocate memory|bad_alloc|could not create a (primitive|memory)"


class ZooError(Exception):
    """Base of all errors that a user can do something about."""

    exit_code = 1


class UsageProblem(ZooError):
    exit_code = 2


class NotFound(ZooError):
    exit_code = 3


class BadData(ZooError):
    exit_code = 4


class PluginFailure(BadData):
    pass


class Conflict(ZooError):
    exit_code = 5


class Changed(Conflict):
    """Another program saved the file after zoo read it, and before zoo wrote it."""


class StorageProblem(ZooError):
    exit_code = 6


def shortage(error: BaseException) -> StorageProblem | None:
    """Return a StorageProblem when an error of Python, torch or the loader says that memory, threads or open files ran
    out. Return None for any other error, and for a ZooError."""
    text = "" if isinstance(error, ZooError) else str(error)
    if isinstance(error, RuntimeError) and ("start new thread" in text or "temporarily unavailable" in text):
        return StorageProblem(
            "this process may start no more threads; end other programs, or raise its limit (ulimit -u)"
        )
    if isinstance(error, ImportError | OSError) and (found := re.search(_NOT_LOADED, text)):
        lacks, limit = ("too many open files", "n") if found[2] == "open files" else ("not enough memory", "v")
        return StorageProblem(f"{lacks} to load {found[1]}; raise the limit of this process (ulimit -{limit})")
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or re.search(_NO_MEMORY, text):
        return StorageProblem("out of memory; free some, or train with a smaller batch_size or block_size")
    return None


class NetworkProblem(ZooError):
    exit_code = 7


class Diverged(ZooError):
    exit_code = 8


class NewerSchema(BadData):
    """A file that a later zoo has written, which is left as it is."""


class Refused(ZooError):
    exit_code = 9


class Stopped(ZooError):
    """A run was asked to end by a signal and has saved its state."""

    def __init__(self, message: str, signum: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signum, self.exit_code = signum, 128 + signum


class Terminated(BaseException):
    """A terminate signal or a hang-up asked the process to end. Like KeyboardInterrupt, it is not an Exception."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def did_you_mean(wrong: str, candidates: Iterable[str]) -> str:
    """Return a clause that names the nearest candidate, or nothing where none is near: "; did you mean 'm2'?"."""
    known = list(candidates)
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.7) or [word for word in known if _is_akin(wrong, word)]
    return f"; did you mean '{near[0]}'?" if near else ""


def _is_akin(one: str, other: str) -> bool:
    """Whether two words have the same letters in another order, or one word is part of the other."""
    return sorted(one) == sorted(other) or (min(len(one), len(other)) > 2 and (one in other or other in one))
