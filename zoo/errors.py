"""What can go wrong for a user: one tree of errors, each class owns its exit code.

    ZooError                 1
    ├── UsageProblem         2   an option, name or value that cannot be meant
    ├── NotFound             3   no model, dataset, preset or corpus of that name
    ├── BadData              4   text, weights or records that are damaged or unusable
    │   └── PluginFailure    4   a plugin raised or answered nonsense
    ├── Conflict             5   the name is taken, or another program holds the lock or writes the file
    ├── StorageProblem       6   the disk is full, read-only or not ours
    ├── NetworkProblem       7   no network, or bytes with the wrong hash
    ├── Diverged             8   the loss left the finite numbers
    ├── Refused              9   refused for safety
    └── Stopped        128 + n   ended by signal n after saving

A message is one line: what, why, what to type next.
"""

import difflib
import signal
from collections.abc import Iterable


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


class StorageProblem(ZooError):
    exit_code = 6


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
    """The process was told to end by a terminate signal or a hang-up. As KeyboardInterrupt, it is no Exception."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def did_you_mean(wrong: str, candidates: Iterable[str]) -> str:
    """Return a clause that names the nearest candidate, or nothing where none is near: "; did you mean 'm2'?"."""
    known = list(candidates)
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.7) or [word for word in known if _is_akin(wrong, word)]
    return f"; did you mean '{near[0]}'?" if near else ""


def _is_akin(one: str, other: str) -> bool:
    """Whether one of two words has the letters of the other in another order, or is an abbreviation of it."""
    return sorted(one) == sorted(other) or (min(len(one), len(other)) > 2 and (one in other or other in one))
