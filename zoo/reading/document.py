"""One file as a document: plain text, Markdown, HTML or EPUB, gzipped or not, told apart by what they hold."""

import io
from functools import partial
from pathlib import Path

from zoo import files
from zoo.corpora.dataset import Document, ReadOptions
from zoo.corpora.normalise import CARRIAGE_RETURNS, MARKS, with_line_feeds
from zoo.errors import BadData
from zoo.reading import compressed, epub, gutenberg, markup
from zoo.reading.decoding import GUESS, Opener, declared_encoding, find_encoding, text_blocks
from zoo.reading.unwrap import unwrap

FIRST_BYTES = 2**16
WHOLE_BYTES = 2**25  # what is read whole: any book; what is larger is plain text, and streams
LARGEST = 2**32  # bytes of a file
PLAIN = (".txt", ".md", ".markdown", ".rst", ".text")  # plain text whatever it begins with
PAGES = (".html", ".htm", ".xhtml")
GUESSED = f"files that are not UTF-8, taken for {GUESS} (if they are something else: --encoding)"
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
    Raises NotFound, StorageProblem, BadData for what is no text, Refused for what means harm.
    """
    opener: Opener = partial(files.opened, path)
    inner = path.name.lower()
    data = _beginning(opener)
    if data.startswith(compressed.MAGIC):
        opener, inner = partial(compressed.unzipped, path), inner.removesuffix(".gz")
        data = _beginning(opener)
    _check_kind(path, data)
    if data.startswith(epub.MAGIC):
        if len(data) <= WHOLE_BYTES:
            opener = partial(io.BytesIO, data)
        elif inner != path.name.lower():
            raise BadData(f"{path} is too large an EPUB to be read inside a gzip file; unpack it")
        return _finished(name or path.name, *epub.text_of(path, opener), "", options)
    if len(data) > WHOLE_BYTES:
        return _large(path, opener, name or path.name, options)
    opener = partial(io.BytesIO, data)
    declared = None if inner.endswith(PLAIN) else declared_encoding(data)
    encoding = find_encoding(path, opener, options.encoding, declared)
    text = "".join(text_blocks(path, opener, encoding))
    notes = {MARKS: int(encoding.mark > 0), GUESSED: int(encoding.guessed)}
    text, notes[CARRIAGE_RETURNS] = with_line_feeds(text)
    if inner.endswith(PAGES) or (not inner.endswith(PLAIN) and markup.looks_like_markup(text)):
        text = markup.text_of(text)
    return _finished(name or path.name, text, notes, encoding.name, options)


def _beginning(opener: Opener) -> bytes:
    with opener() as file:
        data = file.read(FIRST_BYTES)  # a read makes room for all that it asks for, and most files are small
        return data if len(data) < FIRST_BYTES else data + file.read(max(0, WHOLE_BYTES + 1 - FIRST_BYTES))


def _check_kind(path: Path, data: bytes) -> None:
    """Raise BadData, with the way on, for a file of a kind that is not read here."""
    for magic, kind, way in FOREIGN:
        if data.startswith(magic):
            raise BadData(f"{path} is {kind}; {way}")


def _finished(name: str, text: str, notes: dict[str, int], encoding: str, options: ReadOptions) -> Document:
    text, notes[FRAMED] = gutenberg.strip_frame(text)
    if options.unwrap:
        text, notes[JOINED] = unwrap(text)
    return Document(name, text, {what: times for what, times in notes.items() if times}, encoding)


def _large(path: Path, opener: Opener, name: str, options: ReadOptions) -> Document:
    if options.unwrap:
        raise BadData(f"{path} is too large for --unwrap, which takes files up to {WHOLE_BYTES:,} bytes")
    if (size := path.stat().st_size) > LARGEST:
        raise BadData(f"{path} has {size:,} bytes, more than the {LARGEST:,} allowed")
    encoding = find_encoding(path, opener, options.encoding)
    notes = {MARKS: int(encoding.mark > 0), GUESSED: int(encoding.guessed)}
    used = {what: times for what, times in notes.items() if times}
    return Document(name, text_blocks(path, opener, encoding), used, encoding.name)
