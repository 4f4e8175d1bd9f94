"""One text out of many documents: LF line ends, no byte order marks, a separator between documents."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from zoo.corpora.corpus import BLOCK_BYTES
from zoo.corpora.dataset import Document
from zoo.masking import masked

CARRIAGE_RETURNS = "CR and CRLF made LF"
MARKS = "byte order marks removed"
LONGEST_NAME = 4_096  # characters of a document's name that are kept


class Part(NamedTuple):
    """A document in the joined text: `begin` is the number of characters before it."""

    name: str
    begin: int
    characters: int
    encoding: str


class Normaliser:
    """Iterating gives the joined text in blocks; afterwards `parts` and `changes` say what was done.

    Without a `separator` of the reader's own, a blank line stands between two documents.
    """

    def __init__(self, documents: Iterable[Document], separator: str | None = None) -> None:
        self._source = documents
        self._separator = separator
        self.parts: list[Part] = []
        self.changes: Counter[str] = Counter()

    def __iter__(self) -> Iterator[str]:
        done, ending = 0, ""
        for document in self._source:
            begin = None
            for text in self._clean(document):
                if begin is None:
                    if self.parts and (separator := self._between(ending)):
                        done += len(separator)
                        yield separator
                    begin = done
                ending = text[-1]
                done += len(text)
                for at in range(0, len(text), BLOCK_BYTES):
                    yield text[at : at + BLOCK_BYTES]
            if begin is None:
                self.changes["empty documents left out"] += 1
            else:
                self.parts.append(Part(masked(document.name[:LONGEST_NAME]), begin, done - begin, document.encoding))

    def _between(self, ending: str) -> str:
        if self._separator is not None:
            return self._separator
        return "\n" if ending == "\n" else "\n\n"

    def _clean(self, document: Document) -> Iterator[str]:
        """The text of a document in blocks, none of them empty."""
        at_begin = True
        held = ""  # a CR at the end of a block, whose LF may begin the next
        for block in [document.text] if isinstance(document.text, str) else document.text:
            text = held + block
            held = "\r" if text.endswith("\r") else ""
            text = text.removesuffix("\r")
            if at_begin and text:
                at_begin = False
                if text.startswith("\ufeff"):
                    text = text[1:]
                    self.changes[MARKS] += 1
            text, returns = with_line_feeds(text)
            self.changes[CARRIAGE_RETURNS] += returns
            if text:
                yield text
        if held:
            self.changes[CARRIAGE_RETURNS] += 1
            yield "\n"
        self.changes.update(document.notes)


def with_line_feeds(text: str) -> tuple[str, int]:
    """The text with CR and CRLF made LF, and how many there were."""
    returns = text.count("\r")
    return (text.replace("\r\n", "\n").replace("\r", "\n") if returns else text), returns
