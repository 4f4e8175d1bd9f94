"""A finding, one thing that is wrong in a home; and a place, where to look for some by themselves."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from zoo.home import Home

NEWER = "it was written by a newer zoo"
UPGRADE = "upgrade zoo; it is left as it is"
UNREADABLE = "make it readable, or look at the disk; it is left as it is"
TO_THE_TRASH = "moved to the trash"


@dataclass(frozen=True)
class Finding:
    """`where` is a path in the home, `what` says what is wrong there.

    `mend` puts it right, and `cure` says what is done then; without it, `cure` is for the reader to do. What is no
    damage is only worth knowing.
    """

    where: str
    what: str
    cure: str
    mend: Callable[[], object] | None = field(default=None, compare=False, repr=False)
    damage: bool = True


class Place:
    """A part of a home that can be looked at by itself, and that nobody else changes while it is held."""

    home: Home
    where: str

    @property
    def is_busy(self) -> bool:
        """Whether somebody is at work there, whose half-done things are no damage."""
        return False

    def look(self) -> Iterator[Finding]:
        """What is wrong there."""
        raise NotImplementedError

    def alone(self) -> AbstractContextManager[object]:
        """Hold it; raises Conflict when somebody else does, or when it is not there any more."""
        return nullcontext()

    def save(self) -> None:
        """Write what the mends of the last look have left to be written at once."""
