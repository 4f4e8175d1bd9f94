"""A disk that refuses, that dies in the middle, and that loses power: the operating system's calls that write, watched
below one directory.

Reading is left alone. Synced is noted, not done, for no test here cuts the real power.
"""

import builtins
import errno
import io
import os
import random
import shutil
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
Moment = Literal["before", "half", "after"]


@dataclass(frozen=True)
class Operation:
    """One call that changes what the disk holds. Paths are relative to the watched directory."""

    kind: str  # create, open, write, cut, sync, rename, link, remove, make, mode
    path: str
    target: str = ""  # of a rename and a link
    data: bytes = b""  # of a write
    at: int = 0  # where a write begins, or a cut ends

    def __str__(self) -> str:
        size = f" {len(self.data)} bytes" if self.data else ""
        return f"{self.kind} {self.path}{size}" + (f" to {self.target}" if self.target else "")


@dataclass
class Disk:
    """Watches what is written below `root`.

    failing   the errno with which operation number `at` (the first is 1) is refused; lasting: and all later ones
    dying     when in operation number `at` this process ends as by SIGKILL; half: in the middle of a write
    asked     every operation, in order
    trace     those of them that were done
    struck    the operation that was refused, None while there was none
    apart     a directory, relative to the root, that lies on another file system: no rename or link crosses its border
    """

    root: Path
    at: int = 0
    failing: int = 0
    lasting: bool = False
    dying: Moment | None = None
    asked: list[Operation] = field(default_factory=list)
    trace: list[Operation] = field(default_factory=list)
    struck: Operation | None = None
    apart: str = ""

    def __post_init__(self) -> None:
        self.root = self.root.resolve()

    @contextmanager
    def watched(self) -> Iterator["Disk"]:
        """Be between this process and its disk."""
        calls = {
            "open": self._open_descriptor, "fsync": self._sync, "replace": self._rename, "rename": self._rename,
            "link": self._link, "unlink": self._remove, "remove": self._remove, "rmdir": self._rmdir,
            "mkdir": self._mkdir, "truncate": self._truncate, "chmod": self._chmod,
        }  # fmt: skip
        with (
            patch.multiple(os, **calls),
            patch.object(builtins, "open", self._open),
            patch.object(io, "open", self._open),
        ):
            yield self

    def _do(self, operation: Operation, call: Callable[[], Any], half: Callable[[], object] | None = None) -> Any:
        """One operation, unless its turn to fail or to die has come; half of a write reaches the disk."""
        self.asked.append(operation)
        turn = len(self.asked) == self.at
        if self.failing and (turn or (self.lasting and self.struck)):
            self.struck = self.struck or operation
            if half:
                half()
            raise OSError(self.failing, os.strerror(self.failing), operation.path)
        if turn and self.dying in ("before", "half"):
            if self.dying == "half" and half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            result = call()
            self.trace.append(operation)
        finally:
            if turn and self.dying == "after":
                os.kill(os.getpid(), signal.SIGKILL)
        return result

    def _name(self, path: Any, dir_fd: int | None = None) -> str | None:
        """The path relative to the root, None for one that is not watched."""
        if isinstance(path, int):
            path = _path_of(path)
        elif dir_fd is not None:
            path = _path_of(dir_fd) / os.fsdecode(path)
        path = Path(os.fsdecode(path)).absolute()
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else None

    def _open_descriptor(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        def call() -> int:
            return REAL["open"](path, flags, mode, dir_fd=dir_fd)

        name = self._name(path, dir_fd) if flags & WRITING else None
        if name is None:
            return call()
        new = flags & os.O_CREAT and not os.path.lexists(self.root / name)
        return self._do(Operation("create" if new else "open", name), call)

    def _open(self, file: Any, mode: str = "r", *args: Any, opener: Any = None, **options: Any) -> Any:
        name = None if isinstance(file, int) or not set(mode) & set("wax+") else self._name(file)
        if name is None:
            return REAL["builtin open"](file, mode, *args, opener=opener, **options)
        plain = opener or (lambda path, flags: os.open(path, flags, 0o666))
        raw = _Watched(self, name, os.fspath(file), mode.replace("b", "").replace("t", ""), plain)
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)  # type: ignore[arg-type]
        if "b" in mode:
            return buffered
        encoding, newline = options.get("encoding"), options.get("newline")
        return io.TextIOWrapper(buffered, encoding=encoding, newline=newline)

    def _sync(self, descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        name = self._name(number)
        if name is None:  # a directory above the watched one is there already
            return
        self._do(Operation("sync", name), lambda: None)

    def _rename(self, source: Any, target: Any) -> None:
        self._two("rename", source, target, REAL["rename"])

    def _link(self, source: Any, target: Any) -> None:
        self._two("link", source, target, REAL["link"])

    def _two(self, kind: str, source: Any, target: Any, call: Callable[[Any, Any], None]) -> None:
        here, there = self._name(source), self._name(target)
        if here is None or there is None:
            call(source, target)
        elif self._is_apart(here) != self._is_apart(there):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), os.fspath(source))
        else:
            self._do(Operation(kind, here, there), lambda: call(source, target))

    def _is_apart(self, name: str) -> bool:
        return bool(self.apart) and Path(name).is_relative_to(self.apart)

    def _one(self, kind: str, path: Any, dir_fd: int | None, call: Callable[[], None]) -> None:
        name = self._name(path, dir_fd)
        if name is None:
            call()
        else:
            self._do(Operation(kind, name), call)

    def _remove(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._one("remove", path, dir_fd, lambda: REAL["unlink"](path, dir_fd=dir_fd))

    def _rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        self._one("remove", path, dir_fd, lambda: REAL["rmdir"](path, dir_fd=dir_fd))

    def _mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        self._one("make", path, dir_fd, lambda: REAL["mkdir"](path, mode, dir_fd=dir_fd))

    def _chmod(self, path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
        self._one(
            "mode",
            path,
            dir_fd,
            lambda: REAL["chmod"](path, mode, dir_fd=dir_fd, follow_symlinks=follow_symlinks),
        )

    def _truncate(self, path: Any, length: int) -> None:
        name = self._name(path)
        if name is None:
            REAL["truncate"](path, length)
        else:
            self._do(Operation("cut", name, at=length), lambda: REAL["truncate"](path, length))


REAL: dict[str, Any] = {
    "builtin open": builtins.open,
    **{name: getattr(os, name) for name in ("open", "rename", "link", "unlink", "rmdir", "mkdir", "chmod", "truncate")},
}


class _Watched(io.FileIO):
    """The file below the buffer that `open` returns for writing."""

    def __init__(self, disk: Disk, name: str, path: str, mode: str, opener: Any) -> None:
        self._disk, self._path = disk, name
        self._at_end = "a" in mode
        super().__init__(path, mode, opener=opener)

    def write(self, data: Any) -> int:  # type: ignore[override]
        data = bytes(data)
        begin = os.fstat(self.fileno()).st_size if self._at_end else self.tell()

        def write(part: bytes = data) -> int:
            assert super(_Watched, self).write(part) == len(part)
            return len(part)

        operation = Operation("write", self._path, data=data, at=begin)
        return int(self._disk._do(operation, write, half=lambda: write(data[: len(data) // 2])))


def _path_of(descriptor: int) -> Path:
    """What a descriptor stands for."""
    return Path(f"/proc/self/fd/{descriptor}").readlink()


# --- power


@dataclass(eq=False)
class _File:
    """What the disk has for sure of a file, and what was written since."""

    saved: bytes = b""
    since: list[Operation] = field(default_factory=list)

    def content(self) -> bytes:
        return _written(self.saved, self.since)

    def sync(self) -> None:
        self.saved, self.since = self.content(), []

    def draw(self, chance: random.Random) -> bytes:
        """What a power cut may leave: any of the later writes, the last of them torn, or room without content."""
        if not self.since:
            return self.saved
        match chance.randrange(5):
            case 0:
                return self.saved
            case 1:
                return self.content()
            case 2:
                some = self.since[: chance.randrange(len(self.since) + 1)]
                if some and some[-1].data:
                    torn = some[-1]
                    data = torn.data[: chance.randrange(len(torn.data) + 1)]
                    some[-1] = Operation("write", torn.path, data=data, at=torn.at)
                return _written(self.saved, some)
            case 3:
                return _written(self.saved, [operation for operation in self.since if chance.random() < 0.5])
            case _:
                whole = self.content()
                return self.saved[: len(whole)] + bytes(max(0, len(whole) - len(self.saved)))


def _written(data: bytes, operations: list[Operation]) -> bytes:
    for operation in operations:
        if operation.kind == "cut":
            data = data[: operation.at].ljust(operation.at, b"\0")
        else:
            data = data.ljust(operation.at, b"\0")
            data = data[: operation.at] + operation.data + data[operation.at + len(operation.data) :]
    return data


@dataclass(eq=False)
class _Directory:
    """Names as programs see them, and as the disk has them for sure."""

    now: dict[str, "_File | _Directory"] = field(default_factory=dict)
    saved: dict[str, "_File | _Directory"] = field(default_factory=dict)


@dataclass(eq=False)
class _Change:
    """One step that changes names; it is durable when the directory `decides` was synced after it."""

    decides: _Directory
    names: dict[tuple[_Directory, str], "_File | _Directory | None"]


class Medium:
    """What survives: a disk on which everything that stood in `root` is safe, and what was done since is not, until it
    is synced.

    The bytes of a file are safe once that file was synced, a name once its directory was; a rename is one step.
    """

    def __init__(self, root: Path) -> None:
        self.root = _load(root)
        self.unsafe: list[_Change] = []

    def apply(self, operation: Operation) -> None:
        """Do what a trace says."""
        parent, name = self._at(operation.path)
        match operation.kind:
            case "create":
                self._change(parent, {(parent, name): _File()})
            case "make":
                self._change(parent, {(parent, name): _Directory()})
            case "remove":
                self._change(parent, {(parent, name): None})
            case "rename":
                there, new = self._at(operation.target)
                self._change(there, {(there, new): parent.now[name], (parent, name): None})
            case "link":
                there, new = self._at(operation.target)
                self._change(there, {(there, new): parent.now[name]})
            case "write" | "cut":
                file = parent.now[name]
                assert isinstance(file, _File)
                file.since.append(operation)
            case "sync":
                node = self.root if operation.path == "." else parent.now[name]
                node.sync() if isinstance(node, _File) else self._settle(node)

    def _at(self, path: str) -> tuple[_Directory, str]:
        *parents, name = Path(path).parts or (".",)
        directory = self.root
        for part in parents:
            below = directory.now[part]
            assert isinstance(below, _Directory)
            directory = below
        return directory, name

    def _change(self, decides: _Directory, names: dict[tuple[_Directory, str], Any]) -> None:
        change = _Change(decides, names)
        _put(change, "now")
        self.unsafe.append(change)

    def _settle(self, directory: _Directory) -> None:
        """What was changed in a directory is safe from now on."""
        left: list[_Change] = []
        for change in self.unsafe:
            if change.decides is directory:
                _put(change, "saved")
                for older in left:  # which is overtaken
                    for place in change.names:
                        older.names.pop(place, None)
            else:
                left.append(change)
        self.unsafe = left

    def cut(self, chance: random.Random, target: Path) -> None:
        """Write into `target`, a new directory, one of the states that a power cut may leave at this moment."""
        if chance.random() < 0.5:  # in order, as a journal has it
            kept = self.unsafe[: chance.randrange(len(self.unsafe) + 1)]
        else:
            share = chance.random()
            kept = [change for change in self.unsafe if chance.random() < share]
        names: dict[_Directory, dict[str, Any]] = {}
        for change in kept:
            for (directory, name), node in change.names.items():
                names.setdefault(directory, dict(directory.saved))[name] = node
        _store(self.root, names, target, chance)


def _put(change: _Change, where: Literal["now", "saved"]) -> None:
    for (directory, name), node in change.names.items():
        entries = getattr(directory, where)
        if node is None:
            entries.pop(name, None)
        else:
            entries[name] = node


def _load(path: Path) -> _Directory:
    directory = _Directory()
    for entry in path.iterdir():
        node = _load(entry) if entry.is_dir() else _File(entry.read_bytes())
        directory.now[entry.name] = directory.saved[entry.name] = node
    return directory


def _store(directory: _Directory, names: dict[_Directory, dict[str, Any]], target: Path, chance: random.Random) -> None:
    target.mkdir()
    for name, node in names.get(directory, directory.saved).items():
        if isinstance(node, _Directory):
            _store(node, names, target / name, chance)
        elif node is not None:
            (target / name).write_bytes(node.draw(chance))


@contextmanager
def without_syncs() -> Iterator[None]:
    """Let nothing wait for the real disk."""
    with patch.object(os, "fsync", lambda descriptor: None):
        yield


def in_a_child(work: Callable[[], None]) -> int:
    """Do this in a process of its own; returns how it ended, as os.waitpid tells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, of which the child uses none
        child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)  # nothing of the test runner runs in here
    return os.waitpid(child, 0)[1]


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory in memory, where the system has such: thousands of homes are made and thrown away."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as path:
        yield Path(path).resolve()


def copy(source: Path, target: Path) -> Path:
    """A copy of a directory in the place of whatever stands there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target
