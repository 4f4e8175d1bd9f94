"""Permissions: nobody may do more with a file after it was replaced, copied or moved than before."""

import os
import stat
from contextlib import suppress
from pathlib import Path

FILE_MODE, DIRECTORY_MODE = 0o664, 0o775  # of what is new, less the umask; whatever it is, not everybody may write


def narrow(path: Path, allowed: int) -> None:
    """Take every permission that is not `allowed` from a file or directory; none is ever added.

    A link is followed both for the look and for the change: a link itself has no permissions.
    """
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & ~allowed:
        path.chmod(mode & allowed)


def take_after(path: Path, old: os.stat_result) -> None:
    """Give a new file or directory the owner and the permissions of an old one, as far as the system lets us.

    Nobody can do more with it than with the old one: where the group cannot be kept, the new group may do what all
    others may. Not everybody may write, whatever the old one allowed.
    """
    if os.name == "nt":
        return
    new, mode = path.stat(), stat.S_IMODE(old.st_mode) & ~stat.S_IWOTH
    with suppress(OSError):  # a file system without owners or permissions
        if new.st_uid != old.st_uid:
            with suppress(PermissionError):  # for root alone
                os.chown(path, old.st_uid, -1)
        if new.st_gid != old.st_gid:
            try:
                os.chown(path, -1, old.st_gid)
            except PermissionError:
                mode &= ~stat.S_IRWXG | (mode & stat.S_IRWXO) << 3
        if mode != stat.S_IMODE(path.stat().st_mode):
            path.chmod(mode)


def make_alike(new: Path, old: Path) -> None:
    """Give a directory and its files the owners and permissions of an old directory and its files of the same names."""
    for path in (new, *new.iterdir()):
        with suppress(FileNotFoundError):
            take_after(path, (old / path.relative_to(new)).stat())


def audience(path: Path, within: Path) -> int:
    """Return a mask of the permissions of all who can read `path`, given the directories above it below `within`."""
    mask = 0o7777  # all there are
    for part in (path, *path.parents):
        if part == within:
            break
        mode = part.stat().st_mode
        needed = stat.S_IXGRP | stat.S_IXOTH if stat.S_ISDIR(mode) else stat.S_IRGRP | stat.S_IROTH
        for bits in (stat.S_IRWXG, stat.S_IRWXO):
            if not mode & bits & needed:
                mask &= ~bits
    return mask


def keep_audience(path: Path, within: Path) -> None:
    """Take the permissions of all who cannot read a file or directory where it is: the directories above its next place
    may let them in. Best effort: another user's file keeps what it has."""
    with suppress(OSError):
        if not path.is_symlink():
            narrow(path, audience(path, within))
