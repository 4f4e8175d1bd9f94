"""Options that are given twice, or at the wrong place: nothing that was typed is dropped without a word."""

import click
import pytest

from zoo.cli import COMMANDS
from zoo.cli import zoo as group

OPTIONS = [
    (name, option)
    for name in COMMANDS
    for option in group.get_command(click.Context(group), name).params
    if isinstance(option, click.Option) and not option.is_flag
]
SINGLE = [(name, option) for name, option in OPTIONS if not option.multiple]
REPEATED = [(name, option.opts[0]) for name, option in OPTIONS if option.multiple]


@pytest.mark.parametrize(("name", "option"), SINGLE, ids=[f"{name} {option.opts[0]}" for name, option in SINGLE])
def test_an_option_that_takes_one_value_refuses_a_second(zoo, name, option):
    long = max(option.opts, key=len)
    for first in option.opts:
        for second in option.opts:
            outcome = zoo(name, first, "1", "word", second, "1")
            assert outcome.code == 2
            said = f"zoo: error: {long} was given twice, and takes one value (see: zoo {name} --help)\n"
            assert outcome.err == said


def test_of_several_homes_the_last_counts(zoo, home, tiny_model, tmp_path):
    assert tiny_model in zoo("--home", str(tmp_path / "no"), "--home", str(home.path), "list").out


@pytest.mark.parametrize(("words", "see"), [(["train", "--set"], "zoo train"), (["--home"], "zoo")])
def test_an_option_without_its_value_leads_to_the_help(zoo, words, see):
    outcome = zoo(*words)
    assert outcome.code == 2
    assert outcome.err == f"zoo: error: option '{words[-1]}' requires an argument (see: {see} --help)\n"


def test_three_values_are_counted(zoo):
    said = zoo("fetch", "x", "--glob=a", "--glob=b", "--glob=c").err
    assert "--glob was given 3 times, and takes one value" in said


def test_the_test_above_looks_at_options_of_every_kind():
    assert len(SINGLE) > 50
    assert {name for name, _ in SINGLE} >= {"fetch", "train", "list", "generate", "chat", "who", "report"}
    assert set(REPEATED) >= {("fetch", "--from"), ("train", "--set"), ("eval", "--on"), ("generate", "--stop")}


def test_flags_and_options_for_several_values_may_be_repeated(zoo, tiny_model):
    once, twice = zoo("list", "-q"), zoo("list", "-q", "--quiet", "-q")
    assert (twice.code, twice.out) == (0, once.out)
    assert zoo("generate", tiny_model, "The", "--max-new", "5", "--stop", "x", "--stop", "y").code == 0


@pytest.mark.parametrize("pairs", [("max_steps=1", "max_steps=2"), ("max_steps=1", " max_steps =1")])
def test_a_hyperparameter_that_is_set_twice_is_refused(zoo, home, tiny_corpus, pairs):
    outcome = zoo("train", "-d", tiny_corpus, "--set", pairs[0], "--set", "batch_size=2", "--set", pairs[1])
    assert outcome.code == 2
    assert "zoo: error: --set max_steps was given twice, and takes one value" in outcome.err
    assert not home.models.exists()


def test_an_option_and_set_that_mean_the_same_exclude_each_other(zoo, home, tiny_corpus):
    outcome = zoo("train", "-d", tiny_corpus, "--keep", "log", "--set", "keep=best")
    assert outcome.code == 2
    assert "--keep and --set keep exclude each other" in outcome.err
    assert not home.models.exists()


@pytest.mark.parametrize("words", [("--home", "elsewhere"), ("--home=elsewhere",), ("--no-plugins",)])
def test_an_option_of_zoo_itself_behind_the_command_is_told_where_it_belongs(zoo, words):
    outcome = zoo("list", *words)
    assert outcome.code == 2
    option = words[0].partition("=")[0]
    assert f"zoo: error: {option} belongs before the command: zoo {option} " in outcome.err
    assert outcome.err.endswith("list (see: zoo --help)\n")  # where that option is described
    assert outcome.err.count("\n") == 1
