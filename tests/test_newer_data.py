"""Data of a newer zoo is refused, and left as it is, byte for byte, by every command that writes."""

import hashlib
import io
import json
import shutil
import struct
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path

import pytest
from tiny import tiny_settings, write_tiny_text

from zoo.cli import run
from zoo.errors import Stopped
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.runs.plan import Request, plan
from zoo.runs.run import start

NEWER = "written by a newer zoo"
FILES = {
    "registry": "registry.toml",
    "card": "models/tiny-nano/model.toml",
    "spec": "models/tiny-nano/run.toml",
    "vocabulary": "models/tiny-nano/vocab.json",
    "weights": "models/tiny-nano/weights.safetensors",
    "card of a training": "models/half/model.toml",
    "spec of a training": "models/half/run.toml",
    "vocabulary of a training": "models/half/vocab.json",
    "state of a training": "models/half/state.json",
    "checkpoint": "models/half/checkpoints/*20.*",
    "text": ".zoo/corpora/tiny/*/corpus.toml",
    "evaluation": ".zoo/evaluations/*/*.windows-v1.json",
    "card in the trash": ".zoo/trash/gone~*/model.toml",
    "spec in the trash": ".zoo/trash/gone~*/run.toml",
}
ONE_OF_A_KIND = ["registry", "card", "vocabulary", "weights", "state of a training", "checkpoint", "text", "evaluation"]
ONE_OF_A_KIND += ["spec in the trash"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is at work in these homes, so there is little to wait for."""
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0.0)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one of each file that states a schema."""
    root = tmp_path_factory.mktemp("newer")
    home = root / "home"
    (root / "tiny.txt").write_text(write_tiny_text(), encoding="utf-8")
    (root / "other.txt").write_text(write_tiny_text(5000).upper(), encoding="utf-8")
    with redirect_stderr(io.StringIO()):
        for words in (
            ["fetch", "tiny", "--from", str(root / "tiny.txt")],
            ["train", "-d", "tiny", *tiny_settings(max_steps=2)],
            ["train", "-d", "tiny", "-n", "gone", *tiny_settings(max_steps=2)],
            ["rm", "gone"],
            ["eval", "tiny-nano", "--on", str(root / "other.txt")],
        ):
            assert run(["--home", str(home), *words]) == 0
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=40)[1::2])
    spec, vocab = plan(Home(home), Plugins(), Request(dataset="tiny", name="half", settings=settings))
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        start(Home(home), spec, vocab, stop=lambda: 2 if next(asked) == 30 else None)
    return root


def change_told(path: Path, change: Callable[[dict[str, object]], object]) -> Path:
    """Change what zoo states in the header of a safetensors file; the name of a checkpoint has the new sha256."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    told = json.loads(header["__metadata__"]["zoo"])
    change(told)
    header["__metadata__"] = {"zoo": json.dumps(told)}
    new = json.dumps(header).encode()
    data = struct.pack("<Q", len(new)) + new + data[8 + size :]
    path.unlink()
    if path.name.startswith("step-"):
        path = path.with_name(f"{path.name.partition('.')[0]}.{hashlib.sha256(data).hexdigest()[:16]}.safetensors")
    path.write_bytes(data)
    return path


def make_newer(path: Path) -> Path:
    """Give a file the schema of a later zoo, and something that this one does not know."""
    if path.suffix == ".toml":
        path.write_text(path.read_text().replace("schema = 1\n", 'schema = 99\nnovelty = "x"\n', 1))
    elif path.suffix == ".json":
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 99, "novelty": "x"}))
    else:
        path = change_told(path, lambda told: told.update(schema=99, novelty="x"))
    return path


def home_with_newer(original: Path, home: Home, what: str) -> Path:
    shutil.copytree(original / "home", home.path)
    (found,) = home.path.glob(FILES[what])
    return make_newer(found)


def commands(original: Path) -> list[list[str]]:
    """Every command that writes, on everything there is."""
    tiny, other = str(original / "tiny.txt"), str(original / "other.txt")
    settings = tiny_settings(max_steps=2)
    return [
        ["doctor"],
        ["doctor", "--repair"],
        ["eval", "tiny-nano", "--on", other],
        ["eval", "tiny-nano", "--on", other, "--refresh"],
        ["verify", "tiny-nano"],
        ["reproduce", "tiny-nano"],
        ["train", "-d", "tiny", "-n", "new", *settings],
        ["train", "-d", "tiny", "-n", "tiny-nano", *settings],
        ["train", "-d", "tiny", "-n", "child", "--init", "tiny-nano", "--set", "max_steps=2"],
        ["resume", "half"],
        ["rename", "half", "whole"],
        ["rename", "tiny-nano", "renamed"],
        ["restore", "gone"],
        ["rm", "half"],
        ["rm", "whole"],
        ["rm", "tiny-nano"],
        ["rm", "renamed"],
        ["rm", "gone"],
        ["restore", "half"],
        ["fetch", "tiny", "--from", tiny],
        ["fetch", "tiny", "--from", other],
        ["fetch", "tiny", "--from", other, "--split", "files"],
        ["doctor", "--repair"],
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every command beside each file with --full, else beside one file of each kind."""
    if "newer" in metafunc.fixturenames:
        metafunc.parametrize("newer", FILES if metafunc.config.getoption("--full") else ONE_OF_A_KIND)


