"""Python code: the modules of the standard library."""

import sysconfig
from collections.abc import Iterator
from pathlib import Path

from zoo import Dataset, Document, ReadOptions, hookimpl, read_document

SOURCE = "stdlib:modules"


@hookimpl
def zoo_datasets() -> list[Dataset]:
    summary = "Python's own modules"
    return [Dataset(name="stdlib", summary=summary, licence="PSF-2.0", source=SOURCE, public=True)]


@hookimpl
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    if source != SOURCE:
        return None
    modules = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    return (read_document(path, options) for path in modules)
