"""The spec: a run with every choice made, frozen in run.toml before step 0."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from zoo import files
from zoo.config import ModelConfig, TrainConfig
from zoo.errors import BadData, UsageProblem
from zoo.protocol import WINDOWS_V1, bits
from zoo.registry.record import CorpusPart, Record, Status, VocabPart

SCHEMA = 1


@dataclass(frozen=True, kw_only=True)
class Spec:
    """All that decides the outcome of a run: no 'auto', no clock, texts and vocabulary by their sha256."""

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
    versions: dict[str, str]
    corpora: tuple[CorpusPart, ...]
    vocab: VocabPart
    model: ModelConfig
    train: TrainConfig

    def save(self, path: Path) -> None:
        table = dataclasses.asdict(self)
        table["corpora"] = list(table["corpora"])
        files.write_toml(path, {"schema": SCHEMA, **table})

    @classmethod
    def load(cls, path: Path) -> Self:
        """The spec of a run.toml; raises BadData for one that is damaged."""
        table = files.read_toml(path)
        known = {f.name for f in dataclasses.fields(cls)}
        values = {key: value for key, value in table.items() if key in known}
        try:
            values["corpora"] = tuple(CorpusPart(**part) for part in values["corpora"])
            values["vocab"] = VocabPart(**values["vocab"])
            values["model"] = ModelConfig.from_dict(values["model"])
            values["train"] = TrainConfig.from_dict(values["train"])
            return cls(**values)
        except (KeyError, TypeError, AttributeError, UsageProblem) as error:
            raise BadData(f"{path} is damaged: {error}") from None

    def record(self, status: Status, **results: Any) -> Record:
        """The record of this run, with what is known of its outcome."""
        val_loss = results.get("val_loss")
        return Record(
            id=self.id,
            dataset=self.dataset,
            preset=self.preset,
            status=status,
            path=f"models/{self.name}",
            parameters=self.model.parameters(),
            device=self.device,
            device_name=self.device_name,
            host=self.host,
            threads=self.threads,
            dtype=self.dtype,
            val_protocol=WINDOWS_V1,
            val_bpc=None if val_loss is None else bits(val_loss),
            weights="best",
            created=self.created,
            seed=self.seed,
            private=self.private,
            versions=self.versions,
            command=self.command,
            corpora=self.corpora,
            vocab=self.vocab,
            model=self.model.to_dict(),
            train=self.train.to_dict(),
            **results,
        )
