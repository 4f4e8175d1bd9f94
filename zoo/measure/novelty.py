"""Novelty: what of a text stands, character for character, in what a model was trained on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from zoo.corpora.corpus import Corpus
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.events import OnEvent, Progress, ignore
from zoo.measure.passage import own_corpus
from zoo.measure.verbatim import MIN_SPAN, Span, covered, find_spans
from zoo.registry.model import Model
from zoo.registry.registry import Registry
from zoo.talk import TOGETHER
from zoo.talk.text import Text
from zoo.talk.voice import write_together

# characters that are measured at once: each takes half a kilobyte, and as many are of the page beside them
MOST = 2**18
STRETCH = 50  # ids that are written between two reports


@dataclass(frozen=True)
class Repeats:
    """Texts, and for each its spans that stand in what was read."""

    texts: Sequence[str]
    spans: Sequence[Sequence[Span]]
    min_span: int

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))

    @cached_property
    def verbatim(self) -> int:
        """How many characters are inside spans of `min_span` or more."""
        return sum(end - begin for i in range(len(self.texts)) for begin, end in self.runs(i))

    @property
    def share(self) -> float:
        """The same as a share of all characters; nan of none."""
        return self.verbatim / self.characters if self.characters else float("nan")

    @cached_property
    def longest(self) -> tuple[int, Span] | None:
        """The longest span, the first of several, and which text it is of; None where not a character was read."""
        every = [(i, span) for i, spans in enumerate(self.spans) for span in spans]
        return max(every, key=lambda found: len(found[1]), default=None)

    def runs(self, i: int) -> Iterator[tuple[int, int]]:
        """Where text i is inside spans of `min_span` or more."""
        return covered(self.spans[i], self.min_span)


@dataclass(frozen=True)
class Reading:
    """What a model was trained on: the text of its record, then those of the models it began from. `lost` says what of
    that could not be looked at, a line each."""

    corpora: Sequence[Corpus]
    lost: Sequence[str] = ()


@dataclass(frozen=True)
class Novelty:
    """What of some texts a model has read; and beside it, what of a page that it has not: as much of the validation
    part, cut into texts of the same lengths."""

    reading: Reading
    written: Repeats
    page: Repeats


def reading_of(registry: Registry, model: Model) -> Reading:
    """What a model was trained on, as far as it is here and unchanged.

    Raises NotFound and BadData when its own text is not; of its ancestors that is said.
    """
    found = {_key(own := _read_by(registry, model)): own}
    lost, lineage = [], registry.lineage(model)
    for parent in lineage[1:]:
        try:
            corpus = _read_by(registry, parent)
            found.setdefault(_key(corpus), corpus)
        except (NotFound, BadData) as error:
            lost.append(f"what '{parent.name}' has read, which '{model.name}' began from, was left out: {error}")
    if lineage[-1].record.parent is not None:
        lost.append(f"the model that '{lineage[-1].name}' began from is not here any more, nor what it has read")
    return Reading(list(found.values()), lost)


def _read_by(registry: Registry, model: Model) -> Corpus:
    """The text of a model's record, unchanged."""
    corpus = own_corpus(registry.home, model)
    corpus.check_text()
    return corpus


def _key(corpus: Corpus) -> tuple[str, str]:
    return corpus.sha256, corpus.val_sha256


def novelty(reading: Reading, texts: Sequence[str], min_span: int = MIN_SPAN, on_event: OnEvent = ignore) -> Novelty:
    """What of texts, and of a page beside them, stands in the training parts of what was read.

    Raises BadData for more than MOST characters, which are best measured in parts.
    """
    if (size := sum(map(len, texts))) > MOST:
        raise BadData(f"{size:,} characters are more than the {MOST:,} that are measured at once; give a part of them")
    page = _page(reading.corpora[0], [len(text) for text in texts])
    sources = [_watched(corpus, on_event) for corpus in reading.corpora]
    return Novelty(reading, *repeats([texts, page], sources, min_span))


def repeats(groups: Sequence[Sequence[str]], sources: Sequence[Iterable[str]], min_span: int) -> list[Repeats]:
    """What of each group of texts stands in the sources, each of which comes in blocks; all are read once."""
    spans = iter(find_spans([text for texts in groups for text in texts], sources))
    return [Repeats(texts, [next(spans) for _ in texts], min_span) for texts in groups]


def _page(corpus: Corpus, lengths: Sequence[int]) -> list[str]:
    """The beginning of the validation part, cut into texts of these lengths as far as it goes."""
    held, wanted = "", sum(lengths)
    for block in corpus.blocks("val"):
        if len(held) >= wanted:
            break
        held += block[: wanted - len(held)]
    cuts, at = [], 0
    for length in lengths:
        cuts.append(held[at : at + length])
        at += length
    return [text for text in cuts if text]


def _watched(corpus: Corpus, on_event: OnEvent) -> Iterator[str]:
    """The blocks of a training part, reported as they are asked for."""
    done = 0
    for block in corpus.blocks("train"):
        on_event(Progress(f"reading {corpus.name}", done, corpus.characters_of("train")))
        yield block
        done += len(block)


def place_in(corpus: Corpus, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of a character of a text."""
    line, column = 1, 1
    for block in corpus.blocks():
        before = block[:offset]
        line += before.count("\n")
        column = len(before) - before.rfind("\n") if "\n" in before else column + len(before)
        offset -= len(before)
        if not offset:
            break
    return line, column


def write(begin: Callable[[int], Text], num: int, length: int, on_event: OnEvent = ignore) -> list[str]:
    """`num` texts of `length` ids each, side by side; `begin(i)` is number i with nothing in it yet.

    Raises UsageProblem for more than can be measured at once.
    """
    if num * length > MOST:
        raise UsageProblem(f"{num:,} texts of {length:,} are more than the {MOST:,} characters measured at once")
    written = []
    for first in range(0, num, TOGETHER):
        texts = [begin(i) for i in range(first, min(first + TOGETHER, num))]
        pieces = [""] * len(texts)
        for at in range(0, length, STRETCH):
            on_event(Progress("writing", first * length + at * len(texts), num * length))
            stretch = write_together(texts, min(STRETCH, length - at))
            pieces = [piece + more.text for piece, more in zip(pieces, stretch, strict=True)]
        written += pieces
    return written
