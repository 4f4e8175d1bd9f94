"""The report: all that can be shown of some models, gathered from records, logs and evaluations that are kept.

Of a private text there are numbers alone: no sample of what was written after it, and no passage of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.engine.load import engine_of
from zoo.errors import ZooError
from zoo.events import Event, OnEvent, Progress, Warned, ignore
from zoo.home import Home
from zoo.measure.compare import Leaderboard, leaderboards
from zoo.measure.matrix import Matrix, matrix
from zoo.measure.passage import own_corpus, own_passages
from zoo.measure.surprise import Measured, surprise
from zoo.registry.history import History, history
from zoo.registry.model import Model
from zoo.registry.registry import Registry
from zoo.talk.voice import Voice

SEED, LENGTH = 0, 400  # of a sample
PASSAGE = 600  # characters of a surprise


@dataclass(frozen=True)
class Portrait:
    """A model, its losses in training, what it writes, and how a passage surprises it that it has not read: what there
    is of that, and else why not."""

    model: Model
    history: History
    is_private: bool
    sample: str = ""
    surprise: Measured | None = None
    lacking: str = ""


@dataclass(frozen=True)
class Report:
    """Portraits in the order of the leaderboards, and every model on every text that one of them was trained on."""

    portraits: Sequence[Portrait]
    boards: Sequence[Leaderboard]
    matrix: Matrix


def report(home: Home, models: Sequence[Model], on_event: OnEvent = ignore) -> Report:
    """Gather what there is; what cannot be had is said, and left out."""
    boards = leaderboards(models)
    ordered = [model for board in boards for model in board.models]
    portraits, said = [], set[Event]()

    def once(event: Event) -> None:
        """What many models lack is said for all of them."""
        if not isinstance(event, Warned):
            on_event(event)
        elif event not in said:
            said.add(event)
            on_event(event)

    for done, model in enumerate(ordered):
        once(Progress("drawing portraits", done, len(ordered), "models"))
        portraits.append(_portrait(home, model, once))
    measured = [model for model in ordered if model.record.weights_sha256]
    try:
        table = matrix(home, measured, own_passages(home, measured, once), once)
    except ZooError as error:
        once(Warned(str(error)))
        table = Matrix([], [], [])
    return Report(portraits, boards, table)


def is_private(home: Home, model: Model) -> bool:
    """Whether a model, or one whose weights it began with, was trained on a text that is nobody else's business, by now
    or when it was trained. Of an ancestor or a text that is not here the record has to be trusted."""
    return any(_has_read_private(home, one) for one in Registry(home).lineage(model))


def _has_read_private(home: Home, model: Model) -> bool:
    try:
        return model.record.private or own_corpus(home, model).private
    except ZooError:
        return model.record.private


def _portrait(home: Home, model: Model, on_event: OnEvent) -> Portrait:
    """What is lacking is said on the page in words that tell nothing of this machine, and to the reader in full."""
    past, secret = history(model), is_private(home, model)
    if secret:
        return Portrait(model, past, secret)
    try:
        engine, vocab = engine_of(model)
        sample = Voice(model.name, engine, vocab, [model]).generate(max_new=LENGTH, seed=SEED)
    except ZooError as error:
        on_event(Warned(str(error)))
        return Portrait(model, past, secret, lacking="its weights are not here, or damaged")
    try:
        corpus = own_corpus(home, model)
        corpus.check_text()
        text = next(corpus.blocks("val"), "")[:PASSAGE]
        return Portrait(model, past, secret, sample, surprise(engine, vocab, text))
    except ZooError as error:
        on_event(Warned(str(error)))
        return Portrait(model, past, secret, sample, lacking="its text is not here, or damaged")
