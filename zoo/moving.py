"""Moves of files and directories within a home, also from one disk to another.

Within a file system a move is one rename. Across two it is a copy beside the target, synced as a whole, which takes the
target's name in one step; the source is deleted last. So a kill leaves the source, or both, each of them whole. When
both are left, the one with a row in the registry counts.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from zoo import files
from zoo.errors import Conflict, ZooError
from zoo.permissions import take_after


def move(source: Path, target: Path) -> None:
    """Move a file, a directory or a link; raises Conflict when the target exists."""
    with moved(source, target):
        pass


@contextlib.contextmanager
def moved(source: Path, target: Path) -> Iterator[None]:
    """Move as `move` does, and back again if the block fails."""
    files.make_directory(target.parent)
    if os.path.lexists(target):
        raise Conflict(f"{target} exists already")
    is_copy = not _rename(source, target)
    if is_copy:
        _copy(source, target)
    try:
        yield
        if is_copy:
            _take_away(source)
    except BaseException:
        with contextlib.suppress(ZooError):
            if is_copy:
                _take_away(target)
            else:
                _rename(target, source)
        raise


def _rename(source: Path, target: Path) -> bool:
    """Move by one rename and return True; return False, and change nothing, when the target is on another disk."""
    with files.storing(target):
        try:
            os.rename(source, target)
        except OSError as error:
            if error.errno == errno.EXDEV:
                return False
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # it has come into being just now
                raise Conflict(f"{target} exists already") from None
            raise
        try:
            for directory in {target.parent: None, source.parent: None}:
                files.sync_directory(directory)
        except BaseException:
            with contextlib.suppress(OSError):
                os.rename(target, source)
            raise
    return True


def _copy(source: Path, target: Path) -> None:
    """Copy so that the target appears in one step and survives a power cut; a failure leaves nothing."""
    temporary = files.temporary_beside(target)
    try:
        with files.storing(target):
            _copy_all(source, temporary)
        _rename(temporary, target)
    except BaseException:
        _delete(temporary)
        raise


def _copy_all(source: Path, target: Path) -> None:
    """Copy a file, or a directory and all below it, with owners, permissions and times, and sync each."""
    directories = []
    waiting = [(source, target)]  # not by recursion: somebody may have nested thousands
    while waiting:
        here, there = waiting.pop()
        info = here.lstat()
        if stat.S_ISDIR(info.st_mode):
            there.mkdir(stat.S_IRWXU)
            directories.append((info, there))
            with os.scandir(here) as entries:
                waiting += [(Path(entry.path), there / entry.name) for entry in entries]
        elif stat.S_ISREG(info.st_mode):
            with open(here, "rb") as original, files.created(there, info) as copy:
                shutil.copyfileobj(original, copy, 2**20)
            os.utime(there, ns=(info.st_atime_ns, info.st_mtime_ns))
        elif stat.S_ISLNK(info.st_mode):
            there.symlink_to(here.readlink())
        else:  # a pipe or a socket
            os.mknod(there, info.st_mode, info.st_rdev)
    for info, there in reversed(directories):  # what is below a directory comes before it
        take_after(there, info)
        os.utime(there, ns=(info.st_atime_ns, info.st_mtime_ns))
        files.sync_directory(there)


def _take_away(path: Path) -> None:
    """Delete a file or directory so that no part of it is ever left under its name."""
    doomed = files.temporary_beside(path)
    if _rename(path, doomed):
        _delete(doomed)
    else:  # a layer of a container, which cannot rename a directory of the image below it
        _delete(path)


def _delete(path: Path) -> None:
    """Delete a file or directory that nobody needs; what cannot be deleted is found by the doctor."""
    with contextlib.suppress(OSError, RecursionError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
