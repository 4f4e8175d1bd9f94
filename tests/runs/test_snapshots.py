"""Snapshots: which steps are kept, that no interruption changes them, and that NAME@STEP is the model of that step."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny import Outcome, tiny_settings

from zoo import files
from zoo.errors import Stopped
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.registry.registry import Registry
from zoo.registry.snapshots import is_due, snapshots, take
from zoo.runs.plan import Request, plan
from zoo.runs.run import resume, start

SETTINGS = dict(pair.split("=") for pair in tiny_settings(max_steps=20, eval_every=8, keep="log", dropout=0.1)[1::2])
STEPS = [0, 1, 2, 4, 8, 16, 20]


def directory_of(home: Home) -> Path:
    return home.models / "steps" / "snapshots"


def bytes_of(home: Home) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory_of(home).iterdir()}


def begin(home: Home, **others: object) -> None:
    # in which the losses of the log, too, are those of float32
    request = Request(dataset="tiny", name="steps", settings=SETTINGS, dtype="float32")
    start(home, *plan(home, Plugins(), request), **others)


@pytest.fixture(scope="module")
def family(tmp_path_factory, trained_home: Path) -> Path:
    """A home with a model `steps` that was trained with snapshots, beside `tiny-nano`."""
    home = Home(tmp_path_factory.mktemp("steps") / "home")
    shutil.copytree(trained_home, home.path)
    begin(home)
    return home.path


@pytest.fixture
def model(family: Path, home: Home) -> str:
    shutil.copytree(family, home.path)
    return "steps"


def interrupt(home: Home, family: Path, zoo: Callable[..., Outcome], stop_after: int) -> None:
    """Begin the training anew, and stop it after so many events."""
    shutil.copytree(family, home.path)
    assert zoo("rm", "steps").code == 0
    asked = iter(range(1, 1000))
    with pytest.raises(Stopped):
        begin(home, stop=lambda: signal.SIGINT if next(asked) == stop_after else None)


def test_steps_are_kept_at_powers_of_two():
    assert [step for step in range(71) if is_due(step)] == [0, 1, 2, 4, 8, 16, 32, 64]


def test_the_last_step_is_kept_of_a_training_that_ends_early(zoo, home, tiny_corpus):
    early = tiny_settings(max_steps=500, eval_every=3, patience=2, learning_rate=0.1, warmup_steps=0)
    assert zoo("train", "-d", "tiny", "-n", "early", "--keep", "log", *early).code == 0
    record = Registry(home).get("early").record
    assert record.steps < 500
    assert record.steps & (record.steps - 1), "it is a power of two, and kept in any case"
    assert list(snapshots(home.models / "early"))[-1] == record.steps
    assert zoo("verify", "early").code == 0


def test_an_interrupted_training_has_read_what_its_steps_have_read(home, family, zoo):
    interrupt(home, family, zoo, 12)
    record = json.loads(zoo("show", "steps@4", "--json").out)["record"]
    assert (record["tokens"], record.get("seconds", 0)) == (4 * 4 * 16, 0)


def test_snapshots_stay_when_the_training_is_over_and_the_last_is_the_last(zoo, home, model):
    found = snapshots(home.models / model)
    assert list(found) == STEPS
    record = Registry(home).get(model).record
    assert record.best_step == 20
    assert found[20].read_bytes() == (home.models / model / "weights.safetensors").read_bytes()
    assert record.train["keep"] == "log"
    assert len({path.read_bytes() for path in found.values()}) == len(STEPS)


def test_a_training_keeps_no_snapshots_unless_asked(home, tiny_model):
    assert Registry(home).get(tiny_model).record.train["keep"] == "best"
    assert snapshots(home.models / tiny_model) == {}


def test_the_option_is_the_knob(home, zoo, tiny_corpus):
    assert zoo("train", "-d", "tiny", "-n", "steps", "--keep", "log", *tiny_settings(max_steps=2)).code == 0
    assert list(snapshots(home.models / "steps")) == [0, 1, 2]
    assert "--set keep=log" in Registry(home).get("steps").record.command
    assert zoo("train", "-d", "tiny", "--keep", "all").code == 2


@pytest.mark.parametrize("stop_after", [1, 2, 3, 6, 9, 11, 22])
def test_an_interrupted_training_keeps_the_same_snapshots(home, family, tmp_path, zoo, stop_after):
    interrupt(home, family, zoo, stop_after)
    resume(home, "steps")
    assert bytes_of(home) == bytes_of(Home(family))


def test_a_training_whose_checkpoints_are_lost_writes_its_snapshots_again(home, family, zoo):
    interrupt(home, family, zoo, 12)
    shutil.rmtree(home.models / "steps" / "checkpoints")
    shutil.rmtree(directory_of(home))
    resume(home, "steps")
    assert bytes_of(home) == bytes_of(Home(family))


def test_a_snapshot_of_the_same_step_gives_way(tmp_path):
    take(tmp_path, 4, b"of a GPU, whose last bits differ")
    take(tmp_path, 40, b"of another step")
    take(tmp_path, 4, b"anew")
    assert {step: path.read_bytes() for step, path in snapshots(tmp_path).items()} == {
        4: b"anew",
        40: b"of another step",
    }


def test_every_reader_takes_a_step(zoo, home, model):
    early = zoo("generate", f"{model}@0", "The", "--seed", "1")
    late = zoo("generate", f"{model}@20", "The", "--seed", "1")
    assert (early.code, late.code) == (0, 0)
    assert early.err == ""
    assert early.out != late.out == zoo("generate", model, "The", "--seed", "1").out
    assert zoo("chat", f"{model}@1", stdin="The\n").code == 0
    assert "talking to steps@1" in zoo("generate", "ste@1", "The").err  # the beginning of a name
    outcome = zoo("compare", model, f"{model}@4")
    assert outcome.code == 0, outcome.err
    assert "steps@4" in outcome.out


def test_a_dataset_at_a_step_is_its_best_model_then(home, model):
    registry = Registry(home)
    best = registry.resolve("tiny")
    other = "tiny-nano" if best.name == model else model
    registry.update(other, registry.get(other).record.id, val_loss=9.0, val_bpc=13.0)
    registry.update(model, registry.get(model).record.id, val_loss=0.5, val_bpc=0.75)
    assert registry.resolve("tiny@8").name == "steps@8"


def test_the_loss_of_a_step_is_its_own(zoo, home, model):
    log = [json.loads(line) for line in (home.models / model / "log.jsonl").read_text().splitlines()]
    validated = {line["step"]: line["val_loss"] for line in log if "val_loss" in line}
    assert list(validated) == [8, 16, 20]
    outcome = zoo("verify", "--json", *(f"{model}@{step}" for step in validated))
    assert outcome.code == 0, outcome.err
    for entry, (step, loss) in zip(json.loads(outcome.out)["models"], validated.items(), strict=True):
        assert entry["name"] == f"steps@{step}"
        assert entry["recorded"] is None
        assert entry["recomputed"] == pytest.approx(loss, abs=1e-5)


def test_show_lists_the_steps_and_shows_one_of_them(zoo, home, model):
    assert "steps             0, 1, 2, 4, 8, 16, 20" in zoo("show", model).out
    assert json.loads(zoo("show", model, "--json").out)["snapshots"] == STEPS
    shown = json.loads(zoo("show", f"{model}@4", "--json").out)
    assert (shown["name"], shown["record"]["steps"], shown["record"]["weights"]) == ("steps@4", 4, "snapshot")
    assert shown["record"]["tokens"] == 4 * 4 * 16
    assert not {"val_loss", "val_bpc", "train_loss", "finished"} & shown["record"].keys()
    assert shown["record"]["weights_sha256"] == files.sha256_of(snapshots(home.models / model)[4])


def test_a_step_that_was_not_kept_is_not_found_and_those_there_are_are_listed(zoo, home, model):
    for command in (("show",), ("generate",), ("chat",), ("verify",)):
        outcome = zoo(*command, f"{model}@5", stdin="")
        assert outcome.code == 3, command
        assert "it has 0, 1, 2, 4, 8, 16, 20" in outcome.err
    assert "--keep log" in zoo("show", "tiny-nano@4").err


@pytest.mark.parametrize(
    "command", [["rename", "steps@4", "new"], ["rm", "steps@4"], ["resume", "steps@4"], ["reproduce", "steps@4"]]
)
def test_who_writes_takes_no_step(zoo, home, model, command):
    before = home.registry.read_bytes()
    outcome = zoo(*command)
    assert outcome.code == 2
    assert outcome.err == (
        "zoo: error: 'steps@4' is a step of a model, which cannot be changed by itself; say 'steps'\n"
    )
    assert home.registry.read_bytes() == before


def test_the_steps_of_an_unfinished_training_can_be_read(zoo, home, tiny_corpus):
    asked = iter(range(1, 1000))
    with pytest.raises(Stopped):
        begin(home, stop=lambda: signal.SIGINT if next(asked) == 8 else None)
    assert zoo("generate", "steps", "The").code == 4
    assert zoo("generate", "steps@2", "The").code == 0


def test_a_changed_snapshot_is_refused_found_and_put_away(zoo, home, model):
    path = snapshots(home.models / model)[4]
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    for command in (["generate", f"{model}@4"], ["verify", f"{model}@4"], ["verify", model]):
        assert zoo(*command, stdin="").code == 4, command
    assert zoo("generate", f"{model}@8", "The").code == 0
    assert zoo("doctor").out.count("damage:") == 1
    assert zoo("doctor", "--repair").code == 0
    assert list(snapshots(home.models / model)) == [0, 1, 2, 8, 16, 20]
    assert zoo("verify", model).code == 0


def test_snapshots_go_where_their_model_goes(zoo, home, model):
    assert zoo("rename", model, "new").code == 0
    assert zoo("generate", "new@4", "The").code == 0
    assert zoo("rm", "new").code == 0
    assert zoo("generate", "new@4", "The").code == 3
    assert zoo("restore", "new").code == 0
    assert zoo("generate", "new@4", "The").code == 0


def test_no_snapshot_is_written_behind_a_link(home, zoo, tiny_corpus, tmp_path):
    with pytest.raises(Stopped):
        begin(home, stop=lambda: signal.SIGINT)
    (tmp_path / "elsewhere").mkdir()
    shutil.rmtree(directory_of(home), ignore_errors=True)
    directory_of(home).symlink_to(tmp_path / "elsewhere")
    assert zoo("resume", "steps").code == 9
    assert list((tmp_path / "elsewhere").iterdir()) == []
