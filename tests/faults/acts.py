"""What zoo writes in a home, one act after the other, and what must be true of it at every moment. Without torch."""

import errno
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faults.disk import copy
from tiny import TINY, write_tiny_text

from zoo import files, weights
from zoo.config import get_preset
from zoo.corpora.corpus import open_corpus
from zoo.corpora.dataset import Document
from zoo.corpora.normalise import Normaliser
from zoo.corpora.store import store_corpus
from zoo.corpora.vocab import Characters, save_vocab
from zoo.doctor.examination import examine, repair
from zoo.home import Home
from zoo.registry import trash
from zoo.registry.document import read_records
from zoo.registry.model import is_leftover
from zoo.registry.record import CorpusPart, VocabPart
from zoo.registry.registry import Registry
from zoo.runs.spec import Spec

ERRNOS = (errno.ENOSPC, errno.EIO, errno.EACCES)
TEXT = write_tiny_text(1500)
OTHER_TEXT = write_tiny_text(1700)
VOCAB = Characters(sorted(set(TEXT + OTHER_TEXT)))
PASSING = {"log.jsonl", "timing.jsonl", "state.json", "run.lock"}  # may be cut short, or say what was


def create(home: Home) -> None:
    home.create()


def store(home: Home) -> None:
    _store(home, TEXT)


def refetch(home: Home) -> None:
    _store(home, OTHER_TEXT)


def _store(home: Home, text: str) -> None:
    about = {
        "name": "tiny", "dataset": "tiny", "source": "here", "licence": "unknown", "private": False,
        "fetched": f"2026-01-02T03:04:{len(text) % 60:02}+00:00",
    }  # fmt: skip
    store_corpus(home, Normaliser([Document("tiny", text)]), about)


def spec(name: str) -> Spec:
    """What a plan would make of the tiny text."""
    preset = get_preset("nano").with_settings(dict(pair.split("=") for pair in TINY))
    val = TEXT[int(0.9 * len(TEXT)) :]
    return Spec(
        id=f"id of {name}", name=name, dataset="tiny", preset="nano", seed=1337, device="cpu", device_name="here",
        host="here", dtype="float32", threads=1, private=False, created="2026-01-02T03:04:05+00:00",
        command="zoo train", versions={"zoo": "1"},
        corpora=(CorpusPart(name="tiny", sha256=_sha256(TEXT), val_sha256=_sha256(val), characters=len(TEXT)),),
        vocab=VocabPart(kind=VOCAB.kind, size=len(VOCAB), sha256=VOCAB.sha256),
        model=preset.model.resolve(len(VOCAB)), train=preset.train,
    )  # fmt: skip


def claim(home: Home, name: str = "one") -> None:
    begun = spec(name)

    def fill(directory: Path) -> None:
        begun.save(directory / "run.toml")
        save_vocab(directory / "vocab.json", VOCAB)

    Registry(home).claim(name, begun.record(), fill)


def claim_again(home: Home) -> None:
    claim(home, "two")


def finish(home: Home, name: str = "one") -> None:
    """As a run ends: weights first, the row that speaks of them last."""
    of = spec(name)
    tensors = {key: np.ones(shape, np.float32) for key, shape in of.model.weight_shapes().items()}
    path = home.models / name / "weights.safetensors"
    sha256 = weights.save_model(path, tensors, of.model, of.vocab.sha256)
    Registry(home).update(name, of.id, status="ready", val_loss=1.5, val_bpc=2.25, steps=20, weights_sha256=sha256)


def interrupt(home: Home) -> None:
    Registry(home).update("two", spec("two").id, status="interrupted", steps=3)


def rename(home: Home) -> None:
    Registry(home).rename("one", "new")


def discard(home: Home) -> None:
    registry = Registry(home)
    trash.discard(registry, registry.own_model("new"))


def restore(home: Home) -> None:
    trash.restore(Registry(home), "new")


def leave(home: Home) -> None:
    """What a kill left of a training that had not begun, where the next one begins anew."""
    files.make_directory(home.models / "two")
    files.write_bytes(home.models / "two" / "run.toml", b"half")


@dataclass(frozen=True)
class Act:
    """Something that one command does; `before` is what others left to it, done without any fault."""

    do: Callable[[Home], None]
    before: Callable[[Home], None] | None = None

    @property
    def name(self) -> str:
        return self.do.__name__


# each finds the home as those before it left it
ACTS = (
    Act(create), Act(store), Act(claim), Act(finish), Act(rename), Act(discard), Act(restore), Act(refetch), Act(store),
    Act(claim_again, leave), Act(interrupt), Act(discard),
)  # fmt: skip
NAMES = [f"{number}-{act.name}" for number, act in enumerate(ACTS)]
TRASH = "deep/down/.zoo/trash"
# each act on one disk, and those that move a model also where the trash lies on another one
CASES = [
    *((number, "") for number in range(len(ACTS))),
    *((number, TRASH) for number, act in enumerate(ACTS) if act.do in (discard, restore)),
]
CASE_NAMES = [NAMES[number] + ("-across-disks" if apart else "") for number, apart in CASES]


