"""Fetch: from a dataset, or a source of the reader's own, to a stored corpus."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from zoo import files, locks, tables
from zoo.corpora.corpus import Corpus, fetch_lock, open_corpus
from zoo.corpora.dataset import Dataset, Document, Opened, ReadOptions, is_private, is_url
from zoo.corpora.normalise import LONGEST_NAME, Normaliser, with_line_feeds
from zoo.corpora.store import store_corpus
from zoo.errors import BadData, NetworkProblem, NotFound, UsageProblem
from zoo.events import Event, Note, OnEvent, Progress, Skipped, Warned, ignore
from zoo.home import Home, expand
from zoo.masking import masked, masked_source
from zoo.names import check_name
from zoo.steady import SteadyFile
from zoo.web.address import Address
from zoo.web.download import download

WAIT_SECONDS = 600.0
SKIPS_SAID = 5  # by name; the corpus remembers all
Opener = Callable[[str, ReadOptions], Opened]
WAYS_ON = "ways on: --from with a file you have, or another text (zoo fetch plays, zoo fetch pydoc)"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the reader asked for beside the name; None or False means the default."""

    sources: tuple[str, ...] = ()  # none: the dataset's own
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
    sources = _sources(dataset, wish)
    home.create()
    with _alone(home, dataset.name, on_event):
        for folder in home.corpora.glob(f"{dataset.name}/*/"):
            tables.refuse_newer_in(folder)
        before = _stored(home, dataset.name)
        corpus = _Fetch(home, dataset, wish, sources, on_event).run(opener, [dataset, *offered])
    if before:
        _compare(before, corpus, on_event)
    return corpus


def _sources(dataset: Dataset, wish: Wish) -> list[str]:
    """Return the sources of the text, with absolute local paths.

    Raises UsageProblem when there is none, and for a source that is given twice: its text would be there twice.
    """
    if not wish.sources:
        if not dataset.source:
            raise UsageProblem(dataset.instructions or f"dataset '{dataset.name}' needs a text of yours: --from FILE")
        return [dataset.source]
    if "" in wish.sources:
        raise UsageProblem("--from names no file, directory or URL")
    sources = [_in_full(source) for source in wish.sources]
    places = [_place(source) for source in sources]
    for source, place in zip(sources, places, strict=True):
        if places.count(place) > 1:
            raise UsageProblem(f"--from {_readable(source)} was given twice; leave one out")
    return sources


def _place(source: str) -> str:
    """Return the one spelling that all spellings of a place have in common: no fragment, no link, no `..`."""
    return source.partition("#")[0] if is_url(source) else os.path.realpath(source)


def _in_full(source: str) -> str:
    """Return a source as it is, but an existing local path as an absolute one."""
    return str(expand(source).absolute()) if not is_url(source) and expand(source).exists() else source


@dataclass(frozen=True)
class _Source:
    """One opened source of a text. sha256: of its bytes if it is a single file, else empty."""

    source: str
    sha256: str
    opened: Opened


