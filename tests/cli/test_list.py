"""zoo list: which models it finds, in which order, and the curve beside them."""

import dataclasses
import json

import pytest
from cli.test_live import see
from tiny import empty

from zoo.cli.curve import ASCII_LEVELS, LEVELS, sparkline
from zoo.registry.registry import Registry


@pytest.fixture
def many(home, tiny_model):
    """A home with models of several losses beside the ready one."""
    registry = Registry(home)
    base = registry.get(tiny_model).record
    losses = {"low": 0.5, "high": 9.0, "high-2": 8.0, "broken": float("nan"), "fresh": None}
    for number, (name, loss) in enumerate(losses.items()):
        status = "diverged" if name == "broken" else "ready"
        changes = {"id": name, "path": f"models/{name}", "val_loss": loss, "seed": number, "status": status}
        registry.claim(name, dataclasses.replace(base, **changes), empty)


def quiet(zoo, *words: str) -> list[str]:
    outcome = zoo("list", "-q", "starter=no", *words)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out.split()


def test_filters_and_order_are_obeyed_by_every_form(zoo, many):
    words = ["starter=no", "val_loss>1", "--sort", "val_loss", "-r"]
    wanted = ["high", "high-2", "tiny-nano"]
    assert zoo("list", "-q", *words).out.split() == wanted
    document = json.loads(zoo("list", "--json", *words).out)
    assert [row["name"] for row in document["models"]] == wanted
    assert [line.split()[0] for line in zoo("list", *words).out.splitlines()[1:]] == wanted


def test_a_filter_is_a_key_a_beginning_or_a_pattern(zoo, many):
    assert quiet(zoo, "hi") == ["high", "high-2"]
    assert quiet(zoo, "*-*") == ["tiny-nano", "high-2"]
    assert quiet(zoo, "high", "seed=2") == ["high-2"]
    assert quiet(zoo, "n_layer>=2") == []
    assert quiet(zoo, "val_loss=nan") == ["broken"]
    assert quiet(zoo, "--sort", "val_loss") == ["low", "tiny-nano", "high-2", "high", "broken", "fresh"]
    assert quiet(zoo, "-r")[0] == "fresh"
    assert zoo("list", "-q", "status=starter").out.split() == zoo("list", "-q", "starter=yes").out.split()


def test_names_of_one_command_are_the_arguments_of_another(zoo, many):
    assert zoo("rm", *quiet(zoo, "val_loss>5")).code == 0
    assert quiet(zoo) == ["tiny-nano", "low", "broken", "fresh"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["val_los<2"], "did you mean 'val_loss'"),
        (["--sort", "val_los"], "did you mean 'val_loss'"),
        (["age<7"], "7d"),
        (["val_loss<low"], "a number"),
        (["x\x1b[31m=1"], r"x\x1b[31m"),
    ],
)
def test_a_filter_that_can_mean_nothing_is_one_line_and_a_usage_problem(zoo, many, words, says):
    outcome = zoo("list", *words)
    assert outcome.code == 2
    assert outcome.out == ""
    assert says in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_a_list_in_which_nothing_is_found_is_empty_and_says_so(zoo, many):
    outcome = zoo("list", "zzz")
    assert (outcome.code, len(outcome.out.splitlines())) == (0, 1)
    assert outcome.err == "no model is like that\n"
    assert zoo("list", "zzz", "-q") == (0, "", "")
    assert json.loads(zoo("list", "zzz", "--json").out)["models"] == []


def test_a_pipe_gets_no_curve(zoo, many):
    assert "curve" not in zoo("list").out


RUN = "import sys; from zoo.cli import run; sys.exit(run({!r}))"


@pytest.mark.parametrize("ascii_only", [False, True])
def test_a_terminal_with_room_shows_a_curve(home, many, ascii_only):
    """Though a log is missing or damaged."""
    (home.models / "low" / "log.jsonl").write_bytes(b"\xff\x00[\n" * 1000)
    (home.models / "high" / "log.jsonl").mkdir()
    environment = {"PYTHONIOENCODING": "ascii"} if ascii_only else {}
    screen, _ = see(RUN.format(["list", "starter=no"]), 120, ZOO_HOME=str(home.path), **environment)
    rows = [row.split() for row in screen.lines if row.strip()]
    assert rows[0][-1] == "curve"
    levels = ASCII_LEVELS if ascii_only else LEVELS
    assert set(next(row for row in rows if row[0] == "tiny-nano")[-1]) <= set(levels)
    for name in ("low", "high", "fresh"):
        assert next(row for row in rows if row[0] == name)[-1] == "missing"


@pytest.mark.parametrize("columns", [40, 60])
def test_the_curve_goes_where_there_is_no_room(home, many, columns):
    screen, _ = see(RUN.format(["list", "starter=no"]), columns, ZOO_HOME=str(home.path))
    assert "curve" not in screen.lines[0]
    assert any("tiny-nano" in line for line in screen.lines)


def test_a_sparkline_falls_as_the_losses_do_and_rises_again():
    points = [(step, 1 + abs(step - 60) / 10) for step in range(100)]
    line = sparkline(points, 10)
    assert len(line) == 10
    assert line.index(LEVELS[0]) in (5, 6)
    assert list(line[:6]) == sorted(line[:6], reverse=True)
    assert list(line[6:]) == sorted(line[6:])
    assert set(sparkline(points, 10, plain=True)) <= set(ASCII_LEVELS)


def test_a_sparkline_of_little_is_short():
    assert sparkline([], 10) == ""
    assert sparkline([(1, 2.0)], 10) == LEVELS[0]
    assert sparkline([(1, 2.0), (2, 1.0)], 10) == LEVELS[-1] + LEVELS[0]
    assert sparkline([(1, 2.0)] * 50, 10) == LEVELS[0] * 10


def test_a_first_loss_that_is_cut_off_is_higher_than_all_others_in_a_sparkline():
    points = [(1, 1e9), (2, 3.0), (3, 2.0), (4, 1.0)]
    assert sparkline(points, 10) == LEVELS[-1] + LEVELS[-2] + LEVELS[3] + LEVELS[0]
    assert sparkline(points[1:], 10) == LEVELS[-1] + LEVELS[-2] + LEVELS[0]
    assert sparkline([(1, 2.0), *points[1:]], 10) == LEVELS[4] + LEVELS[-1] + LEVELS[4] + LEVELS[0]
