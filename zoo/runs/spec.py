"""The spec: a run with every choice made, frozen in run.toml before step 0."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_origin

from zoo import tables
from zoo.config import DTYPES, ModelConfig, TrainConfig
from zoo.corpora.corpus import Corpus, open_corpus
from zoo.corpora.vocab import Vocab
from zoo.errors import BadData, UsageProblem
from zoo.home import Home
from zoo.names import LONGEST
from zoo.protocol import WINDOWS_V1
from zoo.registry.record import CorpusPart, Record, VocabPart, read_part, short

SCHEMA = tables.SCHEMAS["run.toml"]
MOST_THREADS = 4096
# what of a record decides the outcome; the rest says who, when and where, and may be edited
DECISIVE = ("id", "seed", "device", "dtype", "threads", "init_sha256", "corpora", "vocab", "model", "train")
OF_A_CHILD = ("parent", "init_sha256")  # of a run that begins from the weights of another model


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A run before it begins: all that decides its outcome (no 'auto', no time limit, texts and vocabulary by their
    sha256), and for the record who asked for it, where and when."""

    id: str
    name: str
    dataset: str
    preset: str
    seed: int
    device: str
    device_name: str
    host: str
    dtype: str
    threads: int
    private: bool
    created: str
    command: str
    parent: str | None = None
    init_sha256: str | None = None
    versions: dict[str, str]
    corpora: tuple[CorpusPart, ...]
    vocab: VocabPart
    model: ModelConfig
    train: TrainConfig

    def save(self, path: Path) -> None:
        table = dataclasses.asdict(self)
        for part in (*table["corpora"], table["vocab"]):
            part.update(part.pop("extra"))
        table["corpora"] = list(table["corpora"])
        tables.write_toml(path, {"schema": SCHEMA, **{k: v for k, v in table.items() if v is not None}})

    @classmethod
    def load(cls, path: Path) -> Self:
        """The spec of a run.toml; raises BadData for one that is damaged."""
        table = tables.read_toml(path)
        tables.check_schema(table, path)
        known = {f.name: get_origin(f.type) or f.type for f in dataclasses.fields(cls)} | dict.fromkeys(OF_A_CHILD, str)
        values = {key: value for key, value in table.items() if key in known}
        try:
            values["corpora"] = tuple(read_part(CorpusPart, part, f"{path}: 'corpora'") for part in values["corpora"])
            values["vocab"] = read_part(VocabPart, values["vocab"], f"{path}: 'vocab'")
            values["model"] = ModelConfig.stored(values["model"])
            values["train"] = TrainConfig.from_dict(values["train"])
            needed = (f.name for f in dataclasses.fields(cls) if f.default is dataclasses.MISSING)
            if lacks := next((key for key in needed if key not in values), None):
                raise BadData(f"{path} is damaged: it lacks '{lacks}'")
            spec = cls(**values)
        except (KeyError, TypeError, AttributeError, UsageProblem) as error:
            raise BadData(f"{path} is damaged: {str(error)[: tables.MESSAGE_LENGTH]}") from None
        wrong = [key for key, value in values.items() if type(value) is not known[key]]
        if wrong := wrong or spec.contradictions():
            raise BadData(f"{path} is damaged: '{wrong[0]}' makes no sense")
        return spec

    def contradictions(self) -> list[str]:
        """The fields whose values no run can have."""
        sound = {
            "corpora": len(self.corpora) == 1,
            "seed": 0 <= self.seed < 2**63,
            "threads": 0 < self.threads <= MOST_THREADS,
            "dtype": self.dtype in DTYPES,
            "vocab": self.vocab.size == self.model.vocab_size > 0,
            "parent": (self.parent is None) == (self.init_sha256 is None),
        }
        return [key for key, is_sound in sound.items() if not is_sound]

    @classmethod
    def of(cls, name: str, record: Record) -> Self:
        """The spec that a record was made from; raises BadData when its hyperparameters make no run."""
        fields = {f.name for f in dataclasses.fields(cls)} - {"name", "model", "train"}
        try:
            return cls(
                name=name,
                model=ModelConfig.stored(record.model),
                train=TrainConfig.from_dict(record.train),
                **{key: getattr(record, key) for key in fields},
            )
        except (TypeError, UsageProblem) as error:
            raise BadData(f"the record of '{name}' makes no model: {str(error)[: tables.MESSAGE_LENGTH]}") from None

    def text(self, home: Home) -> Corpus:
        """The text of the run, seen to be unchanged; raises NotFound when it is not here, BadData for another."""
        part = self.corpora[0]
        corpus = open_corpus(home, part.name, part.sha256, part.val_sha256)
        corpus.check_text(part.val_sha256)
        return corpus

    def check_vocab(self, vocab: Vocab) -> None:
        """Raise BadData unless this is the vocabulary of the run."""
        if vocab.sha256 != self.vocab.sha256:
            raise BadData(f"the vocab.json of '{self.name[:LONGEST]}' is not the vocabulary that its run.toml names")

    def check_record(self, record: Record) -> None:
        """Raise BadData, naming what differs, unless the record is of this run."""
        begun, recorded = _decisive(self), _decisive(Spec.of(self.name, record))
        for key, here in begun.items():
            if here != (there := recorded[key]):
                says = f"run.toml of '{self.name[:LONGEST]}' says {key[:LONGEST]}"
                raise BadData(f"{says} = {short(here)}, but its record {short(there)}")

    def record(self) -> Record:
        """The record of this run as it begins."""
        return Record(
            id=self.id,
            dataset=self.dataset,
            preset=self.preset,
            status="training",
            path=f"models/{self.name}",
            parameters=self.model.parameters(),
            device=self.device,
            device_name=self.device_name,
            host=self.host,
            threads=self.threads,
            dtype=self.dtype,
            val_protocol=WINDOWS_V1,
            created=self.created,
            seed=self.seed,
            private=self.private,
            versions=self.versions,
            command=self.command,
            parent=self.parent,
            init_sha256=self.init_sha256,
            corpora=self.corpora,
            vocab=self.vocab,
            model=self.model.to_dict(),
            train=self.train.to_dict(),
        )


def _decisive(spec: Spec) -> dict[str, Any]:
    """What decides the outcome, hyperparameters one by one; those that are younger than a file have their defaults."""
    values = {key: getattr(spec, key) for key in DECISIVE}
    model, train = values.pop("model").to_dict(), values.pop("train").to_dict()
    values["corpora"] = tuple(dataclasses.replace(part, extra={}) for part in spec.corpora)
    values["vocab"] = dataclasses.replace(spec.vocab, extra={})
    return {**values, **model, **train}
