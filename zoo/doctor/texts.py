"""The stored texts: whether they are whole, which is the current one of its name, and which nobody needs."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from zoo import files, locks
from zoo.corpora.corpus import SCHEMA, Corpus, fetch_lock, load_corpus
from zoo.doctor.finding import TO_THE_TRASH, UNREADABLE, UPGRADE, Finding
from zoo.doctor.rows import is_newer
from zoo.errors import BadData, StorageProblem, ZooError
from zoo.events import OnEvent, Progress, ignore
from zoo.home import Home
from zoo.registry import trash


def texts(home: Home, needed: set[str] | None, on_event: OnEvent = ignore) -> Iterator[Finding]:
    """What is wrong with the texts of a home; `needed` are the sha256 of those that models name, None when unknown."""
    roots = _folders(home.corpora)
    for done, root in enumerate(roots):
        on_event(Progress("looking at texts", done, len(roots), unit="texts"))
        if not locks.is_locked(fetch_lock(home, root.name)):
            yield from _texts_of(home, root, needed)


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(files.TEMPORARY))
    except OSError:
        return []


def _texts_of(home: Home, root: Path, needed: set[str] | None) -> Iterator[Finding]:
    """The texts of one name."""
    whole: list[Corpus] = []
    directories = _folders(root)
    for directory in directories:
        where = f"{directory.relative_to(home.path)}"
        try:
            whole.append(_check(directory))
        except StorageProblem as error:
            yield Finding(where, str(error), UNREADABLE)
        except ZooError as error:
            if is_newer(directory / "corpus.toml", SCHEMA):
                yield Finding(where, str(error), UPGRADE)
            else:
                cure = f"moved to the trash; to fetch it again: zoo fetch {root.name}"
                yield Finding(where, str(error), cure, partial(trash.put_away, home, directory))
    current = _current(root)
    if whole and current not in {directory.name for directory in directories}:
        newest = max(whole, key=lambda corpus: corpus.fetched).directory.name
        what = f"it names no text of '{root.name}' that is here"
        mend = partial(_name_current, root, newest)
        yield Finding(f"{root.relative_to(home.path)}/current", what, f"{newest} is named, the newest", mend)
        current = newest
    elif current and not directories:
        what, away = (
            f"it names a text of '{root.name}', and there is none",
            partial(trash.put_away, home, root / "current"),
        )
        yield Finding(f"{root.relative_to(home.path)}/current", what, TO_THE_TRASH, away)
    for corpus in whole:
        if corpus.directory.name != current and needed is not None and corpus.sha256 not in needed:
            what = f"an older text of '{root.name}' ({corpus.characters:,} characters), which no model was trained on"
            away = partial(trash.put_away, home, corpus.directory)
            yield Finding(str(corpus.directory.relative_to(home.path)), what, TO_THE_TRASH, away, damage=False)


def _check(directory: Path) -> Corpus:
    """The corpus in a directory; raises BadData unless text, split and alphabet are those of its corpus.toml."""
    corpus = load_corpus(directory)
    if (corpus.name, corpus.sha256[:8]) != (directory.parent.name, directory.name):
        raise BadData(f"{directory} holds the text {corpus.sha256[:8]} of '{corpus.name}'")
    corpus.check_text()
    if sum(corpus.alphabet.values()) != corpus.characters:
        raise BadData(f"{directory / 'alphabet.json'} does not count the characters of its text")
    return corpus


def _current(root: Path) -> str:
    try:
        return files.read_text(root / "current", limit=100).strip()
    except ZooError:
        return ""


def _name_current(root: Path, sha8: str) -> None:
    files.write_bytes(root / "current", f"{sha8}\n".encode())
