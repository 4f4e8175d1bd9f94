"""zoo trains, keeps, compares and talks to small GPTs, one per corpus.

`load` gives the voice of a model; the other names are what a plugin may import. Each is loaded when first asked for, so
that `import zoo` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.corpora.corpus import Corpus
    from zoo.corpora.dataset import Dataset, Document, ReadOptions
    from zoo.corpora.vocab import Bytes, Characters, Vocab
    from zoo.errors import BadData, NetworkProblem, NotFound, Refused, StorageProblem, UsageProblem, ZooError
    from zoo.events import Note, Progress, Skipped, Warned
    from zoo.hooks import hookimpl
    from zoo.reading.document import read_document
    from zoo.talk.load import load
    from zoo.web.download import download

__version__ = "0.1.0"

_HOMES = {
    "zoo.corpora.corpus": ("Corpus",),
    "zoo.corpora.dataset": ("Dataset", "Document", "ReadOptions"),
    "zoo.web.download": ("download",),
    "zoo.corpora.vocab": ("Bytes", "Characters", "Vocab"),
    "zoo.errors": ("BadData", "NetworkProblem", "NotFound", "Refused", "StorageProblem", "UsageProblem", "ZooError"),
    "zoo.events": ("Note", "Progress", "Skipped", "Warned"),
    "zoo.hooks": ("hookimpl",),
    "zoo.talk.load": ("load",),
    "zoo.reading.document": ("read_document",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "BadData",
    "Bytes",
    "Characters",
    "Corpus",
    "Dataset",
    "Document",
    "NetworkProblem",
    "NotFound",
    "Note",
    "Progress",
    "ReadOptions",
    "Refused",
    "Skipped",
    "StorageProblem",
    "UsageProblem",
    "Vocab",
    "Warned",
    "ZooError",
    "download",
    "hookimpl",
    "load",
    "read_document",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'zoo' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
