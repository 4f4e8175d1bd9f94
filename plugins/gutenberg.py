"""Books of Project Gutenberg by their number: `--from gutenberg:1342`."""

import os
import re
from collections.abc import Iterator

from zoo import Document, ReadOptions, UsageProblem, download, hookimpl, read_document

SCHEME = "gutenberg:"
SITE = "https://www.gutenberg.org"


@hookimpl
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    return iter([book(source.removeprefix(SCHEME), options)]) if source.startswith(SCHEME) else None


def book(number: str, options: ReadOptions) -> Document:
    """The plain text of a book, from the site or from the mirror that ZOO_GUTENBERG names."""
    if not re.fullmatch("[1-9][0-9]{0,6}", number):
        raise UsageProblem(f"{SCHEME}{number} is no book: the number is in its address, as in {SITE}/ebooks/1342")
    assert options.cache is not None
    site = (os.environ.get("ZOO_GUTENBERG") or SITE).rstrip("/")
    url = f"{site}/cache/epub/{number}/pg{number}.txt"
    path = download(url, options.cache / f"pg{number}.txt", on_event=options.on_event)
    try:
        return read_document(path, options)
    finally:
        path.unlink()
