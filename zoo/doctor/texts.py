"""The stored texts: whether they are whole, which is the current one of its name, and which nobody needs."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from zoo import files, locks
from zoo.corpora.corpus import Corpus, fetch_lock, folder_names, load_corpus
from zoo.corpora.survey import Survey
from zoo.doctor.debris import debris
from zoo.doctor.finding import NEWER, TO_THE_TRASH, UNREADABLE, UPGRADE, Finding, Place
from zoo.errors import BadData, NewerSchema, StorageProblem, ZooError
from zoo.home import Home
from zoo.registry import trash


class Texts(Place):
    """The texts of one name; `needed` are those that models name, by their sha256 and that of their validation part;
    None when that is not known."""

    def __init__(self, home: Home, name: str, needed: set[tuple[str, str]] | None) -> None:
        self.home, self.name, self.needed = home, name, needed
        self.root = home.corpora / name
        self.where = str(self.root.relative_to(home.path))

    @property
    def is_busy(self) -> bool:
        return locks.is_locked(fetch_lock(self.home, self.name))

    def alone(self) -> AbstractContextManager[object]:
        busy = f"another zoo process is fetching '{self.name}'"
        return locks.locked(fetch_lock(self.home, self.name), seconds=0.5, busy=busy)

    def look(self) -> Iterator[Finding]:
        whole: list[Corpus] = []
        directories = folders(self.root)
        for directory in directories:
            where = str(directory.relative_to(self.home.path))
            try:
                whole.append(_check(directory))
            except StorageProblem as error:
                yield Finding(where, str(error), UNREADABLE)
            except NewerSchema:
                yield Finding(where, NEWER, UPGRADE)
            except ZooError as error:
                cure = f"moved to the trash; to fetch it again: zoo fetch {self.name}"
                yield Finding(where, str(error), cure, partial(trash.put_away, self.home, directory))
        current = _current(self.root)
        yield from self._current_text(current, whole, directories)
        yield from self._older_texts(current, whole)
        for directory in (self.root, self.home.cache / self.name):
            yield from debris(self.home, directory)

    def _current_text(self, current: str, whole: list[Corpus], directories: list[Path]) -> Iterator[Finding]:
        where, path = f"{self.where}/current", self.root / "current"
        if whole and current not in {directory.name for directory in directories}:
            newest = _newest(whole)
            what, cure = f"it names no text of '{self.name}' that is here", f"{newest} is named, the newest"
            yield Finding(where, what, cure, partial(files.write_bytes, path, f"{newest}\n".encode()))
        elif current and not directories:
            what = f"it names a text of '{self.name}', and there is none"
            away = partial(trash.put_away, self.home, path)
            yield Finding(where, what, TO_THE_TRASH, away)

    def _older_texts(self, current: str, whole: list[Corpus]) -> Iterator[Finding]:
        """Worth knowing only: a text cannot be trained again, so nobody but the reader throws it away."""
        if self.needed is None or not whole:
            return
        if current not in {corpus.directory.name for corpus in whole}:
            current = _newest(whole)
        for corpus in whole:
            if corpus.directory.name != current and (corpus.sha256, corpus.val_sha256) not in self.needed:
                what = f"an older text of '{self.name}' ({corpus.characters:,} characters) that no model was trained on"
                where = str(corpus.directory.relative_to(self.home.path))
                yield Finding(where, what, "delete the directory when you do not need it", damage=False)


def folders(path: Path) -> list[Path]:
    """The directories below one, but drafts."""
    try:
        return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(files.TEMPORARY))
    except OSError:
        return []


def _newest(whole: list[Corpus]) -> str:
    return max(whole, key=lambda corpus: corpus.fetched).directory.name


def _check(directory: Path) -> Corpus:
    """The corpus in a directory; raises BadData unless text, split and alphabet are those of its corpus.toml."""
    corpus = load_corpus(directory)
    names = folder_names(corpus.sha256, corpus.val_sha256)
    if corpus.name != directory.parent.name or directory.name not in names:
        raise BadData(f"{directory} holds the text {corpus.sha256[:8]} of '{corpus.name}'")
    corpus.check_text()
    survey = Survey()
    for block in corpus.blocks("all"):
        survey.add(block, block.encode())
    if corpus.alphabet != survey.alphabet:
        raise BadData(f"{directory / 'alphabet.json'} does not count the characters of its text")
    return corpus


def _current(root: Path) -> str:
    try:
        return files.read_text(root / "current", limit=100).strip()
    except ZooError:
        return ""
