"""The matrix: every model on every text, under `windows/v1`."""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from zoo.corpora.corpus import corpus_names, open_corpus
from zoo.errors import ZooError
from zoo.events import Event, OnEvent, Progress, Warned, ignore
from zoo.home import Home
from zoo.measure.evaluate import Evaluation, Evaluator, check_length
from zoo.measure.passage import Passage, own_corpus, validation_part
from zoo.protocol import bits
from zoo.registry.model import Model
from zoo.registry.registry import Registry

TASK = "evaluating"


@dataclass(frozen=True)
class Matrix:
    """Evaluations by row and column, of every model on every passage; None where there is none to be had.

    `read` are the cells of those models that have read a part of the passage in training: their text, or one that they
    began from, is the same and split in another place.
    """

    models: Sequence[Model]
    passages: Sequence[Passage]
    rows: Sequence[Sequence[Evaluation | None]]
    read: Set[tuple[int, int]] = frozenset()

    def is_own(self, row: int, column: int) -> bool:
        """Whether the model was trained on the text whose validation part the passage is."""
        own = {part.val_sha256 for part in self.models[row].record.corpora}
        return self.passages[column].sha256 in own

    def best(self, column: int) -> float:
        """The least loss on a passage that may be ranked; nan where there is none."""
        return self._bests[column]

    @cached_property
    def _bests(self) -> list[float]:
        rows, columns = range(len(self.rows)), range(len(self.passages))
        ranked = ([self.ranked(row, column) for row in rows] for column in columns)
        return [min((loss for loss in losses if not math.isnan(loss)), default=math.nan) for losses in ranked]

    def is_best(self, row: int, column: int) -> bool:
        return self.ranked(row, column) == self.best(column)

    def excess(self, row: int, column: int) -> float:
        """How many bits per character a model needs more than the best of the text; nan where it is not ranked."""
        return bits(self.ranked(row, column) - self.best(column))

    def ranked(self, row: int, column: int) -> float:
        """A loss, in nats per character, that is of a text rather than of an alphabet, and of one that the model has
        not read; nan for any other."""
        evaluation = self.rows[row][column]
        if evaluation is None or not evaluation.is_covered or (row, column) in self.read:
            return math.nan
        return evaluation.loss


def fetched_passages(home: Home, names: Sequence[str] = (), on_event: OnEvent = ignore) -> list[Passage]:
    """The validation parts of these texts, or of all that were fetched. Warns of what cannot be used, unless it was
    asked for by name: then raises NotFound or BadData."""
    found = []
    for name in names or corpus_names(home):
        try:
            passage = validation_part(open_corpus(home, name))
            check_length(passage)
            found.append(passage)
        except ZooError as error:
            if names:
                raise
            on_event(Warned(str(error)))
    return found


def matrix(
    home: Home,
    models: Sequence[Model],
    passages: Sequence[Passage],
    on_event: OnEvent = ignore,
    *,
    refresh: bool = False,
) -> Matrix:
    """Every model on every passage; what was computed before is not computed again, so a new model costs one row.

    Models come in the order of their own texts, so that what they were trained on lies along the diagonal. A model or
    a text that is damaged costs a warning and its cells; raises what is wrong when nothing can be measured.
    """
    ordered = sorted(models, key=lambda model: _column_of(model, passages))
    rows = [[Evaluator(home, model, refresh=refresh).kept(p) for p in passages] for model in ordered]
    work = _Work(on_event, sum(p.characters for row in rows for p, cell in zip(passages, row, strict=True) if not cell))
    for model, row in zip(ordered, rows, strict=True):
        if not all(row):
            _complete(row, Evaluator(home, model, refresh=refresh), passages, work)  # one model in memory at a time
    if work.problems and not any(cell for row in rows for cell in row):
        raise work.problems[0]
    return Matrix(ordered, passages, rows, _read(home, ordered, passages))


def _read(home: Home, models: Sequence[Model], passages: Sequence[Passage]) -> Set[tuple[int, int]]:
    """The cells of models that have read a part of a passage, they or those that they began from."""
    registry, found = Registry(home), set()
    for row, model in enumerate(models):
        lineage = registry.lineage(model)
        for column, passage in enumerate(passages):
            if any(_has_read(home, one, passage) for one in lineage):
                found.add((row, column))
    return found


def _has_read(home: Home, model: Model, passage: Passage) -> bool:
    """Whether a training part reaches into a passage of the same text. Both parts end with the text, so a passage that
    is no longer than the model's own is within that; of a split that is not here the worst is assumed."""
    splits = {part.val_sha256 for part in model.record.corpora if part.sha256 == passage.corpus_sha256}
    if not splits or passage.sha256 in splits:
        return False
    try:
        return own_corpus(home, model).characters_of("val") < passage.characters
    except ZooError:
        return True


def _column_of(model: Model, passages: Sequence[Passage]) -> tuple[int, float]:
    """Sort key: the first of the passages that is the model's own, and its loss on it."""
    own = {part.val_sha256 for part in model.record.corpora}
    loss = model.record.val_loss
    column = next((i for i, passage in enumerate(passages) if passage.sha256 in own), len(passages))
    return column, math.inf if loss is None or math.isnan(loss) else loss


class _Work:
    """How much is done of all that is to be computed, in characters, and what went wrong."""

    def __init__(self, on_event: OnEvent, total: int) -> None:
        self.on_event, self.done, self.total = on_event, 0, total
        self.problems: list[ZooError] = []

    def watch(self, passage: Passage) -> OnEvent:
        """A callback for the evaluation on one passage, that reports how far all are."""

        def report(event: Event) -> None:
            if isinstance(event, Progress) and event.total:
                done = self.done + event.done * passage.characters // event.total
                self.on_event(Progress(TASK, done, self.total))

        return report

    def failed(self, error: ZooError) -> None:
        if str(error) not in map(str, self.problems):
            self.problems.append(error)
            self.on_event(Warned(str(error)))


def _complete(row: list[Evaluation | None], evaluator: Evaluator, passages: Sequence[Passage], work: _Work) -> None:
    """Fill the gaps in the row of one model, as far as they can be."""
    for column, passage in enumerate(passages):
        if row[column] is not None:
            continue
        try:
            row[column] = evaluator.on(passage, on_event=work.watch(passage))
        except ZooError as error:
            work.failed(error)
            if not evaluator.is_loaded:  # it will not be for the next passages, either
                lost = zip(passages[column:], row[column:], strict=True)
                work.done += sum(passage.characters for passage, cell in lost if cell is None)
                return
        work.done += passage.characters
