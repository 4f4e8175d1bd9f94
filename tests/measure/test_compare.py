"""Comparing: only losses of the same text are ranked together."""

import dataclasses
import math

import pytest
from tiny import empty

from zoo.measure.compare import (
    Field,
    are_comparable,
    best,
    by_loss,
    comparable,
    differences,
    leaderboards,
    seeds,
    unlike,
)
from zoo.registry.model import Model
from zoo.registry.record import CorpusPart
from zoo.registry.registry import Registry


def named(home, *names: str) -> list[Model]:
    registry = Registry(home)
    return [registry.get(name) for name in names]


def values(fields: list[Field]) -> dict[str, list]:
    return {field.key: field.values for field in fields}


def deltas(fields: list[Field]) -> dict[str, list]:
    return {field.key: field.deltas for field in fields}


def own_boards(registry: Registry) -> list[list[str]]:
    return [[model.name for model in board.models] for board in leaderboards(registry.own().values())]


def test_models_are_ranked_only_with_those_of_the_same_text_and_protocol(rivals):
    boards = leaderboards(rivals.own().values())
    assert sorted(own_boards(rivals)) == sorted(
        [["otherway"], ["best", "tiny-nano", "worse", "broken", "fresh"], ["othertext"]]
    )
    for board in boards:
        assert {m.record.val_protocol for m in board.models} == {board.protocol}
        assert {m.record.corpora[0].val_sha256 for m in board.models} == {board.val_sha256}
        assert board.datasets == ["tiny"]


def test_no_models_make_no_leaderboard():
    assert leaderboards([]) == []


def test_an_unknown_or_nan_loss_comes_last(rivals):
    models = [m for m in rivals.own().values() if m.name in ("broken", "fresh", "worse", "best")]
    for order in (models, models[::-1]):
        assert [m.name for m in sorted(order, key=by_loss)] == ["best", "worse", "broken", "fresh"]


def test_losses_of_the_same_text_under_another_name_are_ranked_by_text(home, tiny_record):
    registry = Registry(home)
    registry.claim("twin", dataclasses.replace(tiny_record, id="x", path="models/twin", dataset="copy"), empty)
    assert sorted(own_boards(registry)) == [["tiny-nano", "twin"]]
    assert leaderboards(registry.own().values())[0].datasets == ["copy", "tiny"]
    assert are_comparable(named(home, "tiny-nano", "twin"))


def test_differences_are_only_what_differs_and_the_losses(home, tiny_record):
    changed = dataclasses.replace(
        tiny_record,
        path="models/other",
        seed=7,
        model={**tiny_record.model, "n_layer": 3},
        train={**tiny_record.train, "learning_rate": 0.5, "odd": True},
    )
    Registry(home).claim("other", changed, empty)
    fields = values(differences(named(home, "tiny-nano", "other")))
    assert fields == {
        "status": ["ready", "missing"],  # as it is, not as it is recorded: the other one has no weights
        "seed": [1337, 7],
        "parameters": [tiny_record.parameters] * 2,
        "seconds": [tiny_record.seconds] * 2,
        "tokens_per_second": [tiny_record.tokens / tiny_record.seconds] * 2,
        "n_layer": [1, 3],
        "learning_rate": [tiny_record.train["learning_rate"], 0.5],
        "odd": [None, True],
        "val_loss": [tiny_record.val_loss] * 2,
        "val_bpc": [tiny_record.val_bpc] * 2,
        "train_loss": [tiny_record.train_loss] * 2,
    }
    everything = values(differences(named(home, "tiny-nano", "other"), everything=True))
    assert everything.keys() > {*tiny_record.model, *tiny_record.train, "vocab", "dataset", "device"}
    assert everything["vocab"] == [f"characters {tiny_record.vocab.size}"] * 2


def test_a_model_compared_with_itself_differs_in_nothing(home, tiny_model):
    shown = differences(named(home, tiny_model, tiny_model))
    always = ["parameters", "seconds", "tokens_per_second", "val_loss", "val_bpc", "train_loss"]
    assert [field.key for field in shown] == always
    assert {field.deltas[1] for field in shown} == {0}
    assert [field.key for field in differences(named(home, tiny_model))] == always


def test_deltas_are_to_the_first_and_of_what_is_measured(home, tiny_record):
    registry = Registry(home)
    changes = {
        "val_loss": tiny_record.val_loss - 0.25,
        "parameters": tiny_record.parameters + 7,
        "seconds": tiny_record.seconds + 1.5,
    }
    registry.claim("other", dataclasses.replace(tiny_record, path="models/other", seed=7, **changes), empty)
    found = deltas(differences(named(home, "tiny-nano", "other", "tiny-nano"), everything=True))
    assert found["val_loss"] == [None, pytest.approx(-0.25), 0]
    assert found["parameters"] == [None, 7, 0]
    assert found["seconds"] == [None, pytest.approx(1.5), 0]
    assert found["seed"] == found["n_layer"] == found["status"] == [None, None, None]


def test_losses_that_do_not_compare_have_no_delta(home, rivals):
    fields = differences(named(home, "best", "othertext", "otherway", "broken", "fresh", "worse"))
    assert deltas(fields)["val_loss"] == [None, None, None, None, None, 8.5]
    assert deltas(fields)["train_loss"] == [None, None, None, 0, 0, 0]
    assert deltas(fields)["parameters"] == [None, 0, 0, 0, 0, 0]
    assert values(fields)["val_protocol"][2] == "estimate/v0"
    assert values(fields)["val_text"][1] == "e" * 8
    found = deltas(differences(named(home, "broken", "best")))
    assert found["val_loss"] == [None, None]


