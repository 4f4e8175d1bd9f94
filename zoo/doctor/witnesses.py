"""Witnesses: the files of a model that confirm, or contradict, the values in its record.

A record stands twice, as a row of registry.toml and as a card, model.toml. Where the two differ, or where both are
wrong, the other files of the model decide: run.toml, the weights, vocab.json, the first weights and log.jsonl. What no
file confirms is as the row says: readers edit rows.
"""

import json
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from zoo import files, weights
from zoo.corpora.vocab import load_vocab
from zoo.errors import BadData, ZooError
from zoo.protocol import PROTOCOLS, bits
from zoo.registry.history import LOG
from zoo.registry.model import FIRST_WEIGHTS, WEIGHTS
from zoo.registry.record import OVER, Record, short
from zoo.runs.spec import DECISIVE, OF_A_CHILD, Spec

# what one commit writes together at the end of a training
OUTCOME = {"status", "val_loss", "val_bpc", "val_protocol", "weights", "train_loss", "steps", "best_step"}
OUTCOME |= {"tokens", "seconds", "finished", "weights_sha256"}
IN_RUN_TOML = {*DECISIVE, *OF_A_CHILD, "parameters"}
LOG_LIMIT = 2**22  # bytes of a log that is read for this
_DAMAGE = (ZooError, ValueError, TypeError, KeyError, RecursionError, OverflowError)

Key = tuple[str, str]  # the group of a value, such as `model` or `corpora.0` ("" for the record itself), and its name
Values = dict[Key, Any]


def values_of(record: Record) -> Values:
    """Return every value of a record by its key."""
    table = record.to_table()
    groups = {group: table.pop(group) for group in ("vocab", "model", "train")}
    groups |= {f"corpora.{number}": part for number, part in enumerate(table.pop("corpora"))}
    return {(group, name): value for group, part in {"": table, **groups}.items() for name, value in part.items()}


def record_with(values: Values) -> Record:
    """Return the record with these values; raises BadData when they make none."""
    table: dict[str, Any] = {"vocab": {}, "model": {}, "train": {}}
    corpora: dict[str, dict[str, Any]] = {}
    for (group, name), value in values.items():
        part = corpora.setdefault(group, {}) if group.startswith("corpora.") else table[group] if group else table
        part[name] = value
    return Record.from_table({**table, "corpora": list(corpora.values())}, "the record")


def differences(one: Record, other: Record) -> list[Key]:
    """Return the keys in which two records differ."""
    if one == other:
        return []
    a, b = values_of(one), values_of(other)
    # nan is not equal to itself, but reads the same
    return [k for k in {**a, **b} if a.get(k) != b.get(k) and repr(a.get(k)) != repr(b.get(k))]


def spelt(keys: Iterable[Key]) -> str:
    """Return keys as a message lists them."""
    return ", ".join(f"{group}.{name}".lstrip(".") for group, name in keys)


@dataclass(frozen=True)
class Settled:
    """What row and card say when they are put together, and where the files contradict each other."""

    record: Record
    dispute: str = ""


