"""What plugins offer and hand over: plain data."""

import os
import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from zoo.errors import UsageProblem
from zoo.events import Event, ignore
from zoo.masking import masked_source
from zoo.names import LONGEST, check_name, is_name


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A text that can be fetched by name.

    name          lower case, as `zoo fetch` takes it
    summary       half a line
    licence       under which terms the text stands
    source        a path, a URL or `scheme:rest`; None when the reader must bring it (`--from`)
    sha256        of the source file's bytes, when they never change; a file with this hash is this dataset
    private       never shown in cards, reports or exports
    public        reading the source reads nothing of the reader's, so its text may be shown
    instructions  what to type when there is no source
    vocab         the vocabulary its models take unless told otherwise
    """

    name: str
    summary: str = ""
    licence: str = "unknown"
    source: str | None = None
    sha256: str | None = None
    private: bool = False
    public: bool = False
    instructions: str = ""
    vocab: str = "characters"


@dataclass(frozen=True)
class Document:
    """One text of a corpus, decoded.

    text      all of it, or its blocks in order, for what should not stand in memory whole
    notes     counts of what was changed on the way (`{"soft line ends joined": 3}`)
    encoding  what it was decoded from, if it was bytes
    """

    name: str
    text: str | Iterable[str]
    notes: dict[str, int] = field(default_factory=dict)
    encoding: str = ""


@dataclass(frozen=True)
class Opened:
    """The documents of a source, and whether the plugin that reads them is bundled with zoo."""

    documents: Iterator[Document]
    bundled: bool


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How a source is to be read.

    encoding  what the reader says the bytes are, or None
    glob      which files of a directory, or None
    unwrap    whether the soft line ends of paragraphs are to be joined
    cache     a directory in which an opener may keep what it fetched
    on_event  takes events; `Skipped` for what is left out, which the corpus remembers
    """

    encoding: str | None = None
    glob: str | None = None
    unwrap: bool = False
    cache: Path | None = None
    on_event: Callable[[Event], None] = ignore


def is_private(dataset: Dataset, source: str | None = None, *, bundled: bool = False) -> bool:
    """Decide whether a text is private unless the reader says `--public`.

    Only what zoo knows to hold nothing of the reader's is public: a URL, a dataset that says `public=True`, and what a
    bundled plugin reads from elsewhere than a path.

    Args:
        dataset: what the text is fetched as, or the dataset that a file was recognised as.
        source: where the reader takes the text from, an existing path in full; None for the dataset's own source.
        bundled: whether a bundled plugin opened `source`.
    """
    if source is None:  # a dataset without a source is a file that was recognised by its sha256
        public = dataset.public or dataset.source is None or is_url(dataset.source)
    else:
        public = is_url(source) or (bundled and not Path(source).is_absolute())
    return dataset.private or not public


def check_dataset_name(name: str) -> None:
    """Raise UsageProblem for what no dataset may be called; for a path or an address it says how to fetch the text."""
    shown = masked_source(name)
    if ("/" in name or "\\" in name or shown != name or _is_there(name)) and not is_name(name):
        what = "it is a path or an address; give its text a name"
        raise UsageProblem(f"dataset '{shown}' is not allowed: {what}: {way_to_fetch(name)}")
    check_name(name, "dataset")


def way_to_fetch(source: str) -> str:
    """Return the command that fetches a text from a path or an address, under a name made of its last part.

    For what is neither, the word is the name, and the path is left for the reader to fill in.
    """
    if is_name(source) and not _is_there(source):
        return f"zoo fetch {source} --from PATH"
    shown = masked_source(source)
    last = re.split(r"[/\\]", shown.rstrip("/\\"))[-1].partition(".")[0].lower()
    name = re.sub("[^a-z0-9]+", "-", last).strip("-")[:LONGEST] or "mine"
    return (
        f"zoo fetch {name} --from {shlex.quote(source) if shown == source else 'ADDRESS'}"  # a masked one leads nowhere
    )


def _is_there(path: str) -> bool:
    return os.path.exists(path)  # noqa: PTH110  which does not mind a strange name


def is_url(source: str) -> bool:
    """Whether a source is to be downloaded; raises UsageProblem for an address that makes no sense."""
    try:
        return urlsplit(source).scheme in ("http", "https") and bool(source.encode())
    except ValueError as error:
        raise UsageProblem(f"{masked_source(source)} is no address: {type(error).__name__}") from None
