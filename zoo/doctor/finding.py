"""A finding: one thing that is wrong in a home."""

from collections.abc import Callable
from dataclasses import dataclass, field

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