def test_a_newer_file_outlives_every_command(zoo, original, home, newer):
    path = home_with_newer(original, home, newer)
    data = path.read_bytes()
    for words in commands(original):
        outcome = zoo(*words)
        assert outcome.code in (0, 2, 3, 4, 5, 9), (words, outcome)
        assert outcome.code == 0 or outcome.err.splitlines()[-1].startswith("zoo: error: "), (words, outcome)
        kept = [file for file in home.path.rglob(f"*{path.suffix}") if file.is_file() and file.read_bytes() == data]
        assert kept, (words, outcome)


@pytest.mark.parametrize(
    ("what", "words"),
    [(what, words) for what in ("card", "spec", "vocabulary") for words in ("rename tiny-nano x", "rm tiny-nano")]
    + [(f"{what} of a training", "resume half") for what in ("card", "spec", "vocabulary", "state")]
    + [("checkpoint", "resume half"), ("card in the trash", "restore gone"), ("spec in the trash", "restore gone")]
    + [("text", "fetch tiny --from TEXT"), ("registry", "rm half"), ("registry", "train -d tiny -n new")],
)
def test_a_command_that_would_change_it_is_refused(zoo, original, home, what, words):
    home_with_newer(original, home, what)
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
    outcome = zoo(*(str(original / "tiny.txt") if word == "TEXT" else word for word in words.split()))
    assert outcome.code == 4, outcome
    assert NEWER in outcome.err.splitlines()[-1]
    assert {p: p.read_bytes() for p in home.path.rglob("*") if p.is_file() and p.suffix != ".lock"} == {
        p: data for p, data in before.items() if p.suffix != ".lock"
    }


@pytest.mark.parametrize("what", sorted(FILES.keys() - {"evaluation", "card in the trash", "spec in the trash"}))
def test_the_doctor_names_it_and_leaves_it(zoo, original, home, what):
    path = home_with_newer(original, home, what)
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
    outcome = zoo("doctor", "--repair", "--json")
    assert outcome.code == 4
    found = [finding for finding in json.loads(outcome.out)["findings"] if finding["damage"]]
    where = str((path.parent if what == "text" else path).relative_to(home.path))
    assert [(f["where"], f["what"], f["mendable"]) for f in found] == [(where, "it was written by a newer zoo", False)]
    assert {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()} == before


def test_checkpoints_of_the_first_zoo_state_no_schema_and_are_read(zoo, original, home):
    shutil.copytree(original / "home", home.path)
    for path in list((home.models / "half" / "checkpoints").iterdir()):
        change_told(path, lambda told: told.pop("schema"))
    outcome = zoo("resume", "half")
    assert outcome.code == 0
    assert "passed over" not in outcome.err
