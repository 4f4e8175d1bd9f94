"""What lies about in a home: temporaries of processes that are gone, files that all may write, what is no lock."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from zoo import files, locks, permissions, tables
from zoo.doctor.finding import TO_THE_TRASH, UNREADABLE, Finding, Place
from zoo.errors import BadData, NewerSchema, NotFound, StorageProblem, ZooError
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.model import RUN_LOCK
from zoo.registry.registry import Registry
from zoo.registry.row import CACHE_LIMIT

# what a sync tool or an editor calls its copy of a file that it found changed on two sides
_CONFLICT_COPY = re.compile(
    r"\.sync-conflict-\d"  # Syncthing
    r"|conflicted copy|\(case conflict"  # Dropbox, Nextcloud, ownCloud
    r"|\(SFConflict "  # Seafile
    r"|\.orig$|\.rej$"  # git, patch
    r"|^(registry|model)[ (_-].*\.toml$"  # OneDrive, iCloud, git mergetool: the name of a host, a number, a side
)
_LOOKED_AT = 2**16  # bytes of such a copy
WITHOUT_CHECKSUM = b"{\n"  # how an evaluation of an older zoo begins
_MADE = re.compile(re.escape(files.TEMPORARY) + "[0-9a-f]{32}")


class Rest(Place):
    """All of a home that is in none of the other places, whose directories are `seen`; the trash is only weighed."""

    where = "the rest"

    def __init__(self, home: Home, seen: set[Path]) -> None:
        self.home, self.seen = home, seen

    @property
    def is_busy(self) -> bool:
        """Whether a writer is at work, which may be copying a model from one disk to another for minutes."""
        return locks.is_locked(self.home.lock("registry"))

    def alone(self) -> AbstractContextManager[object]:
        return Registry(self.home).alone()

    def look(self) -> Iterator[Finding]:
        yield from broken_locks(self.home)
        yield from self._no_directories()
        yield from _derived(self.home)
        yield from _at(self.home, self.home.path)
        # a home may lie in a directory with other things in it
        tops = self._directories()
        for path in (self.home.registry, *tops, *_strays(self.home)):
            if path.is_dir() or (path.exists() and not path.is_symlink()):  # a top directory may be a link to a disk
                yield from _at(self.home, path)
                yield from debris(self.home, path, but={*self.seen, *tops, self.home.trash})
        if size := trash.size(self.home):
            what, cure = f"it holds {size:,} bytes", "delete the directory when you need none of it"
            yield Finding(str(self.home.trash.relative_to(self.home.path)), what, cure, damage=False)

    def _no_directories(self) -> Iterator[Finding]:
        """What stands where everything else is kept, and is no directory."""
        home = self.home
        for path in (*self._directories(), home.trash):
            if path == home.models or path.is_dir():  # the index tells of models/
                continue
            where = str(path.relative_to(home.path))
            if path.exists():
                yield Finding(where, "it is not a directory", "move it away: zoo needs a directory there")
            elif path.is_symlink():
                yield Finding(
                    where, "it is a link that leads nowhere", "mount the disk it leads to, or delete the link"
                )

    def _directories(self) -> tuple[Path, ...]:
        """Return the directories in which zoo keeps its files; each may be a link to a directory elsewhere."""
        home = self.home
        return (home.models, home.path / ".zoo", home.corpora, home.cache, home.evaluations)


def _derived(home: Home) -> Iterator[Finding]:
    """Report files of computed values that are not as they were written."""
    for path in (home.rows, *sorted(home.evaluations.glob("*/*.json"))):
        where, away = str(path.relative_to(home.path)), partial(trash.put_away, home, path)
        try:
            tables.read_derived(path, limit=CACHE_LIMIT)
        except BadData as error:
            if not _is_of_another_version(path):
                yield Finding(where, str(error), f"{TO_THE_TRASH}; it is computed again when it is needed", away)
        except StorageProblem as error:
            yield Finding(where, str(error), UNREADABLE)
        except NotFound:
            pass


def _is_of_another_version(path: Path) -> bool:
    """Return whether an older zoo wrote an evaluation, without a checksum, or a newer one: both are left alone."""
    try:
        tables.refuse_newer_file(path, "evaluation")
        with files.opened(path) as file:
            return file.readline(100) == WITHOUT_CHECKSUM
    except NewerSchema:
        return True
    except (ZooError, OSError):
        return False


def debris(home: Home, directory: Path, but: frozenset[Path] | set[Path] = frozenset()) -> Iterator[Finding]:
    """What lies about below a directory, whatever links lead to left out, and these directories with all below them."""
    waiting = [directory]  # not by recursion: somebody may have nested thousands
    while waiting:
        for entry in _entries(waiting.pop()):
            path = Path(entry.path)
            if entry.is_symlink() or path in but:
                continue
            yield from _at(home, path)
            if entry.is_dir(follow_symlinks=False) and not _is_temporary(path):
                waiting.append(path)


def _at(home: Home, path: Path) -> Iterator[Finding]:
    """What is wrong with a path itself."""
    where = str(path.relative_to(home.path))
    if _is_temporary(path):
        what = "it was left half written by a process that is gone"
        yield Finding(where, what, TO_THE_TRASH, partial(trash.put_away, home, path))
    elif _is_open_to_all(path):
        cure = "nobody but owner and group may any more"
        yield Finding(
            where, "everybody on this machine may write it", cure, partial(permissions.narrow, path, ~stat.S_IWOTH)
        )
    elif _is_conflict_copy(path):
        what = "it is a copy that a sync tool or an editor made of a file changed on two sides; zoo does not read it"
        cure = "compare it with the file it is a copy of, bring over what you miss, and delete it"
        yield Finding(where, what, cure, damage=False)


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


def _strays(home: Home) -> list[Path]:
    """Return the temporaries of zoo and the conflict copies of the registry; a home may lie beside other files."""
    found = []
    for entry in _entries(home.path):
        is_copy = entry.name.startswith(home.registry.stem) and _is_conflict_copy(Path(entry.path))
        if is_copy or _MADE.fullmatch(entry.name):
            found.append(Path(entry.path))
    return found


def _entries(directory: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(directory) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_temporary(path: Path) -> bool:
    return path.name.startswith(files.TEMPORARY)


def _is_conflict_copy(path: Path) -> bool:
    """Whether a file is a sync tool's or an editor's copy; that of a registry or a card must also have rows."""
    if not _CONFLICT_COPY.search(path.name) or not path.is_file():
        return False
    if not path.name.startswith(("registry", "model")):
        return True
    try:
        with files.opened(path) as file:
            return b"[models." in file.read(_LOOKED_AT)
    except ZooError:
        return False


def _is_open_to_all(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return os.name != "nt" and bool(mode & stat.S_IWOTH) and not mode & stat.S_ISVTX
