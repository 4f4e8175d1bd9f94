"""Writing a corpus: the text streams through once, counted and hashed, and becomes visible in one step."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from zoo import files, tables
from zoo.corpora.corpus import ALPHABET_LIMIT, BLOCK_BYTES, SCHEMA, Corpus, open_corpus
from zoo.corpora.normalise import Normaliser
from zoo.errors import BadData, Conflict, ZooError
from zoo.events import OnEvent, Progress, ignore
from zoo.home import Home

TRAIN_SHARE = 0.9  # as in the seed


def store_corpus(home: Home, text: Normaliser, about: dict[str, Any], on_event: OnEvent = ignore) -> Corpus:
    """Write a text and its metadata and make it the current one of its name; an older text stays beside it.

    `about` holds the fields of Corpus that cannot be counted here. Raises BadData for a text that is blank.
    """
    root = home.corpora / about["name"]
    files.refuse_link(root)
    files.make_directory(root)
    draft = files.temporary_beside(root / "draft")
    files.claim_directory(draft)
    try:
        corpus = _write(draft, text, about, on_event)
        target = root / corpus.sha256[:8]
        if target.exists() and not _is_whole(target, corpus):
            files.remove_tree(target)
        try:
            files.move(draft, target)
        except Conflict:  # this very text was stored before: what is known about it may be new
            _write_metadata(corpus, target)
    finally:
        if draft.exists():
            files.remove_tree(draft)
        files.remove_if_empty(root)
    files.write_bytes(root / "current", f"{corpus.sha256[:8]}\n".encode())
    return open_corpus(home, about["name"], corpus.sha256)


def _write(draft: Path, text: Normaliser, about: dict[str, Any], on_event: OnEvent) -> Corpus:
    digest, counts = hashlib.sha256(), Counter[str]()
    task = f"storing {about['name']}"

    def chunks() -> Iterator[bytes]:
        done = 0
        for block in text:
            counts.update(block)
            try:
                data = block.encode()
            except UnicodeEncodeError as error:
                where = f"U+{ord(block[error.start]):04X}"
                raise BadData(f"{about['source']} holds half a character ({where}); is --encoding right?") from None
            digest.update(data)
            yield data
            done += len(block)
            on_event(Progress(task, done, None))

    path = draft / "text.txt"
    files.write_chunks(path, chunks())
    if not any(character.strip() for character in counts):
        raise BadData(f"there is no text in {about['source']}")
    characters = counts.total()
    on_event(Progress(task, characters, characters))
    train_characters = int(TRAIN_SHARE * characters)
    train_bytes, val_sha256 = _split(path, train_characters)
    alphabet = json.dumps(dict(sorted(counts.items())), indent=0)
    files.write_bytes(draft / "alphabet.json", alphabet.encode())
    corpus = Corpus(
        directory=draft,
        sha256=digest.hexdigest(),
        val_sha256=val_sha256,
        characters=characters,
        train_characters=train_characters,
        bytes=path.stat().st_size,
        train_bytes=train_bytes,
        documents=text.documents,
        changes=dict(text.changes),
        **about,
    )
    _write_metadata(corpus, draft)
    return corpus


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
