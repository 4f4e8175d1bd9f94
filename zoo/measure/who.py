"""Who wrote this: which model's own text a text is most like.

A model is asked how many bits a character of the text costs it, and its par is taken off: halfway between what its own
text costs it and what those of the others do. Without a par the best-trained model would always win; its own text alone
as the par favours one whose own text is monotonous (docs/measuring.md has both, measured). Only characters that all
candidates know are counted, so that none wins or loses by its alphabet, and who knows too little of the text is none.

Language models as profiles of authors: Peng, Schuurmans, Wang and Keselj, "Language Independent Authorship Attribution
using Character Level Language Models", EACL 2003.
"""

import math
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

from zoo.corpora.vocab import load_vocab
from zoo.engine.load import engine_of
from zoo.errors import BadData
from zoo.events import Note, OnEvent, Progress, Warned, ignore
from zoo.home import Home
from zoo.measure.attribution import Attribution, attribute
from zoo.measure.matrix import Matrix, matrix
from zoo.measure.passage import own_passages
from zoo.measure.scoring import Encoder, bits_of, blocks_of
from zoo.protocol import WINDOWS_V1
from zoo.registry.model import Model

if TYPE_CHECKING:
    import numpy as np

LEAST_KNOWN = 0.9  # of the characters of a text, by who is asked about it
MOST = 2**22  # characters: what each costs each candidate stands in memory
PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
Place = tuple[int, int]  # where a part of the text begins and ends


@dataclass(frozen=True)
class Answer:
    """The whole text and its paragraphs, each asked by itself, and where these are; none for a text that is one.

    `own` is what a character of its own text costs each candidate, in bits, and `others` one of the other candidates'
    texts: empty when these are not here, and its own alone is a candidate's par.
    """

    models: Sequence[Model]
    own: Sequence[float]
    others: Sequence[float]
    whole: Attribution
    places: Sequence[Place]
    paragraphs: Sequence[Attribution]

    def rival(self, found: Attribution) -> int:
        """The candidate that the first leads: the next one that is a model of another text."""
        first, *rest = found.order
        return next(i for i in rest if text_of(self.models[i]) != text_of(self.models[first]))


def who(
    home: Home, models: Sequence[Model], text: str, on_event: OnEvent = ignore, *, by_paragraph: bool = True
) -> Answer:
    """Rank models by how like their own text a text is. Models that know too little of it are left out, which is said.

    Raises BadData for a text of more than MOST characters, or of which models of two texts do not know enough; for a
    model without a loss of its own, or whose numbers are not finite.
    """
    if len(text) > MOST:
        raise BadData(f"the text has {len(text):,} characters, more than the {MOST:,} allowed here; give a part of it")
    models = _candidates(models, text, on_event)
    own, others = pars_of(home, models, on_event)
    pars = [fmean(pair) for pair in zip(own, others, strict=True)] if others else own
    places = list(paragraphs(text)) if by_paragraph else []
    parts = [(0, len(text)), *(places if len(places) > 1 else [])]
    costs = [
        _costs(model, text, parts, partial(_report, on_event, model, i, len(models))) for i, model in enumerate(models)
    ]
    texts = [text_of(model) for model in models]
    whole, *rest = (attribute(pars, texts, [found[i] for found in costs]) for i in range(len(parts)))
    if not whole.counted:
        raise BadData("the text has no two characters that all these models know")
    return Answer(models, own, others, whole, parts[1:], rest)


def text_of(model: Model) -> Hashable:
    """What is equal for models of one text, however it is split."""
    return tuple(part.sha256 for part in model.record.corpora)


def _candidates(models: Sequence[Model], text: str, on_event: OnEvent) -> list[Model]:
    """Those that know enough of the text; raises BadData unless they are of two texts at least."""
    known = {model.name: _share_known(model, text) for model in models}
    found = [model for model in models if known[model.name] >= LEAST_KNOWN]
    if len({text_of(model) for model in found}) < 2:
        told = ", ".join(f"{name} {100 * share:.0f} %" for name, share in known.items())
        raise BadData(f"models of two texts must know {100 * LEAST_KNOWN:.0f} % of the characters at least: {told}")
    for name, share in known.items():
        if share < LEAST_KNOWN:
            on_event(Note(f"'{name}' is left out: it knows {100 * share:.0f} % of the characters of the text"))
    return found


def _share_known(model: Model, text: str) -> float:
    encoder = Encoder(load_vocab(model.directory / "vocab.json"))
    unknown = sum(int(encoder.unknown(block).sum()) for _, block in blocks_of(text))
    return 1 - unknown / max(1, len(text))


def _costs(model: Model, text: str, parts: list[Place], report: Callable[[int, int], None]) -> "list[np.ndarray]":
    """What each character of each part costs a model, in bits, in float32: for there may be many."""
    import numpy as np

    engine, vocab = engine_of(model)
    total, done, found = sum(end - begin for begin, end in parts), 0, []
    for begin, end in parts:

        def told(at: int, before: int = done) -> None:
            report(before + at, total)

        found.append(bits_of(engine, vocab, text[begin:end], told).astype(np.float32))
        done += end - begin
    return found


def _report(on_event: OnEvent, model: Model, number: int, models: int, done: int, total: int) -> None:
    """How far all models are, when one has done so much of a whole."""
    on_event(Progress(f"asking {model.name}", number * total + done, models * total))


def pars_of(home: Home, models: Sequence[Model], on_event: OnEvent = ignore) -> tuple[list[float], list[float]]:
    """What a known character of its own validation part costs each model, in bits, and one of those of the other
    candidates. The second list is empty when there is a model for which no other text is here.

    What is computed for this is a part of the matrix, and kept. Raises BadData for a model whose own text is not here
    and whose record has no loss.
    """
    passages = own_passages(home, models, on_event)
    found = matrix(home, models, passages, on_event) if passages else Matrix([], [], [])
    rows = {model.name: row for row, model in enumerate(found.models)}
    own = [_own(model, found, rows.get(model.name)) for model in models]
    others = [_others(model, found, rows.get(model.name)) for model in models]
    if any(map(math.isnan, others)):
        on_event(
            Warned("the texts of the other candidates are not here, so a model's own is its par: less often right")
        )
        return own, []
    return own, others


def _own(model: Model, found: Matrix, row: int | None) -> float:
    if row is not None:
        for column, cell in enumerate(found.rows[row]):
            if cell is not None and found.is_own(row, column) and not math.isnan(cell.known_bits):
                return cell.known_bits
    bits = model.record.val_bpc
    if bits is None or not 0 <= bits < math.inf or model.record.val_protocol != WINDOWS_V1:
        raise BadData(f"'{model.name}' has no validation loss of its own, and cannot be a candidate")
    return bits


def _others(model: Model, found: Matrix, row: int | None) -> float:
    """The mean over other texts of which the model knows enough; nan where there is none."""
    if row is None:
        return math.nan
    mine = {part.sha256 for part in model.record.corpora}
    cells = [
        cell.known_bits
        for cell, passage in zip(found.rows[row], found.passages, strict=True)
        if cell is not None and passage.corpus_sha256 not in mine and cell.coverage >= LEAST_KNOWN
    ]
    return fmean(cells) if cells else math.nan


def paragraphs(text: str) -> Iterator[Place]:
    """Where the paragraphs of a text begin and end: what blank lines part."""
    begin, last = len(text) - len(text.lstrip()), len(text.rstrip())
    for gap in PARAGRAPH.finditer(text, begin, last):
        yield begin, gap.start()
        begin = gap.end()
    if begin < last:
        yield begin, last
