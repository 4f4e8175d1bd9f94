"""Writing a corpus: the text streams through once, counted and hashed, and becomes visible in one step."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

from zoo import files, moving, permissions, tables
from zoo.corpora.corpus import ALPHABET_LIMIT, BLOCK_BYTES, SCHEMA, Corpus, folder_names, load_corpus, open_corpus
from zoo.corpora.ngrams import baseline
from zoo.corpora.normalise import Normaliser, Part
from zoo.corpora.survey import Survey
from zoo.errors import BadData, Conflict, ZooError
from zoo.events import OnEvent, Progress, Skipped, ignore
from zoo.home import Home

TRAIN_SHARE = 0.9  # as in the seed


def store_corpus(
    home: Home,
    text: Normaliser,
    about: dict[str, Any],
    *,
    skipped: Iterable[Skipped] = (),
    split: str = "tail",
    on_event: OnEvent = ignore,
) -> Corpus:
    """Write a text and its metadata and make it the current one of its name; an older text stays beside it.

    `about` holds the fields of Corpus that cannot be counted here; `skipped` is looked at after the text. Raises
    BadData for a text that is blank, or a split between files of which there is only one.
    """
    root = home.corpora / about["name"]
    files.refuse_link(root)
    files.make_directory(root)
    draft = files.temporary_beside(root / "draft")
    try:
        files.claim_directory(draft)
        corpus = _write(draft, text, about, skipped, split, on_event)
        target = _place(root, corpus)
        if target.exists() and not _is_whole(target, corpus):
            with files.storing(draft):
                permissions.make_alike(draft, target)
            files.remove_tree(target)
        try:
            moving.move(draft, target)
        except Conflict:  # this very text was stored before: what is known about it may be new
            files.copy(draft / "documents.jsonl", target / "documents.jsonl")
            _write_metadata(corpus, target)
    finally:
        if draft.exists():
            files.remove_tree(draft)
        files.remove_if_empty(root)
    files.write_bytes(root / "current", f"{target.name}\n".encode())
    return open_corpus(home, about["name"])


def _write(
    draft: Path, text: Normaliser, about: dict[str, Any], skipped: Iterable[Skipped], split: str, on_event: OnEvent
) -> Corpus:
    path, task = draft / "text.txt", f"storing {about['name']}"
    sha256, survey = _write_text(path, text, about["source"], lambda done: on_event(Progress(task, done, None)))
    alphabet = survey.alphabet
    if not any(character.strip() for character in alphabet):
        raise BadData(f"there is no text in {about['source']}")
    characters = survey.characters
    on_event(Progress(task, characters, characters))
    train_characters = _cut(characters, text.parts, split, about["source"])
    train_bytes, val_sha256 = _split(path, train_characters)
    files.write_bytes(draft / "alphabet.json", json.dumps(alphabet, indent=0).encode())
    text.changes["documents skipped"] = _write_documents(draft / "documents.jsonl", text.parts, skipped)
    corpus = Corpus(
        directory=draft,
        sha256=sha256,
        val_sha256=val_sha256,
        characters=characters,
        train_characters=train_characters,
        bytes=path.stat().st_size,
        train_bytes=train_bytes,
        documents=len(text.parts),
        longest_line=survey.longest_line,
        changes=dict(+text.changes),
        **about,
    )
    corpus = replace(corpus, baseline=baseline(corpus))
    _write_metadata(corpus, draft)
    return corpus


def _write_text(
    path: Path, text: Iterable[str], source: str, on_characters: Callable[[int], None]
) -> tuple[str, Survey]:
    """Write a text, block by block; its sha256, and what was counted on the way."""
    digest, survey = hashlib.sha256(), Survey()

    def chunks() -> Iterator[bytes]:
        done = 0
        for block in text:
            try:
                data = block.encode()
            except UnicodeEncodeError as error:
                where = f"U+{ord(block[error.start]):04X}"
                raise BadData(f"{source} holds half a character ({where}); is --encoding right?") from None
            survey.add(block, data)
            digest.update(data)
            yield data
            done += len(block)
            on_characters(done)

    files.write_chunks(path, chunks())
    return digest.hexdigest(), survey


def _cut(characters: int, parts: list[Part], split: str, source: str) -> int:
    """How many characters train: nine tenths, or what comes nearest to that between two documents."""
    wanted = int(TRAIN_SHARE * characters)
    if split == "tail":
        return wanted
    begins = [part.begin for part in parts[1:]]
    if not begins:
        raise BadData(f"there is one document in {source}, and --split files needs two at least")
    return min(begins, key=lambda begin: abs(begin - wanted))


def _place(root: Path, corpus: Corpus) -> Path:
    """Where a corpus goes: to a second folder when the first holds another split of it, or a text that happens to have
    the same first digits."""
    first, second = (root / name for name in folder_names(corpus.sha256, corpus.val_sha256))
    try:
        other = load_corpus(first)
    except ZooError:
        return first
    return first if (other.sha256, other.val_sha256) == (corpus.sha256, corpus.val_sha256) else second


def _is_whole(directory: Path, corpus: Corpus) -> bool:
    """Whether a stored corpus still has this text and its alphabet."""
    try:
        same = files.sha256_of(directory / "text.txt") == corpus.sha256
        return same and bool(tables.read_json(directory / "alphabet.json", limit=ALPHABET_LIMIT))
    except ZooError:
        return False


def _write_metadata(corpus: Corpus, directory: Path) -> None:
    table = {key: value for key, value in asdict(corpus).items() if key != "directory"}
    tables.write_toml(directory / "corpus.toml", {"schema": SCHEMA, **table})


def _write_documents(path: Path, parts: Iterable[Part], skipped: Iterable[Skipped]) -> int:
    """A line for each document in the order of the text, then one for each that was left out, whose number it gives."""
    entries = ({"name": part.name, "characters": part.characters, "encoding": part.encoding} for part in parts)
    left_out = [{"name": event.name, "skipped": event.reason} for event in skipped]
    files.write_chunks(path, (json.dumps(entry).encode() + b"\n" for entry in chain(entries, left_out)))
    return len(left_out)


def _split(path: Path, train_characters: int) -> tuple[int, str]:
    """The byte at which validation begins, and the sha256 of the bytes from there on."""
    digest = hashlib.sha256()
    train_bytes, left = 0, train_characters
    with files.reading(path), open(path, encoding="utf-8", newline="") as file:
        while block := file.read(BLOCK_BYTES):
            head, tail = block[:left], block[left:]
            train_bytes += len(head.encode())
            left -= len(head)
            digest.update(tail.encode())
    return train_bytes, digest.hexdigest()
