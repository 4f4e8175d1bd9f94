"""What stands in the directory of one model: weights, vocabulary, spec, checkpoints."""

import dataclasses
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from zoo.corpora import vocab
from zoo.corpora.corpus import open_corpus
from zoo.doctor.finding import TO_THE_TRASH, UNREADABLE, UPGRADE, Finding
from zoo.doctor.rows import Rows, is_newer
from zoo.engine.load import load_engine
from zoo.errors import BadData, NotFound, StorageProblem
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.registry import Model
from zoo.runs import spec
from zoo.runs.spec import Spec

SCHEMAS = {"run.toml": spec.SCHEMA, "vocab.json": vocab.SCHEMA}
OVER = ("ready", "diverged")


def contents(rows: Rows, model: Model) -> Iterator[Finding]:
    """What is wrong with a model whose row is right and which nobody trains at the moment."""
    directory, where = model.directory, f"models/{model.name}"
    newer = [name for name, known in SCHEMAS.items() if is_newer(directory / name, known)]
    for name in newer:
        yield Finding(f"{where}/{name}", "it was written by a newer zoo", UPGRADE)
    if newer:
        return
    try:
        if (lost := _vocab_problem(model)) and (found := _vocab_from_text(rows.home, model)):
            mend = partial(_write_vocab, rows.home, directory / "vocab.json", found)
            yield Finding(f"{where}/vocab.json", lost, "written anew from the text", mend)
            return
        problem = lost or _problem(model)
    except StorageProblem as error:
        yield Finding(where, str(error), UNREADABLE)
        return
    if problem:
        cure = f"the model is moved to the trash; to train it again: {model.record.command}"
        yield Finding(where, problem, cure, partial(rows.put_away, model.name))
        return
    yield from _spec(rows.home, model, where)
    if model.record.status in OVER:
        for name in ("checkpoints", "state.json"):
            if (directory / name).exists():
                what = "it is left from a training that is over"
                yield Finding(
                    f"{where}/{name}", what, TO_THE_TRASH, partial(trash.put_away, rows.home, directory / name)
                )
    elif (directory / "checkpoints").is_dir():
        yield from _checkpoints(rows.home, directory / "checkpoints", where)


def _vocab_problem(model: Model) -> str:
    try:
        found = vocab.load_vocab(model.directory / "vocab.json")
    except (BadData, NotFound) as error:
        return str(error)
    return "" if found.sha256 == model.record.vocab.sha256 else "it is not the vocabulary of the record"


def _vocab_from_text(home: Home, model: Model) -> vocab.Vocab | None:
    """The vocabulary of the record, if the text that it was made from is still here."""
    part = model.record.corpora[0] if model.record.corpora else None
    try:
        alphabet = open_corpus(home, part.name, part.sha256).alphabet if part else {}
        candidates = (vocab.Characters(alphabet), vocab.Bytes())
    except (BadData, NotFound):
        return None
    return next((found for found in candidates if found.sha256 == model.record.vocab.sha256), None)


def _write_vocab(home: Home, path: Path, found: vocab.Vocab) -> None:
    if path.is_symlink() or path.exists():
        trash.put_away(home, path)
    vocab.save_vocab(path, found)


def _problem(model: Model) -> str:
    """Why a model is of no use any more, if it is."""
    record = model.record
    try:
        Spec.of(model.name, record)
        if record.status not in OVER:
            return ""
        if record.weights_sha256 is None:
            return "the record has no weights_sha256, though the training is over"
        load_engine(model.directory, record.model, record.vocab.sha256, record.weights_sha256)
    except (BadData, NotFound) as error:
        return str(error)
    return ""


def _spec(home: Home, model: Model, where: str) -> Iterator[Finding]:
    path = model.directory / "run.toml"
    try:
        found = dataclasses.replace(Spec.load(path), name=model.name)
    except (BadData, NotFound) as error:
        cure = "written anew from the row"
        yield Finding(f"{where}/run.toml", str(error), cure, partial(_write_spec, home, path, model))
        return
    try:
        found.check_record(model.record)
    except BadData as error:  # which of the two was edited, no file tells
        cure = f"correct the wrong one in an editor; zoo reproduce {model.name} shows whether it was"
        yield Finding(f"{where}/run.toml", str(error), cure)


def _write_spec(home: Home, path: Path, model: Model) -> None:
    if path.is_symlink() or path.exists():
        trash.put_away(home, path)
    Spec.of(model.name, model.record).save(path)


def _checkpoints(home: Home, directory: Path, where: str) -> Iterator[Finding]:
    from zoo.gpt.checkpoint import newest_first, read

    for path in newest_first(directory):
        try:
            read(path)
        except BadData as error:
            away = partial(trash.put_away, home, path)
            yield Finding(f"{where}/checkpoints/{path.name}", str(error), TO_THE_TRASH, away)
        except StorageProblem as error:
            yield Finding(f"{where}/checkpoints/{path.name}", str(error), UNREADABLE)
