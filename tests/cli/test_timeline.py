"""zoo timeline: what a model wrote and how well it predicted at each step that was kept."""

import json
import os
import re
import shutil
import signal
import sys
import time

import pexpect
import pytest
from tiny import tiny_settings

from zoo.cli import run
from zoo.corpora.corpus import open_corpus
from zoo.home import Home
from zoo.measure.evaluate import Evaluator
from zoo.measure.passage import own_passage
from zoo.registry.registry import Registry

STEPS = [0, 1, 2, 4, 8, 16, 20]
HEADING = re.compile(r"step (\d+)(, kept)?   val loss (\d\.\d{4}) nats/char \((\d\.\d{4}) bits\)")


def evaluated(home, reference):
    model = Registry(home).resolve(reference)
    return Evaluator(home, model).on(own_passage(home, model))


@pytest.fixture(scope="module")
def family(tmp_path_factory, trained_home):
    """A home with a model `steps` that was trained with snapshots, beside `tiny-nano`."""
    root = tmp_path_factory.mktemp("timeline") / "home"
    shutil.copytree(trained_home, root)
    settings = tiny_settings(max_steps=20, eval_every=8)
    assert run(["--home", str(root), "train", "-d", "tiny", "-n", "steps", "--keep", "log", *settings]) == 0
    return root


@pytest.fixture
def model(family, home):
    shutil.copytree(family, home.path)
    return "steps"


def change_record(home: Home, **changes: object) -> None:
    registry = Registry(home)
    registry.update("steps", registry.get("steps").record.id, **changes)


def headings(out: str) -> list[re.Match[str]]:
    return [match for line in out.splitlines() if (match := HEADING.fullmatch(line))]


def test_each_step_has_its_exact_loss_and_what_it_writes(zoo, home, model):
    outcome = zoo("timeline", "steps", "The ", "--max-new", "30")
    assert outcome.code == 0, outcome.err
    found = headings(outcome.out)
    assert [int(match[1]) for match in found] == STEPS
    assert [bool(match[2]) for match in found] == [False] * 6 + [True]
    for match in found:
        evaluation = evaluated(home, "steps" if match[2] else f"steps@{match[1]}")
        assert (match[3], match[4]) == (f"{evaluation.loss:.4f}", f"{evaluation.bits_per_character:.4f}")
    assert outcome.err.splitlines()[0] == "zoo: steps, 7 steps, seed 0, temperature 0.8"
    texts = [part.partition("\n")[2] for part in re.split(r"\n\n(?=step )", outcome.out.removesuffix("\n"))]
    assert all(text.startswith("The ") for text in texts)
    for step, text in zip(STEPS, texts, strict=True):
        written = zoo("generate", f"steps@{step}", "The ", "--seed", "0", "--max-new", "30", "--echo").out
        assert written == text + "\n"
    assert "\x1b" not in outcome.out


def test_steps_can_be_chosen_and_everything_is_in_the_json(zoo, home, model):
    options = ["--max-new", "12", "--seed", "5", "--temperature", "0.5"]
    outcome = zoo("timeline", "steps", "The", "--steps", "16,0, 2,0", *options, "--json")
    document = json.loads(outcome.out, parse_constant=pytest.fail)
    assert (document["schema"], document["model"], document["prompt"]) == ("zoo.timeline/1", "steps", "The")
    assert (document["seed"], document["sampling"]["temperature"]) == (5, 0.5)
    assert document["unit"] == "nats per character"
    assert [entry["step"] for entry in document["steps"]] == [16, 0, 2]
    for entry in document["steps"]:
        evaluation = evaluated(home, f"steps@{entry['step']}")
        assert entry["evaluation"]["loss"] == evaluation.loss
        assert entry["evaluation"]["weights_sha256"] == evaluation.weights_sha256
        assert entry["kept"] is False
        alone = zoo("generate", f"steps@{entry['step']}", "The", *options)
        assert alone.out == entry["text"] + "\n"


def test_the_weights_that_were_kept_stand_at_their_own_step(zoo, home, model):
    change_record(home, best_step=8)
    found = json.loads(zoo("timeline", "steps", "--max-new", "3", "--json").out)["steps"]
    assert [(entry["step"], entry["kept"]) for entry in found] == [(step, step == 8) for step in STEPS]
    change_record(home, weights="last")
    found = json.loads(zoo("timeline", "steps", "--max-new", "3", "--json").out)["steps"]
    assert [(entry["step"], entry["kept"]) for entry in found][-2:] == [(16, False), (20, True)]


