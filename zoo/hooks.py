"""The hooks: what a plugin can do for zoo. A plugin marks its functions with `@hookimpl` and names them as here."""

from collections.abc import Iterable, Iterator

import pluggy

from zoo.corpora.corpus import Corpus
from zoo.corpora.dataset import Dataset, Document, ReadOptions
from zoo.corpora.vocab import Vocab

PROJECT = "zoo"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def zoo_datasets() -> Iterable[Dataset]:  # type: ignore[empty-body]
    """Offer datasets. Called by commands that need one; cheap, no network, no disk."""


@hookspec(firstresult=True)
def zoo_open(source: str, options: ReadOptions) -> Iterator[Document] | None:
    """Open a source as documents, in a stable order. Return None for a source you cannot read: the next is asked.

    Called once per fetch with a path, or with whatever `scheme:rest` a dataset names; URLs arrive downloaded.
    """


@hookspec(firstresult=True)
def zoo_vocab(name: str, corpus: Corpus) -> Vocab | None:
    """Build the vocabulary of that name for a corpus. Return None for a name that is not yours.

    Called once per training, with `--vocab`, else the dataset's choice, else `characters`.
    """
