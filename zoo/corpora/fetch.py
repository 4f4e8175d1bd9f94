"""Fetch: from a dataset, or a source of the reader's own, to a stored corpus."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo import files, locks
from zoo.corpora.corpus import Corpus, fetch_lock, open_corpus
from zoo.corpora.dataset import Dataset, Opened, ReadOptions, is_private, is_url
from zoo.corpora.normalise import LONGEST_NAME, Normaliser, with_line_feeds
from zoo.corpora.store import store_corpus
from zoo.errors import BadData, NetworkProblem, NotFound, UsageProblem
from zoo.events import Event, Note, OnEvent, Skipped, Warned, ignore
from zoo.home import Home, expand
from zoo.names import check_name
from zoo.web.address import Address
from zoo.web.download import download

WAIT_SECONDS = 600.0
SKIPS_SAID = 5  # by name; the corpus remembers all
Opener = Callable[[str, ReadOptions], Opened]
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
        return {k: _plain(v) if isinstance(v, str) else v for k, v in asked.items() if v not in (None, False)}


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
        corpus = _Fetch(home, dataset, wish, source, on_event).run(opener, [dataset, *offered])
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


class _Fetch:
    """One fetch: downloads what is a URL, sees what it is, and stores its text."""

    def __init__(self, home: Home, dataset: Dataset, wish: Wish, source: str, on_event: OnEvent) -> None:
        self.home, self.dataset, self.wish, self.source, self.on_event = home, dataset, wish, source, on_event
        self.cache = home.cache / dataset.name
        self.pinned = dataset.sha256 if source == dataset.source else None

    def run(self, opener: Opener, known: Iterable[Dataset]) -> Corpus:
        files.make_directory(self.cache)
        downloaded = None
        try:
            downloaded = self._download() if is_url(self.source) else None
            return self._store(downloaded or Path(self.source), opener, known)
        finally:
            if downloaded and not self.pinned:
                files.remove(downloaded)  # nothing would ever read it: it is downloaded anew each time
            files.remove_if_empty(self.cache)

    def _download(self) -> Path:
        address = Address(self.source)
        ending = address.name.encode()[-80:].decode("utf-8", "ignore")
        name = f"{hashlib.sha256(self.source.encode()).hexdigest()[:8]}-{ending}"
        try:
            return download(self.source, self.cache / name, sha256=self.pinned, on_event=self.on_event)
        except NetworkProblem as error:
            raise NetworkProblem(f"{error}; {WAYS_ON}") from error

    def _store(self, path: Path, opener: Opener, known: Iterable[Dataset]) -> Corpus:
        if self.wish.glob and path.is_file():
            raise UsageProblem(
                f"--glob says which files of a directory to take, and {_readable(self.source)} is a file"
            )
        sha256 = files.sha256_of(path) if path.is_file() else ""
        if is_url(self.source) and not self.pinned:
            self.on_event(Note(f"the bytes of {_readable(self.source)} have sha256 {sha256}"))
        skipped = _SkippedDocuments(self.on_event)
        options = ReadOptions(
            encoding=self.wish.encoding,
            glob=self.wish.glob,
            unwrap=self.wish.unwrap,
            cache=self.cache,
            on_event=skipped,
        )
        opened = opener(str(path) if is_url(self.source) else self.source, options)
        return store_corpus(
            self.home,
            Normaliser(opened.documents, self._separator()),
            self._about(self._described(sha256, known, bundled=opened.bundled), sha256),
            skipped=skipped.all,
            split=self.wish.split,
            on_event=self.on_event,
        )

    def _separator(self) -> str | None:
        """What stands between two documents; raises UsageProblem for bytes that are no text."""
        if self.wish.separator is None:
            return None
        if _plain(self.wish.separator) != self.wish.separator:
            raise UsageProblem("--separator is not UTF-8")
        return with_line_feeds(self.wish.separator)[0]

    def _described(self, sha256: str, known: Iterable[Dataset], *, bundled: bool) -> Dataset:
        """Return the dataset that the text belongs to, with the mark `private` that the text gets."""
        own, public = self.dataset, self.wish.public
        if self.wish.source is None:
            if own.private and public:
                self.on_event(Warned(f"'{own.name}' stays private: the plugin that offers it says so"))
            return replace(own, private=own.private or (is_private(own) and not public))
        name = _name(self.source)
        for candidate in known:
            if sha256 and candidate.sha256 == sha256:
                self.on_event(Note(f"{name} is the text of dataset '{candidate.name}' (same sha256)"))
                return replace(candidate, name=own.name, private=is_private(candidate) and not public)
        private = is_private(own, self.source, bundled=bundled) and not public
        if own.source is None and own.summary:  # one that the reader was asked to bring
            return replace(own, private=private)
        return replace(own, summary=f"your own: {name}", licence="unknown", private=private)

    def _about(self, dataset: Dataset, sha256: str) -> dict[str, Any]:
        """What of a corpus is not counted."""
        return {
            "name": dataset.name,
            "dataset": dataset.name,
            "source": _readable(self.source),
            "source_sha256": sha256,
            "licence": dataset.licence,
            "private": dataset.private,
            "summary": dataset.summary,
            "vocab": dataset.vocab,
            "fetched": datetime.now(UTC).replace(microsecond=0).isoformat(),
            "options": self.wish.options(),
        }


class _SkippedDocuments:
    """Keeps what an opener reports as skipped, says the first of them, and passes on everything else."""

    def __init__(self, on_event: OnEvent) -> None:
        self.all: list[Skipped] = []
        self._on_event = on_event

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Skipped):
            self._on_event(event)
            return
        event = Skipped(str(event.name)[:LONGEST_NAME], str(event.reason)[:LONGEST_NAME])
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


def _readable(source: str) -> str:
    """A source as text that may be kept and shown: without a login or a query, which may be passwords, and with bytes
    that are not UTF-8 spelt out."""
    return str(Address(source)) if is_url(source) else _plain(source)


def _plain(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _name(source: str) -> str:
    """The last part of a source, likewise."""
    return Address(source).name if is_url(source) else _readable(Path(source).name)


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
