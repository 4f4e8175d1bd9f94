"""Python's own help topics: half a megabyte of prose in every CPython, so it needs no network at all."""

from collections.abc import Iterator

from zoo import BadData, Dataset, Document, ReadOptions, hookimpl

SOURCE = "pydoc:topics"


@hookimpl
def zoo_datasets() -> list[Dataset]:
    return [
        Dataset(
            name="pydoc",
            summary="Python's help topics, 0.5 MB, no network needed",
            licence="PSF-2.0",
            source=SOURCE,
            public=True,
        )
    ]


@hookimpl
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    return topics() if source == SOURCE else None


def topics() -> Iterator[Document]:
    try:
        from pydoc_data.topics import topics as texts
    except ImportError:
        raise BadData("this Python comes without pydoc_data.topics; try zoo fetch plays") from None
    for name in sorted(texts):
        yield Document(name, texts[name])