class Witnesses:
    """What the files in a model's directory say, by file; a file that is missing or damaged says nothing."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: dict[str, Values] = {}
        for name, read in _READERS.items():
            with suppress(*_DAMAGE):
                self.said[name] = read(directory)

    @cached_property
    def weights_sha256(self) -> str:
        """The sha256 of the weights; empty when there are none, or something else of any size in their place."""
        try:
            return files.sha256_of(self.directory / WEIGHTS) if WEIGHTS in self.said else ""
        except ZooError:
            return ""

    def for_either(self, key: Key, row: object, card: object) -> tuple[str, str]:
        """Return the files that say of a key what the row says, and those that say what the card says."""
        said = {name: values.get(key) for name, values in self.said.items() if _speaks_of(key, values)}
        return " and ".join(n for n in said if said[n] == row), " and ".join(n for n in said if said[n] == card)

    def settle(self, row: Record, card: Record) -> Settled:
        """Put a row and a card together that differ.

        Of two values the one that a file confirms counts. If files confirm both, there is a dispute. If none confirms
        either, the row counts; of what is decided with the training, the one whose weights are there and who does not
        contradict itself.
        """
        a, b = values_of(row), values_of(card)
        worth, other_worth = self._worth(row), self._worth(card)
        better = b if other_worth > worth else a
        if row.id != card.id:  # two models: their values are not mixed
            by_row, by_card = self.for_either(("", "id"), row.id, card.id)
            return Settled(card if by_card else row if by_row or better is a else card)
        sources: dict[Key, Values] = {}
        disputes = []
        for key in differences(row, card):
            by_row, by_card = self.for_either(key, a.get(key), b.get(key))
            if key[0] == "" and key[1] in OUTCOME and worth != other_worth:
                source = better
            elif by_row and by_card:
                source = a
                disputes.append(
                    f"{spelt([key])}: the row says {short(a.get(key))}, as does {by_row}; "
                    f"model.toml says {short(b.get(key))}, as does {by_card}"
                )
            elif by_row or by_card:
                source = a if by_row else b
            else:
                source = better if (key[0] or key[1]) in IN_RUN_TOML else a
            sources[key] = source
        settled = {key: source[key] for key in {**b, **a} if key in (source := sources.get(key, a))}
        return Settled(record_with(settled), "; ".join(disputes))

    def correct(self, record: Record) -> Record:
        """Return the record as its files say: with what it lacks, with hyperparameters that make a run, and with the
        shape and the vocabulary that its weights state, if they are whole."""
        values = values_of(record)
        run, own = self.said.get("run.toml", {}), self.said.get(WEIGHTS, {})
        if run and not _makes_run(record):
            values = {key: value for key, value in values.items() if key[0] not in ("model", "train")}
        values = {key: value for key, value in run.items() if value is not None} | values
        if record.status in OVER and record.weights_sha256 in (None, self.weights_sha256) and own:
            values = {key: value for key, value in values.items() if key[0] != "model"} | own
            values["", "weights_sha256"] = self.weights_sha256
        elif record.status in OVER and record.weights_sha256 is None and not self.weights_sha256:
            values["", "status"] = "interrupted"  # no training is over that has left no weights
        if record.status == "ready":
            logged = dict(self.said.get(LOG, {}))
            if record.val_loss is not None:
                logged["", "val_bpc"] = bits(record.val_loss)
            elif not _is_close(logged.get(("", "val_loss"), math.nan), record.val_bpc):
                logged = {}  # its best loss may be of fewer windows than the recorded one
            values |= {key: value for key, value in logged.items() if not values.get(key)}
        return record_with(values)

    def agree(self, record: Record) -> bool:
        """Whether nothing but a text can be wrong: the weights are the recorded ones, and the vocabulary is that of the
        weights, or of run.toml before there are any."""
        have = self.said.get("vocab.json", {}).get(("vocab", "sha256"))
        if record.status in OVER:
            wanted = self.said.get(WEIGHTS, {}).get(("vocab", "sha256"))
            return have == wanted is not None and record.weights_sha256 == self.weights_sha256
        return have is not None and have == self.said.get("run.toml", {}).get(("vocab", "sha256"), have)

    def _worth(self, record: Record) -> int:
        """2 for a finished model whose weights are there, 1 for one that may yet be, 0 for what contradicts itself."""
        loss, bpc = record.val_loss, record.val_bpc
        agree = bpc is None if loss is None else _is_close(loss, bpc)
        if not (agree and record.val_protocol in PROTOCOLS and _makes_run(record)):
            return 0
        if record.status not in OVER:
            return 1 if record.weights_sha256 is None else 0
        kept = "last" if loss is None else "best"
        is_complete = record.finished is not None and record.weights == kept
        if record.status == "ready":
            is_complete = is_complete and loss is not None and record.train_loss is not None
        return 2 if is_complete and record.weights_sha256 == self.weights_sha256 else 0


def rebuilt(name: str, directory: Path, tables: Iterable[Mapping[str, Any]]) -> Record | None:
    """Return a record that is put together from run.toml and from those values of damaged tables that can be meant; a
    later table counts more. None without a run.toml that can be read."""
    try:
        spec = Spec.load(directory / "run.toml")
    except ZooError:
        return None
    record = replace(spec, name=name).record()
    found = record.to_table()
    given: set[str] = set()
    for table in tables:
        for key in {*table} - IN_RUN_TOML - {"path"}:
            with suppress(BadData):
                Record.from_table({**found, key: table[key]}, "")
                found[key] = table[key]
                given.add(key)
    if "status" not in given:
        there = Witnesses(directory).weights_sha256
        found["status"] = "ready" if there and found.get("weights_sha256") == there else "interrupted"
    return Record.from_table(found, "")


def is_incomplete(record: Record) -> bool:
    """Whether a record lacks what a commit writes, or half of what it says of its parent."""
    outcome = (record.val_loss, record.val_bpc, record.train_loss, record.weights)
    counts = (record.steps, record.best_step, record.tokens)
    lacks_outcome = record.status == "ready" and (None in outcome or 0 in counts)
    return lacks_outcome or (record.parent is None) != (record.init_sha256 is None)


def _makes_run(record: Record) -> bool:
    try:
        Spec.of("", record)
    except BadData:
        return False
    return True


def _is_close(loss: float, bpc: float | None) -> bool:
    """Whether a loss in nats and one in bits say the same."""
    if bpc is None or math.isnan(loss) or math.isnan(bpc):
        return bpc is not None and math.isnan(loss) and math.isnan(bpc)
    return math.isclose(bpc, bits(loss), rel_tol=1e-9)


def _speaks_of(key: Key, values: Values) -> bool:
    """Whether a file says something of a key; one with hyperparameters has all that there are."""
    return key in values or (key[0] in ("model", "train") and any(group == key[0] for group, _ in values))


def _run(directory: Path) -> Values:
    record = Spec.load(directory / "run.toml").record()
    absent = {("", name): None for name in OF_A_CHILD}
    values = {k: v for k, v in values_of(record).items() if (k[0].partition(".")[0] or k[1]) in IN_RUN_TOML}
    return {**absent, **values}


def _weights(directory: Path) -> Values:
    config, vocab_sha256 = weights.described_by(directory / WEIGHTS)
    shape = {("model", name): value for name, value in config.to_dict().items()}
    vocab = {("vocab", "size"): config.vocab_size, ("vocab", "sha256"): vocab_sha256}
    return {**shape, **vocab, ("", "parameters"): config.parameters()}


def _vocab(directory: Path) -> Values:
    vocab = load_vocab(directory / "vocab.json")
    return {("vocab", "kind"): vocab.kind, ("vocab", "size"): len(vocab), ("vocab", "sha256"): vocab.sha256}


def _first_weights(directory: Path) -> Values:
    weights.described_by(directory / FIRST_WEIGHTS)  # else it may be anything, of any size
    return {("", "init_sha256"): files.sha256_of(directory / FIRST_WEIGHTS)}


def _log(directory: Path) -> Values:
    """What a finished training has logged: where it ended, and its best validation."""
    spec = Spec.load(directory / "run.toml")
    lines = files.read_bytes(directory / LOG, limit=LOG_LIMIT).splitlines()
    validations = [json.loads(line) for line in lines if b'"val_loss"' in line]
    best, last = min(validations, key=lambda line: line["val_loss"]), validations[-1]
    said = {
        "steps": last["step"],
        "best_step": best["step"],
        "train_loss": last["train_loss"],
        "val_loss": best["val_loss"],
        "val_bpc": bits(best["val_loss"]),
        "weights": "best",
        "tokens": last["step"] * spec.train.batch_size * spec.model.block_size,
    }
    if last["step"] == spec.train.max_steps:
        said["status"] = "ready"
    return {("", name): value for name, value in said.items()}


_READERS = {"run.toml": _run, WEIGHTS: _weights, "vocab.json": _vocab, FIRST_WEIGHTS: _first_weights, LOG: _log}
