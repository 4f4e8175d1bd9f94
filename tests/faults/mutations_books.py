"""Damage to books: plain text, pages, EPUBs, and all of them under gzip."""

import gzip
import io
import zipfile
from random import Random

from faults.mutations import ANY, LINES, Form, flip_some
from reading.books import epub

TAGS = [
    "<p>", "</p>", "<div", "<pre>", "</pre>", "<!--", "-->", "<![CDATA[", "]]>", "<script>", "</script>", "<style>",
    "<nav>", "<head>", "<body>", "<br/>", "<a href='", '<a title="', "'>", '">', "<", ">", "</", "<!", "<?", "&", "&#",
    "&#x110000;", "&#" + "9" * 5_000 + ";", "&amp", "<td>", "<li", "<svg>", "<textarea>", "<x:y>", "\ufeff", "<html",
    "<!DOCTYPE html", "<!ENTITY x 'y'>", "<meta charset=utf-16>", "<meta charset=hex>", "<meta charset='koi8-r'>",
    'encoding="utf-7"',
]  # fmt: skip
MARKS = [
    "*** START OF THIS PROJECT GUTENBERG EBOOK X ***", "*** END OF THIS PROJECT GUTENBERG EBOOK X ***",
    "*** START OF THE PROJECT GUTENBERG EBOOK", "*END*THE SMALL PRINT! X*END*", "End of Project Gutenberg's X",
    "Produced by", "\r", "\r\n\r", "\x0c", "\u2028", " " * 1000, "\t", "# coding: idna", "charset=undefined",
]  # fmt: skip
NAMES = [
    "../x",
    "/etc/passwd",
    "C:\\x",
    "..\\x",
    "%2e%2e%2fx",
    "",
    "OEBPS/",
    "é",
    "a" * 300,
    "mimetype",
    "x#y",
    "//x",
    "\x1b[31m",
]
ENTRIES = [
    "META-INF/container.xml", "OEBPS/book.opf", "OEBPS/nav.xhtml", "OEBPS/text/one.xhtml", "OEBPS/text/two b.xhtml",
    "META-INF/encryption.xml", "META-INF/rights.xml", "mimetype", "OEBPS/cover.png",
]  # fmt: skip


def _inserted(data: bytes, pieces: list[str], chance: Random) -> bytes:
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(data) + 1)
        data = data[:at] + chance.choice(pieces).encode() * chance.choice([1, 1, 1, 50]) + data[at:]
    return data


def insert_tags(data: bytes, chance: Random) -> bytes:
    return _inserted(data, TAGS, chance)


def insert_marks(data: bytes, chance: Random) -> bytes:
    return _inserted(data, MARKS, chance)


def many_tags(data: bytes, chance: Random) -> bytes:
    piece = chance.choice(TAGS).encode()
    return piece * (1_000_000 // len(piece)) + data


def many_marks(data: bytes, chance: Random) -> bytes:
    piece = chance.choice(MARKS).encode() + b"\n"
    return data + piece * (1_000_000 // len(piece))


def pack(data: bytes, chance: Random) -> bytes:
    packed = gzip.compress(data)
    return packed + packed if chance.random() < 0.3 else packed


def pack_and_damage(data: bytes, chance: Random) -> bytes:
    packed = gzip.compress(data)
    return flip_some(packed, chance) if chance.random() < 0.5 else packed[: chance.randrange(len(packed))]


def pack_zeros(data: bytes, chance: Random) -> bytes:
    return gzip.compress(bytes(40_000_000))


def damage_an_entry(data: bytes, chance: Random) -> bytes:
    """One file of the archive is damaged before it is packed, so that its checksum is right."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = chance.choice(archive.namelist() or [""])
            change = chance.choice((*ANY, *LINES, insert_tags))
            return epub({name: change(archive.read(name), chance)})
    except Exception:  # a change before this one has left no archive
        return data


def rename_an_entry(data: bytes, chance: Random) -> bytes:
    return epub({chance.choice(ENTRIES): None, chance.choice(NAMES) or "x": b"<html><p>text</p></html>"})


def lead_away(data: bytes, chance: Random) -> bytes:
    old = chance.choice(
        [b"text/one.xhtml", b"nav.xhtml", b"book.opf", b'idref="one"', b"application/xhtml+xml", b"zip"]
    )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return epub({n: archive.read(n).replace(old, chance.choice(NAMES).encode()) for n in archive.namelist()})
    except Exception:
        return data


def add_many(data: bytes, chance: Random) -> bytes:
    return epub({f"junk/{n}": b"" for n in range(chance.choice([100, 10_001]))})


def add_much(data: bytes, chance: Random) -> bytes:
    return epub({chance.choice(["junk", "OEBPS/text/one.xhtml"]): b"<p>" * 20_000_000})


def nest(data: bytes, chance: Random) -> bytes:
    deep = b"<a>" * 100_000
    return epub({chance.choice(ENTRIES): deep})


PLAIN = Form(light=(*ANY, *LINES, insert_marks, pack, pack_and_damage), heavy=(many_marks, pack_zeros))
PAGE = Form(
    light=(*ANY, *LINES, insert_tags, insert_tags, pack, pack_and_damage), heavy=(many_tags, many_marks, pack_zeros)
)
EPUB = Form(
    light=(*ANY, damage_an_entry, damage_an_entry, rename_an_entry, lead_away, pack, pack_and_damage),
    heavy=(add_many, add_much, nest),
)