def test_a_training_that_has_no_weights_yet_has_a_timeline(zoo, home, model):
    change_record(home, weights_sha256=None, weights=None, status="interrupted")
    (home.models / "steps" / "weights.safetensors").unlink()
    found = json.loads(zoo("timeline", "steps", "--max-new", "3", "--json").out)["steps"]
    assert [entry["step"] for entry in found] == STEPS
    assert not any(entry["kept"] for entry in found)


def test_without_the_text_there_are_no_losses_and_that_is_said_once(zoo, home, model):
    shutil.rmtree(home.corpora / "tiny")
    outcome = zoo("timeline", "steps", "The", "--max-new", "5")
    assert outcome.code == 0
    assert outcome.out.count("   val loss - nats/char\n") == len(STEPS)
    assert outcome.err.count("warning") == 1
    assert "zoo fetch tiny" in outcome.err
    found = json.loads(zoo("timeline", "steps", "--max-new", "3", "--json").out)["steps"]
    assert {str(entry["evaluation"]) for entry in found} == {"None"}


def test_a_text_that_was_changed_is_refused(zoo, home, model):
    text = open_corpus(home, "tiny").text_path
    text.write_text(text.read_text().replace("cat", "dog"))
    outcome = zoo("timeline", "steps", "The", "--max-new", "5")
    assert outcome.code == 4
    assert "was changed" in outcome.err


REFUSED = {
    "no snapshots": (["tiny-nano"], 3, "has no snapshots of its steps; they are kept in training: zoo train"),
    "a step that was not kept": (["steps", "--steps", "3"], 3, "no snapshot of 'steps' at step 3; it has 0, 1, 2"),
    "a step of a model": (["steps@4"], 2, "zoo timeline steps"),
    "a blend": (["steps+tiny-nano"], 2, "is a blend"),
    "no steps": (["steps", "--steps", ""], 2, "is no step"),
    "words": (["steps", "--steps", "1,two"], 2, "'two' is no step"),
    "a negative step": (["steps", "--steps", "-1"], 2, "'-1' is no step"),
    "an unknown character": (["steps", "☃"], 4, "☃"),
    "no model": (["nobody"], 3, "no model named"),
    "a bad temperature": (["steps", "--temperature", "nan"], 2, "temperature"),
}


@pytest.mark.parametrize(("args", "code", "why"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_one_line(zoo, model, args, code, why):
    outcome = zoo("timeline", *args)
    assert (outcome.code, outcome.out) == (code, "")
    assert why in outcome.err.splitlines()[-1]


def spawn(home: Home, *args: str, columns: int) -> pexpect.spawn:
    variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    variables |= {"ZOO_HOME": str(home.path), "TERM": "xterm-256color"}
    command = ["-m", "zoo", "timeline", *args]
    return pexpect.spawn(sys.executable, command, env=variables, dimensions=(24, columns), timeout=30)


@pytest.mark.parametrize("columns", [34, 40, 80])
def test_headings_are_bold_and_fit_a_terminal(home, model, columns):
    child = spawn(home, "steps", "The ", "--max-new", "120", columns=columns)
    child.expect(pexpect.EOF)
    written = child.before.decode()
    bold = re.findall(r"\x1b\[1m(step [^\x1b]*)\x1b\[0m", written)
    assert len(bold) == len(STEPS)
    assert all(len(line) <= columns for line in bold)
    assert all("val loss" in line for line in bold) == (columns == 80)


def test_an_interrupt_keeps_what_was_shown(home, model):
    child = spawn(home, "steps", "The ", "--max-new", "100000", columns=80)
    child.expect("step 0   val loss")
    child.expect("The ")
    time.sleep(0.5)
    child.kill(signal.SIGINT)
    child.expect("zoo: interrupted")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130


def test_timeline_writes_nothing(zoo, home, model):
    before = {path: path.lstat().st_mtime_ns for path in (home.path / "models").rglob("*")}
    assert zoo("timeline", "steps", "--max-new", "3").code == 0
    assert {path: path.lstat().st_mtime_ns for path in (home.path / "models").rglob("*")} == before
