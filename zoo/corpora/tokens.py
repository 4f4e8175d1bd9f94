"""The ids that a corpus becomes under a vocabulary, in memory that does not grow with the corpus."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from zoo import files
from zoo.corpora.corpus import BLOCK_BYTES, Corpus, Part
from zoo.corpora.vocab import Vocab
from zoo.errors import BadData
from zoo.events import OnEvent, Progress, ignore

if TYPE_CHECKING:
    import numpy as np


def encode_part(corpus: Corpus, vocab: Vocab, part: Part, on_event: OnEvent = ignore) -> "np.ndarray":
    """Ids (T,) of a part of a corpus, to be read only; raises as `encoding` does."""
    steps = encoding(corpus, vocab, part)
    while True:
        try:
            on_event(next(steps))
        except StopIteration as end:
            ids: np.ndarray = end.value
            return ids


def encoding(corpus: Corpus, vocab: Vocab, part: Part) -> Generator[Progress, None, "np.ndarray"]:
    """As `encode_part`, a block at a time, so that a long one can be watched and left.

    A part of one block stays in memory. The ids of a longer one are pages of a scratch file, which the system drops
    when memory is short; the file goes with the array. Raises BadData for a damaged text or characters that the
    vocabulary lacks, StorageProblem for a full disk.
    """
    if corpus.bytes_of(part) <= BLOCK_BYTES:
        text = corpus.text(part)
        _check_count(corpus, part, len(text))
        return vocab.encode(text)
    import numpy as np

    done, total = 0, corpus.characters_of(part)
    with files.scratch(corpus.directory) as file:
        for block in corpus.blocks(part):
            file.write(vocab.encode(block).data)
            done += len(block)
            yield Progress(f"encoding {corpus.name} ({part})", done, total)
        file.flush()
        _check_count(corpus, part, done)
        return np.asarray(np.memmap(file, vocab.encode("").dtype, mode="r"))


def count_ids(corpus: Corpus, vocab: Vocab, part: Part) -> int:
    """How many ids a part becomes; nothing is kept."""
    return sum(len(vocab.encode(block)) for block in corpus.blocks(part))


def _check_count(corpus: Corpus, part: Part, found: int) -> None:
    """Raise BadData unless a part has the characters that its losses are divided by."""
    if found != (said := corpus.characters_of(part)):
        where = corpus.directory / "corpus.toml"
        raise BadData(
            f"{where} says that the {part} part has {said:,} characters, and it has {found:,}; fetch it again"
        )
