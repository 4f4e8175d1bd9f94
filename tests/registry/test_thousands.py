"""A home of a thousand models, ten thousand with --full, lists, compares, changes and repairs."""

import json
import re
import shutil

import pytest

from zoo.home import Home
from zoo.registry.document import read_document
from zoo.registry.registry import Registry


@pytest.fixture(scope="module")
def count(request: pytest.FixtureRequest) -> int:
    """How many models there are."""
    return 10_000 if request.config.getoption("--full") else 1_000


@pytest.fixture(scope="module")
def thousands(trained_home, tmp_path_factory, count) -> Home:
    """A home with one model, and with the rows alone of all others."""
    home = Home(tmp_path_factory.mktemp("thousands") / "home")
    shutil.copytree(trained_home, home.path)
    text = home.registry.read_text()
    head, row = text[: text.index("[models.")], text[text.index("[models.") :]
    id = read_document(home.registry)["models"]["tiny-nano"]["id"]
    rows = (row.replace("tiny-nano", f"m-{n:05}").replace(id, f"{n:08}{id[8:]}") for n in range(1, count))
    home.registry.write_text(head + "\n".join([row, *rows]))
    return home


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_models_are_listed_compared_and_changed(thousands, count, zoo, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(thousands.path))
    before = thousands.registry.read_text()
    names = zoo("list", "-q", "starter=no").out.split()
    assert (len(names), names[0], names[-1]) == (count, "tiny-nano", f"m-{count - 1:05}")
    assert len(zoo("list", "m-").out.splitlines()) == count
    (board,) = [b for b in json.loads(zoo("compare", "--json").out)["leaderboards"] if b["datasets"] == ["tiny"]]
    assert len(board["models"]) == count
    assert zoo("rename", "tiny-nano", "tiny").code == 0
    assert thousands.registry.read_text() == re.sub(r"\bmodels([./])tiny-nano\b", r"models\1tiny", before)
    assert zoo("rm", "tiny").code == 0
    assert zoo("restore", "tiny").code == 0
    assert zoo("rename", "tiny", "tiny-nano").code == 0
    assert len(Registry(thousands).own()) == count


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thousands_of_models_are_repaired(thousands, zoo, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_HOME", str(thousands.path))
    damaged = thousands.registry.read_text().replace("seed = 1337\n", "seed = = 1337\n", 1)
    thousands.registry.write_text(damaged)
    for name in list(re.findall(r"^\[models\.(m-\d+)\]$", damaged, re.MULTILINE))[:100]:
        shutil.copytree(thousands.models / "tiny-nano", thousands.models / name)
    zoo("doctor", "--repair")
    assert "tiny-nano" in Registry(thousands).own()
    assert damaged in [path.read_text() for path in thousands.trash.glob("registry.toml~*")]