def test_a_step_of_a_model_has_no_time(home, tiny_model):
    model = named(home, tiny_model)[0]
    step = dataclasses.replace(
        model, snapshot=model.weights_path, record=dataclasses.replace(model.record, seconds=0.0, val_loss=None)
    )
    found = values(differences([model, step]))
    assert found["seconds"] == [model.record.seconds, None]
    assert found["tokens_per_second"][1] is None


def test_what_does_not_compare_says_why(home, rivals):
    model, text, way = named(home, "best", "othertext", "otherway")
    assert unlike(model, model) == ""
    assert unlike(text, model) == "another validation text"
    assert unlike(way, model) == "another protocol (estimate/v0)"
    assert unlike(way, text) == "another validation text and another protocol (estimate/v0)"
    groups = comparable(named(home, "othertext", "best", "otherway", "worse"))
    assert [[m.name for m in group] for group in groups] == [["othertext"], ["best", "worse"], ["otherway"]]
    assert best(groups[0]) is None
    assert best(groups[1]) is groups[1][0]


@pytest.fixture
def seeded(home, tiny_record):
    """Adds models with other losses and other changes, and gives what only a seed changes among all of them."""
    registry = Registry(home)
    records = {"tiny-nano": tiny_record}

    def find(*changes: dict[str, object]):
        for number, change in enumerate(changes):
            name = f"m{len(records)}"
            records[name] = dataclasses.replace(
                tiny_record, **{"path": f"models/{name}", "seed": number, "val_loss": 2.0 + number, **change}
            )
        return seeds(Model(name, record, registry.home.models / name) for name, record in records.items())

    return find


def test_models_that_differ_in_nothing_but_their_seed_have_a_mean_and_a_sample_deviation(seeded, tiny_record):
    (found,) = seeded(
        {"val_loss": 1.0}, {"val_loss": 2.0}, {"val_loss": 4.5}, {"val_loss": tiny_record.val_loss, "seed": 1337}
    )
    losses = [1.0, 2.0, 4.5, tiny_record.val_loss]
    mean = sum(losses) / 4
    assert [model.record.val_loss for model in found.models] == sorted(losses)
    assert found.mean == pytest.approx(mean)
    assert found.sd == pytest.approx(math.sqrt(sum((loss - mean) ** 2 for loss in losses) / 3))
    assert found.mean_bpc == pytest.approx(found.mean / math.log(2))
    assert found.sd_bpc == pytest.approx(found.sd / math.log(2))


def test_one_seed_twice_counts_once_with_the_loss_that_came_first(seeded):
    """The better of two would make the mean better than it is."""
    assert seeded({"seed": 1337}, {"seed": 1337}) == []
    (found,) = seeded({"seed": 5, "val_loss": 9.0}, {"seed": 5, "val_loss": 8.0})
    assert [model.record.seed for model in found.models] == [1337, 5]
    assert found.models[1].record.val_loss == 9.0


@pytest.mark.parametrize(
    "change",
    [
        {"val_loss": math.nan}, {"val_loss": None}, {"val_loss": math.inf}, {"status": "diverged"},
        {"status": "training"}, {"status": "interrupted"}, {"dtype": "float8"}, {"init_sha256": "a" * 64},
        {"val_protocol": "estimate/v0"}, {"model": {"n_embd": 17}}, {"train": {"max_steps": 21}},
        {"corpora": (CorpusPart(name="x", sha256="f" * 64, val_sha256="e" * 64, characters=9),)},
    ],
    ids=str,
)  # fmt: skip
def test_a_model_that_differs_in_more_is_none_of_them(seeded, tiny_record, change):
    for group in ("model", "train"):
        if group in change:
            change = {group: {**getattr(tiny_record, group), **change[group]}}
    assert seeded({"seed": 5, **change}) == []


def test_what_is_only_written_down_differently_is_no_difference(seeded, tiny_record):
    assert len(seeded({"train": {**tiny_record.train, "keep": "log", "log_every": 3}})) == 1


def test_groups_of_seeds_are_ranked_by_their_mean(seeded, tiny_record):
    other = {"model": {**tiny_record.model, "n_layer": 9}}
    found = seeded({}, {}, {**other, "val_loss": 0.5}, {**other, "val_loss": 0.75})
    assert [len(group.models) for group in found] == [2, 3]
    assert found[0].mean == pytest.approx(0.625)


def test_comparable_means_same_text_and_same_protocol(home, rivals):
    assert are_comparable(named(home, "best", "worse", "tiny-nano"))
    assert not are_comparable(named(home, "best", "othertext"))
    assert not are_comparable(named(home, "best", "otherway"))


@pytest.mark.parametrize("loss", [math.inf, -math.inf, math.nan, -1.0])
def test_a_loss_that_none_can_be_is_no_loss(rivals, home, loss):
    rivals.update("best", "id of best", val_loss=loss)
    board = next(board for board in leaderboards(rivals.models().values()) if "best" in {m.name for m in board.models})
    assert board.models[0].name == "tiny-nano"
    assert "best" in [model.name for model in board.models[-3:]]


def test_models_whose_texts_are_not_told_are_ranked_with_nobody(rivals, home):
    for name in ("best", "worse"):
        rivals.update(name, f"id of {name}", corpora=())
    assert not are_comparable(named(home, "best", "worse"))
    assert all(len(board.models) == 1 for board in leaderboards(named(home, "best", "worse")))
