"""Reproduce: the same again, or from which step not."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
import torch
from tiny import tiny_settings

from zoo.errors import Stopped
from zoo.plugins import Plugins
from zoo.registry.registry import Registry
from zoo.runs.plan import Request, plan
from zoo.runs.reproduce import reproduce
from zoo.runs.run import start

AGAIN = "tiny-nano-again"


def edit(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_model_comes_out_the_same_and_its_copy_goes_to_the_trash(zoo, home, tiny_model):
    before = home.registry.read_bytes()
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("tiny-nano came out the same, to the byte: 20 steps")
    assert home.registry.read_bytes() == before
    assert [path.name for path in home.models.iterdir()] == [tiny_model]
    assert zoo("restore", AGAIN).code == 0
    copy, original = Registry(home).get(AGAIN).record, Registry(home).get(tiny_model).record
    assert copy.weights_sha256 == original.weights_sha256
    assert copy.id != original.id
    assert copy.command == "zoo reproduce tiny-nano"


def test_a_record_whose_seed_was_edited_fails_at_once(zoo, home, tiny_model):
    edit(home.registry, "seed = 1337", "seed = 7")
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 4
    assert "run.toml of 'tiny-nano' says seed = 1337, but its record 7" in outcome.err
    assert list(Registry(home).own()) == [tiny_model]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("learning_rate = 0.004", "learning_rate = 0.005"),
        ("n_embd = 16", "n_embd = 32"),
        ("threads = 1", "threads = 2"),
        ('\ndtype = "', '\ndtype = "no'),
        ('val_sha256 = "', 'val_sha256 = "00'),
        ('kind = "characters"', 'kind = "bytes"'),
        ('id = "', 'id = "00'),
    ],
)
def test_a_record_that_says_something_else_than_the_spec_fails_at_once(zoo, home, tiny_model, old, new):
    edit(home.registry, old, new)
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 4
    assert old.split()[0] in outcome.err or "corpora" in outcome.err or "vocab" in outcome.err
    assert list(Registry(home).own()) == [tiny_model]


def test_a_seed_that_was_edited_everywhere_is_found_by_training(zoo, home, tiny_model):
    for path in (home.registry, home.models / tiny_model / "run.toml", home.models / tiny_model / "model.toml"):
        edit(path, "seed = 1337", "seed = 7")
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 4
    assert "zoo: warning: it is not the same from step 10 on" in outcome.err
    assert outcome.err.splitlines()[-1] == (
        "zoo: error: 'tiny-nano' came out different, from step 10 on; compare them with: "
        "zoo compare tiny-nano tiny-nano-again"
    )
    assert Registry(home).get(AGAIN).status == "ready"
    assert zoo("compare", tiny_model, AGAIN).code == 0


def test_a_log_that_was_edited_is_told_by_its_step(zoo, home, tiny_model):
    path = home.models / tiny_model / "log.jsonl"
    lines = path.read_text().splitlines()
    entry = json.loads(lines[2])
    lines[2] = json.dumps({**entry, "train_loss": entry["train_loss"] + 1e-12})
    path.write_text("\n".join(lines) + "\n")
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 4
    assert "from step 20 on" in outcome.err


def test_a_record_that_boasts_is_told_apart_from_what_came_out(zoo, home, tiny_model):
    for path in (home.registry, home.models / "tiny-nano" / "model.toml"):
        text = path.read_text()
        path.write_text(text.replace("\nsteps = 20", "\nsteps = 4000").replace("val_loss = 3", "val_loss = 1"))
    outcome = zoo("reproduce", "tiny-nano")
    assert outcome.code == 4
    assert "its record is wrong in steps, val_loss" in outcome.err


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("threads = 1", "threads = 0", "threads"), ("threads = 1", "threads = 99999999", "threads"),
        ('\ndtype = "', '\ndtype = "no', "dtype"), ("seed = 1337", "seed = -1", "seed"),
        ("vocab_size = 33", "vocab_size = 3", "vocab"), ('device = "cpu"', 'device = "cuda:99"', "cuda:99"),
        ("block_size = 16", "block_size = 100000", "too short"), ("n_layer = 1", "n_layer = 256", "does not fit|GiB"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_ends_in_one_line_and_takes_no_name(zoo, home, tiny_model, old, new, why):
    model = home.models / "tiny-nano"
    for path in (home.registry, model / "model.toml", model / "run.toml"):
        text = path.read_text()
        if old.startswith("n_layer"):
            text = text.replace("n_embd = 16", "n_embd = 65536").replace("head_dim = 8", "head_dim = 32768")
        path.write_text(text.replace(old, new))
    outcome = zoo("reproduce", "tiny-nano")
    assert outcome.code in (2, 4), outcome
    assert re.search(why, outcome.err)
    assert [path.name for path in home.models.iterdir()] == ["tiny-nano"]


@pytest.mark.parametrize("kept", [0, 2])
def test_a_log_that_is_shorter_differs_where_it_ends(zoo, home, tiny_model, kept):
    path = home.models / tiny_model / "log.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:kept]))
    outcome = zoo("reproduce", tiny_model)
    if kept:
        assert outcome.code == 4
        assert "from step 20 on" in outcome.err
    else:  # there is nothing to compare but the weights
        assert outcome.code == 0
        assert "only the weights are compared" in outcome.err


def test_a_training_that_was_interrupted_and_resumed_reproduces(zoo, home, tiny_corpus):
    settings = dict(pair.split("=") for pair in tiny_settings(max_steps=20, dropout=0.2, warmup_steps=15)[1::2])
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=settings))
    asked = iter(range(1000))
    with pytest.raises(Stopped):
        start(home, spec, vocab, stop=lambda: 2 if next(asked) == 7 else None)
    assert zoo("reproduce", "tiny-nano").code == 5
    assert zoo("resume", "tiny-nano").code == 0
    assert zoo("reproduce", "tiny-nano").code == 0


def test_a_model_that_diverged_diverges_again(zoo, home, tiny_corpus):
    settings = tiny_settings(max_steps=500, learning_rate="1e9", warmup_steps=0, eval_every=1)
    assert zoo("train", "-d", "tiny", *settings).code == 8
    outcome = zoo("reproduce", "tiny-nano")
    assert outcome.code == 0, outcome.err
    assert "came out the same" in outcome.out


def test_a_reproduction_that_is_stopped_resumes_as_any_training(home, zoo, tiny_model):
    with pytest.raises(Stopped, match=f"zoo resume {AGAIN}"):
        reproduce(home, tiny_model, stop=lambda: 2)
    assert zoo("resume", AGAIN).code == 0
    assert Registry(home).get(AGAIN).record.weights_sha256 == Registry(home).get(tiny_model).record.weights_sha256


def test_what_may_make_the_bits_differ_is_said(zoo, home, tiny_model):
    edit(home.models / tiny_model / "run.toml", 'torch = "', 'torch = "1.')
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 0
    assert "torch was 1." in outcome.err


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="this CPU has one instruction set")
def test_another_instruction_set_is_said(home, tiny_model):
    words = [sys.executable, "-m", "zoo", "reproduce", tiny_model]
    environment = {**os.environ, "ATEN_CPU_CAPABILITY": "default"}
    ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=100)
    assert "cpu was " in ended.stderr
    assert ", and is DEFAULT" in ended.stderr
    assert ended.returncode in (0, 4), ended


def test_a_run_of_an_older_zoo_says_nothing_of_instruction_sets(zoo, home, tiny_model):
    edit(home.models / tiny_model / "run.toml", "\ncpu = ", "\nunknown = ")
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 0
    assert "the last bits may differ" not in outcome.err


@pytest.mark.parametrize("missing", ["run.toml", "vocab.json"])
def test_a_model_without_its_plan_cannot_be_reproduced(zoo, home, tiny_model, missing):
    (home.models / tiny_model / missing).unlink()
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 3
    assert missing in outcome.err
    assert list(Registry(home).own()) == [tiny_model]


def test_a_text_that_is_gone_is_not_found_and_nothing_is_left(zoo, home, tiny_model):
    shutil.rmtree(home.corpora)
    outcome = zoo("reproduce", tiny_model)
    assert outcome.code == 3
    assert list(Registry(home).own()) == [tiny_model]
    assert zoo("doctor").code == 0
