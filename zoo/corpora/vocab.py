"""Vocabularies: between characters and ids. The core can load every stored kind without any plugin."""

import codecs
import hashlib
import json
import unicodedata
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from zoo import files, tables
from zoo.errors import BadData, UsageProblem

if TYPE_CHECKING:
    import numpy as np

SCHEMA = tables.SCHEMAS["vocab.json"]
MOST_CHARACTERS = 2**16  # more than any script has
VOCAB_LIMIT = 2**20  # bytes of vocab.json: so many characters, each written as an escape
Unknown = Literal["error", "skip", "replace"]
# what one hand types and another one sets, either way: Unicode does not call these the same
_ALIKE = {"'": "’‘", "‘": "'’", "’": "'‘", '"': "”“", "“": '"”', "”": '"“', "-": "–—", "–": "-—", "—": "-–"}


class TextStream(Protocol):
    """Decodes ids one at a time; holds back a character until it is complete."""

    def push(self, id: int) -> str:
        """The text that this id completes, often nothing."""

    def finish(self) -> str:
        """What was held back, made readable: the text ends here."""


class Vocab:
    """Base of the kinds. A vocabulary never changes; two with the same sha256 are the same."""

    kind: str

    def __len__(self) -> int:
        raise NotImplementedError

    def encode(self, text: str) -> "np.ndarray":
        """Ids (T,) of a text, uint16 where they fit, else uint32; raises BadData for characters it does not know."""
        raise NotImplementedError

    def decode(self, ids: "Iterable[int] | np.ndarray") -> str:
        """The text of ids (T,)."""
        stream = self.stream()
        return "".join([*(stream.push(int(id)) for id in ids), stream.finish()])

    def stream(self) -> TextStream:
        raise NotImplementedError

    def unknown(self, text: str) -> list[str]:
        """The distinct characters of a text that this vocabulary lacks, in order of code points."""
        return []

    def adapt(self, text: str, unknown: Unknown) -> str:
        """The text with its unknown characters skipped, or replaced by the nearest known ones; 'error': as it is."""
        return text

    def first_id(self) -> int:
        """What stands before a text that has nothing before it: a newline, for most texts begin after one; else 0."""
        return 0 if self.unknown("\n") else int(self.encode("\n")[0])

    def to_dict(self) -> dict[str, Any]:
        """What vocab.json holds."""
        raise NotImplementedError

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()


class Characters(Vocab):
    """One id per character: the sorted distinct ones of a text, as in the seed. There is no id for unknown ones.

    `first` has the first ids, in its order: so an alphabet grows and no id that a model has learnt changes its meaning.
    Raises BadData for more than MOST_CHARACTERS of them.
    """

    kind = "characters"

    def __init__(self, alphabet: Iterable[str], *, first: str = "") -> None:
        self.alphabet = first + "".join(sorted(set(alphabet) - set(first)))
        if len(self) > MOST_CHARACTERS:
            many = f"{len(self):,} distinct characters are more than the {MOST_CHARACTERS:,}"
            raise BadData(f"{many} that a vocabulary may have; --vocab bytes takes any text")

    def __len__(self) -> int:
        return len(self.alphabet)

    @cached_property
    def _ids(self) -> "np.ndarray":
        """A table from code point to id; one past the last id means unknown."""
        import numpy as np

        points = np.array([ord(c) for c in self.alphabet])
        table = np.full(0x110000, len(points), dtype=np.uint16 if len(points) < 2**16 else np.uint32)
        table[points] = np.arange(len(points))
        return table

    def encode(self, text: str) -> "np.ndarray":
        import numpy as np

        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        ids = self._ids.take(points)  # what an index would give, in half the time
        if (ids == len(self)).any():
            listed = ", ".join(_spell(c) for c in self.unknown(text)[:8])
            way = "leave them out, or have unknown ones skipped or replaced (--unknown)"
            raise BadData(f"the model's alphabet lacks {listed}; {way}")
        return ids

    def stream(self) -> TextStream:
        return _CharacterStream(self.alphabet)

    def unknown(self, text: str) -> list[str]:
        return sorted(set(text) - set(self.alphabet))

    def adapt(self, text: str, unknown: Unknown) -> str:
        if unknown == "error":
            return text
        table = {ord(c): "" if unknown == "skip" else self._nearest(c) for c in self.unknown(text)}
        return text.translate(table)

    def _nearest(self, character: str) -> str:
        """The base of its NFKD decomposition, else the other case of either, else another form of a quote or a dash,
        else a space, else nothing."""
        if unicodedata.combining(character):  # the letter it stands on has been replaced, or is known, by itself
            return ""
        bases = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)] or [character]
        replaced = [
            next((c for c in (b, b.lower(), b.upper(), *_ALIKE.get(b, "")) if c in self.alphabet), None) for b in bases
        ]
        if None not in replaced:
            return "".join(c for c in replaced if c is not None)
        return " " if " " in self.alphabet else ""

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "kind": self.kind, "alphabet": self.alphabet}


class _CharacterStream:
    def __init__(self, alphabet: str) -> None:
        self.alphabet = alphabet

    def push(self, id: int) -> str:
        return self.alphabet[id]

    def finish(self) -> str:
        return ""


class Bytes(Vocab):
    """One id per byte of UTF-8: any text fits."""

    kind = "bytes"

    def __len__(self) -> int:
        return 256

    def encode(self, text: str) -> "np.ndarray":
        import numpy as np

        return np.frombuffer(text.encode("utf-8", "replace"), dtype=np.uint8).astype(np.uint16)

    def stream(self) -> TextStream:
        return _ByteStream()

    def to_dict(self) -> dict[str, Any]:
        return {"schema": SCHEMA, "kind": self.kind}


class _ByteStream:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, id: int) -> str:
        return self.decoder.decode(bytes([id]))

    def finish(self) -> str:
        return self.decoder.decode(b"", final=True)


KINDS = (Characters, Bytes)


def load_vocab(path: Path) -> Vocab:
    """The vocabulary of a vocab.json; raises BadData for one that is damaged, NotFound for none."""
    table = tables.read_json(path, limit=VOCAB_LIMIT)
    if not isinstance(table, dict):
        raise BadData(f"{path} is damaged: it is not a table")
    tables.check_schema(table, path)
    alphabet = table.get("alphabet")
    match table.get("kind"):
        case "characters" if isinstance(alphabet, str) and 0 < len(alphabet) == len(set(alphabet)):
            return Characters("", first=alphabet)
        case "bytes":
            return Bytes()
    raise BadData(f"{path} is damaged: it describes no vocabulary")


def save_vocab(path: Path, vocab: Vocab) -> None:
    files.write_bytes(path, (json.dumps(vocab.to_dict(), indent=1) + "\n").encode())


def check_unknown(policy: str) -> Unknown:
    """The policy itself; raises UsageProblem unless it is error, skip or replace."""
    if policy in ("error", "skip", "replace"):
        return policy  # type: ignore[return-value]
    raise UsageProblem(f"--unknown is error, skip or replace, not '{policy}'")


def _spell(character: str) -> str:
    return f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
