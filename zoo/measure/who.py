"""Who wrote this: which model's own text a text is most like.

A model is asked how many bits a character of the text costs it, and its par is taken off: halfway between what its own
text costs it and what those of the others do. Without a par the best-trained model would always win; its own text alone
as the par favours one whose own text is monotonous (docs/measuring.md has both, measured). Only characters that all
candidates know are counted, so that none wins or loses by its alphabet.

Language models as profiles of authors: Peng, Schuurmans, Keselj and Wang, "Language Independent Authorship Attribution
using Character Level Language Models", EACL 2003.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from zoo.engine.load import engine_of
from zoo.errors import BadData
from zoo.events import Note, OnEvent, Progress, ignore
from zoo.home import Home
from zoo.measure.attribution import Attribution, attribute
from zoo.measure.matrix import Matrix, matrix
from zoo.measure.passage import own_passages
from zoo.measure.scoring import bits_of
from zoo.registry.model import Model

PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
Span = tuple[int, int]  # where a part of the text begins and ends


@dataclass(frozen=True)
class Answer:
    """The whole text and its paragraphs, each asked by itself, and where these are. `own` is what a character of its
    own text costs each candidate, in bits, and `others` one of the other candidates' texts: empty when these are not
    here, and its own alone is a candidate's par."""

    models: Sequence[Model]
    own: Sequence[float]
    others: Sequence[float]
    whole: Attribution
    spans: Sequence[Span]
    paragraphs: Sequence[Attribution]


def who(
    home: Home, models: Sequence[Model], text: str, on_event: OnEvent = ignore, *, by_paragraph: bool = True
) -> Answer:
    """Rank models by how like their own text a text is.

    Raises BadData for a model without a loss of its own, or whose numbers are not finite, and for a text of which not
    two characters are known to all.
    """
    own, others = [own_bits(model) for model in models], others_bits(home, models, on_event)
    pars = [fmean(pair) for pair in zip(own, others, strict=True)] if others else own
    spans = [*(paragraphs(text) if by_paragraph else ())]
    parts = [(0, len(text)), *spans]
    total, done, costs = len(models) * sum(end - begin for begin, end in parts), 0, []
    for model in models:
        engine, vocab = engine_of(model)
        found = []
        for begin, end in parts:
            on_event(Progress(f"asking {model.name}", done, total))
            found.append(bits_of(engine, vocab, text[begin:end]))
            done += end - begin
        costs.append(found)
    whole, *rest = (attribute(pars, [found[i] for found in costs]) for i in range(len(parts)))
    if not whole.counted:
        raise BadData("the text has no two characters that all these models know")
    return Answer(models, own, others, whole, spans, rest)


def own_bits(model: Model) -> float:
    """Bits per character of a model on its own validation part, as recorded; raises BadData when there are none."""
    if model.record.val_bpc is None or math.isnan(model.record.val_bpc):
        raise BadData(f"'{model.name}' has no validation loss of its own, and cannot be a candidate")
    return model.record.val_bpc


def others_bits(home: Home, models: Sequence[Model], on_event: OnEvent = ignore) -> list[float]:
    """What a known character of the other candidates' validation parts costs each model, in bits; empty unless each has
    such a text here. What is computed for this is a part of the matrix, and kept."""
    passages = own_passages(home, models, on_event)
    found = matrix(home, models, passages, on_event) if passages else Matrix([], [], [])
    bits = {model.name: _mean(found, row) for row, model in enumerate(found.models)}
    if len(bits) < len(models) or any(map(math.isnan, bits.values())):
        if len(models) > 1:
            on_event(Note("the texts of the other candidates are not here: a candidate's own is its par"))
        return []
    return [bits[model.name] for model in models]


def _mean(found: Matrix, row: int) -> float:
    cells = [cell.known_bits for column, cell in enumerate(found.rows[row]) if cell and not found.is_own(row, column)]
    return fmean(cells) if cells else math.nan


def paragraphs(text: str) -> Iterator[Span]:
    """Where the paragraphs of a text begin and end: what blank lines part."""
    begin, last = len(text) - len(text.lstrip()), len(text.rstrip())
    for gap in PARAGRAPH.finditer(text, begin, last):
        yield begin, gap.start()
        begin = gap.end()
    if begin < last:
        yield begin, last
