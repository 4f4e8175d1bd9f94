"""The estimate: the numbers of a plan before its first step, and that making it changes nothing."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny import TINY

from zoo.config import get_preset
from zoo.corpora.corpus import open_corpus
from zoo.corpora.tokens import count_ids
from zoo.gpt import rehearsal as gpt
from zoo.plugins import Plugins
from zoo.runs.estimate import Rehearsal, count_validations, estimate, rehearse
from zoo.runs.memory import peak_memory
from zoo.runs.plan import Request, plan
from zoo.runs.run import start

SETTINGS = dict(pair.split("=") for pair in TINY) | {"max_steps": "25"}
MEASURED = Rehearsal(train_ids=5000, val_ids=600, step=0.5, window=0.01, exact_window=0.03, encoding=2.0)


def planned(home, **settings: object):
    request = Request(dataset="tiny", settings=SETTINGS | {key: str(value) for key, value in settings.items()})
    return plan(home, Plugins(), request)


def ticking(seconds: float):
    """A clock on which everything takes so long."""
    times = iter(range(10**6))
    return lambda: next(times) * seconds


def test_the_time_is_that_of_the_steps_the_validations_and_the_end(home, tiny_corpus):
    spec, _ = planned(home, eval_windows=20)
    event = estimate(spec, MEASURED)
    assert event.validations == 3  # at 10, 20 and 25
    windows = 38  # of 16 ids over 600, the last one short
    assert event.seconds == pytest.approx(25 * 0.5 + 3 * 20 * 0.01 + windows * 0.03 + 2.0)
    assert event.tokens == 4 * 16
    assert event.epochs == 25 * 64 / 5000
    assert event.parameters == spec.model.parameters()
    rest = estimate(spec, MEASURED, done=20)
    assert (rest.steps, rest.validations) == (5, 1)
    assert rest.seconds == pytest.approx(5 * 0.5 + 20 * 0.01 + windows * 0.03 + 2.0)


@pytest.mark.parametrize(
    ("dtype", "eval_windows", "again"), [("float32", 38, 0), ("float32", 37, 1), ("bfloat16", 38, 1)]
)
def test_what_was_scored_exactly_on_the_way_is_not_scored_again(home, tiny_corpus, dtype, eval_windows, again):
    spec = dataclasses.replace(planned(home, eval_windows=eval_windows)[0], dtype=dtype)
    assert MEASURED.ending(spec) == pytest.approx(2.0 + again * 38 * 0.03)


@pytest.mark.parametrize("eval_every", [1, 7, 10, 24, 25, 26, 1000])
def test_validations_are_counted_as_the_trainer_makes_them(eval_every):
    train = dataclasses.replace(get_preset("nano").train, max_steps=25, eval_every=eval_every)
    made = [step for step in range(1, 26) if step % eval_every == 0 or step == 25]
    for done in range(27):
        assert count_validations(train, done) == sum(step > done for step in made), done


@pytest.mark.parametrize(("takes", "steps"), [(0.001, 20), (0.1, 3), (60.0, 1)])
def test_a_rehearsal_is_short_whatever_a_step_takes(home, tiny_corpus, takes, steps, monkeypatch):
    spec, vocab = planned(home)
    made = []
    run = gpt.Trainer._step
    monkeypatch.setattr(gpt.Trainer, "_step", lambda self: made.append(run(self)) or made[-1])
    measured = rehearse(home, spec, vocab, clock=ticking(takes))
    assert measured.step == pytest.approx(takes)
    assert len(made) == pytest.approx(1 + steps, abs=1)


@pytest.mark.parametrize("kind", ["characters", "bytes"])
def test_a_rehearsal_knows_how_many_ids_the_text_has(home, zoo, tmp_path, cut, kind):
    (tmp_path / "tiny.txt").write_text("What a café!\n" * 500, encoding="utf-8")
    assert zoo("fetch", "tiny", "--from", str(tmp_path / "tiny.txt")).code == 0
    cut(50)
    spec, vocab = plan(home, Plugins(), Request(dataset="tiny", settings=SETTINGS, vocab=kind))
    corpus = open_corpus(home, "tiny")
    measured = rehearse(home, spec, vocab)
    exact = kind == "characters"
    assert measured.train_ids == pytest.approx(count_ids(corpus, vocab, "train"), rel=0 if exact else 0.1)
    assert measured.val_ids == pytest.approx(count_ids(corpus, vocab, "val"), rel=0 if exact else 0.1)


def test_a_rehearsal_writes_nothing_and_changes_no_byte_of_the_run(home, tiny_corpus):
    settings = {"dropout": "0.1", "max_steps": "12"}
    spec, vocab = planned(home, **settings)
    before = {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()}
    torch.manual_seed(3)
    np.random.seed(3)
    rehearse(home, spec, vocab)
    assert {path: path.read_bytes() for path in home.path.rglob("*") if path.is_file()} == before
    assert not home.models.exists()
    rehearsed = start(home, spec, vocab)
    other, _ = planned(home, **settings)
    assert start(home, other, vocab).record.weights_sha256 == rehearsed.record.weights_sha256


def test_a_learning_rate_that_would_diverge_is_rehearsed_all_the_same(home, tiny_corpus):
    spec, vocab = planned(home, learning_rate=1e9, warmup_steps=0)
    assert rehearse(home, spec, vocab).step > 0


# MiB of VmHWM of `zoo train` in its first 30 steps, two threads: docs/log.md
@pytest.mark.parametrize(
    ("preset", "settings", "dtype", "measured"),
    [
        ("nano", {}, "float32", 438),
        ("nano", {}, "bfloat16", 438),
        ("m2", {}, "float32", 339),
        ("m2", {}, "bfloat16", 347),
        ("nanogpt-cpu", {}, "float32", 345),
        ("nanogpt-cpu", {}, "bfloat16", 343),
        ("nano", {"batch_size": "64"}, "float32", 1491),
        ("nano", {"batch_size": "64"}, "bfloat16", 1298),
        ("laptop", {}, "float32", 1022),
        ("laptop", {}, "bfloat16", 937),
        ("m2", {"batch_size": "128"}, "float32", 536),
        ("m2", {"batch_size": "128"}, "bfloat16", 541),
        ("m2", {"batch_size": "128", "dropout": "0.1"}, "float32", 992),
        ("m2", {"batch_size": "128", "dropout": "0.1"}, "bfloat16", 655),
    ],
)
def test_the_memory_is_about_what_was_measured(preset, settings, dtype, measured):
    chosen = get_preset(preset).with_settings(settings)
    needed = peak_memory(chosen.model.resolve(65), chosen.train.batch_size, dtype) / 2**20
    torch_alone = 218
    assert needed - torch_alone == pytest.approx(measured - torch_alone, rel=0.2)


def test_dropout_takes_memory():
    model = get_preset("a100").model.resolve(65)
    without = dataclasses.replace(model, dropout=0.0)
    assert peak_memory(model, 64, "float32") > 1.5 * peak_memory(without, 64, "float32")
