"""Comparing: only losses of the same text are ranked together."""

import dataclasses
import json
import math

import pytest
from tiny import empty

from zoo.measure.compare import are_comparable, by_loss, differences, leaderboards
from zoo.registry.model import Model
from zoo.registry.record import CorpusPart, Record
from zoo.registry.registry import Registry


@pytest.fixture
def base(home, tiny_model) -> Record:
    return Registry(home).get(tiny_model).record


@pytest.fixture
def many(home, base):
    """A home with models of two texts and two protocols."""
    registry = Registry(home)

    def add(name: str, **changes: object) -> None:
        registry.claim(name, dataclasses.replace(base, id=f"id of {name}", path=f"models/{name}", **changes), empty)

    other = CorpusPart(name="tiny", sha256="f" * 64, val_sha256="e" * 64, characters=9)
    add("worse", val_loss=9.0, val_bpc=12.9)
    add("best", val_loss=0.5, val_bpc=0.7)
    add("broken", val_loss=math.nan, status="diverged")
    add("fresh", val_loss=None, val_bpc=None, status="training")
    add("othertext", val_loss=0.1, val_bpc=0.2, corpora=(other,))
    add("otherway", val_loss=0.01, val_bpc=0.02, val_protocol="estimate/v0")
    return registry


def named(home, *names: str) -> list[Model]:
    registry = Registry(home)
    return [registry.get(name) for name in names]


def own_boards(registry: Registry) -> list[list[str]]:
    return [[model.name for model in board.models] for board in leaderboards(registry.own().values())]


def test_models_are_ranked_only_with_those_of_the_same_text_and_protocol(many):
    boards = leaderboards(many.own().values())
    assert sorted(own_boards(many)) == sorted(
        [["otherway"], ["best", "tiny-nano", "worse", "broken", "fresh"], ["othertext"]]
    )
    for board in boards:
        assert {m.record.val_protocol for m in board.models} == {board.protocol}
        assert {m.record.corpora[0].val_sha256 for m in board.models} == {board.val_sha256}
        assert board.datasets == ["tiny"]


def test_no_models_make_no_leaderboard():
    assert leaderboards([]) == []


def test_an_unknown_or_nan_loss_comes_last(many):
    models = [m for m in many.own().values() if m.name in ("broken", "fresh", "worse", "best")]
    for order in (models, models[::-1]):
        assert [m.name for m in sorted(order, key=by_loss)] == ["best", "worse", "broken", "fresh"]


def test_losses_of_the_same_text_under_another_name_are_ranked_by_text(home, base):
    registry = Registry(home)
    registry.claim("twin", dataclasses.replace(base, id="x", path="models/twin", dataset="copy"), empty)
    assert sorted(own_boards(registry)) == [["tiny-nano", "twin"]]
    assert leaderboards(registry.own().values())[0].datasets == ["copy", "tiny"]
    assert are_comparable(named(home, "tiny-nano", "twin"))


def test_differences_are_only_what_differs_and_the_losses(home, base):
    changed = dataclasses.replace(
        base,
        path="models/other",
        seed=7,
        model={**base.model, "n_layer": 3},
        train={**base.train, "learning_rate": 0.5, "odd": True},
    )
    Registry(home).claim("other", changed, empty)
    fields = dict(differences(named(home, "tiny-nano", "other")))
    assert fields == {
        "status": ["ready", "missing"],  # as it is, not as it is recorded: the other one has no weights
        "seed": [1337, 7],
        "n_layer": [1, 3],
        "learning_rate": [base.train["learning_rate"], 0.5],
        "odd": [None, True],
        "val_loss": [base.val_loss] * 2,
        "val_bpc": [base.val_bpc] * 2,
        "train_loss": [base.train_loss] * 2,
    }
    everything = dict(differences(named(home, "tiny-nano", "other"), everything=True))
    assert everything.keys() > {*base.model, *base.train, "vocab", "dataset", "device"}
    assert everything["vocab"] == [f"characters {base.vocab.size}"] * 2


def test_a_model_compared_with_itself_differs_in_nothing(home, tiny_model):
    shown = [key for key, _ in differences(named(home, tiny_model, tiny_model))]
    assert shown == ["val_loss", "val_bpc", "train_loss"]


def test_comparable_means_same_text_and_same_protocol(home, many):
    assert are_comparable(named(home, "best", "worse", "tiny-nano"))
    assert not are_comparable(named(home, "best", "othertext"))
    assert not are_comparable(named(home, "best", "otherway"))


def test_the_command_ranks_with_numbers_and_leaves_the_unmeasured_unranked(zoo, many):
    outcome = zoo("compare")
    assert outcome.code == 0
    assert outcome.err == ""
    rows = [line.split() for line in outcome.out.splitlines()]
    names = {"best", "worse", "tiny-nano", "broken", "fresh"}
    ranked = [row for row in rows if names & set(row)]
    assert [row[:2] for row in ranked[:3]] == [["1", "best"], ["2", "tiny-nano"], ["3", "worse"]]
    assert {"broken", "nan"} <= set(ranked[3])
    assert ranked[4][0] == "fresh"
    assert "estimate/v0" in outcome.out
    assert "eeeeeeee" in outcome.out


def test_a_nan_loss_has_no_rank(zoo, many):
    row = next(line.split() for line in zoo("compare").out.splitlines() if "broken" in line)
    assert row[0] == "broken"


def test_the_command_warns_of_what_cannot_be_compared(zoo, many):
    outcome = zoo("compare", "best", "othertext")
    assert outcome.code == 0
    assert "none is better" in outcome.err
    assert zoo("compare", "best", "worse").err == ""


def test_json_of_both_forms_is_valid_and_whole(zoo, many, base):
    document = json.loads(zoo("compare", "--json").out, parse_constant=pytest.fail)
    assert document["schema"] == "zoo.leaderboards/1"
    boards = [b for b in document["leaderboards"] if b["datasets"] == ["tiny"]]
    assert len(boards) == 3
    board = next(b for b in boards if len(b["models"]) == 5)
    assert board["val_sha256"] == base.corpora[0].val_sha256
    assert [m["val_loss"] for m in board["models"]] == [0.5, base.val_loss, 9.0, None, None]
    outcome = zoo("compare", "best", "worse", "othertext", "--json")
    document = json.loads(outcome.out, parse_constant=pytest.fail)
    assert document["schema"] == "zoo.differences/1"
    assert document["comparable"] is False
    losses = next(f["values"] for f in document["fields"] if f["field"] == "val_loss")
    assert losses == {"best": 0.5, "worse": 9.0, "othertext": 0.1}


def test_names_twice_are_shown_once_and_unknown_ones_are_not_found(zoo, many):
    document = json.loads(zoo("compare", "best", "best", "worse", "--json").out)
    assert list(document["fields"][-1]["values"]) == ["best", "worse"]
    outcome = zoo("compare", "best", "wurse")
    assert outcome.code == 3
    assert "did you mean 'worse'" in outcome.err


def test_compare_all_shows_the_equal_too(zoo, many):
    assert "n_layer" not in zoo("compare", "best", "worse").out
    assert "n_layer" in zoo("compare", "best", "worse", "--all").out
