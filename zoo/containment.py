"""What holds a plugin: what it gives is checked and counted, and what it does to the process beside that is undone."""

import contextlib
import dataclasses
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from zoo.corpora.dataset import Dataset, Document
from zoo.errors import PluginFailure, StorageProblem, Terminated, ZooError
from zoo.events import Event, OnEvent, Warned
from zoo.names import check_name

MOST_DATASETS = 10_000  # of one plugin: more is no list but a loop
MOST_DOCUMENTS = 1_000_000
MOST_COUNTED = 2**53
LONGEST_TEXT = 2**32  # characters


class Guard:
    """Calls plugins, each by its name."""

    def __init__(self, on_event: OnEvent) -> None:
        self._on_event = on_event
        self._warned: set[tuple[str, str]] = set()

    def datasets(self, plugin: str, give: Callable[[], Iterable[Any]]) -> list[Dataset]:
        """The datasets that a plugin gives, each seen to be one."""
        with self.contained(plugin):
            given = list(itertools.islice(give(), MOST_DATASETS + 1))
        if len(given) > MOST_DATASETS:
            raise PluginFailure(f"zoo_datasets gives more than {MOST_DATASETS:,}: is there an end?")
        return [checked_dataset(dataset) for dataset in given]

    @contextlib.contextmanager
    def contained(self, plugin: str) -> Iterator[None]:
        """Keep what a plugin prints out of our output, and its steps into other directories to itself; says each once.

        What else it does to the process, such as a seed it sets, nothing here depends on.
        """
        printed, here = io.StringIO(), _directory()
        try:
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                yield
        finally:
            _keep_open()
            if printed.tell():
                self._warn_once(plugin, "prints; what it prints is dropped")
            if here and _directory() != here:
                os.chdir(here)
                self._warn_once(plugin, "goes to another directory; it is called back")

    def _warn_once(self, plugin: str, what: str) -> None:
        if (plugin, what) not in self._warned:
            self._warned.add((plugin, what))
            self._on_event(Warned(f"plugin '{plugin}' {what}"))

    def documents(self, plugin: str, documents: Any) -> Iterator[Document]:
        """The documents one by one, each seen to be one, and no more of them than a corpus may have."""
        room = Room(plugin)
        for document in self._each(plugin, documents):
            room.take(documents=1)
            text = checked_document(plugin, document).text
            if isinstance(text, str):
                room.take(characters=len(text))
                yield document
            else:
                yield dataclasses.replace(document, text=self._blocks(plugin, text, room))

    def _blocks(self, plugin: str, blocks: Any, room: "Room") -> Iterator[str]:
        for block in self._each(plugin, blocks):
            if not isinstance(block, str):
                raise PluginFailure(f"plugin '{plugin}' gave {type(block).__name__} as a block of text")
            room.take(characters=len(block), empty_blocks=not block)
            yield block

    def _each(self, plugin: str, items: Any) -> Iterator[Any]:
        """The items of an iterable that a plugin made; an exception on the way names the plugin."""
        end, iterator = object(), None
        try:
            with self.contained(plugin):
                iterator = iter(items)
            while True:
                with self.contained(plugin):
                    item = next(iterator, end)
                if item is end:
                    return
                yield item
        except BaseException as error:
            let_through(error)
            raise failure(plugin, error) from error
        finally:
            if close := getattr(iterator, "close", None):
                with self.contained(plugin), contextlib.suppress(Exception):
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
    """Open what stands for stdin, stdout and stderr again, if it was closed: a file of ours would get its number, and
    then what is printed."""
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


def let_through(error: BaseException) -> None:
    """Raise what is not the plugin's: Ctrl-C and other signals, and the end of a generator."""
    if isinstance(error, KeyboardInterrupt | Terminated | GeneratorExit):
        raise error


def one_line(error: BaseException) -> str:
    """An exception in one line: its own words if it is ours, else its type and first line."""
    try:
        text = " ".join(str(error).split())[:300]
    except Exception:  # of a plugin, which may fail in this, too
        text = ""
    return text if isinstance(error, ZooError) and text else f"{type(error).__name__}: {text}".rstrip(": ")


def checked_dataset(dataset: object) -> Dataset:
    """The dataset itself, if it is one and its fields are what they should be."""
    if not isinstance(dataset, Dataset):
        raise PluginFailure(f"zoo_datasets gave {type(dataset).__name__}, not Dataset")
    for f in dataclasses.fields(dataset):
        _check_text(f"zoo_datasets gave a Dataset whose {f.name}", getattr(dataset, f.name))
        if not isinstance(getattr(dataset, f.name), f.type):  # type: ignore[arg-type]
            raise PluginFailure(f"zoo_datasets gave a Dataset whose {f.name} is {getattr(dataset, f.name)!r}")
    check_name(dataset.name, "dataset")
    return dataset


def checked_document(plugin: str, document: object) -> Document:
    """The document itself, if it is one and its fields are what they should be."""
    if not isinstance(document, Document):
        raise PluginFailure(f"plugin '{plugin}' gave {type(document).__name__}, not Document")
    if not isinstance(document.text, str) and (isinstance(document.text, bytes) or not _is_iterable(document.text)):
        kind = type(document.text).__name__
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose text is {kind}, neither str nor its blocks")
    if not isinstance(document.name, str) or not isinstance(document.encoding, str):
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose name or encoding is no text")
    notes = document.notes
    if not isinstance(notes, dict) or not all(type(w) is str and type(times) is int for w, times in notes.items()):
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose notes are no counts")
    if any(abs(times) >= MOST_COUNTED for times in notes.values()):
        raise PluginFailure(f"plugin '{plugin}' gave a Document whose notes are beyond counting")
    for what in (*notes, document.encoding):
        _check_text(f"plugin '{plugin}' gave a Document with a note that", what)
    return document


def _check_text(what: str, value: object) -> None:
    """Raise PluginFailure for a string that could not be stored."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise PluginFailure(f"{what} holds half a character") from None


def _is_iterable(thing: object) -> bool:
    return hasattr(type(thing), "__iter__")


def failure(plugin: str, error: BaseException) -> ZooError:
    """The error that a plugin's exception comes to."""
    if isinstance(error, ZooError):
        return error
    if isinstance(error, MemoryError):
        return StorageProblem(f"plugin '{plugin}' needs more memory than there is")
    return PluginFailure(f"plugin '{plugin}' failed: {one_line(error)}")
