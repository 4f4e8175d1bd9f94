"""The ids that a corpus becomes under a vocabulary."""

from typing import TYPE_CHECKING

from zoo.corpora.corpus import Corpus, Part
from zoo.corpora.vocab import Vocab

if TYPE_CHECKING:
    import numpy as np


def encode_part(corpus: Corpus, vocab: Vocab, part: Part) -> "np.ndarray":
    """Ids (T,) of a part of a corpus."""
    import numpy as np

    encoded = [vocab.encode(block) for block in corpus.blocks(part)]
    return np.concatenate(encoded) if encoded else np.empty(0, dtype=np.uint16)
