"""EPUB: the text of a book in the order of its spine, without navigation; read in memory, never unpacked.

EPUB 2 and 3: https://www.w3.org/TR/epub-33/
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.parsers import expat

from zoo.corpora.normalise import with_line_feeds
from zoo.errors import BadData, Refused
from zoo.reading import markup
from zoo.reading.archive import MAX_ENTRIES, Archive
from zoo.reading.decoding import GUESSED, Reopen, declared_encoding, find_encoding, text_blocks
from zoo.reading.markup import UNCLOSED

MAGIC = b"PK\x03\x04"
MOST_TEXT = 2**26  # bytes of the entries that are read
MOST_XML = 2**22  # bytes of a package document: as a tree it takes thirty times as much memory
CONTAINER = "META-INF/container.xml"
LEFT_OUT = "EPUB documents left out: no pages of text, navigation, or not in the reading order"
PAGES = ("application/xhtml+xml", "text/html", "text/x-oeb1-document")


def text_of(path: Path, reopen: Reopen) -> tuple[str, Counter[str]]:
    """The text of the EPUB that `reopen` opens, and counts of what was left out; lines end with LF.

    Raises BadData for one that is damaged, encrypted or no EPUB at all; Refused for one that means harm: paths that
    lead out of it, entity declarations, a size out of all proportion.
    """
    try:
        with reopen() as file:
            book = _Book(path, Archive(path, file))
            chapters = [chapter for chapter in book.chapters() if chapter.strip()]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise BadData(f"{path} is a damaged EPUB: {_reason(error)}") from None
    return "\n".join(chapters), book.notes


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


class _Book:
    """One open archive."""

    def __init__(self, path: Path, archive: Archive) -> None:
        self.path, self.archive = path, archive
        self.notes: Counter[str] = Counter()
        self.read_bytes = 0
        if CONTAINER not in archive:
            raise BadData(f"{path} is a zip archive and no EPUB; unpack it and give the directory")

    def chapters(self) -> Iterator[str]:
        """The text of each document of the spine."""
        package = self.package_path()
        tree = self.xml(package)
        items = {item.get("id"): item for item in _all(tree, "item")}
        spine = list(_all(tree, "itemref"))
        if not spine:
            raise BadData(f"{self.path} is a damaged EPUB: its spine is empty")
        if len(spine) > MAX_ENTRIES:
            raise Refused(f"{self.path} has a spine of {len(spine):,} documents: not a book")
        locked = self.encrypted()
        for reference in spine:
            item = items.get(reference.get("idref"))
            if item is None:
                raise BadData(f"{self.path} is a damaged EPUB: its spine names what is not there")
            name = self.resolve(package, item.get("href") or "")
            if name in locked:
                raise BadData(f"{self.path} is encrypted (DRM); a book can be read only without it")
            is_navigation = "nav" in (item.get("properties") or "").split()
            if item.get("media-type") not in PAGES or is_navigation or reference.get("linear") == "no":
                self.notes[LEFT_OUT] += 1
            else:
                yield self.page(name)

    def package_path(self) -> str:
        rootfile = next(_all(self.xml(CONTAINER), "rootfile"), None)
        if rootfile is None or not rootfile.get("full-path"):
            raise BadData(f"{self.path} is a damaged EPUB: {CONTAINER} names no package")
        return self.resolve("", rootfile.get("full-path") or "")

    def encrypted(self) -> set[str]:
        """What cannot be read without a key; fonts may be scrambled in a book that is free."""
        if "META-INF/rights.xml" in self.archive or "META-INF/license.lcpl" in self.archive:
            raise BadData(f"{self.path} is protected (DRM); a book can be read only without it")
        name = "META-INF/encryption.xml"
        if name not in self.archive:
            return set()
        return {self.resolve("", r.get("URI") or "") for r in _all(self.xml(name), "CipherReference")}

    def resolve(self, base: str, href: str) -> str:
        """The name of the entry that `href`, written in the entry `base`, means."""
        target = unquote(re.split("[?#]", href)[0])
        name = posixpath.normpath(posixpath.join(posixpath.dirname(base), target))
        if name.startswith(("/", "../")) or name == ".." or "\\" in target or re.match(r"[a-zA-Z][\w+.-]*:", target):
            raise Refused(f"{self.path} leads out of itself, to {href[:200]!r}")
        return name

    def data(self, name: str) -> bytes:
        if name not in self.archive:
            raise BadData(f"{self.path} is a damaged EPUB: {name[:200]} is missing")
        self.read_bytes += self.archive.size(name)
        if self.read_bytes > MOST_TEXT:
            raise Refused(f"{self.path} has more than {MOST_TEXT:,} bytes of text: not a book")
        return self.archive.read(name)

    def xml(self, name: str) -> ElementTree.Element:
        if name in self.archive and self.archive.size(name) > MOST_XML:
            raise Refused(f"{self.path} has more than {MOST_XML:,} bytes in {name}: not a book")
        text = self.decoded(name)
        try:
            return ElementTree.fromstring(text)
        except (ElementTree.ParseError, ValueError) as error:
            if getattr(error, "code", None) == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
                raise MemoryError from error
            raise BadData(f"{self.path} is a damaged EPUB: {name} is not XML: {_reason(error)}") from None

    def page(self, name: str) -> str:
        text, unclosed = markup.text_of(self.decoded(name))
        self.notes[UNCLOSED] += unclosed
        return text

    def decoded(self, name: str) -> str:
        """The text of an entry; raises Refused for one that declares entities, which nobody should ever expand."""
        data, where = self.data(name), f"{name} in {self.path}"
        reopen = partial(io.BytesIO, data)
        encoding = find_encoding(where, reopen, None, declared_encoding(data))
        self.notes[GUESSED] += encoding.guessed
        text, _ = with_line_feeds("".join(text_blocks(where, reopen, encoding)))
        if re.search(r"<!\s*+ENTITY", text, re.IGNORECASE):
            raise Refused(f"{self.path} declares entities in {name}, which no book needs")
        return text


def _all(tree: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    """All elements of a name, in whatever namespace."""
    return (element for element in tree.iter() if element.tag.rpartition("}")[2] == name)
