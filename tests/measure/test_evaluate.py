"""Evaluate: the loss of a model on its own text, computed anew."""

import json
import math

import pytest

from zoo.measure.evaluate import Evaluation
from zoo.registry.registry import Registry


def test_eval_tells_the_recorded_loss_and_the_same_one_every_time(zoo, home, tiny_model):
    record = Registry(home).get("tiny-nano").record
    told = [json.loads(zoo("eval", "tiny-nano", "--json").out) for _ in range(2)]
    assert told[0] == told[1]
    entry = told[0]["models"][0]
    assert entry["loss"] == pytest.approx(record.val_loss, abs=1e-5)
    assert entry["bits_per_character"] == pytest.approx(record.val_bpc, abs=1e-5)
    assert (entry["protocol"], entry["part"], entry["corpus"]) == ("windows/v1", "val", "tiny")


def test_eval_shows_unit_and_protocol(zoo, tiny_model):
    outcome = zoo("eval", "tiny")
    assert outcome.code == 0
    for word in ("tiny-nano", "nats/char", "bpc", "windows/v1", "validation part"):
        assert word in outcome.out


def test_eval_of_what_is_not_here_says_so(zoo, home, tiny_model):
    assert zoo("eval", "nobody").code == 3
    for folder in home.corpora.iterdir():
        for file in sorted(folder.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
    outcome = zoo("eval", "tiny-nano")
    assert outcome.code == 3
    assert len(outcome.err.splitlines()) == 1


def test_eval_refuses_a_text_that_was_changed(zoo, home, tiny_model):
    (text,) = home.corpora.rglob("text.txt")
    text.write_bytes(text.read_bytes()[:-100] + b"x" * 100)
    outcome = zoo("eval", "tiny-nano")
    assert outcome.code == 4
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize(("loss", "perplexity"), [(1.0, math.e), (900.0, math.inf), (math.inf, math.inf)])
def test_a_perplexity_beyond_all_numbers_is_infinite(home, tiny_model, loss, perplexity):
    evaluation = Evaluation(Registry(home).get("tiny-nano"), "tiny", 100, loss)
    assert evaluation.perplexity == pytest.approx(perplexity)
