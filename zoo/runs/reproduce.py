"""Reproduce: train a model again from its run.toml, beside the original, and compare the two."""

import dataclasses
import json
import shlex
from dataclasses import dataclass
from pathlib import Path

from zoo import files
from zoo.corpora.vocab import load_vocab
from zoo.errors import Conflict, Diverged, NotFound, Stopped
from zoo.events import Evaluated, Event, OnEvent, Warned, ignore
from zoo.home import Home
from zoo.names import LONGEST, whole
from zoo.registry import trash
from zoo.registry.model import Model
from zoo.registry.record import OVER
from zoo.registry.registry import Registry
from zoo.runs.estimate import estimate, rehearse
from zoo.runs.init import read_frozen
from zoo.runs.plan import check_fits, circumstances, remark, unused_name
from zoo.runs.run import Stop, never, start
from zoo.runs.spec import Spec
from zoo.runs.worker import LOG_LIMIT

ENDING = "-again"
RESULTS = ("status", "steps", "best_step", "train_loss", "val_loss", "val_bpc", "tokens")


@dataclass(frozen=True)
class Reproduction:
    """An original and its copy; differs_at is the step of the first line in which their logs differ."""

    original: Model
    copy: Model
    differs_at: int | None

    @property
    def same(self) -> bool:
        """Whether log and weights are the same to the byte, and the records say the same of them."""
        return self.same_weights and self.differs_at is None and not self.misstated

    @property
    def same_weights(self) -> bool:
        return self.original.record.weights_sha256 == self.copy.record.weights_sha256

    @property
    def misstated(self) -> list[str]:
        """The results that the original's record has otherwise."""
        one, other = self.original.record, self.copy.record
        return [key for key in RESULTS if getattr(one, key) != getattr(other, key)]


def reproduce(home: Home, reference: str, *, on_event: OnEvent = ignore, stop: Stop = never) -> Reproduction:
    """Train again what a model's run.toml says. A copy that came out the same goes to the trash, another one stays.

    Raises Conflict for a model that is not finished, BadData when its files do not belong together, and what training
    raises.
    """
    registry = Registry(home)
    original = registry.resolve(whole(reference))
    if original.record.status not in OVER:
        raise Conflict(
            f"'{original.name}' is not finished, so there is nothing to compare with: it is {original.status}"
        )
    spec = Spec.load(original.directory / "run.toml")
    dataclasses.replace(spec, name=original.name).check_record(original.record)
    vocab = load_vocab(original.directory / "vocab.json")
    spec.check_vocab(vocab)
    remark(spec, on_event)
    check_fits(spec, spec.text(home), vocab)  # before a name is taken
    first_weights = read_frozen(spec, original.directory)
    again = dataclasses.replace(
        spec,
        **circumstances(spec.device),
        name=unused_name(home, original.name[: LONGEST - len(ENDING)] + ENDING),
        command=shlex.join(["zoo", "reproduce", original.name]),
    )
    on_event(estimate(again, rehearse(home, again, vocab, on_event=on_event)))
    comparison = _Comparison(original.directory, home.models / again.name, on_event)
    try:
        start(home, again, vocab, first_weights=first_weights, on_event=comparison, stop=stop)
    except Diverged:  # as the original may have; which of the two did stands in their records
        pass
    except Stopped as error:
        raise Stopped(f"{error}, and then: zoo compare {original.name} {again.name}", error.signum) from None
    result = Reproduction(original, registry.get(again.name), comparison.differs_at())
    if result.same:
        trash.discard(registry, result.copy)
    return result


class _Comparison:
    """A callback that passes events on, and says when the logs of two directories begin to differ."""

    def __init__(self, original: Path, copy: Path, on_event: OnEvent) -> None:
        self.expected, self.copy, self.on_event = _lines(original), copy, on_event
        self.said = not self.expected
        if self.said:
            on_event(Warned(f"{original / 'log.jsonl'} is missing, so only the weights are compared"))

    def __call__(self, event: Event) -> None:
        self.on_event(event)
        if isinstance(event, Evaluated) and not self.said and (step := self.differs_at(so_far=True)) is not None:
            self.said = True
            self.on_event(Warned(f"it is not the same from step {step:,} on"))

    def differs_at(self, *, so_far: bool = False) -> int | None:
        """The step of the first line that differs; what is not yet there does not, when it is a look on the way."""
        have = _lines(self.copy)
        if not self.expected:
            return None
        pairs = zip(self.expected, have, strict=False)
        at = next((i for i, (one, other) in enumerate(pairs) if one != other), min(len(self.expected), len(have)))
        longer = self.expected if len(self.expected) > len(have) else have
        if at == len(longer) or (so_far and at == len(have)):
            return None
        return _step(longer[at])


def _lines(directory: Path) -> list[bytes]:
    try:
        return files.read_bytes(directory / "log.jsonl", limit=LOG_LIMIT).splitlines(keepends=True)
    except NotFound:
        return []


def _step(line: bytes) -> int:
    """The step that a line of a log is of; 0 for one that is damaged."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return 0
