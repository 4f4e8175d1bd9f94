"""One text out of many documents: LF newlines, no byte order marks, a blank line between documents."""

from collections import Counter
from collections.abc import Iterable, Iterator

from zoo.corpora.corpus import BLOCK_BYTES
from zoo.corpora.dataset import Document


class Normaliser:
    """Iterating gives the joined text in blocks; afterwards `documents` and `changes` say what was done."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._source = documents
        self.documents = 0
        self.changes: Counter[str] = Counter()

    def __iter__(self) -> Iterator[str]:
        ending = ""
        for document in self._source:
            text = self._clean(document)
            if not text:
                self.changes["empty documents left out"] += 1
                continue
            if self.documents:
                yield "\n" if ending == "\n" else "\n\n"
            self.documents += 1
            ending = text[-1]
            for begin in range(0, len(text), BLOCK_BYTES):
                yield text[begin : begin + BLOCK_BYTES]

    def _clean(self, document: Document) -> str:
        text = document.text
        self.changes.update(document.notes)
        if text.startswith("\ufeff"):
            text = text[1:]
            self.changes["byte order marks removed"] += 1
        if "\r" in text:
            self.changes["CR and CRLF made LF"] += text.count("\r")
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text
