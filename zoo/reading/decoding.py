"""From bytes to text: encodings that are marked, asked for, declared or guessed, and files that are no text at all."""

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, NamedTuple

from zoo.errors import BadData, UsageProblem

BLOCK_BYTES = 2**20
HEAD_BYTES = 2**13  # in which a binary file gives itself away
GUESS = "cp1252"  # a superset of Latin-1's text, and what most 8-bit text of western languages is
MOST_BEYOND_ASCII = 0.2  # of the bytes, for a guess: western languages have at most half of it, other scripts far more
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the beginning of it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UNMARKED = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}  # as Windows writes them
_ASCII = bytes(range(128))
_PRINTABLE = bytes(set(range(32, 127)) - {*b"\\~"})  # of which Shift-JIS has two otherwise
GUESSED = f"files that are not UTF-8, taken for {GUESS} (if they are something else: --encoding)"
_NO_TEXT = {*range(32)} - {*b"\t\n\v\f\r\x1a\x1b"}  # control characters that no 8-bit text has
_NOT_CP1252 = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
Reopen = Callable[[], AbstractContextManager[BinaryIO]]  # begins anew each time


class Encoding(NamedTuple):
    """How bytes become text; `mark` is the length of the byte order mark that comes before it."""

    name: str
    mark: int = 0
    guessed: bool = False


def find_encoding(path: object, reopen: Reopen, asked: str | None, declared: str | None = None) -> Encoding:
    """The encoding of what `reopen` opens: that of its byte order mark, else the one asked for, else UTF-8 if all of it
    is, else the one declared inside it, else a guess.

    Raises BadData for bytes that are no text or in no encoding that could be told; UsageProblem for an encoding that
    is none. `path` is what messages call it.
    """
    with reopen() as file:
        head = file.read(HEAD_BYTES)
    mark, marked = next(((m, e) for m, e in _MARKS if head.startswith(m)), (b"", None))
    if asked:
        asked = _checked(asked)
    if marked:
        return Encoding(marked, len(mark))
    if asked:
        return Encoding(_UNMARKED.get(asked, asked))
    if b"\0" in head:
        raise BadData(_binary(path, head))
    if _fits(path, reopen, "utf-8"):
        return Encoding("utf-8")
    if declared and _could_be_declared(declared) and _fits(path, reopen, declared):
        return Encoding(declared)
    if _looks_western(reopen):
        return Encoding(GUESS, guessed=True)
    return Encoding("utf-8")  # whose first wrong byte is what the reader will be told of


def text_blocks(path: object, reopen: Reopen, encoding: Encoding) -> Iterator[str]:
    """The text of what `reopen` opens, in blocks; raises BadData, with the offset, for bytes that do not fit."""
    done = 0
    for text in _decoded(path, reopen, encoding):
        if "\0" in text:
            raise BadData(f"{path} looks binary, not text: NUL at character {done + text.index(chr(0)):,}")
        done += len(text)
        yield text


def declared_encoding(head: bytes) -> str | None:
    """The encoding that a page or a program says it has (`charset=`, `encoding=`, `coding:`)."""
    found = re.search(rb"""(?:charset|coding)\s*[:=]\s*["']?([\w.:-]{1,40})""", head[:HEAD_BYTES], re.IGNORECASE)
    name = found[1].decode("ascii", "replace").lower() if found else None
    return GUESS if name in ("iso-8859-1", "latin1", "latin-1") else name  # as browsers do


class _Unfit(BadData):
    """Bytes that are not of the encoding."""


def _decoded(path: object, reopen: Reopen, encoding: Encoding) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding.name)()
    with reopen() as file:
        file.read(encoding.mark)
        done, end = encoding.mark, False
        while not end:
            data = file.read(BLOCK_BYTES)
            end = not data
            held = done - len(decoder.getstate()[0])  # where the first byte that is not decoded yet stands
            try:
                text = decoder.decode(data, final=end)
            except UnicodeDecodeError as error:
                where = f"byte 0x{error.object[error.start]:02x} at offset {held + error.start:,}"
                way = "if you know what it is, say so, as in --encoding cp1252"
                raise _Unfit(f"{path} is not {encoding.name}: {where}; {way}") from None
            except (ValueError, AssertionError) as error:
                raise UsageProblem(f"'{encoding.name}' is no text encoding: {error}") from None
            done += len(data)
            yield text


def _fits(path: object, reopen: Reopen, name: str) -> bool:
    try:
        for _ in _decoded(path, reopen, Encoding(name)):
            pass
    except (_Unfit, UsageProblem):
        return False
    return True


def _looks_western(reopen: Reopen) -> bool:
    """Whether bytes that are not UTF-8 may be cp1252: few beyond ASCII, none that it does not have, and fewer of them
    in sequences of UTF-8 than not, for that would be UTF-8 with a damaged byte."""
    size = beyond = in_utf8 = 0
    seen: set[int] = set()
    with reopen() as file:
        while data := file.read(BLOCK_BYTES):
            size += len(data)
            beyond += len(data.translate(None, _ASCII))
            valid = data.decode("utf-8", "ignore")
            in_utf8 += len(valid.encode()) - len(valid.encode("ascii", "ignore"))
            seen.update(data)
    return not seen & (_NO_TEXT | _NOT_CP1252) and in_utf8 < beyond / 2 and beyond <= MOST_BEYOND_ASCII * size


def _binary(path: object, head: bytes) -> str:
    at = head.index(0)
    wide = head[1::2].count(0), head[::2].count(0)
    if max(wide) > max(1, 0.4 * len(head)) and min(wide) * 10 < max(wide):  # half of every pair: letters in UTF-16
        name = "utf-16-le" if wide[0] > wide[1] else "utf-16-be"
        return f"{path} looks binary, not text: NUL at byte {at:,}; if it is UTF-16, say so: --encoding {name}"
    return f"{path} looks binary, not text: NUL at byte {at:,}"


def _could_be_declared(name: str) -> bool:
    """Whether a declaration that was read as ASCII can be true: in that encoding, ASCII is what it is."""
    try:
        plain = not _checked(name).endswith("escape") and _PRINTABLE.decode(name) == _PRINTABLE.decode("ascii")
    except (UsageProblem, ValueError):
        return False
    return plain


def _checked(name: str) -> str:
    """The codec's own name of a text encoding; raises UsageProblem for one that is none."""
    try:
        b"a".decode(name)
    except LookupError:
        raise UsageProblem(f"no encoding is called '{name}'; try utf-8, cp1252 or utf-16") from None
    except UnicodeDecodeError:
        pass  # half a character: a text encoding all the same
    except (ValueError, AssertionError) as error:
        raise UsageProblem(f"'{name}' is no text encoding: {error}") from None
    return codecs.lookup(name).name
