"""What holds a plugin: what it gives is checked and counted, and what it does to the process beside that is undone."""

import contextlib
import dataclasses
import io
import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from types import FrameType
from typing import Any, TypeVar

from zoo.corpora.dataset import Dataset, Document
from zoo.errors import PluginFailure, StorageProblem, ZooError
from zoo.events import Event, OnEvent, Warned
from zoo.masking import masked
from zoo.names import check_name

MOST_DATASETS = 10_000  # of one plugin: more is no list but a loop
MOST_DOCUMENTS = 1_000_000
MOST_COUNTED = 2**53
LONGEST_TEXT = 2**32  # characters
LONGEST_MESSAGE = 2000  # characters of an error of ours
LONGEST_WORDS, LONGEST_KIND = 300, 80  # characters of any other error, and of its type
ENDING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

Item = TypeVar("Item")


class Guard:
    """Calls plugins, each by its name."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._warned: set[tuple[str, str]] = set()

    def datasets(self, plugin: str, give: Callable[[], Iterable[Any]]) -> list[Dataset]:
        """Return the datasets that a plugin gives, checked."""
        with self.contained(plugin):
            given = [checked_dataset(dataset) for dataset in itertools.islice(give(), MOST_DATASETS + 1)]
        if len(given) > MOST_DATASETS:
            raise PluginFailure(f"zoo_datasets gives more than {MOST_DATASETS:,}: is there an end?")
        return given

    @contextlib.contextmanager
    def contained(self, plugin: str) -> Iterator[None]:
        """Run code of a plugin in this block: drop what it prints, undo its change of directory, and warn of each once.

        Other changes to the process, such as a seed, are not undone; zoo does not depend on them.

        Raises:
            ZooError: the plugin raised one; it leaves the block as one of our own classes.
            Raised: the plugin raised anything else, SystemExit and KeyboardInterrupt included.
            BaseException: a signal came, and its handler raised this.
        """
        printed, here = io.StringIO(), _directory()
        with _interruptible():
            try:
                with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                    yield
            except BaseException as error:
                raise _as_zoo_error(error) from error
            finally:
                _keep_open()
                if printed.closed or printed.tell():
                    self._warn_once(plugin, "prints; what it prints is dropped")
                if here and _directory() != here:
                    os.chdir(here)
                    self._warn_once(plugin, "goes to another directory; it is called back")

    def _warn_once(self, plugin: str, what: str) -> None:
        if (plugin, what) not in self._warned:
            self._warned.add((plugin, what))
            self._on_event(Warned(f"plugin '{plugin}' {what}"))

    def documents(self, plugin: str, documents: Any) -> Iterator[Document]:
        """Yield the documents one by one, checked, and no more of them than a corpus may have."""
        room = Room(plugin)
        for document in self._each(plugin, documents, partial(checked_document, plugin)):
            room.take(documents=1)
            if isinstance(document.text, str):
                room.take(characters=len(document.text))
                yield document
            else:
                yield dataclasses.replace(document, text=self._blocks(plugin, document.text, room))

    def _blocks(self, plugin: str, blocks: Any, room: "Room") -> Iterator[str]:
        for block in self._each(plugin, blocks, partial(checked_block, plugin)):
            room.take(characters=len(block), empty_blocks=not block)
            yield block

    def _each(self, plugin: str, items: Any, check: Callable[[object], Item]) -> Iterator[Item]:
        """Yield the items of an iterable that a plugin made, checked; an error on the way names the plugin."""
        iterator, end = None, object()
        try:
            with self.contained(plugin):
                iterator = iter(items)
            while True:
                with self.contained(plugin):
                    item = next(iterator, end)
                    checked = None if item is end else check(item)
                if checked is None:
                    return
                yield checked
        except Raised as error:
            raise failure(plugin, error) from error
        finally:
            with contextlib.suppress(ZooError), self.contained(plugin):
                if close := getattr(iterator, "close", None):
                    close()


class Room:
    """How much a plugin may give for one corpus: one that never ends must not fill the disk."""

    def __init__(self, plugin: str) -> None:
        self.plugin = plugin
        self.documents = self.characters = self.empty_blocks = 0

    def take(self, *, documents: int = 0, characters: int = 0, empty_blocks: int = 0) -> None:
        self.documents += documents
        self.characters += characters
        self.empty_blocks += empty_blocks
        for what, taken, most in (
            ("documents", self.documents, MOST_DOCUMENTS),
            ("characters", self.characters, LONGEST_TEXT),
            ("empty blocks", self.empty_blocks, MOST_DOCUMENTS),
        ):
            if taken > most:
                raise PluginFailure(f"plugin '{self.plugin}' gives more than {most:,} {what}: is there an end?")


def aloud(on_event: OnEvent) -> OnEvent:
    """The callback, heard although what its caller prints is dropped."""
    out, err = sys.stdout, sys.stderr

    def call(event: Event) -> None:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            on_event(event)

    return call


def _keep_open() -> None:
    """Open stdin, stdout and stderr on the null device if they were closed. Else the next file that zoo opens would get
    such a number, and with it all that is printed."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _directory() -> str:
    """The working directory; empty when it is gone."""
    try:
        return os.getcwd()  # noqa: PTH109  as text: it is compared for every document
    except OSError:
        return ""


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Raise again, at the end of the block, what a signal handler raised inside it: the plugin may have caught it. Then
    the signal handlers are those of before."""
    if threading.current_thread() is not threading.main_thread():
        yield  # here a signal raises nothing
        return
    before: dict[int, Any] = {}
    raised: list[BaseException] = []

    def watch(signum: int, frame: FrameType | None) -> None:
        handler = before[signum]
        put_back()  # the handler may change them
        try:
            handler(signum, frame)
        except BaseException as error:
            raised.append(error)
            raise
        finally:
            put_up()

    def put_up() -> None:
        for signum in ENDING:
            before[signum] = signal.getsignal(signum)
            if callable(before[signum]):
                signal.signal(signum, watch)

    def put_back() -> None:
        for signum, handler in before.items():
            if handler is not None:  # not Python's
                signal.signal(signum, handler)

    try:
        put_up()
        yield
    finally:
        put_back()
        if raised:
            raise raised[-1]


class Raised(PluginFailure):
    """What a plugin raised that is no ZooError, in one line."""


def _as_zoo_error(error: BaseException) -> ZooError:
    """Return what a plugin raised as an error of ours, with a message of plain text and a valid exit code."""
    try:
        kinds = [kind for kind in type(error).__mro__ if issubclass(kind, ZooError)]
        kind = next((kind for kind in kinds if kind.__module__ == ZooError.__module__), None)
        if kind is None:
            return Raised(f"{type(error).__name__[:LONGEST_KIND]}: {_message(error)[:LONGEST_WORDS]}".rstrip(": "))
        told: ZooError = kind(_message(error) or kind.__name__)
        if type(error) is not kind:
            code = getattr(error, "exit_code", None)
            told.exit_code = code if type(code) is int and 0 < code < 256 else ZooError.exit_code
        return told
    except BaseException:  # of a class that fails in what all classes can do
        return Raised("an error that cannot be shown")


def _message(error: BaseException) -> str:
    """Return the message of an exception in one line; empty when it has none, or when its `__str__` fails."""
    try:
        return " ".join(str(error)[:LONGEST_MESSAGE].split())
    except BaseException:  # its method may exit
        return ""


def _exact(value: Any) -> Any:
    """Return an instance of a subclass of str as a plain str, and anything else as it is."""
    return str.__str__(value) if issubclass(type(value), str) else value


def checked_dataset(dataset: object) -> Dataset:
    """Return a plain Dataset with the fields of a plugin's. Raises PluginFailure when they make no sense."""
    if not issubclass(type(dataset), Dataset):
        raise PluginFailure(f"zoo_datasets gave {type(dataset).__name__}, not Dataset")
    fields: dict[str, Any] = {}
    for f in dataclasses.fields(Dataset):
        value = _exact(getattr(dataset, f.name))
        _check_text(f"zoo_datasets gave a Dataset whose {f.name}", value)
        if not issubclass(type(value), f.type):  # type: ignore[arg-type]
            raise PluginFailure(f"zoo_datasets gave a Dataset whose {f.name} is {value!r}")
        fields[f.name] = masked(value) if f.name in ("summary", "licence", "instructions") else value
    check_name(fields["name"], "dataset")
    return Dataset(**fields)