class _Fetch:
    """One fetch: downloads what is a URL, sees what it is, and stores its text."""

    def __init__(self, home: Home, dataset: Dataset, wish: Wish, sources: list[str], on_event: OnEvent) -> None:
        self.home, self.dataset, self.wish, self.sources, self.on_event = home, dataset, wish, sources, on_event
        self.cache = home.cache / dataset.name

    def run(self, opener: Opener, known: Iterable[Dataset]) -> Corpus:
        if self.wish.glob and all(is_url(source) or Path(source).is_file() for source in self.sources):
            source = _readable(self.sources[0])
            raise UsageProblem(f"--glob says which files of a directory to take, and {source} is a file")
        skipped = _SkippedDocuments(self.on_event)
        options = ReadOptions(
            encoding=self.wish.encoding,
            glob=self.wish.glob,
            unwrap=self.wish.unwrap,
            cache=self.cache,
            on_event=skipped,
        )
        files.make_directory(self.cache)
        with contextlib.ExitStack() as at_end:
            at_end.callback(files.remove_if_empty, self.cache)
            opened = [self._open(source, opener, options, at_end) for source in self.sources]
            return store_corpus(
                self.home,
                Normaliser(chain.from_iterable(one.opened.documents for one in opened), self._separator()),
                self._about(self._described(opened, list(known)), opened),
                skipped=skipped.all,
                split=self.wish.split,
                on_event=self.on_event,
            )

    def _open(self, source: str, opener: Opener, options: ReadOptions, at_end: contextlib.ExitStack) -> _Source:
        """Open a source; what is downloaded for it is deleted at the end, unless a dataset pins it."""
        path = Path(source)
        pinned = self.dataset.sha256 if source == self.dataset.source else None
        if is_url(source):
            path = self._download(source, pinned)
            if not pinned:
                at_end.callback(files.remove, path)  # nothing would read it: the next fetch downloads it again
        file = SteadyFile(path) if path.is_file() else None
        sha256 = file.sha256() if file else ""
        if is_url(source) and not pinned:
            self.on_event(Note(f"the bytes of {_readable(source)} have sha256 {sha256}"))
        opened = opener(str(path) if is_url(source) else source, options)
        return _Source(source, sha256, replace(opened, documents=_unchanged(opened.documents, file, sha256)))

    def _download(self, source: str, pinned: str | None) -> Path:
        address = Address(source)
        ending = address.name.encode()[-80:].decode("utf-8", "ignore")
        name = f"{hashlib.sha256(source.encode()).hexdigest()[:8]}-{ending}"
        try:
            return download(source, self.cache / name, sha256=pinned, on_event=self.on_event)
        except NetworkProblem as error:
            raise NetworkProblem(f"{error}; {WAYS_ON}") from error

    def _separator(self) -> str | None:
        """Return the text between two documents. Raises UsageProblem when it is not UTF-8."""
        if self.wish.separator is None:
            return None
        if _plain(self.wish.separator) != self.wish.separator:
            raise UsageProblem("--separator is not UTF-8")
        return with_line_feeds(self.wish.separator)[0]

    def _described(self, opened: list[_Source], known: list[Dataset]) -> Dataset:
        """Return the dataset that the text belongs to, with the mark `private` that the text gets."""
        own, public = self.dataset, self.wish.public
        if not self.wish.sources:
            if own.private and public:
                self.on_event(Warned(f"'{own.name}' stays private: the plugin that offers it says so"))
            return replace(own, private=own.private or (is_private(own) and not public))
        recognised = [self._recognised(one, known) for one in opened]
        if len(recognised) == 1 and recognised[0]:
            return replace(recognised[0], name=own.name, private=is_private(recognised[0]) and not public)
        private = own.private or any(
            is_private(found) if found else is_private(own, one.source, bundled=one.opened.bundled)
            for one, found in zip(opened, recognised, strict=True)
        )
        own = replace(own, private=private and not public)
        if own.source is None and own.summary:  # one that the reader was asked to bring
            return own
        more = f" and {len(opened) - 1} more" if len(opened) > 1 else ""
        return replace(own, summary=f"your own: {_name(opened[0].source)}{more}", licence="unknown")

    def _recognised(self, one: _Source, known: list[Dataset]) -> Dataset | None:
        """Return the dataset whose sha256 a source has, and say so."""
        for candidate in known:
            if one.sha256 and candidate.sha256 == one.sha256:
                name = _name(one.source)
                self.on_event(Note(f"{name} is the text of dataset '{candidate.name}' (same sha256)"))
                return candidate
        return None

    def _about(self, dataset: Dataset, opened: list[_Source]) -> dict[str, Any]:
        """What of a corpus is not counted."""
        return {
            "name": dataset.name,
            "dataset": dataset.name,
            "source": " + ".join(_readable(one.source) for one in opened),
            "source_sha256": opened[0].sha256 if len(opened) == 1 else "",
            "licence": dataset.licence,
            "private": dataset.private,
            "summary": dataset.summary,
            "vocab": dataset.vocab,
            "fetched": datetime.now(UTC).replace(microsecond=0).isoformat(),
            "options": self.wish.options(),
        }


def _unchanged(documents: Iterator[Document], file: SteadyFile | None, sha256: str) -> Iterator[Document]:
    """Yield the documents of a file; raise Conflict if it is not the one that was hashed, before its text is stored."""
    yield from documents
    if file:
        file.check(sha256)


class _SkippedDocuments:
    """Keeps what an opener reports as skipped, says the first of them, and passes on everything else."""

    def __init__(self, on_event: OnEvent) -> None:
        self.all: list[Skipped] = []
        self._on_event = on_event

    def __call__(self, event: Event) -> None:
        if not isinstance(event, Skipped):
            self._on_event(replace(event, task=masked(event.task)) if isinstance(event, Progress) else event)
            return
        event = Skipped(masked(str(event.name)[:LONGEST_NAME]), masked(str(event.reason)[:LONGEST_NAME]))
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
    """Return a source as text that may be kept and shown: masked, and with bytes that are not UTF-8 spelt out."""
    return str(Address(source)) if is_url(source) else masked_source(_plain(source))


def _plain(text: str) -> str:
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def _name(source: str) -> str:
    """Return the last part of a source, masked."""
    return Address(source).name if is_url(source) else Path(_readable(source)).name


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
