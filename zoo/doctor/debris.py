"""What lies about in a home: temporaries of processes that are gone, files that all may write, the trash."""

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from zoo import files, locks
from zoo.corpora.corpus import fetch_lock
from zoo.doctor.finding import TO_THE_TRASH, Finding
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.registry import RUN_LOCK


def debris(home: Home) -> Iterator[Finding]:
    """What lies about where nobody is at work; the trash is left as it is."""
    for path in _walk(home, home.path):
        where = str(path.relative_to(home.path))
        if path.name.startswith(files.TEMPORARY):
            what = "it was left half written by a process that is gone"
            yield Finding(where, what, TO_THE_TRASH, partial(trash.put_away, home, path))
        elif _is_open_to_all(path):
            yield Finding(
                where,
                "everybody on this machine may write it",
                "nobody but owner and group may any more",
                partial(files.protect, path),
            )
    if size := trash.size(home):
        what = f"it holds {size:,} bytes"
        yield Finding(
            str(home.trash.relative_to(home.path)), what, "delete the directory when you need none of it", damage=False
        )


def broken_locks(home: Home) -> Iterator[Finding]:
    """What stands where a lock should, and cannot be held."""
    locks_directory = home.lock("any").parent
    places = [Path(entry.path) for entry in (*_entries(locks_directory), *_entries(home.models))]
    paths = [path / RUN_LOCK if path.parent == home.models else path for path in places]
    for path in [locks_directory, *paths]:
        wanted = stat.S_ISDIR if path == locks_directory else stat.S_ISREG
        try:
            whole = wanted(path.lstat().st_mode)
        except OSError:  # there is none
            continue
        if not whole:
            away = partial(trash.put_away, home, path)
            yield Finding(str(path.relative_to(home.path)), "no lock can be held on it", TO_THE_TRASH, away)


def _walk(home: Home, directory: Path) -> Iterator[Path]:
    """Everything of ours below a directory, but the trash, what a worker or a fetch holds, and what links lead to."""
    for entry in _entries(directory):
        if (
            directory == home.path
            and entry.name not in ("registry.toml", "models", ".zoo")
            and not _is_temporary(entry)
        ):
            continue  # a home may lie in a directory with other things in it
        if Path(entry.path) == home.trash or entry.is_symlink():
            continue
        path = Path(entry.path)
        yield path
        if entry.is_dir(follow_symlinks=False) and not _is_temporary(entry) and not _is_at_work(home, path):
            yield from _walk(home, path)


def _entries(directory: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_temporary(entry: "os.DirEntry[str]") -> bool:
    return entry.name.startswith(files.TEMPORARY)


def _is_at_work(home: Home, path: Path) -> bool:
    """Whether some process is writing in there."""
    if path.parent in (home.corpora, home.cache):
        return locks.is_locked(fetch_lock(home, path.name))
    return path.parent == home.models and locks.is_locked(path / RUN_LOCK)


def _is_open_to_all(path: Path) -> bool:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return False
    return os.name != "nt" and bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX
