"""The bounds of every number hold wherever it is read: run.toml, row and card that agree on nonsense make no run."""

import dataclasses
import io
import math
import shutil
import tomllib
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tiny import tiny_settings, write_tiny_text

from zoo.cli import run
from zoo.config import ModelConfig, TrainConfig
from zoo.errors import Stopped
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.runs.plan import Request, plan
from zoo.runs.run import start

NONSENSE = [0, -1, 2**62, 10**30, math.nan, math.inf, "x", True, [1]]
NUMBERS = ["seed", "threads", "parameters", "steps", "tokens", "seconds", "vocab.size", "corpora.characters"]
NUMBERS += [
    f"{group}.{field.name}"
    for group, config in (("model", ModelConfig), ("train", TrainConfig))
    for field in dataclasses.fields(config)
    if field.type in (int, float)
]


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a training that was interrupted."""
    root = tmp_path_factory.mktemp("bounds")
    (root / "tiny.txt").write_text(write_tiny_text(), encoding="utf-8")
    with redirect_stderr(io.StringIO()):
        assert run(["--home", str(root / "home"), "fetch", "tiny", "--from", str(root / "tiny.txt")]) == 0
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=12)[1::2])
    spec, vocab = plan(Home(root / "home"), Plugins(), Request(dataset="tiny", name="half", settings=settings))
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        start(Home(root / "home"), spec, vocab, stop=lambda: 2 if next(asked) == 5 else None)
    return root / "home"


def put(path: Path, key: str, value: Any) -> None:
    document = tomllib.loads(path.read_text())
    table = document["models"]["half"] if "models" in document else document
    group, _, last = key.rpartition(".")
    part = table["corpora"][0] if group == "corpora" else table[group] if group else table
    if last in part:
        part[last] = value
        path.write_text(tomli_w.dumps(document))


@pytest.mark.parametrize("key", NUMBERS)
def test_nonsense_in_spec_card_and_row_is_one_clear_line(zoo, interrupted, home, key):
    for value in NONSENSE:
        shutil.rmtree(home.path, ignore_errors=True)
        shutil.copytree(interrupted, home.path)
        for path in (home.registry, home.models / "half" / "model.toml", home.models / "half" / "run.toml"):
            put(path, key, value)
        outcome = zoo("resume", "half")
        assert outcome.code in (0, 2, 4), (value, outcome)
        assert outcome.code == 0 or outcome.err.splitlines()[-1].startswith("zoo: error: "), (value, outcome)


@pytest.mark.parametrize("key", ["model.head_dim", "model.hidden_size", "vocab.size"])
def test_a_training_whose_texts_all_say_nonsense_is_not_thrown_away(zoo, interrupted, home, key):
    shutil.copytree(interrupted, home.path)
    for path in (home.registry, home.models / "half" / "model.toml", home.models / "half" / "run.toml"):
        put(path, key, 0)
    outcome = zoo("doctor", "--repair")
    assert outcome.code == 4, outcome
    assert list((home.models / "half" / "checkpoints").iterdir())
