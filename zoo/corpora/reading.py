"""From the bytes of a file to text: byte order marks, encodings, and files that are no text at all."""

import codecs
from pathlib import Path

from zoo import files
from zoo.corpora.dataset import Document, ReadOptions
from zoo.errors import BadData, UsageProblem

FILE_LIMIT = 2 * 2**30
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the beginning of it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARKED = ("utf-8", "utf-8-sig", "utf-16", "utf-32")  # encodings for which a byte order mark knows better


def read_document(path: Path, options: ReadOptions, name: str | None = None) -> Document:
    """The text of one file: UTF-8, UTF-16 or UTF-32 with a byte order mark, or what options.encoding says.

    Raises BadData, with the byte offset, for bytes that are no such text; NotFound for no file.
    """
    data = files.read_bytes(path, limit=FILE_LIMIT)
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", "utf-8"))
    if options.encoding and not (mark and _canonical(options.encoding) in _MARKED):
        encoding = options.encoding
    try:
        text = data[len(mark) :].decode(encoding)
    except LookupError:
        raise UsageProblem(f"no encoding is called '{encoding}'; try utf-8, cp1252 or utf-16") from None
    except UnicodeDecodeError as error:
        raise BadData(_undecodable(path, encoding, error.start + len(mark), data)) from None
    except (ValueError, AssertionError) as error:
        raise UsageProblem(f"'{encoding}' is no text encoding: {error}") from None
    if "\0" in text:
        raise BadData(f"{path} looks binary, not text: NUL at character {text.index(chr(0)):,}")
    return Document(name or path.name, text, {"byte order marks removed": 1} if mark else {})


def _canonical(encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError:
        return encoding


def is_text(path: Path) -> bool:
    """Whether a file's first bytes could be text: marked as Unicode, or free of NUL."""
    try:
        with open(path, "rb") as file:
            head = file.read(8192)
    except OSError:
        return False
    return head.startswith(tuple(mark for mark, _ in _MARKS)) or b"\0" not in head


def _undecodable(path: Path, encoding: str, offset: int, data: bytes) -> str:
    if b"\0" in data[:8192] and not encoding.lower().startswith(("utf-16", "utf-32", "utf16", "utf32")):
        return f"{path} looks binary, not text: NUL at byte {data.index(0):,}"
    return (
        f"{path} is not {encoding}: byte 0x{data[offset]:02x} at offset {offset:,}; "
        "if you know what it is, say so, as in --encoding cp1252"
    )
