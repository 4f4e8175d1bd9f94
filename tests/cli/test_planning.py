"""The plan on the command line: --dry-run, the first lines of a run, --max-time."""

import dataclasses
import json
import re

import pytest
from tiny import tiny_settings

from zoo.cli.planning import TimeLimit
from zoo.events import Planned
from zoo.registry.registry import Registry


def test_a_dry_run_prints_the_plan_and_leaves_nothing(zoo, home, tiny_corpus):
    before = sorted(home.path.rglob("*"))
    outcome = zoo("train", "-d", "tiny", "--dry-run", *tiny_settings(max_steps=2))
    assert outcome.code == 0
    assert outcome.err == ""
    facts = dict(re.split(r"\s{2,}", line, maxsplit=1) for line in outcome.out.splitlines()[1:])
    assert facts["model"] == "tiny-nano"
    assert facts["steps"] == "2"
    assert facts["ids to train on"] == "5,633"
    assert facts["time"].startswith("about ")
    assert all(len(line) <= 40 for line in outcome.out.splitlines())
    assert sorted(home.path.rglob("*")) == before
    assert Registry(home).own() == {}
    shown = json.loads(zoo("train", "-d", "tiny", "--dry-run", "--json", *tiny_settings(max_steps=2)).out)
    assert shown.pop("schema") == "zoo.plan/1"
    assert set(shown) == {field.name for field in dataclasses.fields(Planned)}
    assert shown["validations"] == 1


def test_a_plan_stands_before_the_first_step_of_every_run(zoo, home, tiny_model):
    for words in (["train", "-d", "tiny", *tiny_settings(max_steps=2)], ["reproduce", "tiny-nano"]):
        lines = zoo(*words).err.splitlines()
        assert [line.split()[0] for line in lines[:3]] == ["plan:", "plan:", "training"], lines
        assert re.match(r"plan: about \d+:\d\d \(\d+ steps? of .+ m?s, \d validations?\), \d+ MB of memory", lines[0])


def test_json_goes_with_a_dry_run(zoo, home, tiny_corpus):
    outcome = zoo("train", "-d", "tiny", "--json", *tiny_settings(max_steps=2))
    assert outcome.code == 2
    assert "--dry-run" in outcome.err
    assert not home.models.exists()


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ("soon", "1h30m"),
        ("1h30", "1h30m"),
        ("10m30", "1h30m"),
        ("0", "1h30m"),
        ("-5", "1h30m"),
        ("", "1h30m"),
        ("1s", "a single step"),
        ("nan", "1h30m"),
    ],
)
def test_a_limit_that_cannot_be_meant_is_said_and_leaves_nothing(zoo, home, tiny_corpus, limit, said):
    outcome = zoo("train", "-d", "tiny", f"--max-time={limit}", "--set", "batch_size=64")
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert not home.models.exists()


@pytest.mark.parametrize(
    ("limit", "seconds"), [("90", 90), ("90s", 90), ("10m", 600), ("1h30m", 5400), ("2H", 7200), ("1m5s", 65)]
)
def test_a_limit_is_written_as_people_do(limit, seconds):
    assert TimeLimit().convert(limit, None, None) == seconds


def test_steps_and_a_limit_exclude_each_other(zoo, home, tiny_corpus):
    outcome = zoo("train", "-d", "tiny", "--max-time", "60", *tiny_settings(max_steps=3))
    assert outcome.code == 2
    assert "--max-time" in outcome.err
    assert not home.models.exists()
