"""Reads and writes of files, safe against a kill and a power cut. Only moving.py also changes what a home keeps.

Every write lands in a temporary file beside its target, is synced, and replaces the target in one step; the directory
is synced after it. So a reader, a kill or a power cut finds the old file or the new one.
"""

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, BinaryIO

from zoo.errors import BadData, Changed, Conflict, NotFound, Refused, StorageProblem, ZooError
from zoo.permissions import DIRECTORY_MODE, FILE_MODE, narrow, take_after

TEMPORARY = ".tmp-"
UNABLE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)  # of a file system that lacks something


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals around `path` into StorageProblem."""
    try:
        yield
    except OSError as error:
        raise StorageProblem(f"cannot write {path}: {_why(error)}{_room(error, path)}") from error


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """As `storing`, for reads; what is missing is NotFound."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{path} is missing") from None
    except OSError as error:
        raise StorageProblem(f"cannot read {path}: {_why(error)}") from error


def _why(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _room(error: OSError, path: Path) -> str:
    """A clause that says how much is free, of a disk that is full."""
    if error.errno == errno.ENOSPC:
        with contextlib.suppress(OSError):
            return f" ({shutil.disk_usage(path.parent).free:,} bytes are free)"
    return ""


def temporary_beside(path: Path) -> Path:
    """A fresh name in the same directory, so that a rename never crosses file systems."""
    return path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")


class Seen:
    """A file as it was read: `data` holds its bytes, or None when it cannot be read; `successor` what replaces them."""

    def __init__(self, path: Path, *, limit: int) -> None:
        self._path, self._limit = path, limit
        self.data = self._read()
        self.successor: bytes | None = None

    def _read(self) -> bytes | None:
        try:
            return read_bytes(self._path, limit=self._limit)
        except ZooError:
            return None

    def check(self) -> None:
        """Raise Changed unless the file still holds `data`."""
        if self._read() != self.data:
            raise Changed(f"another program has changed {self._path} meanwhile; try again")

    def put_back(self) -> None:
        """Write `data` again, unless nothing was written over it, or another program has saved the file since."""
        now = Seen(self._path, limit=self._limit)
        was_written = self.successor is not None and now.data == self.successor != self.data
        if self.data is not None and was_written:
            write_bytes(self._path, self.data, over=now)


def write_bytes(path: Path, data: bytes, *, durable: bool = True, over: Seen | None = None) -> None:
    """Replace `path` by `data` in one step; durable: it survives a power cut once this returns.

    Raises Changed, and writes nothing, when the file no longer holds what `over` has read.
    """
    if over:
        over.successor = data
    with draft(path, durable=durable, over=over) as file:
        file.append(data)


def write_chunks(path: Path, chunks: Iterable[bytes]) -> None:
    """As `write_bytes`, for data that should not stand in memory whole."""
    with draft(path) as file, storing(path):
        for chunk in chunks:
            file.append(chunk)


class Draft:
    """A file that grows beside its target, and may be begun anew."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path, self._file = path, file

    def append(self, data: bytes) -> None:
        with storing(self.path):
            self._file.write(data)

    def clear(self) -> None:
        with storing(self.path):
            self._file.seek(0)
            self._file.truncate()


@contextlib.contextmanager
def draft(
    path: Path, *, durable: bool = True, over: Seen | None = None, like: os.stat_result | None = None
) -> Iterator[Draft]:
    """A draft that replaces `path` in one step when the block ends, and of which nothing stays when it fails.

    It has the owner and the permissions of the file it replaces, and where there is none, those of `like`. Raises
    Refused for a device, a pipe or whatever else stands there and is no file: it would be replaced, too.
    """
    old = like
    with storing(path), contextlib.suppress(FileNotFoundError):
        old = path.stat()
        if not stat.S_ISREG(old.st_mode) and not stat.S_ISDIR(old.st_mode):  # which a directory will refuse by itself
            raise Refused(f"{path} is no file, and would be replaced by one")
    temporary = temporary_beside(path)
    try:
        with created(temporary, old, durable=durable, told=path) as file:
            yield Draft(path, file)
        if over:
            over.check()
        with storing(path):
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if durable:
        with storing(path):
            sync_directory(path.parent)


@contextlib.contextmanager
def created(
    path: Path, like: os.stat_result | None = None, *, durable: bool = True, told: Path | None = None
) -> Iterator[BinaryIO]:
    """Create a file with the owner and permissions of `like`, and sync it when the block ends.

    Errors name `told` instead of `path`. A file that a failure leaves is for the caller to delete.
    """
    mode = FILE_MODE & (stat.S_IMODE(like.st_mode) if like else FILE_MODE)
    file, told = None, told or path
    try:
        with storing(told):
            file = open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115
            if like:
                take_after(path, like)
        yield file
        with storing(told):
            file.flush()
            if durable:
                os.fsync(file.fileno())
            file.close()
    except BaseException:
        with contextlib.suppress(OSError):  # what is left to be written finds no more room than before
            if file:
                file.close()
        raise


def copy(source: Path, target: Path) -> None:
    """Copy a regular file over `target`; a new target has the owner and the permissions of the source."""
    with opened(source) as file, draft(target, like=os.fstat(file.fileno())) as new:
        while data := file.read(2**20):
            new.append(data)


def link(source: Path, target: Path) -> bool:
    """Give a file a second name on its disk, durably; return False where the system cannot."""
    try:
        os.link(source, target)
        sync_directory(target.parent)
    except (OSError, NotImplementedError):
        return False
    return True


def write_new(path: Path, data: bytes) -> None:
    """As `write_bytes`, but a file that exists already, or appears meanwhile, is left as it is."""
    temporary = temporary_beside(path)
    try:
        write_bytes(temporary, data)
        with storing(path), contextlib.suppress(FileExistsError):
            try:
                os.link(temporary, path)  # unlike a rename, this never replaces
            except FileExistsError:
                raise
            except (OSError, NotImplementedError):  # a file system without hard links
                _write_in_place(path, data)
            sync_directory(path.parent)
    finally:
        remove(temporary)


def _creator(path: str, flags: int) -> int:
    """Open a file as `open` does, and create it with our permissions."""
    return os.open(path, flags, FILE_MODE)


def _write_in_place(path: Path, data: bytes) -> None:
    """Write a file that must not exist yet, where no link can make it appear whole."""
    with open(path, "xb", opener=_creator) as file:
        try:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise


def sync_directory(path: Path) -> None:
    """Make what was created, renamed or deleted inside `path` durable, where the system can."""
    if os.name == "nt":  # directories cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNABLE:
            raise
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create `path` and its parents, so that they survive a power cut; it may exist."""
    with storing(path):
        if path.is_dir():
            return
        make_directory(path.parent)
        try:
            _make_one(path)
        except FileExistsError:
            refuse_dangling(path)
            if not path.is_dir():
                raise


def claim_directory(path: Path) -> None:
    """As `make_directory`, but it must not exist: of two processes exactly one succeeds, the other gets Conflict."""
    make_directory(path.parent)
    with storing(path):
        try:
            _make_one(path)
        except FileExistsError:
            raise Conflict(f"{path.name} exists already") from None


def _make_one(path: Path) -> None:
    """Create one directory, durably or not at all."""
    path.mkdir(DIRECTORY_MODE)
    try:
        sync_directory(path.parent)
    except OSError:
        remove_if_empty(path)
        raise


def remove_if_empty(path: Path) -> None:
    """Delete a directory that holds nothing."""
    with contextlib.suppress(OSError):
        path.rmdir()


def remove_tree(path: Path) -> None:
    """Delete a directory and all below it, following no link out of it."""
    with storing(path):
        shutil.rmtree(path)


def truncate(path: Path, size: int) -> None:
    """Cut a file back to `size` bytes; raises Refused for a link, which may lead out of the home."""
    refuse_link(path)
    with storing(path):
        os.truncate(path, size)


def refuse_link(path: Path) -> None:
    """Raise Refused for a link, which may lead out of the home."""
    if path.is_symlink():
        raise Refused(f"{path} is a link, and what it leads to is not ours to write")


def refuse_dangling(path: Path) -> None:
    """Raise StorageProblem for a broken link: the disk that it leads to may not be mounted."""
    if path.is_symlink() and not path.exists():
        raise StorageProblem(f"{path} is a link that leads nowhere; mount the disk it leads to, or delete the link")


def remove(path: Path) -> None:
    """Delete a file; it may be gone already."""
    with storing(path), contextlib.suppress(FileNotFoundError):
        path.unlink()


def keep_to_owner(path: Path) -> None:
    """Let nobody else read or write a file. Raises Refused for a link."""
    refuse_link(path)
    with storing(path):
        narrow(path, stat.S_IRUSR | stat.S_IWUSR)


def append_line(path: Path, line: str) -> None:
    """Add one line to a log; not synced, for logs are cut back to a checkpoint anyway.

    Raises Refused for a link, and StorageProblem for a pipe that nobody reads.
    """
    refuse_link(path)
    with storing(path), open(path, "a", encoding="utf-8", newline="\n", opener=_appender) as file:
        file.write(line + "\n")


def _appender(path: str, flags: int) -> int:
    """Open or create a file to append to it. O_NONBLOCK: a pipe without a reader would otherwise wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), FILE_MODE)


def sync(path: Path) -> None:
    """Make what was appended to `path` durable, and its name, which may be new."""
    with storing(path):
        with open(path, "rb") as file:
            os.fsync(file.fileno())
        sync_directory(path.parent)


@contextlib.contextmanager
def scratch(directory: Path) -> Iterator[IO[bytes]]:
    """A file without a name, to write what one process needs for a while and memory should not hold.

    It lives while it is open or mapped, and no kill leaves it behind; where a system knows no files without a name, it
    has one for a moment. Only its owner may read it. It lies in `directory`, for the system's place for temporary files
    may be memory, and in that place when the directory cannot be written.
    """
    import tempfile

    with storing(directory):
        if not os.access(directory, os.W_OK | os.X_OK):
            directory = Path(tempfile.gettempdir())
    with storing(directory), tempfile.TemporaryFile(dir=directory, prefix=TEMPORARY) as file:
        yield file


@contextlib.contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """A regular file, open for reading.

    Raises NotFound when it is missing, BadData when it is anything but a regular file, StorageProblem when unreadable.
    """
    with reading(path):
        # O_NONBLOCK: opening a pipe without a writer would otherwise wait for ever
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise BadData(f"{path} is not a regular file")
        with reading(path), open(descriptor, "rb", closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def read_bytes(path: Path, *, limit: int) -> bytes:
    """The content of a regular file; raises as `opened` does, and BadData when it has more than `limit` bytes."""
    with opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise BadData(f"{path} has {size:,} bytes, more than the {limit:,} allowed")
        return file.read(size)


def read_text(path: Path, *, limit: int) -> str:
    """As `read_bytes`, decoded as UTF-8 with or without a byte order mark."""
    try:
        return read_bytes(path, limit=limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadData(f"{path} is not UTF-8: byte {error.start}") from None


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes, in hexadecimal."""
    with opened(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
