"""Runs: what is on disk at every moment, and that no interruption changes the outcome."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import filelock
import numpy as np
import pytest
from tiny import tiny_settings

from zoo.config import ModelConfig
from zoo.corpora.corpus import open_corpus
from zoo.corpora.tokens import encode_part
from zoo.corpora.vocab import load_vocab
from zoo.engine.load import engine_of
from zoo.errors import Conflict, Stopped, StorageProblem
from zoo.events import Evaluated, Progress, Started, Stepped
from zoo.home import Home
from zoo.plugins import Plugins
from zoo.protocol import bits, windows
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan
from zoo.runs.run import resume, start
from zoo.talk.load import load
from zoo.weights import load_model, save_model

SHORT = dict(pair.split("=") for pair in tiny_settings(max_steps=3)[1::2])
LONG = {"max_steps": 600, "eval_every": 100, "log_every": 10}
ENDLESS = {"max_steps": 10**6, "eval_every": 50, "log_every": 10}


def run_of(home: Home, name: str = "tiny-nano") -> Path:
    return home.models / name


def twin(home: Home, tmp_path: Path) -> Home:
    """A copy of a home, for what would have been."""
    shutil.copytree(home.path, tmp_path / "twin")
    return Home(tmp_path / "twin")


def results(home: Home) -> tuple[bytes, str | None, float | None]:
    record = Registry(home).get("tiny-nano").record
    return (run_of(home) / "log.jsonl").read_bytes(), record.weights_sha256, record.val_loss


def spawn(home: Home, *args: str) -> subprocess.Popen:
    """A zoo of its own process, in a group of its own."""
    environment = {**os.environ, "ZOO_HOME": str(home.path)}
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", *args],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def wait_for_lines(home: Home, process: subprocess.Popen, count: int) -> None:
    """Until log.jsonl has so many lines; fails when the process ends before."""
    deadline = time.monotonic() + 60
    path = run_of(home) / "log.jsonl"
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def read_tables(path: Path) -> dict[str, dict]:
    """The rows of registry.toml or model.toml."""
    return tomllib.loads(path.read_text(encoding="utf-8"))["models"]


def status(home: Home) -> str:
    return Registry(home).get("tiny-nano").status


def test_the_spec_and_the_row_stand_before_the_first_step(home, tiny_corpus):
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=SHORT))
    seen = []

    def look(event):
        seen.append(type(event))
        if isinstance(event, Started):
            assert tomllib.loads((run_of(home) / "run.toml").read_text())["id"] == spec.id
            assert load_vocab(run_of(home) / "vocab.json").sha256 == vocab.sha256
            model = Registry(home).get("tiny-nano")
            assert (model.record.status, model.status) == ("training", "training")
            assert model.record.val_loss is None
            assert not (run_of(home) / "log.jsonl").exists()

    start(home, spec, vocab, on_event=look)
    assert seen.index(Started) < seen.index(Stepped)
    assert status(home) == "ready"


def test_a_ready_model_is_all_there_and_no_more(zoo, home, tiny_model):
    files = {path.name for path in run_of(home).iterdir()}
    assert files == {
        "log.jsonl", "model.toml", "run.lock", "run.toml", "timing.jsonl", "vocab.json", "weights.safetensors",
    }  # fmt: skip


def test_the_card_is_the_row(home, tiny_model):
    rows, card = read_tables(home.registry), read_tables(run_of(home) / "model.toml")
    assert rows == card
    assert list(rows["tiny-nano"]) == list(card["tiny-nano"])
    row = rows["tiny-nano"]
    assert row["status"] == "ready"
    assert row["tokens"] == row["steps"] * 4 * 16 == 20 * 4 * 16
    assert row["val_bpc"] == bits(row["val_loss"])
    assert row["parameters"] == ModelConfig.from_dict(row["model"]).parameters()
    assert {"rope_theta", "norm_eps", "head_dim", "hidden_size", "tied"} <= row["model"].keys()
    assert row["seconds"] > 0
    assert row["finished"] >= row["created"]


def test_the_log_holds_no_clock(home, tiny_model):
    lines = [json.loads(line) for line in (run_of(home) / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [10, 10, 20, 20]
    assert [set(line) for line in lines] == [
        {"step", "train_loss", "learning_rate"},
        {"step", "train_loss", "val_loss"},
    ] * 2
    timing = [json.loads(line) for line in (run_of(home) / "timing.jsonl").read_text().splitlines()]
    assert [line["step"] for line in timing] == [10, 10, 20, 20]


def test_the_same_weights_always_make_the_same_file(home, tiny_model):
    # else weights_sha256 would say nothing about whether a run was repeated
    path = run_of(home) / "weights.safetensors"
    record = Registry(home).get("tiny-nano").record
    config = ModelConfig.from_dict(record.model)
    tensors = load_model(path, config, record.vocab.sha256, record.weights_sha256)
    written = {save_model(home.path / "again.safetensors", tensors, config, record.vocab.sha256) for _ in range(20)}
    assert written == {record.weights_sha256}


def test_the_same_run_twice_is_the_same_to_the_byte(zoo, home, tiny_corpus, tmp_path):
    other = twin(home, tmp_path)
    for place in (home, other):
        assert zoo("--home", str(place.path), "train", "-d", "tiny", *tiny_settings(max_steps=25)).code == 0
    assert results(home) == results(other)
    weights = [(run_of(place) / "weights.safetensors").read_bytes() for place in (home, other)]
    assert weights[0] == weights[1]


def test_the_recorded_loss_is_of_the_weights_on_disk(home, tiny_model):
    model = Registry(home).get("tiny-nano")
    record = model.record
    engine, vocab = engine_of(model)
    ids = encode_part(open_corpus(home, "tiny", record.corpora[0].sha256), vocab, "val")
    total, scored = 0.0, 0
    for begin, length, _ in windows(len(ids), 16):
        rows = engine.score(ids[begin : begin + length])
        total -= rows[np.arange(length), ids[begin + 1 : begin + length + 1]].sum()
        scored += length
    assert scored == len(ids) - 1
    assert record.val_loss == pytest.approx(total / scored, rel=1e-5)
    assert record.val_protocol == "windows/v1"


@pytest.mark.parametrize("stop_after", [1, 2, 5, 11, 12, 22])
def test_an_interrupted_run_resumes_to_the_same_bytes(zoo, home, tiny_corpus, tmp_path, stop_after):
    settings = tiny_settings(max_steps=25, log_every=3, dropout=0.1)
    other = twin(home, tmp_path)
    assert zoo("--home", str(other.path), "train", "-d", "tiny", *settings).code == 0
    request = Request(dataset="tiny", settings=dict(pair.split("=") for pair in settings[1::2]))
    spec, vocab = plan(home, Plugins(), request)
    asked = iter(range(1, 1000))
    with pytest.raises(Stopped, match="zoo resume tiny-nano") as stopped:
        start(home, spec, vocab, stop=lambda: signal.SIGINT if next(asked) == stop_after else None)
    assert stopped.value.exit_code == 130
    assert Registry(home).get("tiny-nano").record.status == status(home) == "interrupted"
    assert zoo("resume", "tiny-nano").code == 0
    assert status(home) == "ready"
    assert results(home) == results(other)
    assert not (run_of(home) / "checkpoints").exists()
    rows = read_tables(home.registry)
    assert rows == read_tables(run_of(home) / "model.toml")
    assert rows["tiny-nano"]["tokens"] == 25 * 4 * 16


def test_ids_in_a_file_and_a_stop_before_the_first_step_change_no_byte(zoo, home, tiny_corpus, tmp_path, cut):
    settings = tiny_settings(max_steps=25, dropout=0.1)
    other = twin(home, tmp_path)
    assert zoo("--home", str(other.path), "train", "-d", "tiny", *settings).code == 0
    cut(1000)
    request = Request(dataset="tiny", settings=dict(pair.split("=") for pair in settings[1::2]))
    spec, vocab = plan(home, Plugins(), request)
    seen = []
    with pytest.raises(Stopped, match="stopped before its first step here; go on with: zoo resume tiny-nano"):
        start(home, spec, vocab, on_event=seen.append, stop=lambda: signal.SIGINT)
    assert [type(event) for event in seen] == [Progress]
    assert status(home) == "interrupted"
    assert zoo("resume", "tiny-nano").code == 0
    assert results(home) == results(other)


def test_a_run_interrupted_again_and_again_gives_the_same_bytes(zoo, home, tiny_corpus, tmp_path):
    settings = tiny_settings(max_steps=25)
    other = twin(home, tmp_path)
    assert zoo("--home", str(other.path), "train", "-d", "tiny", *settings).code == 0
    request = Request(dataset="tiny", settings=dict(pair.split("=") for pair in settings[1::2]))
    spec, vocab = plan(home, Plugins(), request)
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: 2)
    steps = []
    for turn in range(4):
        asked = iter(range(1000))
        with pytest.raises(Stopped):
            resume(home, "tiny-nano", on_event=steps.append, stop=lambda asked=asked: 15 if next(asked) == 6 else None)
        assert Registry(home).get("tiny-nano").record.steps > 4 * turn
    assert next(event.step for event in steps if isinstance(event, Started)) == 0
    assert zoo("resume", "tiny-nano").code == 0
    assert results(home) == results(other)


def test_notes_and_tags_written_meanwhile_survive_the_end_of_a_run(home, tiny_corpus):
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=SHORT))

    def scribble(event):
        if isinstance(event, Evaluated):
            text = home.registry.read_text().replace('note = ""', 'note = "mine"\nmood = "good"')
            home.registry.write_text(text.replace("tags = []", 'tags = ["a"]'))

    start(home, spec, vocab, on_event=scribble)
    record = Registry(home).get("tiny-nano").record
    assert (record.status, record.note, record.tags, record.extra) == ("ready", "mine", ("a",), {"mood": "good"})


def test_a_killed_training_resumes_to_the_same_bytes(zoo, home, tiny_corpus, tmp_path):
    other = twin(home, tmp_path)
    settings = tiny_settings(**LONG)
    process = spawn(home, "train", "-d", "tiny", *settings)
    wait_for_lines(home, process, 20)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert Registry(home).get("tiny-nano").record.status == "training"
    assert [row["status"] for row in listed(zoo) if row["name"] == "tiny-nano"] == ["interrupted"]
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 0, outcome.err
    assert "goes on at step" in outcome.err
    assert zoo("--home", str(other.path), "train", "-d", "tiny", *settings).code == 0
    assert results(home) == results(other)


def listed(zoo) -> list[dict]:
    return json.loads(zoo("list", "--json").out)["models"]


def test_a_training_can_be_seen_protected_terminated_resumed_and_interrupted(zoo, home, tiny_corpus):
    process = spawn(home, "train", "-d", "tiny", *tiny_settings(**ENDLESS))
    wait_for_lines(home, process, 3)
    assert [row["status"] for row in listed(zoo) if row["name"] == "tiny-nano"] == ["training"]
    for busy in (["resume", "tiny-nano"], ["rm", "tiny-nano"], ["rename", "tiny-nano", "other"]):
        outcome = zoo(*busy)
        assert outcome.code == 5, busy
        assert "in training" in outcome.err
    assert zoo("chat", "tiny-nano", stdin="the\n").code == 4
    state = json.loads((run_of(home) / "state.json").read_text())
    assert state["pid"] == process.pid
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 143
    assert out == b""
    assert b"go on with: zoo resume tiny-nano" in err
    assert b"Traceback" not in err
    assert status(home) == "interrupted"
    step = Registry(home).get("tiny-nano").record.steps
    assert step >= 20
    lines = (run_of(home) / "log.jsonl").read_bytes().count(b"\n")
    process = spawn(home, "resume", "tiny-nano")
    wait_for_lines(home, process, lines + 3)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"goes on at step {step:,}".encode() in err
    assert b"Traceback" not in err
    assert Registry(home).get("tiny-nano").record.steps > step


def test_of_two_resumes_at_once_one_gets_the_run(zoo, home, tiny_corpus, tmp_path):
    settings = tiny_settings(**LONG)
    request = Request(dataset="tiny", settings=dict(pair.split("=") for pair in settings[1::2]))
    spec, vocab = plan(home, Plugins(), request)
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: signal.SIGINT)
    both = [spawn(home, "resume", "tiny-nano") for _ in range(2)]
    said = [process.communicate(timeout=60)[1].decode() for process in both]
    assert sorted(process.returncode for process in both) == [0, 5], said
    loser = next(err for process, err in zip(both, said, strict=True) if process.returncode == 5)
    assert loser.splitlines()[-1].startswith("zoo: error: ")
    assert status(home) == "ready"


def test_only_an_interrupted_run_resumes(zoo, home, tiny_model):
    before = home.registry.read_bytes()
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 5
    assert "nothing to resume" in outcome.err
    outcome = zoo("resume", "tinny-nano")
    assert outcome.code == 3
    assert "did you mean 'tiny-nano'" in outcome.err
    assert home.registry.read_bytes() == before


def test_a_run_that_loses_its_patience_is_ready_and_says_why_also_when_it_was_interrupted(
    zoo, home, tiny_corpus, tmp_path
):
    settings = tiny_settings(max_steps=500, eval_every=2, patience=2, learning_rate="0.5", warmup_steps=0)
    other = twin(home, tmp_path)
    outcome = zoo("--home", str(other.path), "train", "-d", "tiny", *settings)
    assert outcome.code == 0, outcome.err
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=dict(s.split("=") for s in settings[1::2])))
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: signal.SIGINT if next(asked) == 5 else None)
    resumed = zoo("resume", "tiny-nano")
    record = Registry(home).get("tiny-nano").record
    said = f"stopped early at step {record.steps}: 2 validations without a better one than at {record.best_step}"
    assert said in outcome.err.splitlines()
    assert said in resumed.err.splitlines()
    assert record.steps == record.best_step + 4 < 500
    assert record.tokens == record.steps * 4 * 16
    assert status(home) == "ready"
    assert results(home) == results(other)
    assert zoo("resume", "tiny-nano").code == 5
    assert zoo("verify", "tiny-nano").code == 0


@pytest.mark.parametrize("eval_every", [1, 1000])
def test_a_run_that_diverges_says_so_and_keeps_finite_weights(zoo, home, tiny_corpus, eval_every):
    settings = tiny_settings(max_steps=500, learning_rate="1e9", warmup_steps=0, eval_every=eval_every)
    outcome = zoo("train", "-d", "tiny", *settings)
    assert outcome.code == 8, outcome.err
    assert "learning_rate" in outcome.err.splitlines()[-1]
    model = Registry(home).get("tiny-nano")
    assert model.status == "diverged"
    assert 0 < model.record.steps < 500
    config = ModelConfig.from_dict(model.record.model)
    assert load_model(
        model.weights_path, config, model.record.vocab.sha256, model.record.weights_sha256
    )  # which refuses what is not finite
    assert zoo("resume", "tiny-nano").code == 5
    assert zoo("list").code == zoo("compare").code == 0


def interrupted(home: Home) -> None:
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=20)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: signal.SIGTERM if next(asked) == 5 else None)


def test_a_run_does_not_go_on_with_another_text(zoo, home, tiny_corpus):
    interrupted(home)
    path = open_corpus(home, "tiny").text_path
    path.write_bytes(path.read_bytes().replace(b"cat", b"cap", 1))
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 4
    assert "was changed" in outcome.err
    assert status(home) == "interrupted"
    assert not (run_of(home) / "weights.safetensors").exists()


def test_a_run_goes_on_with_its_own_text_after_a_new_fetch(zoo, home, tiny_corpus, tiny_text):
    interrupted(home)
    before = open_corpus(home, "tiny").sha256
    tiny_text.write_text(tiny_text.read_text().upper())
    assert zoo("fetch", "tiny", "--from", str(tiny_text)).code == 0
    assert open_corpus(home, "tiny").sha256 != before
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 0, outcome.err
    assert Registry(home).get("tiny-nano").record.corpora[0].sha256 == before


@pytest.mark.parametrize("name", ["vocab.json", "run.toml"])
def test_a_run_does_not_go_on_with_an_altered_plan(zoo, home, tiny_corpus, name):
    interrupted(home)
    path = run_of(home) / name
    text = path.read_text()
    path.write_text(text.replace("seed", "sead").replace('"alphabet": "', '"alphabet": "\\t'))
    assert path.read_text() != text
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 4, outcome.err
    assert status(home) == "interrupted"


def test_a_renamed_interrupted_run_resumes_under_its_new_name(zoo, home, tiny_corpus):
    interrupted(home)
    assert zoo("rename", "tiny-nano", "other").code == 0
    outcome = zoo("resume", "other")
    assert outcome.code == 0, outcome.err
    assert list(Registry(home).own()) == ["other"]
    assert Registry(home).get("other").status == "ready"
    assert [path.name for path in home.models.iterdir()] == ["other"]


def test_a_run_without_any_valid_checkpoint_says_so_and_begins_anew_when_they_are_removed(
    zoo, home, tiny_corpus, tmp_path
):
    other = twin(home, tmp_path)
    assert zoo("--home", str(other.path), "train", "-d", "tiny", *tiny_settings(max_steps=20)).code == 0
    interrupted(home)
    checkpoints = run_of(home) / "checkpoints"
    for path in checkpoints.iterdir():
        path.write_bytes(path.read_bytes()[:100])
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 4
    assert "is whole" in outcome.err
    for path in checkpoints.iterdir():
        path.unlink()
    assert zoo("resume", "tiny-nano").code == 0
    assert results(home) == results(other)


def test_a_failure_after_the_commit_leaves_the_model_ready(zoo, home, tiny_corpus, monkeypatch):
    def fail(path):
        raise StorageProblem("not today")

    monkeypatch.setattr("zoo.files.remove_tree", fail)
    assert zoo("train", "-d", "tiny", *tiny_settings(max_steps=10)).code == 0
    assert Registry(home).get("tiny-nano").record.status == "ready"


@pytest.mark.parametrize("device", ["cpu:abc", "cpu:1", "cuda:99", "tpu", ""])
def test_a_device_that_is_not_here_is_refused_before_anything_is_created(zoo, home, tiny_corpus, device):
    outcome = zoo("train", "-d", "tiny", "--device", device, *tiny_settings(max_steps=10))
    assert outcome.code == 2, outcome
    assert not home.models.exists()


def test_the_largest_seed_trains_with_dropout(zoo, home, tiny_corpus):
    seed = str(2**63 - 1)
    outcome = zoo("train", "-d", "tiny", "--seed", seed, *tiny_settings(max_steps=10, dropout=0.5))
    assert outcome.code == 0, outcome.err


def test_nothing_of_a_private_text_is_in_the_directory_of_its_model(zoo, home, tiny_corpus, tiny_text):
    text = tiny_text.read_bytes()
    spans = {text[i : i + 30] for i in range(len(text) - 29)}

    def leaks() -> list[str]:
        places = [path for path in home.models.rglob("*") if path.is_file()] + [home.registry]
        assert len(places) >= 6
        data = {path: path.read_bytes() for path in places}
        found = [str(p) for p, d in data.items() if any(d[i : i + 30] in spans for i in range(len(d) - 29))]
        return found + [str(path) for path, d in data.items() if str(tiny_text).encode() in d]

    interrupted(home)
    assert leaks() == []
    assert zoo("resume", "tiny-nano").code == 0
    assert leaks() == []
    note = run_of(home) / "note.txt"
    note.write_bytes(b"..." + text[500:530])
    assert leaks() == [str(note)]  # so the search finds what there is


def test_a_run_that_cannot_write_its_claim_leaves_no_row(zoo, home, tiny_corpus):
    home.registry.unlink(missing_ok=True)
    home.registry.mkdir()  # which nobody can replace by a file
    outcome = zoo("train", "-d", "tiny", *tiny_settings(max_steps=2))
    assert outcome.code in (4, 6), outcome.err
    assert not run_of(home).exists()


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("n_layer = 1", "n_layer = 2", "n_layer"),
        ("n_embd = 16", "n_embd = 32", "n_embd"),
        ("max_steps = 20", "max_steps = 30", "max_steps"),
        ("learning_rate = 0.004", "learning_rate = 0.001", "learning_rate"),
        ("seed = 1337", "seed = 1", "seed"),
        ('id = "', 'id = "0', "id"),
    ],
)
def test_a_run_whose_plan_was_edited_does_not_go_on(zoo, home, tiny_corpus, old, new, named):
    interrupted(home)
    path = run_of(home) / "run.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 4
    assert f"says {named} = " in outcome.err
    path.write_text(text)
    assert zoo("resume", "tiny-nano").code == 0


def test_a_checkpoint_of_another_model_is_not_taken(zoo, home, tiny_corpus):
    interrupted(home)
    assert zoo("rename", "tiny-nano", "wide").code == 0
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=20, n_embd=32)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: signal.SIGTERM)
    (run_of(home) / "checkpoints").mkdir()
    for path in run_of(home, "wide").glob("checkpoints/*"):
        shutil.copy(path, run_of(home) / "checkpoints")
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 4, outcome.err
    assert "no checkpoint in" in outcome.err


def test_of_two_trainings_of_one_name_at_once_one_gets_it(home, tiny_corpus):
    command = ["train", "-d", "tiny", "-n", "mine", *tiny_settings(**LONG)]
    both = [spawn(home, *command) for _ in range(2)]
    said = [process.communicate(timeout=60)[1].decode() for process in both]
    assert sorted(process.returncode for process in both) == [0, 5], said
    loser = next(err for process, err in zip(both, said, strict=True) if process.returncode == 5)
    (line,) = [line for line in loser.splitlines() if not line.startswith("plan: ")]
    assert line.startswith("zoo: error: a model named 'mine' exists already")
    assert list(Registry(home).own()) == ["mine"]


def test_a_clock_that_goes_back_changes_neither_order_nor_outcome(zoo, home, tiny_corpus, tmp_path, monkeypatch):
    other = twin(home, tmp_path)
    assert zoo("--home", str(other.path), "train", "-d", "tiny", *tiny_settings(max_steps=20)).code == 0
    interrupted(home)
    for path in run_of(home).glob("checkpoints/*"):
        os.utime(path, (2**32, 2**32))
    text = home.registry.read_text()
    created = Registry(home).get("tiny-nano").record.created
    for path in (home.registry, run_of(home) / "run.toml", run_of(home) / "model.toml"):
        path.write_text(path.read_text().replace(created, "2999-01-01T00:00:00+00:00"))
    assert home.registry.read_text() != text
    assert zoo("list").code == 0
    assert zoo("resume", "tiny-nano").code == 0
    assert results(home) == results(other)
    assert Registry(home).get("tiny-nano").record.seconds >= 0
    assert " 0 s" in zoo("list").out


def test_a_model_that_is_removed_while_it_talks_goes_on_talking(zoo, home, tiny_model):
    reply = load(tiny_model, home=home.path).stream("the", max_new=200, seed=1)
    first = next(reply)
    os.truncate(run_of(home) / "weights.safetensors", 10)
    assert zoo("rm", tiny_model).code == 0
    assert len(first + "".join(reply)) == 200


def test_a_run_that_is_stopped_saves_before_it_waits_for_the_registry(home, tiny_corpus, monkeypatch):
    """Whoever asked it to stop may not wait long."""
    monkeypatch.setattr("zoo.locks.LOCK_SECONDS", 0.3)
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=20)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))
    holder = filelock.FileLock(home.lock("registry"))
    seen = []

    def sit(event):
        seen.append(event)
        if isinstance(event, Stepped) and event.step == 7:
            holder.acquire()

    with pytest.raises(Stopped):
        start(home, spec, vocab, on_event=sit, stop=lambda: signal.SIGTERM if holder.is_locked else None)
    holder.release()
    assert [path.name.partition(".")[0] for path in (run_of(home) / "checkpoints").iterdir()] == ["step-000000007"]
    assert Registry(home).get("tiny-nano").record.status == "training"  # the row could not be written
    assert status(home) == "interrupted"


@pytest.mark.parametrize("what", ["", "checkpoints"])
def test_a_run_writes_nothing_behind_a_link(zoo, home, tiny_corpus, tmp_path, what):
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=20)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))
    asked = iter(range(100))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: signal.SIGTERM if next(asked) == 12 else None)
    path = run_of(home) / what
    path.rename(tmp_path / "outside")
    path.symlink_to(tmp_path / "outside")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "outside").rglob("*")}
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 9
    assert "is a link" in outcome.err
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "outside").rglob("*")} == before


def test_a_run_whose_checkpoints_are_gone_says_that_it_begins_anew(zoo, home, tiny_corpus):
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=20)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))
    asked = iter(range(100))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: signal.SIGTERM if next(asked) == 12 else None)
    shutil.rmtree(run_of(home) / "checkpoints")
    outcome = zoo("resume", "tiny-nano")
    assert outcome.code == 0
    assert "zoo: warning: there is no checkpoint to go on from, so it begins anew" in outcome.err


def test_a_damaged_text_takes_no_name(zoo, home, tiny_corpus):
    path = open_corpus(home, "tiny").text_path
    path.write_bytes(path.read_bytes()[:-10])
    assert zoo("train", "-d", "tiny", *tiny_settings(max_steps=3)).code == 4
    assert not home.models.exists()


def test_a_run_ends_in_time_when_another_process_sits_on_the_registry(zoo, home, tiny_corpus, monkeypatch, tmp_path):
    other = twin(home, tmp_path)
    assert zoo("--home", str(other.path), "train", "-d", "tiny", *tiny_settings(max_steps=20)).code == 0
    monkeypatch.setattr("zoo.locks.LOCK_SECONDS", 0.5)
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=20)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))
    holder = filelock.FileLock(home.lock("registry"))

    def sit(event):
        if isinstance(event, Evaluated) and event.step == 20:
            holder.acquire()

    begin = time.monotonic()
    with pytest.raises(Conflict, match="once that is mended, go on with: zoo resume tiny-nano"):
        start(home, spec, vocab, on_event=sit)
    assert time.monotonic() - begin < 5
    holder.release()
    assert status(home) == "interrupted"
    assert zoo("resume", "tiny-nano").code == 0
    assert results(home) == results(other)
