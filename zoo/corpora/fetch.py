"""Fetch: from a dataset, or a source of the reader's own, to a stored corpus."""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from zoo import files, locks
from zoo.corpora.corpus import Corpus, fetch_lock
from zoo.corpora.dataset import Dataset, Document, ReadOptions, is_url
from zoo.corpora.download import download
from zoo.corpora.normalise import Normaliser
from zoo.corpora.store import store_corpus
from zoo.errors import NetworkProblem, UsageProblem
from zoo.events import Note, OnEvent, ignore
from zoo.home import Home, expand
from zoo.names import check_name

WAIT_SECONDS = 600.0
Opener = Callable[[str, ReadOptions], Iterator[Document]]
WAYS_ON = "ways on: --from with a file you have, or another text (zoo fetch plays, zoo fetch pydoc)"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the reader asked for beside the name."""

    source: str | None = None
    encoding: str | None = None
    glob: str | None = None
    public: bool = False


def fetch(
    home: Home,
    dataset: Dataset,
    wish: Wish,
    *,
    opener: Opener,
    offered: Iterable[Dataset] = (),
    on_event: OnEvent = ignore,
) -> Corpus:
    """Bring a dataset's text into the home: open, normalise, split, hash, store.

    `opener` finds the plugin that can read a source; `offered` are the datasets a file may turn out to be.
    Raises UsageProblem when the reader must bring the text, BadData when there is none in it, NetworkProblem.
    """
    check_name(dataset.name, "dataset")
    source = dataset.source if wish.source is None else wish.source
    if source == "":
        raise UsageProblem("--from names no file, directory or URL")
    if source is None:
        raise UsageProblem(dataset.instructions or f"dataset '{dataset.name}' needs a text of yours: --from FILE")
    if wish.source and not is_url(source) and expand(source).exists():
        source = str(expand(source).absolute())
        dataset = _recognise(dataset, Path(source), [dataset, *offered], on_event)
        if wish.public:
            dataset = replace(dataset, private=False)
    about = {
        "name": dataset.name,
        "dataset": dataset.name,
        "source": _readable(source),
        "licence": dataset.licence,
        "private": dataset.private,
        "summary": dataset.summary,
        "vocab": dataset.vocab,
        "fetched": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "options": {key: value for key, value in (("encoding", wish.encoding), ("glob", wish.glob)) if value},
    }
    home.create()
    with _alone(home, dataset.name, on_event):
        cache = home.cache / dataset.name
        files.make_directory(cache)
        try:
            opened = _download(dataset, source, cache, on_event) if is_url(source) else source
            options = ReadOptions(encoding=wish.encoding, glob=wish.glob, cache=cache, on_event=on_event)
            return store_corpus(home, Normaliser(opener(opened, options)), about, on_event)
        finally:
            files.remove_if_empty(cache)


@contextlib.contextmanager
def _alone(home: Home, name: str, on_event: OnEvent) -> Iterator[None]:
    """One fetch of a name at a time: a second one waits for the first, and then finds what it has cached."""
    lock = fetch_lock(home, name)
    if locks.is_locked(lock):
        on_event(Note(f"another zoo process is fetching '{name}'; waiting for it"))
    with locks.locked(lock, seconds=WAIT_SECONDS, busy=f"another zoo process is still fetching '{name}'; try again"):
        yield


def _recognise(dataset: Dataset, path: Path, known: Iterable[Dataset], on_event: OnEvent) -> Dataset:
    """The dataset a local file belongs to: a known one by its sha256, else the reader's own private text."""
    if path.is_file():
        sha256 = files.sha256_of(path)
        for candidate in known:
            if candidate.sha256 == sha256:
                on_event(Note(f"{path.name} is the text of dataset '{candidate.name}' (same sha256)"))
                return replace(candidate, name=dataset.name)
    if dataset.source is None and dataset.summary:  # one that the reader was asked to bring
        return replace(dataset, private=True)
    return replace(dataset, summary=f"your own: {_readable(path.name)}", licence="unknown", private=True)


def _readable(path: str) -> str:
    """A source as text that may be kept: without a password, and with bytes that are not UTF-8 spelt out."""
    if is_url(path):
        path = re.sub(r"//[^/@]*@", "//", path)
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _download(dataset: Dataset, url: str, cache: Path, on_event: OnEvent) -> str:
    """The path of the downloaded file."""
    ending = Path(urlsplit(url).path).name[-80:] or "text"
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{ending}"
    try:
        return str(download(url, cache / name, sha256=dataset.sha256, on_event=on_event))
    except NetworkProblem as error:
        raise NetworkProblem(f"{error}; {WAYS_ON}") from error
