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


def read_document(path: Path, options: ReadOptions, name: str | None = None) -> Document:
    """The text of one file: UTF-8, UTF-16 or UTF-32 with a byte order mark, or what options.encoding says.

    Raises BadData, with the byte offset, for bytes that are no such text; NotFound for no file.
    """
    data = files.read_bytes(path, limit=FILE_LIMIT)
    marked = next(((mark, encoding) for mark, encoding in _MARKS if data.startswith(mark)), None)
    if marked:
        data = data[len(marked[0]) :]
    encoding = options.encoding or (marked[1] if marked else "utf-8")
    try:
        text = data.decode(encoding)
    except LookupError:
        raise UsageProblem(f"no encoding is called '{encoding}'; try utf-8, cp1252 or utf-16") from None
    except UnicodeDecodeError as error:
        raise BadData(_undecodable(path, encoding, error, data)) from None
    except (ValueError, AssertionError) as error:
        raise UsageProblem(f"'{encoding}' is no text encoding: {error}") from None
    if "\0" in text:
        raise BadData(f"{path} looks binary, not text: NUL at character {text.index(chr(0))}")
    notes = {"byte order marks removed": 1} if marked else {}
    return Document(name or path.name, text, notes)


def is_text(path: Path) -> bool:
    """Whether a file's first bytes could be text: marked as Unicode, or free of NUL."""
    try:
        with open(path, "rb") as file:
            head = file.read(8192)
    except OSError:
        return False
    return head.startswith(tuple(mark for mark, _ in _MARKS)) or b"\0" not in head


def _undecodable(path: Path, encoding: str, error: UnicodeDecodeError, data: bytes) -> str:
    if b"\0" in data[:8192]:
        return f"{path} looks binary, not text: NUL at byte {data.index(0)}"
    byte = data[error.start]
    return (
        f"{path} is not {encoding}: byte 0x{byte:02x} at offset {error.start:,}; "
        "if you know what it is, say so, as in --encoding cp1252"
    )
