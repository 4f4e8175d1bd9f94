"""The matrix: every model on every text."""

import importlib.util
import json
import math
import shutil

import pytest
from tiny import tiny_settings, write_tiny_text

from zoo import tables
from zoo.events import Progress, Warned
from zoo.measure.evaluate import Evaluation
from zoo.measure.matrix import Matrix, fetched_passages, matrix
from zoo.measure.passage import passage_of
from zoo.registry.registry import Registry


@pytest.fixture
def wide(zoo, home, tiny_model, tmp_path):
    """Three texts, one of them with characters that tiny-nano lacks, and a model of one other."""
    for name, text in (("other", "Quickly, vex a jumping fox! " * 90), ("odd", "the cat € sat § on a mat. " * 60)):
        (tmp_path / f"{name}.txt").write_text(text)
        assert zoo("fetch", name, "--from", str(tmp_path / f"{name}.txt")).code == 0
    assert zoo("train", "-d", "other", "-n", "other-nano", *tiny_settings(max_steps=4)).code == 0
    return ["tiny-nano", "other-nano"]


def told(zoo, *args):
    outcome = zoo("matrix", *args, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def cell(found, model, text):
    return next(c for c in found["cells"] if (c["model"], c["text"]) == (model, text))


def test_every_model_is_measured_on_every_fetched_text(zoo, wide):
    found = told(zoo, *wide)
    assert found["models"] == ["other-nano", "tiny-nano"]  # in the order of their texts: the diagonal
    assert found["texts"] == ["odd", "other", "tiny"]
    assert len(found["cells"]) == 6
    for c in found["cells"]:
        (entry,) = json.loads(zoo("eval", c["model"], "--on", c["text"], "--json").out)["evaluations"]
        assert c["loss"] == entry["loss"]


def test_own_texts_and_the_best_of_each_are_marked(zoo, wide):
    found = told(zoo, *wide)
    assert {(c["model"], c["text"]) for c in found["cells"] if c["own"]} == {
        ("tiny-nano", "tiny"),
        ("other-nano", "other"),
    }
    assert cell(found, "tiny-nano", "tiny")["best"]
    lines = zoo("matrix", *wide).out.splitlines()
    own, best = f"{cell(found, 'tiny-nano', 'tiny')['bits_per_character']:.3f}", "*"
    (row,) = [line for line in lines if line.startswith("tiny-nano ") and own in line]
    assert row.endswith(f" [{own}]{best}")
    assert sum(line.count("*") for line in lines[2:]) == sum(c["best"] for c in found["cells"])
    assert sum(line.count("[") for line in lines[2:]) == 2


def test_what_knows_too_little_is_flagged_and_never_best(zoo, wide):
    found = told(zoo, *wide)
    assert not any(c["best"] for c in found["cells"] if c["text"] == "odd")
    assert cell(found, "tiny-nano", "odd")["coverage"] < 0.99
    outcome = zoo("matrix", *wide)
    assert "~" in outcome.out
    assert "characters known, %" in outcome.out


def test_a_new_model_costs_one_row(zoo, home, wide):
    told(zoo, *wide)
    stamps = {path: path.stat().st_mtime_ns for path in home.evaluations.rglob("*.json")}
    assert zoo("train", "-d", "other", "-n", "third", *tiny_settings(max_steps=6)).code == 0
    told(zoo, *wide, "third")
    after = {path: path.stat().st_mtime_ns for path in home.evaluations.rglob("*.json")}
    assert {path: after[path] for path in stamps} == stamps
    assert len(after) == len(stamps) + 3


def test_progress_is_of_all_that_is_to_be_computed(home, wide):
    models = [Registry(home).get(name) for name in wide]
    events = []
    passages = fetched_passages(home)
    matrix(home, models, passages, events.append)
    told = [event for event in events if isinstance(event, Progress)]
    assert [event.done for event in told] == sorted(event.done for event in told)
    assert {event.total for event in told} == {2 * sum(passage.characters for passage in passages)}
    events.clear()
    matrix(home, models, passages, events.append)
    assert events == []


def test_a_damaged_model_costs_its_row_and_a_warning(zoo, home, wide):
    weights = home.models / "other-nano" / "weights.safetensors"
    weights.write_bytes(b"no weights")
    outcome = zoo("matrix", "--json")
    assert outcome.code == 0
    assert outcome.err.count("warning") == 1
    assert "other-nano" not in {c["model"] for c in json.loads(outcome.out)["cells"]}
    outcome = zoo("matrix", *wide, "--json")
    assert outcome.code == 4  # it was asked for
    assert "other-nano could not be measured" in outcome.err
    assert {c["model"] for c in json.loads(outcome.out)["cells"]} == {"tiny-nano"}
    assert zoo("matrix", "other-nano").code == 4


def test_a_damaged_text_costs_its_column_and_a_warning(zoo, home, wide):
    (text,) = (home.corpora / "odd").rglob("text.txt")
    text.write_text("something else")
    outcome = zoo("matrix", *wide)
    assert outcome.code == 0
    assert "odd" in outcome.err
    assert " - " in outcome.out or " -\n" in outcome.out


def test_a_text_of_one_character_is_left_out(zoo, home, wide, tmp_path):
    (tmp_path / "short.txt").write_text("abcdefghij")
    assert zoo("fetch", "short", "--from", str(tmp_path / "short.txt")).code == 0
    outcome = zoo("matrix", *wide, "--json")
    assert outcome.code == 0
    assert "too short" in outcome.err
    assert "short" not in json.loads(outcome.out)["texts"]
    assert zoo("matrix", *wide, "--on", "short").code == 4


@pytest.mark.parametrize(
    ("args", "code"),
    [(["nobody"], 3), (["tiny-nano", "--on", "nothing"], 3), (["tiny-nano", "--plot", "x.jpg"], 2), (["a+b"], 2)],
    ids=str,
)
def test_what_cannot_be_measured_is_said_in_a_line(zoo, wide, args, code):
    outcome = zoo("matrix", *args)
    assert (outcome.code, outcome.out) == (code, "")
    assert len(outcome.err.splitlines()) == 1


def test_without_texts_there_is_no_matrix(zoo, home, tiny_model):
    shutil.rmtree(home.corpora)
    outcome = zoo("matrix")
    assert outcome.code == 3
    assert "zoo fetch" in outcome.err


def test_an_interrupt_keeps_what_is_done(home, wide):
    models = [Registry(home).get(name) for name in wide]
    passages = fetched_passages(home)

    def stop(event):
        if isinstance(event, Progress) and event.done > passages[0].characters:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        matrix(home, models, passages, stop)
    assert len(list(home.evaluations.rglob("*.json"))) == 1


def test_nan_is_no_best_and_comes_as_null(zoo, home, wide):
    told(zoo, *wide)
    for path in home.evaluations.rglob("*.json"):
        table = tables.read_derived(path)
        if table["of"]["weights_sha256"] == Registry(home).get("tiny-nano").record.weights_sha256:
            tables.write_derived(path, table | {"nats": None})
    found = told(zoo, *wide)
    assert cell(found, "tiny-nano", "tiny")["loss"] is None
    assert not any(c["best"] for c in found["cells"] if c["model"] == "tiny-nano")
    assert cell(found, "other-nano", "other")["best"]
    assert "nan" in zoo("matrix", *wide).out


def test_a_warning_is_said_once_for_all_texts(home, wide):
    (home.models / "tiny-nano" / "weights.safetensors").write_bytes(b"")
    events = []
    matrix(home, [Registry(home).get(name) for name in wide], fetched_passages(home), events.append)
    assert len([event for event in events if isinstance(event, Warned)]) == 1


def test_a_picture_shows_the_same(zoo, wide, tmp_path):
    for suffix, magic in ((".svg", b"<?xml"), (".png", b"\x89PNG")):
        path = tmp_path / f"matrix{suffix}"
        assert zoo("matrix", *wide, "--plot", str(path)).code == 0
        assert path.read_bytes().startswith(magic)
    text = (tmp_path / "matrix.svg").read_text()
    assert "tiny-nano" in text


def test_equal_losses_are_both_the_best(home, tiny_model):
    model = Registry(home).get("tiny-nano")
    passage = passage_of("x", "ab")
    same = Evaluation("w", passage.sha256, "windows/v1", 2, 2, 0, 0, 1.0)
    found = Matrix([model, model], [passage], [[same], [same]])
    assert found.is_best(0, 0)
    assert found.is_best(1, 0)
    assert found.excess(0, 0) == 0


def test_what_is_worse_than_the_best_is_above_it(home, tiny_model):
    model = Registry(home).get("tiny-nano")
    passage = passage_of("x", "ab")
    good, bad = (Evaluation("w", passage.sha256, "windows/v1", 2, 2, 0, 0, nats) for nats in (1.0, 3.0))
    found = Matrix([model, model], [passage], [[bad], [good]])
    assert found.excess(0, 0) == pytest.approx(2 / math.log(2))
    assert (found.is_best(0, 0), found.is_best(1, 0)) == (False, True)


def test_a_model_that_has_read_a_passage_is_marked_and_never_the_best(zoo, home, tmp_path):
    """Two splits of one text: each model has read what validates for the other."""
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text(write_tiny_text(2500)[: 2000 if name == "a" else 2500] + "\n")
    settings = tiny_settings(max_steps=6)
    assert zoo("fetch", "book", "--from", str(folder)).code == 0
    assert zoo("train", "-d", "book", "-n", "tail", *settings).code == 0
    assert zoo("fetch", "book", "--from", str(folder), "--split", "files").code == 0
    assert zoo("train", "-d", "book", "-n", "files", *settings).code == 0
    assert zoo("train", "-d", "book", "-n", "child", "--init", "tail", *settings).code == 0
    found = told(zoo, "tail", "files", "child")
    assert {c["model"]: (c["own"], c["read"]) for c in found["cells"]} == {
        "tail": (False, True),
        "files": (True, False),
        "child": (True, True),
    }
    assert {c["model"] for c in found["cells"] if c["best"]} == {"files"}
    assert "! read a part of it in training" in zoo("matrix", "tail", "files").out
    assert zoo("report", "tail", "files", "-o", str(tmp_path / "page.html")).code == 0
    assert "! read a part of it in training" in (tmp_path / "page.html").read_text()
    if importlib.util.find_spec("matplotlib"):
        assert zoo("matrix", "tail", "files", "--plot", str(tmp_path / "matrix.svg")).code == 0
        assert "! read a part of it in training" in (tmp_path / "matrix.svg").read_text()
    assert zoo("fetch", "book", "--from", str(folder)).code == 0  # of whose validation part that of `files` is more
    found = told(zoo, "tail", "files")
    assert {c["model"]: c["read"] for c in found["cells"]} == {"tail": False, "files": False}


def test_a_pipe_gets_every_name_whole(zoo, wide, home):
    names = [f"{'very-' * 6}long-{end}" for end in ("one", "two")]
    for name in names:
        assert zoo("train", "-d", "other", "-n", name, *tiny_settings(max_steps=2)).code == 0
    lines = zoo("matrix", *names).out.splitlines()
    assert {name for name in names if any(line.startswith(f"{name} ") for line in lines)} == set(names)


def test_models_can_be_filtered_and_no_match_is_not_all(zoo, wide):
    assert told(zoo, "dataset=other")["models"] == ["other-nano"]
    for command in ("matrix", "report", "compare", "eval"):
        outcome = zoo(command, "dataset=nothing")
        assert (outcome.code, outcome.out) == (3, "")
