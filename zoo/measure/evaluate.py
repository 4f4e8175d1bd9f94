"""Evaluate: a model's loss on a passage, computed once and kept."""

import contextlib
import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from zoo import tables
from zoo.corpora.vocab import Vocab
from zoo.engine.engine import Engine
from zoo.engine.load import engine_of
from zoo.errors import BadData, ZooError
from zoo.events import OnEvent, Progress, ignore
from zoo.home import Home
from zoo.measure.passage import Passage
from zoo.measure.scoring import tally
from zoo.protocol import PROTOCOLS, WINDOWS_V1, bits, known_nats, nats_per_character, unknown_nats
from zoo.registry.model import Model

SCHEMA = tables.SCHEMAS["evaluation"]  # another one when the same weights and text come to another number
LARGEST = 700.0  # nats whose exponential is a number
LEAST_COVERAGE = 0.99  # below which a loss says more about the alphabet than about the model
HASH = re.compile("[0-9a-f]{64}")
HASH_LENGTH = 16  # of those in file names


@dataclass(frozen=True)
class Evaluation:
    """What a passage costs a model: `nats` for its known characters, nan for a model whose numbers are not finite. Of
    the characters the model lacks `unknown`, of which so many are `charged`; the first one of all costs nothing, for it
    has nothing before it."""

    weights_sha256: str
    text_sha256: str
    protocol: str
    characters: int
    bytes: int
    unknown: int
    charged: int
    nats: float

    @property
    def loss(self) -> float:
        """Nats per character."""
        if not self.unknown:
            return nats_per_character(self.nats, self.characters)
        charge = self.charged * unknown_nats() + self._known * known_nats()
        return nats_per_character(self.nats + charge, self.characters)

    @property
    def known_bits(self) -> float:
        """Bits per known character: what the model makes of what it can read; nan where that is nothing."""
        return bits(self.nats / self._known) if self._known else math.nan

    @property
    def _known(self) -> int:
        """How many known characters are paid for."""
        return self.characters - 1 - self.charged

    @property
    def bits_per_character(self) -> float:
        return bits(self.loss)

    @property
    def bits_per_byte(self) -> float:
        """Of UTF-8: bits per character by the mean number of bytes of one."""
        return self.bits_per_character * self.characters / self.bytes

    @property
    def perplexity(self) -> float:
        """Per character."""
        return math.exp(self.loss) if not self.loss >= LARGEST else math.inf

    @property
    def coverage(self) -> float:
        """The share of the characters that the model knows."""
        return 1 - self.unknown / self.characters

    @property
    def is_covered(self) -> bool:
        """Whether so much of the text is known that its loss is that of a text, and not of an alphabet."""
        return self.coverage >= LEAST_COVERAGE


class Evaluator:
    """Evaluates one model. What was computed is kept in the home, by weights, text and protocol, and the model is
    loaded only for what was not; `refresh` computes all anew."""

    def __init__(self, home: Home, model: Model, *, refresh: bool = False) -> None:
        self.home, self.model, self.refresh = home, model, refresh

    def on(self, passage: Passage, protocol: str = WINDOWS_V1, on_event: OnEvent = ignore) -> Evaluation:
        """The evaluation on a passage; raises BadData for a model or a text that is damaged, or a text too short."""
        if (found := self.kept(passage, protocol)) is not None:
            return found
        check_length(passage)
        engine, vocab = self._parts
        passage.check()
        task = f"{self.model.name} on {passage.name}"
        found = measure(engine, vocab, passage, protocol, on_event, task=task)
        evaluation = replace(found, weights_sha256=self.model.record.weights_sha256 or "")
        self._keep(evaluation)
        return evaluation

    def kept(self, passage: Passage, protocol: str = WINDOWS_V1) -> Evaluation | None:
        """The evaluation, if it is known already."""
        path = self._path(passage.sha256, protocol)
        if self.refresh or path is None:
            return None
        try:
            table = tables.read_derived(path)
            nats = math.nan if table["nats"] is None else table["nats"]
            found = Evaluation(**{**table["of"], "nats": nats})
        except (ZooError, TypeError, KeyError):  # none yet, or not as it was written
            return None
        asked = (self.model.record.weights_sha256, passage.sha256, protocol)
        is_asked = (found.weights_sha256, found.text_sha256, found.protocol) == asked
        return found if table.get("schema") == SCHEMA and is_asked and _makes_sense(found, passage) else None

    @property
    def is_loaded(self) -> bool:
        """Whether the model was needed, and could be loaded."""
        return "_parts" in self.__dict__

    @cached_property
    def _parts(self) -> tuple[Engine, Vocab]:
        return engine_of(self.model)

    def _path(self, text_sha256: str, protocol: str) -> Path | None:
        """Where the evaluation is kept; None for what a record calls a hash and is none."""
        weights = self.model.record.weights_sha256 or ""
        if not (HASH.fullmatch(weights) and HASH.fullmatch(text_sha256)):
            return None
        name = f"{text_sha256[:HASH_LENGTH]}.{protocol.replace('/', '-')}.json"
        return self.home.evaluations / weights[:HASH_LENGTH] / name

    def _keep(self, evaluation: Evaluation) -> None:
        """Write it down where there is a home; that it cannot be kept is no reason not to tell it."""
        path = self._path(evaluation.text_sha256, evaluation.protocol)
        if path is None or not self.home.registry.exists():
            return
        of = asdict(evaluation)
        nats = of.pop("nats")
        table = {"schema": SCHEMA, "of": of, "nats": None if math.isnan(nats) else nats}
        with contextlib.suppress(ZooError):  # nor is one that a newer zoo has kept
            tables.refuse_newer_file(path, "evaluation")
            tables.write_derived(path, table)


def measure(
    engine: Engine, vocab: Vocab, passage: Passage, protocol: str, on_event: OnEvent = ignore, *, task: str = "reading"
) -> Evaluation:
    """The evaluation of an engine on a passage, computed here and now; raises BadData for a text too short."""
    check_length(passage)
    on_ids = _reporter(task, on_event)
    found = tally(engine, vocab, passage.blocks, PROTOCOLS[protocol], on_ids)
    if found.characters != passage.characters:
        raise BadData(f"the text of '{passage.name}' has {found.characters:,} characters, not {passage.characters:,}")
    nats = found.nats if math.isfinite(found.nats) else math.nan
    size = passage.characters, passage.bytes
    return Evaluation("", passage.sha256, protocol, *size, found.unknown, found.charged, nats)


def check_length(passage: Passage) -> None:
    """Raise BadData for a text without a character that has one before it."""
    if passage.characters < 2:
        raise BadData(f"'{passage.name}' is too short to be measured: it has {passage.characters} of 2 characters")


def _reporter(task: str, on_event: OnEvent) -> Callable[[int, int], None]:
    return lambda done, total: on_event(Progress(task, done, total, "tokens"))


def _makes_sense(evaluation: Evaluation, passage: Passage) -> bool:
    """Whether what was kept is of these characters, and is numbers."""
    return (
        (evaluation.characters, evaluation.bytes) == (passage.characters, passage.bytes)
        and type(evaluation.unknown) is type(evaluation.charged) is int
        and 0 <= evaluation.charged <= evaluation.unknown <= evaluation.characters
        and evaluation.charged < evaluation.characters
        and type(evaluation.nats) is float
        and (math.isnan(evaluation.nats) or 0 <= evaluation.nats < math.inf)
    )
