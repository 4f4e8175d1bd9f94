"""Which models a word finds, and in which order: every sign, unit and kind of value, and what is missing."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from registry.test_registry import make_record

from zoo.errors import UsageProblem
from zoo.registry.model import Model
from zoo.registry.record import CorpusPart
from zoo.registry.selection import in_order, select

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ALICE = CorpusPart(name="alice", sha256="a" * 64, val_sha256="b" * 64, characters=9)


def make(name: str, directory: Path = Path("nowhere"), *, starter: bool = False, **changes: object) -> Model:
    return Model(name, make_record(name, **changes), directory, starter)


ZOO = [
    make(
        "alice-1",
        dataset="alice",
        val_loss=1.4,
        val_bpc=2.02,
        parameters=821_120,
        seed=1,
        created="2026-02-28T12:00:00+00:00",
        model={"n_embd": 128, "tied": True, "dropout": 0.0, "shape": "modern"},
        train={"optimizer": "muon"},
        tags=("good", "old"),
        corpora=(ALICE,),
        seconds=60.0,
        tokens=6000,
    ),
    make(
        "alice-2",
        dataset="alice",
        val_loss=1.5,
        val_bpc=2.16,
        parameters=2_000_000,
        seed=2,
        created="2026-02-01T00:00:00+00:00",
        model={"n_embd": 64, "tied": False, "dropout": 0.2, "shape": "classic"},
        train={"optimizer": "adamw"},
        tags=("good",),
        note="try again",
        seconds=600.0,
        tokens=6000,
    ),
    make("broken", val_loss=math.nan, val_bpc=math.nan, status="diverged", created="once upon a time", private=True),
    make(
        "fresh", val_loss=None, val_bpc=None, created="2027-01-01T00:00:00+00:00", extra={"colour": "red", "rating": 5}
    ),
    make("nano", starter=True, val_loss=1.5, created="2025-01-01T00:00:00", model={"n_embd": "many"}),
]


def names(*words: str) -> str:
    return " ".join(model.name for model in select(ZOO, words, NOW))


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("dataset=alice", "alice-1 alice-2"),
        ("dataset==alice", "alice-1 alice-2"),
        ("dataset!=alice", "broken fresh nano"),
        ("dataset=Alice", ""),
        ("dataset = alice", "alice-1 alice-2"),
        ("dataset=a*", "alice-1 alice-2"),
        ("dataset!=a*", "broken fresh nano"),
        ("name=alice-*", "alice-1 alice-2"),
        ("name=alice", ""),
        ("name=alice-[2-9]", "alice-2"),
        ("name>broken", "fresh nano"),
        ("note=try again", "alice-2"),
        ("note=", "alice-1 broken fresh nano"),
        ("note!=-", "alice-2"),
        ("created>=2026-02-28", "alice-1 broken fresh"),
        ("val_loss<1.5", "alice-1"),
        ("val_loss<=1.5", "alice-1 alice-2 nano"),
        ("val_loss>1.4", "alice-2 nano"),
        ("val_loss>=1.4", "alice-1 alice-2 nano"),
        ("val_loss=1.5", "alice-2 nano"),
        ("val_loss!=1.5", "alice-1 broken fresh"),
        ("val_loss<inf", "alice-1 alice-2 nano"),
        ("val_loss>-inf", "alice-1 alice-2 nano"),
        ("val_loss=nan", "broken"),
        ("val_loss=-", "fresh"),
        ("val_loss!=-", "alice-1 alice-2 broken nano"),
        ("val_loss<15e-1", "alice-1"),
        ("parameters<1M", "alice-1 broken fresh nano"),
        ("parameters<1m", "alice-1 broken fresh nano"),
        ("parameters=2M", "alice-2"),
        ("parameters>=821.12k", "alice-1 alice-2"),
        ("parameters<.001G", "alice-1 broken fresh nano"),
        ("seed=1", "alice-1"),
        ("seed>99999999999999999999999999", ""),
        ("seed<1e999", "alice-1 alice-2 broken fresh nano"),
        ("n_embd>=128", "alice-1"),
        ("n_embd<128", "alice-2"),
        ("n_embd!=128", "alice-2 broken fresh nano"),
        ("n_embd=many", None),
        ("dropout=0", "alice-1"),
        ("tied=yes", "alice-1"),
        ("tied=True", "alice-1"),
        ("tied=no", "alice-2"),
        ("tied!=false", "alice-1 broken fresh nano"),
        ("shape=modern", "alice-1 broken fresh"),
        ("optimizer=muon", "alice-1"),
        ("private=true", "broken"),
        ("starter=yes", "nano"),
        ("starter=no", "alice-1 alice-2 broken fresh"),
        ("status=starter", "nano"),
        ("status!=starter", "alice-1 alice-2 broken fresh"),
        ("status=diverged", "broken"),
        ("status=missing", "alice-1 alice-2 fresh nano"),
        ("tags=good", "alice-1 alice-2"),
        ("tags=o*", "alice-1"),
        ("tags!=good", "broken fresh nano"),
        ("tags=-", "broken fresh nano"),
        ("corpora=alice", "alice-1"),
        ("vocab=characters", "alice-1 alice-2 broken fresh nano"),
        ("size=0", "alice-1 alice-2 broken fresh nano"),
        ("size<1B", "alice-1 alice-2 broken fresh nano"),
        ("size>5MB", ""),
        ("age<1d", "alice-1 fresh"),
        ("age<13h", "alice-1 fresh"),
        ("age<12h", "fresh"),
        ("age<=720min", "alice-1 fresh"),
        ("age>=43200s", "alice-1 alice-2 nano"),
        ("age>3w", "alice-2 nano"),
        ("age>1y", "nano"),
        ("age>0.5 d", "alice-2 nano"),
        ("seconds>=60", "alice-1 alice-2"),
        ("seconds<5min", "alice-1 broken fresh nano"),
        ("tokens_per_second>50", "alice-1"),
        ("tokens_per_second=-", "broken fresh nano"),
        ("colour=red", "fresh"),
        ("rating>4", "fresh"),
        ("alice", "alice-1 alice-2"),
        ("alice-1", "alice-1"),
        ("lice", ""),
        ("*-1", "alice-1"),
        ("*", "alice-1 alice-2 broken fresh nano"),
        ("[bf]*", "broken fresh"),
        ("n?no", "nano"),
    ],
)
def test_a_word_finds(word, found):
    if found is None:
        with pytest.raises(UsageProblem, match="a number"):
            names(word)
    else:
        assert names(word) == found


def test_all_words_must_hold_and_none_holds_of_all():
    assert names("alice", "val_loss<1.5") == "alice-1"
    assert names("alice", "broken") == ""
    assert names() == "alice-1 alice-2 broken fresh nano"


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("val_bcp<2", "did you mean 'val_bpc'"),
        ("params<1M", "did you mean 'parameters'"),
        ("versions=1", "no model has a 'versions'"),
        ("extra=1", "no model has a 'extra'"),
        ("__class__=1", "no model has"),
        ("val_loss<low", "'val_loss' is a number"),
        ("val_loss<1.5x", "not '1.5x'"),
        ("val_loss<1,5", "not '1,5'"),
        ("val_loss<0x10", "a number"),
        ("val_loss<\u0663", "a number"),
        ("seed=" + "9" * 31, "a number"),
        ("val_loss<", "nothing is more or less than ''"),
        ("val_loss>nan", "nothing is more or less than 'nan'"),
        ("name<-", "nothing is more or less than '-'"),
        ("age<7", "as 90s, 5min"),
        ("age<7m", "as 90s, 5min"),
        ("age<nan", "as 90s, 5min"),
        ("size>5MiB", "as 900k, 5MB"),
        ("tied=maybe", "yes or no"),
        ("tied>no", "has no order"),
        ("status<ready", "has no order"),
        ("tags>=a", "has no order"),
        ("", "is no filter"),
        ("=5", "is no filter"),
        ("<", "is no filter"),
    ],
)
def test_a_word_that_can_mean_nothing_says_why(word, says):
    with pytest.raises(UsageProblem) as caught:
        select(ZOO, [word], NOW)
    assert says in str(caught.value)


def test_a_hyperparameter_is_known_where_no_model_has_it():
    assert select([], ["n_embd>=128", "val_loss<1", "beta2=0.95"]) == []
    with pytest.raises(UsageProblem):
        select([], ["colour=red"])


def test_sizes_are_of_the_weights(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"0" * 1500)
    model = make("big", tmp_path)
    assert select([model], ["size>=1.5k", "size<2kB", "status=ready"]) == [model]
    assert select([model], ["size<1500"]) == []


def order(key: str, **options: bool) -> str:
    return " ".join(model.name for model in in_order(ZOO, key, now=NOW, **options))


@pytest.mark.parametrize(
    ("key", "up", "down"),
    [
        ("val_loss", "alice-1 alice-2 nano broken fresh", "alice-2 nano alice-1 broken fresh"),
        ("name", "alice-1 alice-2 broken fresh nano", "nano fresh broken alice-2 alice-1"),
        ("age", "fresh alice-1 alice-2 nano broken", "nano alice-2 alice-1 fresh broken"),
        ("n_embd", "alice-2 alice-1 broken fresh nano", "alice-1 alice-2 broken fresh nano"),
        ("note", "alice-2 alice-1 broken fresh nano", "alice-2 alice-1 broken fresh nano"),
        ("tied", "alice-2 alice-1 broken fresh nano", "alice-1 alice-2 broken fresh nano"),
        ("seed", "alice-1 alice-2 broken fresh nano", "broken fresh nano alice-2 alice-1"),
        ("tags", "alice-2 alice-1 broken fresh nano", "alice-1 alice-2 broken fresh nano"),
    ],
)
def test_models_are_sorted_by_a_key_and_the_unknown_is_last_either_way(key, up, down):
    assert order(key) == up
    assert order(key, reverse=True) == down


def test_every_key_sorts_whatever_is_in_it():
    from zoo.registry.keys import kinds_of

    for key in kinds_of(ZOO):
        assert sorted(order(key).split()) == [model.name for model in ZOO], key
    with pytest.raises(UsageProblem, match="did you mean 'val_loss'"):
        order("val_los")
