"""A time limit: how many steps it becomes."""

import dataclasses

import pytest
from tiny import TINY

from zoo.config import get_preset
from zoo.errors import UsageProblem
from zoo.plugins import Plugins
from zoo.registry.registry import Registry
from zoo.runs.deadline import SHARE, within
from zoo.runs.estimate import Rehearsal, count_validations, estimate
from zoo.runs.plan import Request, plan

MEASURED = Rehearsal(train_ids=5000, val_ids=600, step=0.5, window=0.01, exact_window=0.03, encoding=2.0)
REQUEST = Request(dataset="tiny", settings={})


@pytest.fixture
def spec(home, tiny_corpus):
    return plan(home, Plugins(), REQUEST)[0]


@pytest.mark.parametrize("seconds", [6, 10, 20, 60, 300, 505, 600, 3600, 10**6])
def test_the_steps_are_those_that_the_time_allows(spec, seconds):
    fitted = within(seconds, REQUEST, spec, MEASURED)
    assert fitted.train.max_steps > 0
    one_more = dataclasses.replace(fitted.train, max_steps=fitted.train.max_steps + 2)
    assert estimate(fitted, MEASURED).seconds <= seconds * SHARE
    assert estimate(dataclasses.replace(fitted, train=one_more), MEASURED).seconds > seconds * SHARE


def test_a_short_run_is_the_preset_in_small_and_a_long_one_has_more_of_the_same(spec):
    nano = get_preset("nano").train
    short = within(100, REQUEST, spec, MEASURED).train
    assert short.max_steps < nano.max_steps
    assert count_validations(short) == count_validations(nano)
    assert short.warmup_steps == nano.warmup_steps * short.max_steps // nano.max_steps
    long = within(10_000, REQUEST, spec, MEASURED).train
    assert long == dataclasses.replace(nano, max_steps=long.max_steps)
    assert long.max_steps > nano.max_steps


def test_validations_never_take_most_of_a_short_run(spec):
    slow = dataclasses.replace(MEASURED, window=2.0)
    assert count_validations(within(40, REQUEST, spec, slow).train) == 1


def test_what_was_set_stays(spec, home):
    request = dataclasses.replace(REQUEST, settings={"eval_every": "7", "warmup_steps": "9"})
    chosen = plan(home, Plugins(), request)[0]
    train = within(100, request, chosen, MEASURED).train
    assert (train.eval_every, train.warmup_steps) == (7, 9)
    assert estimate(within(100, request, chosen, MEASURED), MEASURED).seconds <= 100 * SHARE


def test_no_time_for_a_step_is_said(spec):
    for seconds in (-3, 0, 2):
        with pytest.raises(UsageProblem, match="a single step needs"):
            within(seconds, REQUEST, spec, MEASURED)


def test_the_command_of_a_limited_run_asks_for_its_steps_and_means_the_same(zoo, home, tiny_corpus):
    small = [word for pair in TINY if "eval" not in pair for word in ("--set", pair)]
    assert zoo("train", "-d", "tiny", "-n", "a", "--max-time", "4s", *small).code == 0
    first = Registry(home).get("a").record
    assert "max-time" not in first.command
    words = first.command.split()
    assert f"max_steps={first.steps}" in words
    assert zoo(*(word if word != "a" else "b" for word in words[1:])).code == 0
    again = Registry(home).get("b").record
    assert again.train == first.train
    assert again.weights_sha256 == first.weights_sha256
