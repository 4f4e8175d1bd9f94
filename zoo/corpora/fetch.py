"""Fetch: from a dataset, or a source of the reader's own, to a stored corpus."""

import contextlib
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from zoo import files, locks
from zoo.corpora.corpus import Corpus, fetch_lock, open_corpus
from zoo.corpora.dataset import Dataset, Document, ReadOptions, is_url
from zoo.corpora.normalise import Normaliser
from zoo.corpora.store import store_corpus
from zoo.errors import BadData, NetworkProblem, NotFound, UsageProblem
from zoo.events import Event, Note, OnEvent, Skipped, Warned, ignore
from zoo.home import Home, expand
from zoo.names import check_name
from zoo.web.download import download

WAIT_SECONDS = 600.0
SKIPS_SAID = 5  # by name; the corpus remembers all
Opener = Callable[[str, ReadOptions], Iterator[Document]]
WAYS_ON = "ways on: --from with a file you have, or another text (zoo fetch plays, zoo fetch pydoc)"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the reader asked for beside the name; what is None or False is as ever."""

    source: str | None = None
    encoding: str | None = None
    glob: str | None = None
    unwrap: bool = False
    separator: str | None = None
    split: str = "tail"
    public: bool = False

    def options(self) -> dict[str, Any]:
        """What shapes the text, for the corpus to remember."""
        asked = {"encoding": self.encoding, "glob": self.glob, "unwrap": self.unwrap, "separator": self.separator}
        if self.split != "tail":
            asked["split"] = self.split
        return {key: value for key, value in asked.items() if value not in (None, False)}


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
    source = _source(dataset, wish)
    home.create()
    with _alone(home, dataset.name, on_event):
        before = _stored(home, dataset.name)
        cache = home.cache / dataset.name
        files.make_directory(cache)
        try:
            corpus = _bring(home, dataset, wish, source, cache, opener, [dataset, *offered], on_event)
        finally:
            files.remove_if_empty(cache)
    if before:
        _compare(before, corpus, on_event)
    return corpus


def _source(dataset: Dataset, wish: Wish) -> str:
    """Where the text comes from, a local path in full; raises UsageProblem when nobody has said."""
    source = dataset.source if wish.source is None else wish.source
    if source == "":
        raise UsageProblem("--from names no file, directory or URL")
    if source is None:
        raise UsageProblem(dataset.instructions or f"dataset '{dataset.name}' needs a text of yours: --from FILE")
    if wish.source and not is_url(source) and expand(source).exists():
        return str(expand(source).absolute())
    return source


def _bring(
    home: Home,
    dataset: Dataset,
    wish: Wish,
    source: str,
    cache: Path,
    opener: Opener,
    known: Iterable[Dataset],
    on_event: OnEvent,
) -> Corpus:
    """Download what is a URL, see what it is, and store its text."""
    path = _download(dataset, source, cache, on_event) if is_url(source) else Path(source)
    sha256 = files.sha256_of(path) if path.is_file() else ""
    if wish.source:
        dataset = _recognise(dataset, source, sha256, known, on_event)
        if wish.public:
            dataset = replace(dataset, private=False)
    skipped = _SkippedDocuments(on_event)
    options = ReadOptions(encoding=wish.encoding, glob=wish.glob, unwrap=wish.unwrap, cache=cache, on_event=skipped)
    text = Normaliser(opener(str(path) if is_url(source) else source, options), wish.separator)
    about = {
        "name": dataset.name,
        "dataset": dataset.name,
        "source": _readable(source),
        "source_sha256": sha256,
        "licence": dataset.licence,
        "private": dataset.private,
        "summary": dataset.summary,
        "vocab": dataset.vocab,
        "fetched": datetime.now(UTC).replace(microsecond=0).isoformat(),
        "options": wish.options(),
    }
    corpus = store_corpus(home, text, about, skipped=skipped.all, split=wish.split, on_event=on_event)
    if is_url(source) and sha256 != dataset.sha256:
        files.remove(path)  # what is not pinned is downloaded anew each time
    return corpus


class _SkippedDocuments:
    """Keeps what an opener reports as skipped, says the first of them, and passes on everything else."""

    def __init__(self, on_event: OnEvent) -> None:
        self.all: list[Skipped] = []
        self._on_event = on_event

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Skipped):
            self._on_event(event)
            return
        self.all.append(event)
        if len(self.all) <= SKIPS_SAID:
            self._on_event(Warned(f"skipped {event.name}: {event.reason}"))


@contextlib.contextmanager
def _alone(home: Home, name: str, on_event: OnEvent) -> Iterator[None]:
    """One fetch of a name at a time: a second one waits for the first, and then finds what it has cached."""
    lock = fetch_lock(home, name)
    if locks.is_locked(lock):
        on_event(Note(f"another zoo process is fetching '{name}'; waiting for it"))
    with locks.locked(lock, seconds=WAIT_SECONDS, busy=f"another zoo process is still fetching '{name}'; try again"):
        yield


def _recognise(dataset: Dataset, source: str, sha256: str, known: Iterable[Dataset], on_event: OnEvent) -> Dataset:
    """The dataset that a source of the reader's own belongs to: a known one by its sha256, else one of its own, which
    is private if it was not on the web."""
    for candidate in known:
        if sha256 and candidate.sha256 == sha256:
            on_event(Note(f"{Path(source).name} is the text of dataset '{candidate.name}' (same sha256)"))
            return replace(candidate, name=dataset.name)
    private = Path(source).is_absolute() or dataset.private  # else it came from the web, or out of a plugin
    if dataset.source is None and dataset.summary:  # one that the reader was asked to bring
        return replace(dataset, private=private)
    return replace(dataset, summary=f"your own: {_readable(Path(source).name)}", licence="unknown", private=private)


def _readable(path: str) -> str:
    """A source as text that may be kept: without a password, and with bytes that are not UTF-8 spelt out."""
    if is_url(path):
        path = re.sub(r"//[^/@]*@", "//", path)
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _download(dataset: Dataset, url: str, cache: Path, on_event: OnEvent) -> Path:
    """The path of the downloaded file; only a dataset's own source has a sha256 to be checked."""
    ending = Path(urlsplit(url).path).name[-80:] or "text"
    name = f"{hashlib.sha256(url.encode()).hexdigest()[:8]}-{ending}"
    sha256 = dataset.sha256 if url == dataset.source else None
    try:
        path = download(url, cache / name, sha256=sha256, on_event=on_event)
    except NetworkProblem as error:
        raise NetworkProblem(f"{error}; {WAYS_ON}") from error
    if sha256 is None:
        on_event(Note(f"the bytes of {_readable(url)} have sha256 {files.sha256_of(path)}"))
    return path


def _stored(home: Home, name: str) -> Corpus | None:
    """What was fetched under that name before."""
    try:
        return open_corpus(home, name)
    except (NotFound, BadData):
        return None


def _compare(before: Corpus, corpus: Corpus, on_event: OnEvent) -> None:
    """Say when a name stands for another text than before."""
    if (before.sha256, before.val_sha256) == (corpus.sha256, corpus.val_sha256):
        return
    what = "split in another place" if before.sha256 == corpus.sha256 else "another text"
    of_the_source = f"the bytes of {corpus.source} have changed: " if _has_changed(before, corpus) else ""
    on_event(
        Warned(
            f"{of_the_source}'{corpus.name}' is now {what} than on {before.fetched[:10]} "
            f"({before.characters:,} characters, sha256 {before.sha256[:8]}), which stays for the models trained on it"
        )
    )


def _has_changed(before: Corpus, corpus: Corpus) -> bool:
    return is_url(corpus.source) and before.source == corpus.source and before.source_sha256 != corpus.source_sha256
