"""Homes of earlier versions, frozen in tests/homes: every later zoo opens, uses and repairs them.

tests/homes/make.sh made each of them, with the version that its folder is named after.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import Outcome

from zoo.home import Home

FROZEN = sorted(path for path in (Path(__file__).parent / "homes").iterdir() if path.is_dir())
Zoo = Callable[..., Outcome]


@pytest.fixture(params=FROZEN, ids=lambda path: path.name)
def old_home(request: pytest.FixtureRequest, home: Home) -> Home:
    """Return a copy of a frozen home, which is the home of this test."""
    shutil.copytree(request.param, home.path)
    return home


def files_of(home: Home) -> dict[str, bytes]:
    """Return the bytes of every file of a home but locks, by path."""
    paths = (path for path in home.path.rglob("*") if path.is_file() and path.suffix != ".lock")
    return {str(path.relative_to(home.path)): path.read_bytes() for path in paths}


def losses(zoo: Zoo) -> dict[str, float | None]:
    """Return the validation loss of each model that `zoo list` shows, starters left out."""
    rows = json.loads(zoo("list", "--json").out)["models"]
    return {row["name"]: row["record"].get("val_loss") for row in rows if not row["starter"]}


def test_commands_that_look_show_everything_and_write_nothing(old_home: Home, zoo: Zoo) -> None:
    before = files_of(old_home)
    assert losses(zoo).keys() == {"verse", "prose"}
    assert "interrupted" in zoo("list").out
    for command in (["compare", "verse"], ["show", "verse"], ["show", "prose"], ["show", "verse@8"], ["datasets"]):
        assert zoo(*command).code == 0, command
    assert zoo("doctor").code == 0
    assert files_of(old_home) == before


def test_a_model_writes_and_verifies(old_home: Home, zoo: Zoo) -> None:
    text = zoo("generate", "verse", "--temperature", "0", "--max-new", "20").out
    assert len(text) >= 20 and "the" in text
    assert zoo("chat", "verse", stdin="the moon\n").out
    assert zoo("verify", "verse").code == 0
    assert zoo("generate", "verse@8", "--max-new", "5").code == 0


def test_an_interrupted_training_goes_on(old_home: Home, zoo: Zoo) -> None:
    assert zoo("resume", "prose").code == 0
    assert (losses(zoo)["prose"] or 9) < 1.0
    assert zoo("verify", "prose").code == 0


def test_a_removed_model_comes_back(old_home: Home, zoo: Zoo) -> None:
    assert zoo("restore", "gone").code == 0
    assert zoo("verify", "gone").code == 0


def test_a_finished_model_can_be_trained_again(old_home: Home, zoo: Zoo) -> None:
    """The copy is the same on the processor and the torch that trained the original; elsewhere it is about as good."""
    if zoo("reproduce", "verse").code != 0:
        both = losses(zoo)
        assert both["verse-again"] == pytest.approx(both["verse"], abs=0.1)


def test_a_finished_model_can_have_children(old_home: Home, zoo: Zoo) -> None:
    assert zoo("train", "-d", "prose", "--init", "verse", "--set", "max_steps=4", "-n", "child").code == 0
    assert zoo("verify", "child").code == 0


@pytest.mark.parametrize("damage", ["registry.toml", "models/verse/model.toml", "models/verse/run.toml"])
def test_the_doctor_repairs_it(old_home: Home, zoo: Zoo, damage: str) -> None:
    before = losses(zoo)
    (old_home.path / damage).unlink()
    assert zoo("doctor").code == 4
    assert zoo("doctor", "--repair").code == 0
    assert losses(zoo) == before
    assert zoo("verify", "verse").code == 0


def test_models_are_renamed_and_removed(old_home: Home, zoo: Zoo) -> None:
    assert zoo("rename", "verse", "poem").code == 0
    assert zoo("rm", "prose").code == 0
    assert losses(zoo).keys() == {"poem"}
    assert zoo("restore", "prose").code == 0
    assert zoo("doctor").code == 0
