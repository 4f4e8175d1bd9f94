"""The doctor believes the files of a model: no value that somebody edited in its record costs the model itself."""

import io
import shutil
import tomllib
from collections.abc import Callable
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from tiny import tiny_settings, write_tiny_text

from zoo.cli import run
from zoo.config import (
    ACTIVATIONS,
    DTYPES,
    KEEPS,
    OPTIMIZERS,
    SCHEDULES,
    SHAPES,
    ModelConfig,
    TrainConfig,
)
from zoo.doctor.witnesses import values_of
from zoo.engine.load import parts_of
from zoo.errors import Stopped
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.registry.record import STATUSES, Record
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan
from zoo.runs.run import start

READY, HALF = "child", "half"
# what no other file of a model says, or what a reader may edit as run.toml says otherwise: there the row counts
READERS = {"dataset", "preset", "device_name", "host", "private", "created", "command", "versions"}
READERS |= {"tags", "note", "seconds", "finished"}
UNTIL_THE_END = {"status", "steps", "best_step", "tokens"}  # which only the log of a finished training confirms
CHOICES = (
    ACTIVATIONS,
    DTYPES,
    KEEPS,
    OPTIMIZERS,
    SCHEDULES,
    SHAPES,
    STATUSES,
    ("best", "last"),
    ("characters", "bytes"),
)
Table = dict[str, Any]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a finished model that was fine-tuned and has snapshots, and one whose training was interrupted."""
    root = tmp_path_factory.mktemp("witnesses")
    (root / "tiny.txt").write_text(write_tiny_text(), encoding="utf-8")
    home = root / "home"
    settings = tiny_settings(max_steps=20, dropout=0.1, stored_dtype="float32")
    with redirect_stderr(io.StringIO()):
        assert run(["--home", str(home), "fetch", "tiny", "--from", str(root / "tiny.txt")]) == 0
        assert run(["--home", str(home), "train", "-d", "tiny", "-n", "parent", "--dtype", "float32", *settings]) == 0
        child = ["train", "-d", "tiny", "-n", READY, "--init", "parent", "--keep", "log", "--dtype", "float32"]
        recipe = [word for word in settings if not word.startswith(("n_", "block_size"))]
        pairs = [pair for pair in recipe if pair != "--set"]
        assert run(["--home", str(home), *child, *(word for pair in pairs for word in ("--set", pair))]) == 0
    parts = dict(pair.split("=") for pair in tiny_settings(max_steps=40, dropout=0.1, keep="log")[1::2])
    spec, vocab = plan(Home(home), Plugins(), Request(dataset="tiny", name=HALF, dtype="float32", settings=parts))
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        start(Home(home), spec, vocab, stop=lambda: 2 if next(asked) == 30 else None)
    for name in (READY, HALF):  # a home of its own for each, for there is less to look at
        shutil.copytree(home, root / name)
        with redirect_stderr(io.StringIO()):
            assert run(["--home", str(root / name), "rm", *({"parent", READY, HALF} - {name})]) == 0
        shutil.rmtree(root / name / ".zoo" / "trash")
    return root


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is at work in these homes, so there is little to wait for."""
    monkeypatch.setattr("zoo.doctor.examination.MOMENT", 0.0)


def keys(name: str) -> list[str]:
    """Every key of a record, as `model.n_layer`."""
    finished = {"val_loss", "val_bpc", "weights", "train_loss", "weights_sha256", "finished", "init_sha256", "parent"}
    top = [key for key in Record.__dataclass_fields__ if key not in ("extra", "corpora", "vocab", "model", "train")]
    top = [key for key in top if name == READY or key not in finished]
    parts = {"vocab": ("kind", "size", "sha256"), "corpora.0": ("name", "weight", "sha256", "val_sha256", "characters")}
    recipe = tuple(TrainConfig.__dataclass_fields__) if name == READY else ("max_steps",)
    parts |= {"model": tuple(ModelConfig.__dataclass_fields__), "train": recipe}
    return top + [f"{group}.{key}" for group, names in parts.items() for key in names]


