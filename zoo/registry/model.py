"""A model: a record with its name and its directory, and what the directory tells."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from zoo import files, locks, tables
from zoo.errors import BadData
from zoo.registry.record import Record

RUN_LOCK = "run.lock"
WEIGHTS, FIRST_WEIGHTS = "weights.safetensors", "init.safetensors"


@dataclass(frozen=True)
class Model:
    """A record with its name and the directory it describes; for `NAME@STEP` as they were then, with other weights."""

    name: str
    record: Record
    directory: Path
    starter: bool = False
    snapshot: Path | None = None

    @cached_property
    def weights_path(self) -> Path:
        return self.snapshot or self.directory / WEIGHTS

    def check_first_weights(self) -> None:
        """Raise BadData unless the weights that a fine-tuned model began with are there, as they were."""
        path, recorded = self.directory / FIRST_WEIGHTS, self.record.init_sha256
        if recorded is None:
            return
        if not path.is_file():
            raise BadData(f"{path} is missing")
        if files.sha256_of(path) != recorded:
            raise BadData(f"{path} was changed since the training began: its sha256 is not the recorded one")

    @property
    def is_running(self) -> bool:
        """Whether a worker holds the kernel lock on the directory at this moment."""
        return not self.starter and locks.is_locked(self.directory / RUN_LOCK)

    @property
    def status(self) -> str:
        """The recorded one, but `training` only while a worker lives, else `interrupted`; `missing` without weights."""
        if self.record.status in ("training", "interrupted"):
            return "training" if self.is_running else "interrupted"
        if self.record.status == "ready" and not self.weights_path.is_file():
            return "missing"
        return self.record.status

    @property
    def size(self) -> int:
        """Bytes of the weights file, 0 without one."""
        try:
            return self.weights_path.stat().st_size
        except OSError:
            return 0


def is_leftover(directory: Path) -> bool:
    """Whether a directory without a row holds nothing that anybody would miss: what a kill left of a training that had
    not begun, or the lock of one who came late."""
    names = {path.name for path in directory.iterdir() if not path.name.startswith(files.TEMPORARY)}
    begun = {"run.toml", "vocab.json", FIRST_WEIGHTS, "model.toml", RUN_LOCK}
    return names <= begun and not locks.is_locked(directory / RUN_LOCK) and not tables.newer_in(directory)
