"""A corpus: the text that `fetch` stored, with its split and its hashes, in `.zoo/corpora/NAME/<sha8>/`.

A text that was stored with a second split has a second folder, `<sha8>-<val8>`.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_origin

from zoo import files, tables
from zoo.errors import BadData, NotFound
from zoo.home import Home
from zoo.names import is_name

SCHEMA = tables.SCHEMAS["corpus.toml"]
ALPHABET_LIMIT = 2**25  # every character of Unicode, each written as an escape, and its count
LINE_LIMIT = 2**16  # bytes of a line of documents.jsonl: a path and a reason
BLOCK_BYTES = 2**20
FOLDER = "[0-9a-f]{8}(-[0-9a-f]{8})?"
Part = Literal["all", "train", "val"]
PARTS: tuple[Part, ...] = ("train", "val")  # of which "all" is made


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """One stored text: the first train_characters of it train, the rest validates.

    source is one, or several joined by " + ". source_sha256 is of the one file the text came from; empty for anything
    else. longest_line counts characters. baseline
    says how well counting alone predicts the validation part: `zoo.corpora.ngrams`.
    """

    directory: Path
    name: str
    dataset: str
    sha256: str
    val_sha256: str
    characters: int
    train_characters: int
    bytes: int
    train_bytes: int
    documents: int
    source: str
    licence: str
    private: bool
    fetched: str
    source_sha256: str = ""
    longest_line: int = 0
    vocab: str = "characters"
    summary: str = ""
    baseline: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, int] = field(default_factory=dict)

    def contradictions(self) -> list[str]:
        """The fields whose values cannot be."""
        sizes = {key: getattr(self, key) for key in ("characters", "bytes", "documents", "longest_line")}
        wrong = [key for key, value in sizes.items() if not 0 <= value < 2**63]
        if not 0 <= self.train_characters <= self.characters:
            wrong.append("train_characters")
        if not 0 <= self.train_bytes <= self.bytes:
            wrong.append("train_bytes")
        if not all(type(times) is int for times in self.changes.values()):
            wrong.append("changes")
        kinds = {key: type(value) for key, value in self.baseline.items()}
        if self.baseline and kinds != dict.fromkeys(kinds, int) | {"order": int, "bpc": float}:
            wrong.append("baseline")
        return wrong

    @property
    def text_path(self) -> Path:
        return self.directory / "text.txt"

    def characters_of(self, part: Part) -> int:
        """Number of characters of a part."""
        return {
            "all": self.characters,
            "train": self.train_characters,
            "val": self.characters - self.train_characters,
        }[part]

    def bytes_of(self, part: Part) -> int:
        """Size of a part in UTF-8."""
        return {"all": self.bytes, "train": self.train_bytes, "val": self.bytes - self.train_bytes}[part]

    def blocks(self, part: Part = "all") -> Iterator[str]:
        """The text of a part, in blocks of about a megabyte, so that its size does not matter."""
        begin = self.train_bytes if part == "val" else 0
        end = self.train_bytes if part == "train" else self.bytes
        decoder = codecs.getincrementaldecoder("utf-8")()
        with files.opened(self.text_path) as file:
            file.seek(begin)
            while begin < end:
                data = file.read(min(BLOCK_BYTES, end - begin))
                if not data:
                    raise BadData(f"{self.text_path} is cut off; fetch '{self.name}' again")
                begin += len(data)
                try:
                    yield decoder.decode(data, final=begin == end)
                except UnicodeDecodeError:
                    raise BadData(f"{self.text_path} is damaged; fetch '{self.name}' again") from None

    def text(self, part: Part = "all") -> str:
        """The text of a part as one string."""
        return "".join(self.blocks(part))

    def last_block(self) -> str:
        """The end of the text, about as much of it as a block."""
        with files.opened(self.text_path) as file:
            file.seek(max(0, self.bytes - BLOCK_BYTES))
            return file.read(BLOCK_BYTES).decode("utf-8", "ignore")

    def documents_listed(self) -> Iterator[dict[str, Any]]:
        """What the text is made of, in order: name, characters and encoding of each document; then name and `skipped`,
        the reason, of each that was left out. Empty for a text that was stored before these were kept."""
        path = self.directory / "documents.jsonl"
        if not path.exists():
            return
        with files.opened(path) as file:
            while line := file.readline(LINE_LIMIT):
                try:
                    entry = json.loads(line)
                    kinds = {key: type(value) for key, value in entry.items()}
                except (ValueError, AttributeError, RecursionError):
                    kinds = {}
                if kinds not in ({"name": str, "characters": int, "encoding": str}, {"name": str, "skipped": str}):
                    raise BadData(f"{path} is damaged; fetch '{self.name}' again")
                yield entry

    @property
    def alphabet(self) -> dict[str, int]:
        """Every character with its count, in order of code points."""
        counts = tables.read_json(self.directory / "alphabet.json", limit=ALPHABET_LIMIT)
        if (
            not isinstance(counts, dict)
            or not all(len(c) == 1 and type(n) is int for c, n in counts.items())
            or sum(counts.values()) != self.characters
        ):
            raise BadData(f"{self.directory / 'alphabet.json'} is damaged; fetch '{self.name}' again")
        return counts

    def check_text(self, val_sha256: str | None = None) -> None:
        """Raise BadData unless the stored text still has its sha256, and its validation part has the one given, or else
        its own."""
        sha256, val, size = self._hashes() if self.text_path.exists() else ("", "", 0)
        if sha256 != self.sha256:
            raise BadData(f"the stored text of corpus '{self.name}' was changed; fetch it again")
        if size != self.bytes or val != (self.val_sha256 if val_sha256 is None else val_sha256):
            raise BadData(f"corpus '{self.name}' is split in another place than it was; fetch it again")

    def _hashes(self) -> tuple[str, str, int]:
        """The sha256 of the stored bytes and of those that validate, and how many they are, in one pass."""
        whole, val, size = hashlib.sha256(), hashlib.sha256(), 0
        with files.opened(self.text_path) as file:
            while data := file.read(BLOCK_BYTES):
                whole.update(data)
                val.update(memoryview(data)[max(0, self.train_bytes - size) :])
                size += len(data)
        return whole.hexdigest(), val.hexdigest(), size


def corpus_names(home: Home) -> list[str]:
    """The names of all fetched corpora."""
    if not home.corpora.is_dir():
        return []
    return sorted(
        entry.name for entry in home.corpora.iterdir() if is_name(entry.name) and (entry / "current").is_file()
    )


def folder_names(sha256: str, val_sha256: str) -> tuple[str, str]:
    """What the folder of a corpus may be called: by its text, and by its text and its split."""
    return sha256[:8], f"{sha256[:8]}-{val_sha256[:8]}"


def open_corpus(home: Home, name: str, sha256: str | None = None, val_sha256: str = "") -> Corpus:
    """The corpus last fetched under that name, or the one with that sha256 (of whichever fetch), and if there are
    several splits of it, the one whose validation part has val_sha256.

    Raises NotFound when there is none, BadData when its metadata are damaged.
    """
    if not is_name(name):  # it may come from a record, and would lead out of the home
        raise BadData(f"no corpus can be called {name[:80]!r}")
    root = home.corpora / name
    if sha256 is None:
        current = root / "current"
        if not current.is_file():
            raise NotFound(f"corpus '{name}' is not fetched (see: zoo fetch {name})")
        folder = files.read_text(current, limit=100).strip()
    else:
        folder, with_split = folder_names(sha256, val_sha256)
        if re.fullmatch(FOLDER, with_split) and (root / with_split).is_dir():
            folder = with_split
    if not re.fullmatch(FOLDER, folder):
        raise BadData(f"{folder!r} of corpus '{name}' is no beginning of a sha256; fetch it again (zoo fetch {name})")
    if not (root / folder / "corpus.toml").is_file():
        way = f"zoo fetch {name}, with --from for a text of your own"
        raise NotFound(f"the text {folder} of corpus '{name}' is not here; fetch it again: {way}")
    corpus = load_corpus(root / folder)
    if sha256 is not None and corpus.sha256 != sha256:
        raise BadData(f"{corpus.directory} is not the text that was asked for; fetch '{name}' again")
    return corpus


def load_corpus(directory: Path) -> Corpus:
    """The corpus in a directory, by its corpus.toml; raises BadData for one that is damaged."""
    path = directory / "corpus.toml"
    table = tables.read_toml(path)
    tables.check_schema(table, path)
    known = {f.name: get_origin(f.type) or f.type for f in fields(Corpus) if f.name != "directory"}
    values = {key: value for key, value in table.items() if key in known}
    wrong = [key for key, value in values.items() if type(value) is not known[key]]
    try:
        corpus = Corpus(directory=directory, **values)
        wrong = wrong or corpus.contradictions()
    except TypeError:
        wrong = wrong or ["schema"]
    if wrong:
        raise BadData(f"{path} is damaged: '{wrong[0]}'; fetch '{directory.parent.name}' again")
    return corpus


def fetch_lock(home: Home, name: str) -> Path:
    """What is held while a text is fetched under that name."""
    return home.lock(f"fetch-{name}")