def holder(table: Table, key: str) -> tuple[Table, str]:
    """The table in a row that holds a key, and what it is called there."""
    group, _, last = key.rpartition(".")
    if group.startswith("corpora"):
        return table["corpora"][0], last
    return (table[group] if group else table), last


def another(value: Any) -> Any:
    """A value that could stand in the place of this one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        words = next((words for words in CHOICES if value in words), None)
        if words:
            return next(word for word in words if word != value)
        return f"{value[:-1]}{'0' if value[-1:] != '0' else '1'}"
    if isinstance(value, dict):
        return {**value, "zoo": "0.0.1"}
    if isinstance(value, list):
        return ["mine"]
    return value + 1 if isinstance(value, int) else value * 1.5 + 0.25


def change(path: Path, name: str, key: str, how: Callable[[Table, str], object]) -> None:
    document = tomllib.loads(path.read_text())
    how(*holder(document["models"][name] if "models" in document else document, key))
    path.write_text(tomli_w.dumps(document))


def edit(table: Table, key: str) -> None:
    table[key] = another(table.get(key, ""))


def remove(table: Table, key: str) -> None:
    table.pop(key, None)


WAYS: dict[str, tuple[tuple[str, ...], Callable[[Table, str], object]]] = {
    "row edited": (("row",), edit),
    "card edited": (("card",), edit),
    "both edited": (("row", "card"), edit),
    "row lacks it": (("row",), remove),
    "card lacks it": (("card",), remove),
    "both lack it": (("row", "card"), remove),
}


def harmed(original: Path, home: Home, name: str, key: str, way: str) -> None:
    shutil.rmtree(home.path, ignore_errors=True)
    shutil.copytree(original / name, home.path)
    where, how = WAYS[way]
    paths = {"row": home.registry, "card": home.models / name / "model.toml"}
    for place in where:
        change(paths[place], name, key, how)


def contents(directory: Path) -> dict[str, bytes]:
    """The files of a model but its card and its lock."""
    found = {str(path.relative_to(directory)): path for path in directory.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if name not in ("model.toml", "run.lock")}


def said(home: Home, name: str) -> dict[tuple[str, str], Any]:
    """What a record says; a hyperparameter that it does not mention has its default."""
    defaults = {
        (group, key): field.default
        for group, config in (("model", ModelConfig), ("train", TrainConfig))
        for key, field in config.__dataclass_fields__.items()
    }
    return defaults | values_of(Registry(home).own()[name].record)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try every way on every key with --full; else the edit of a row, which readers make, and one other way in turn."""
    if "ways" not in metafunc.fixturenames:
        return
    cases = []
    for name, ways in ((READY, list(WAYS)), (HALF, ["row edited", "both edited", "both lack it"])):
        for number, key in enumerate(keys(name)):
            tried = ways if metafunc.config.getoption("--full") else [ways[0], ways[1 + number % (len(ways) - 1)]]
            if key == "weights_sha256":  # edited in both, it says that the weights were changed
                tried = [way for way in tried if way != "both edited"]
            cases.append(pytest.param(name, key, tried, id=f"{name}-{key}"))
    metafunc.parametrize(("name", "key", "ways"), cases)


def test_whatever_is_edited_in_a_record_the_model_stays(zoo, original, home, name, key, ways):
    before = contents(original / name / "models" / name)
    record = said(Home(original / name), name)
    row_counts = READERS | (UNTIL_THE_END if name == HALF else set())
    for way in ways:
        harmed(original, home, name, key, way)
        outcome = zoo("doctor", "--repair")
        assert outcome.code in (0, 4), (way, outcome)
        assert contents(home.models / name) == before, (way, outcome)
        assert "moved to the trash" not in outcome.out, (way, outcome)
        if outcome.code == 0:
            after = said(home, name)
            changed = {".".join(filter(None, k)) for k in {**record, **after} if record.get(k) != after.get(k)}
            allowed = {key} if key in row_counts or way == "both edited" else set()
            assert changed <= allowed, (way, outcome.out)
        if name == READY and (outcome.code == 0 or "edited" not in way):
            parts_of(Registry(home).own()[name])