def checked_document(plugin: str, document: object) -> Document:
    """Return a plain Document with the fields of a plugin's. Raises PluginFailure when they make no sense."""
    if not issubclass(type(document), Document):
        raise PluginFailure(f"plugin '{plugin}' gave {type(document).__name__}, not Document")
    name, text, notes, encoding = (_exact(getattr(document, f.name)) for f in dataclasses.fields(Document))
    if type(text) is not str and (isinstance(text, bytes) or not hasattr(type(text), "__iter__")):
        kind = type(text).__name__
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose text is {kind}, neither str nor its blocks")
    if type(name) is not str or type(encoding) is not str:
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose name or encoding is no text")
    if not issubclass(type(notes), dict):
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose notes are no counts")
    notes = {_exact(what): times for what, times in notes.items()}
    if not all(type(what) is str and type(times) is int for what, times in notes.items()):
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose notes are no counts")
    if any(abs(times) >= MOST_COUNTED for times in notes.values()):
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose notes are beyond counting")
    for what in (*notes, encoding):
        _check_text(f"plugin '{plugin}' gave a Document with a note that", what)
    return Document(name, text, notes, encoding)


def checked_block(plugin: str, block: object) -> str:
    """Return a block of text as a plain string. Raises PluginFailure when it is none."""
    plain = _exact(block)
    if type(plain) is not str:
        raise PluginFailure(f"plugin '{plugin}' gave {type(block).__name__} as a block of text")
    return plain


def _check_text(what: str, value: object) -> None:
    """Raise PluginFailure for a string that could not be stored."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PluginFailure(f"{what} holds half a character") from None


def failure(plugin: str, raised: Raised) -> ZooError:
    """Return the error that ends a command when a plugin raised what is no ZooError."""
    if isinstance(raised.__cause__, MemoryError):
        return StorageProblem(f"plugin '{plugin}' needs more memory than there is")
    return PluginFailure(f"plugin '{plugin}' failed: {raised}")
