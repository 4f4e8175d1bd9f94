"""One file as a document: plain text, Markdown, HTML or EPUB, gzipped or not, told apart by what they hold."""

import contextlib
import io
import os
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from zoo import files
from zoo.corpora.dataset import Document, ReadOptions
from zoo.corpora.normalise import CARRIAGE_RETURNS, MARKS, Normaliser, with_line_feeds
from zoo.errors import BadData, StorageProblem
from zoo.reading import compressed, epub, gutenberg, markup
from zoo.reading.decoding import GUESSED, Encoding, Reopen, declared_encoding, find_encoding, text_blocks
from zoo.reading.markup import UNCLOSED
from zoo.reading.unwrap import unwrap
from zoo.steady import SteadyFile

FIRST_BYTES = 2**16
WHOLE_BYTES = 2**25  # what is read whole: any book; what is larger is plain text, and streams
LARGEST = 2**32  # bytes of a file
LARGEST_WHOLE = 2**26  # bytes of a file, and characters of its text, where all of it is needed at once
PLAIN = (".txt", ".md", ".markdown", ".rst", ".text")  # plain text whatever it begins with
PAGES = (".html", ".htm", ".xhtml")
FRAMED = "characters of Project Gutenberg's headers and licences removed"
JOINED = "soft line ends joined"
FOREIGN = (
    (b"%PDF-", "a PDF", "save it as text"),
    (b"{\\rtf", "an RTF file", "save it as plain text"),
    (b"\xd0\xcf\x11\xe0", "an old office document", "save it as plain text"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it and give the directory"),
    (b"Rar!", "a RAR archive", "unpack it and give the directory"),
    (b"BZh", "a bzip2 file", "unpack it"),
    (b"\xfd7zXZ", "an xz file", "unpack it"),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "unpack it"),
    (compressed.MAGIC, "a gzip file inside another", "unpack it"),
)


def read_document(path: Path, options: ReadOptions, name: str | None = None) -> Document:
    """The text of one file as `options` say, under `name`, or else the file's own.

    What is larger than WHOLE_BYTES is plain text and comes in blocks: the file is read when they are.
    Raises NotFound, StorageProblem, BadData for what is no text, Refused for what means harm, Conflict for a file that
    changes meanwhile.
    """
    with _enough_memory(path):
        return _read(path, options, name or path.name)


@contextlib.contextmanager
def _enough_memory(name: object) -> Iterator[None]:
    """Raise StorageProblem when memory is short while `name` is read, BadData when it is nested too deeply."""
    try:
        yield
    except MemoryError:
        raise StorageProblem(f"{name} needs more memory than there is; give a part of it") from None
    except RecursionError:
        raise BadData(f"{name} is nested too deeply") from None


def _read(path: Path, options: ReadOptions, name: str) -> Document:
    """Do what `read_document` promises, whatever memory there is."""
    reopen: Reopen = SteadyFile(path)
    inner = path.name.lower()
    data = _beginning(reopen)
    if data.startswith(compressed.MAGIC):
        reopen, inner = partial(compressed.unzipped, path, reopen), inner.removesuffix(".gz")
        data = _beginning(reopen)
    _check_kind(path, data)
    if data.startswith(epub.MAGIC):
        if len(data) <= WHOLE_BYTES:
            reopen = partial(io.BytesIO, data)
        elif inner != path.name.lower():
            raise BadData(f"{path} is too large an EPUB to be read inside a gzip file; unpack it")
        text, notes = epub.text_of(path, reopen)
        return _finished(name, text, notes, "", options)
    if len(data) > WHOLE_BYTES:
        return _large(path, reopen, name, options)
    reopen = partial(io.BytesIO, data)
    declared = None if inner.endswith(PLAIN) else declared_encoding(data)
    encoding = find_encoding(path, reopen, options.encoding, declared)
    text, notes = "".join(text_blocks(path, reopen, encoding)), _told(encoding)
    text, notes[CARRIAGE_RETURNS] = with_line_feeds(text)
    if inner.endswith(PAGES) or (not inner.endswith(PLAIN) and markup.looks_like_markup(text)):
        text, notes[UNCLOSED] = markup.text_of(text)
    return _finished(name, text, notes, encoding.name, options)


def read_whole(path: Path, options: ReadOptions) -> tuple[str, dict[str, int]]:
    """The text of one file and what was changed in it, as a corpus of it would have them, for who needs all at once.

    Raises as `read_document` does, and BadData for what is empty, or has more than LARGEST_WHOLE bytes or characters.
    """
    with files.opened(path) as file:
        _check_size(path, os.fstat(file.fileno()).st_size, "bytes")
    with _enough_memory(path):
        return _whole(path, _read(path, options, path.name))


def read_stream(name: str, stream: BinaryIO, encoding: str | None = None) -> tuple[str, dict[str, int]]:
    """As `read_whole`, for plain text from a pipe, which messages call `name`."""
    with _enough_memory(name):
        data = stream.read(LARGEST_WHOLE + 1)
        _check_size(name, len(data), "bytes")
        reopen = partial(io.BytesIO, data)
        _check_kind(name, data)
        found = find_encoding(name, reopen, encoding)
        return _whole(name, Document(name, text_blocks(name, reopen, found), _counted(_told(found)), found.name))


def _whole(name: object, document: Document) -> tuple[str, dict[str, int]]:
    blocks, pieces, size = Normaliser([document]), [], 0
    for block in blocks:
        size += len(block)
        _check_size(name, size, "characters")
        pieces.append(block)
    if not size:
        raise BadData(f"{name} holds no text")
    return "".join(pieces), _counted(blocks.changes)


def _check_size(name: object, size: int, unit: str) -> None:
    if size > LARGEST_WHOLE:
        raise BadData(f"{name} has more {unit} than the {LARGEST_WHOLE:,} allowed here; give a part of it")


def _beginning(reopen: Reopen) -> bytes:
    with reopen() as file:
        data = file.read(FIRST_BYTES)  # a read makes room for all that it asks for, and most files are small
        return data if len(data) < FIRST_BYTES else data + file.read(max(0, WHOLE_BYTES + 1 - FIRST_BYTES))


def _check_kind(path: object, data: bytes) -> None:
    """Raise BadData, with the way on, for a file of a kind that is not read here."""
    for magic, kind, way in FOREIGN:
        if data.startswith(magic):
            raise BadData(f"{path} is {kind}; {way}")


def _finished(name: str, text: str, notes: Counter[str], encoding: str, options: ReadOptions) -> Document:
    text, notes[FRAMED] = gutenberg.strip_frame(text)
    if options.unwrap:
        text, notes[JOINED] = unwrap(text)
    return Document(name, text, _counted(notes), encoding)


def _told(encoding: Encoding) -> Counter[str]:
    return Counter({MARKS: int(encoding.mark > 0), GUESSED: int(encoding.guessed)})


def _counted(notes: Counter[str]) -> dict[str, int]:
    return dict(+notes)


def _large(path: Path, reopen: Reopen, name: str, options: ReadOptions) -> Document:
    if options.unwrap:
        raise BadData(f"{path} is too large for --unwrap, which takes files up to {WHOLE_BYTES:,} bytes")
    if (size := path.stat().st_size) > LARGEST:
        raise BadData(f"{path} has {size:,} bytes, more than the {LARGEST:,} allowed")
    encoding = find_encoding(path, reopen, options.encoding)
    for _ in text_blocks(path, reopen, encoding):
        pass  # what is wrong with it is said before any of it is used
    return Document(name, text_blocks(path, reopen, encoding), _counted(_told(encoding)), encoding.name)