def test_the_files_are_there_to_be_believed(original):
    names = {path.name for path in (original / READY / "models" / READY).iterdir()}
    assert names >= {"run.toml", "vocab.json", "model.toml", "init.safetensors", "weights.safetensors", "snapshots"}
    assert list((original / HALF / "models" / HALF / "checkpoints").iterdir())


def test_files_that_contradict_each_other_are_named_and_nothing_is_changed(zoo, original, home):
    harmed(original, home, READY, "model.n_layer", "row edited")
    change(home.models / READY / "run.toml", READY, "model.n_layer", edit)
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file() and path.suffix != ".lock"}
    outcome = zoo("doctor", "--repair")
    assert outcome.code == 4
    assert (
        "damage: models/child: model.n_layer: the row says 2, as does run.toml; "
        "model.toml says 1, as does weights.safetensors; correct the wrong one in an editor"
    ) in outcome.out
    assert {path: path.read_bytes() for path in before} == before


def test_a_note_that_a_reader_wrote_stays_when_a_shape_is_put_right(zoo, original, home):
    harmed(original, home, READY, "model.n_layer", "row edited")
    change(home.registry, READY, "note", lambda table, key: table.update({key: "mine", "mood": "good"}))
    outcome = zoo("doctor", "--repair")
    assert outcome.code == 0
    assert "both are written anew, with what the other files of the model confirm" in outcome.out
    record = Registry(home).own()[READY].record
    assert (record.model["n_layer"], record.note, record.extra) == (1, "mine", {"mood": "good"})


def test_two_models_whose_directories_were_swapped_both_stay(zoo, original, home):
    shutil.copytree(original / "home", home.path)
    before = {name: contents(home.models / name) for name in ("parent", READY)}
    (home.models / "parent").rename(home.models / "aside")
    (home.models / READY).rename(home.models / "parent")
    (home.models / "aside").rename(home.models / READY)
    assert zoo("doctor", "--repair").code == 0
    assert contents(home.models / "parent") == before[READY]
    assert contents(home.models / READY) == before["parent"]
    for name in ("parent", READY):
        assert zoo("generate", name, "The", "--max-new", "2").code == 0


def test_a_number_that_a_reader_wrote_without_a_point_is_the_same_number(zoo, original, home):
    harmed(original, home, READY, "model.rope_theta", "both edited")
    for path in (home.registry, home.models / READY / "model.toml"):
        change(path, READY, "model.rope_theta", lambda table, key: table.update({key: 10000}))
    assert zoo("doctor", "--repair").code == 0
    assert zoo("generate", READY, "The", "--max-new", "2").code == 0


@pytest.mark.parametrize("key", ["weights_sha256", "val_bpc", "model.n_layer"])
@pytest.mark.parametrize("way", ["row edited", "row lacks it"])
def test_a_row_that_was_edited_costs_nothing_when_the_directory_has_another_name(zoo, original, home, key, way):
    harmed(original, home, READY, key, way)
    (home.models / READY).rename(home.models / "other")
    outcome = zoo("doctor", "--repair")
    assert outcome.code == 0, outcome
    assert contents(home.models / "other") == contents(original / READY / "models" / READY)
    was, now = said(Home(original / READY), READY), said(home, "other")
    assert {key for key in was if was[key] != now.get(key)} == {("", "path")}


def test_a_model_that_could_not_be_seen_before_a_repair_is_looked_at_after_it(zoo, original, home):
    harmed(original, home, READY, "steps", "row lacks it")
    change(home.registry, READY, "steps", lambda table, key: table.update({key: "many"}))
    (home.models / READY / "model.toml").write_text("no card")
    assert zoo("doctor", "--repair").code == 0
    assert "damage" not in zoo("doctor").err
    assert said(home, READY)["", "steps"] == said(Home(original / READY), READY)["", "steps"]
