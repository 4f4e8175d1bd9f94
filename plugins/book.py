"""A book: one local file, of plain text, Markdown, HTML or EPUB. Offers `hhgttg`, which every reader must bring."""

from collections.abc import Iterator
from pathlib import Path

from zoo import Dataset, Document, ReadOptions, hookimpl, read_document


@hookimpl
def zoo_datasets() -> list[Dataset]:
    return [
        Dataset(
            name="hhgttg",
            summary="The Hitchhiker's Guide to the Galaxy: your own copy",
            licence="in copyright; for your own use",
            private=True,
            instructions="hhgttg is in copyright, so bring your own copy as a file: zoo fetch hhgttg --from FILE",
        )
    ]


@hookimpl(trylast=True)  # any file at all, when no other plugin knows it
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    path = Path(source)
    if path.is_dir() or not path.exists():
        return None
    return iter([read_document(path, options)])
