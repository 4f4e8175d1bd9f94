"""A passage: a text that models are measured on, known by its sha256, and read as often as one likes."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from zoo.corpora.corpus import Corpus, open_corpus
from zoo.errors import BadData, ZooError
from zoo.events import OnEvent, Warned, ignore
from zoo.home import Home
from zoo.measure.scoring import blocks_of
from zoo.registry.model import Model


@dataclass(frozen=True)
class Passage:
    """So many characters and bytes of UTF-8. `blocks()` gives the text, `check()` raises BadData when it is no longer
    what its sha256 says. `name` is that of a file, or of the corpus whose validation part it is, all of which has
    `corpus_sha256`."""

    name: str
    sha256: str
    characters: int
    bytes: int
    blocks: Callable[[], Iterator[str]]
    check: Callable[[], None] = lambda: None
    corpus_sha256: str = ""

    @property
    def part(self) -> str:
        """What of a text it is: the validation part of a fetched one, or all of another."""
        return "val" if self.corpus_sha256 else "all"


def validation_part(corpus: Corpus) -> Passage:
    """What of a corpus no model of it was trained on."""
    return Passage(
        corpus.name,
        corpus.val_sha256,
        corpus.characters_of("val"),
        corpus.bytes_of("val"),
        lambda: corpus.blocks("val"),
        corpus.check_text,
        corpus.sha256,
    )


def passage_of(name: str, text: str) -> Passage:
    """A text that is in memory."""
    data = text.encode("utf-8", "surrogatepass")
    return Passage(
        name, hashlib.sha256(data).hexdigest(), len(text), len(data), lambda: (block for _, block in blocks_of(text))
    )


def own_passage(home: Home, model: Model) -> Passage:
    """The validation part of the text that a model was trained on; raises as `own_corpus` does."""
    return validation_part(own_corpus(home, model))


def own_corpus(home: Home, model: Model) -> Corpus:
    """The text that a model was trained on, split as it was.

    Raises NotFound when it is not here, and BadData when the record names none.
    """
    parts = model.record.corpora
    if len(parts) != 1:
        raise BadData(f"'{model.name}' names {len(parts)} texts, where this zoo knows one")
    corpus = open_corpus(home, parts[0].name, parts[0].sha256, parts[0].val_sha256)
    if corpus.val_sha256 != parts[0].val_sha256:
        raise BadData(f"corpus '{corpus.name}' is split in another place than it was; fetch it again")
    return corpus


def own_passages(home: Home, models: Iterable[Model], on_event: OnEvent = ignore) -> list[Passage]:
    """The validation parts of the texts that models were trained on, each once; says which cannot be had."""
    found: dict[str, Passage] = {}
    missing: dict[str, None] = {}
    for model in models:
        try:
            passage = own_passage(home, model)
            found[passage.sha256] = passage
        except ZooError as error:
            missing[str(error)] = None
    for why in missing:
        on_event(Warned(why))
    return list(found.values())