@dataclass(frozen=True)
class State:
    """All that a reader can find in a home; files by the hash of their bytes, temporaries left out."""

    rows: dict[str, Any] | None
    models: dict[str, dict[str, str]]
    current: dict[str, str]
    texts: dict[tuple[str, str], dict[str, str]]
    trash: tuple[tuple[str, dict[str, str]], ...]

    def holds(self, wanted: "State") -> bool:
        """Whether this is the wanted state, and at most more lies about where nobody looks."""
        rows = (wanted.rows or {}).values()
        needed = {*wanted.current.values(), *(part["sha256"][:8] for row in rows for part in row["corpora"])}
        return (
            (self.rows, self.models, self.current) == (wanted.rows, wanted.models, wanted.current)
            and all(self.texts.get(key) == found for key, found in wanted.texts.items() if key[1] in needed)
            and all(entry in self.trash for entry in wanted.trash)
        )

    def is_before_the_commit(self, old: "State", new: "State") -> bool:
        """Whether only files that a row will speak of are new, and all that readers go by is old."""
        return (self.rows, self.current, self.trash) == (old.rows, old.current, old.trash) and all(
            self.models.get(name, {}).get(file) in (found, new.models.get(name, {}).get(file))
            for name, files in old.models.items()
            for file, found in files.items()
        )


def look(home: Home) -> State:
    """The state as plain files have it. Raises BadData for a registry that does not parse."""
    rows = None
    if home.registry.exists():
        rows = {name: record.to_table() for name, record in read_records(home.registry).items()}
    corpora = _directories(home.corpora)
    return State(
        rows,
        {
            path.name: _hashes(path)
            for path in _directories(home.models)
            if path.name in (rows or {}) or not is_leftover(path)
        },
        {path.name: (path / "current").read_text().strip() for path in corpora if (path / "current").exists()},
        {(path.name, text.name): _hashes(text) for path in corpora for text in _directories(path)},
        tuple(
            sorted(
                ((path.name.partition("~")[0], _hashes(path)) for path in _directories(home.trash)),
                key=lambda entry: (entry[0], sorted(entry[1].items())),
            )
        ),
    )


def temporaries(home: Home) -> list[Path]:
    """What a writer leaves when it cannot tidy up."""
    return [path for path in home.path.rglob(f"{files.TEMPORARY}*") if home.trash not in path.parents]


def check_rows(home: Home) -> None:
    """Every row has its directory, and the weights that it speaks of."""
    for name, model in Registry(home).own().items():
        assert model.directory.is_dir(), f"the row '{name}' points at nothing"
        assert (model.directory / "run.toml").exists(), f"the row '{name}' has no run.toml"
        assert read_records(model.directory / "model.toml"), f"the row '{name}' has no model.toml"
        if model.record.status == "ready":
            assert files.sha256_of(model.weights_path) == model.record.weights_sha256


def check_files(home: Home, known: set[str]) -> None:
    """Every file under its final name is whole; `known` are the hashes of all that ever stood there."""
    for path in home.path.rglob("*"):
        if path.is_file() and not _is_passing(path.relative_to(home.path)):
            assert files.sha256_of(path) in known, f"{path.relative_to(home.path)} holds what nobody wrote"


def _is_passing(path: Path) -> bool:
    return path.name in PASSING or path.suffix == ".lock" or files.TEMPORARY.lstrip(".") in str(path)


def mended(home: Home) -> tuple[State, set[str]]:
    """The state after `zoo doctor --repair`, which leaves no damage, and what it had to mend."""
    report = repair(home)
    assert not report.damage, report.damage
    assert not examine(home).damage
    return look(home), {finding.what for finding in report.mended}


class Play:
    """The acts on a home: how it stood before each, what could be read before and after, and every file's hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.homes: list[Path] = []
        self.old: list[State] = []
        self.new: list[State] = []
        self.known: set[str] = set()
        sandbox = folder / "play"
        sandbox.mkdir()
        home = home_in(sandbox)
        for number, act in enumerate(ACTS):
            if act.before:
                act.before(home)
            self.homes.append(copy(sandbox, folder / f"before-{number}"))
            self.old.append(self._look(home))
            act.do(home)
            self.new.append(self._look(home))

    def _look(self, home: Home) -> State:
        self.known |= {files.sha256_of(path) for path in home.path.rglob("*") if path.is_file()}
        return look(home)

    def stage(self, number: int) -> Home:
        """A fresh home, as it stood before that act."""
        return home_in(copy(self.homes[number], self.folder / "stage"))


def home_in(sandbox: Path) -> Home:
    """The home that acts in a sandbox are on, below directories that do not exist at first."""
    return Home(sandbox / "deep" / "down")


def reads(home: Home) -> None:
    """What anybody may do at any time: it works, or says what is missing."""
    Registry(home).models()
    if (home.corpora / "tiny" / "current").exists():
        open_corpus(home, "tiny").check_text()


def _directories(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith(files.TEMPORARY))


def _hashes(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): files.sha256_of(path)
        for path in sorted(directory.rglob("*"))
        if path.is_file() and not _is_passing(path.relative_to(directory))
    }


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
