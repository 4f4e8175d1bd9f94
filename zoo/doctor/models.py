"""What stands in the directory of one model: weights, vocabulary, spec, snapshots, checkpoints."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

from zoo import tables, weights
from zoo.corpora.corpus import open_corpus
from zoo.corpora.vocab import Bytes, Characters, Vocab, load_vocab, save_vocab
from zoo.doctor.debris import debris
from zoo.doctor.finding import NEWER, TO_THE_TRASH, UNREADABLE, UPGRADE, Finding, Place
from zoo.doctor.lineage import damaged_snapshots, first_weights, grown_vocabs
from zoo.doctor.witnesses import Witnesses, differences, is_incomplete, spelt
from zoo.engine.load import parts_of
from zoo.errors import BadData, Conflict, NewerSchema, NotFound, StorageProblem
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.document import read_records
from zoo.registry.model import FIRST_WEIGHTS, WEIGHTS, Model
from zoo.registry.record import OVER, Record
from zoo.registry.registry import STARTER_TAG, Registry
from zoo.registry.snapshots import SNAPSHOTS, snapshots
from zoo.runs.spec import Spec

CORRECT = "correct the wrong one in an editor"


class ModelFiles(Place):
    """A model whose row is right."""

    def __init__(self, home: Home, model: Model) -> None:
        self.home, self.model = home, model
        self.directory, self.where = model.directory, f"models/{model.name}"

    @property
    def is_busy(self) -> bool:
        return self.model.is_running

    @contextmanager
    def alone(self) -> Iterator[None]:
        with Registry(self.home).exclusively(self.model):
            known = [record.id for record in read_records(self.directory / "model.toml").values()]
            if known != [self.model.record.id]:
                raise Conflict("another process has changed it meanwhile")
            yield

    def look(self) -> Iterator[Finding]:
        if self.directory.is_dir():  # else it has just been put away
            yield from list(self._newer()) or self._contents()
            yield from debris(self.home, self.directory)

    def _newer(self) -> Iterator[Finding]:
        """Report what a newer zoo has written; nothing beside it is changed, either."""
        checkpoints = [(path, "checkpoint") for path in (self.directory / "checkpoints").glob("*.safetensors")]
        kept = [self.directory / WEIGHTS, self.directory / FIRST_WEIGHTS, *snapshots(self.directory).values()]
        for path, kind in [*checkpoints, *((path, "weights") for path in kept)]:
            try:
                weights.refuse_newer(path, kind)
            except NewerSchema:
                yield Finding(str(path.relative_to(self.home.path)), NEWER, UPGRADE)
        if newer := tables.newer_in(self.directory):
            yield Finding(f"{self.where}/{newer.name}", NEWER, UPGRADE)

    def _contents(self) -> Iterator[Finding]:
        lost, spec = self._lost_vocab(), list(self._spec())
        problem = lost or self._problem()
        contradicted = any(finding.mend is None for finding in spec)
        if (problem or contradicted or is_incomplete(self.model.record)) and (better := self._corrected()):
            what = f"the record is not that of its files: {spelt(differences(self.model.record, better))}"
            cure = "row and model.toml are written anew, as run.toml, the weights and the log say"
            yield Finding(self.where, what, cure, partial(self._correct, better))
        elif lost and (found := self._vocab_from_text()) is not None:
            mend = partial(self._write_vocab, found)
            yield Finding(f"{self.where}/vocab.json", lost, "written anew from the text", mend)
        elif problem and not Witnesses(self.directory).agree(self.model.record):
            cure = f"the model is moved to the trash; to train it again: {self.model.record.command}"
            yield Finding(self.where, problem, cure, self._put_away)
        elif problem or contradicted:  # the files are whole, and one of the texts is wrong; which one, none tells
            yield from spec if contradicted else [Finding(self.where, problem, CORRECT)]
        else:
            yield from spec
            yield from self._beside()

    def _beside(self) -> Iterator[Finding]:
        """Report what is wrong with the other files of a model whose record, weights and vocabulary are right."""
        yield from self._text()
        yield from self._kinds()
        yield from first_weights(self.home, self.model)
        yield from damaged_snapshots(self.home, self.model)
        if self.model.record.status in OVER:
            yield from self._left_behind()
        else:
            yield from self._checkpoints()

    def _corrected(self) -> Record | None:
        """Return the record that the model's files confirm, if it differs from the present one."""
        record, witnesses = self.model.record, Witnesses(self.directory)
        with suppress(BadData, NotFound):
            better = witnesses.correct(record)
            if "run.toml" in witnesses.said:
                Spec.load(self.directory / "run.toml").check_record(better)
            if better.status in OVER:
                parts_of(replace(self.model, record=better))
            return better if differences(record, better) else None
        return None

    def _correct(self, record: Record) -> None:
        """Write the corrected record; keep copies of row and card in the trash."""
        trash.keep_copy(self.home, self.home.registry)
        trash.keep_copy(self.home, self.directory / "model.toml")
        changes = {f.name: getattr(record, f.name) for f in fields(record) if f.name != "id"}
        Registry(self.home).update(self.model.name, self.model.record.id, **changes)
        self.model = replace(self.model, record=record)

    def _lost_vocab(self) -> str:
        """What is wrong with the vocabulary, if anything is."""
        try:
            found = load_vocab(self.directory / "vocab.json")
        except (BadData, NotFound) as error:
            return str(error)
        return "" if found.sha256 == self.model.record.vocab.sha256 else "it is not the vocabulary of the record"

    def _vocab_from_text(self) -> Vocab | None:
        """The vocabulary of the record, if the text that it was made from is still here."""
        part = self.model.record.corpora[0] if self.model.record.corpora else None
        try:
            alphabet = open_corpus(self.home, part.name, part.sha256, part.val_sha256).alphabet if part else {}
        except (BadData, NotFound):
            return None
        candidates = (Characters(alphabet), Bytes(), *grown_vocabs(self.home, self.model, alphabet))
        return next((found for found in candidates if found.sha256 == self.model.record.vocab.sha256), None)

    def _write_vocab(self, found: Vocab) -> None:
        trash.keep_copy(self.home, self.directory / "vocab.json")
        save_vocab(self.directory / "vocab.json", found)

    def _problem(self) -> str:
        """Why the model is of no use any more, if it is."""
        record = self.model.record
        try:
            Spec.of(self.model.name, record)
            if record.status not in OVER:
                return ""
            if record.weights_sha256 is None:
                return "the record has no weights_sha256, though the training is over"
            parts_of(self.model)
        except (BadData, NotFound) as error:
            return str(error)
        return ""

    def _put_away(self) -> None:
        Registry(self.home).dismiss(self.model.name, self.model.record.id, trash.place(self.home, self.model.name))

    def _spec(self) -> Iterator[Finding]:
        where = f"{self.where}/run.toml"
        try:
            found = replace(Spec.load(self.directory / "run.toml"), name=self.model.name)
        except (BadData, NotFound) as error:
            yield Finding(where, str(error), "written anew from the row", self._write_spec)
            return
        try:
            found.check_record(self.model.record)
        except BadData as error:  # which of the two was edited, no file tells
            cure = CORRECT
            if self.model.record.status in OVER:
                cure += f"; zoo reproduce {self.model.name} then shows whether it was that"
            yield Finding(where, str(error), cure)

    def _write_spec(self) -> None:
        trash.keep_copy(self.home, self.directory / "run.toml")
        Spec.of(self.model.name, self.model.record).save(self.directory / "run.toml")

    def _text(self) -> Iterator[Finding]:
        """Whether the text is here: a training needs it to go on, and so do verify and reproduce."""
        record = self.model.record
        for part in record.corpora:
            try:
                open_corpus(self.home, part.name, part.sha256, part.val_sha256)
            except NotFound:
                what = f"its text, '{part.name}' {part.sha256[:8]}, is not here"
                cure = f"fetch it again from where it came: zoo fetch {part.name}, with --from for a text of your own"
                if record.status not in OVER:
                    yield Finding(self.where, f"{what}, so its training cannot go on", cure)
                elif STARTER_TAG not in record.tags:
                    yield Finding(self.where, f"{what}, so it cannot be verified", cure, damage=False)
            except BadData:  # which is told of the text
                pass

    def _kinds(self) -> Iterator[Finding]:
        """What stands where a training would write, and cannot be written."""
        kinds = {name: Path.is_file for name in ("log.jsonl", "timing.jsonl", "state.json", "weights.safetensors")}
        for name, is_right in {**kinds, "checkpoints": Path.is_dir, SNAPSHOTS: Path.is_dir}.items():
            path = self.directory / name
            if (path.exists() or path.is_symlink()) and not is_right(path):
                away = partial(trash.put_away, self.home, path)
                yield Finding(f"{self.where}/{name}", "it is not what it should be", TO_THE_TRASH, away)

    def _left_behind(self) -> Iterator[Finding]:
        for path in (self.directory / "checkpoints", self.directory / "state.json"):
            if path.is_dir() if path.name == "checkpoints" else path.is_file():
                what, away = "it is left from a training that is over", partial(trash.put_away, self.home, path)
                yield Finding(f"{self.where}/{path.name}", what, TO_THE_TRASH, away)

    def _checkpoints(self) -> Iterator[Finding]:
        from zoo.gpt.checkpoint import newest_first, read, size_limit

        limit = size_limit(Spec.of(self.model.name, self.model.record).model.parameters())
        found = newest_first(self.directory / "checkpoints")
        problems: dict[str, str] = {}
        for path in found:
            try:
                read(path, limit=limit)
            except (BadData, NotFound) as error:
                problems[path.name] = str(error)
            except StorageProblem as error:
                yield Finding(f"{self.where}/checkpoints/{path.name}", str(error), UNREADABLE)
        cure = TO_THE_TRASH
        if len(problems) == len(found):
            cure += "; none is whole, so the training begins anew when it is resumed"
        for name, problem in problems.items():
            away = partial(trash.put_away, self.home, self.directory / "checkpoints" / name)
            yield Finding(f"{self.where}/checkpoints/{name}", problem, cure, away)
