"""The history of a model: what its log says, however long or damaged it is."""

import dataclasses
import json
import math
import os
import time
from pathlib import Path

import pytest
from registry.test_registry import make_record

from zoo.registry.history import BLOCK, CAPACITY, GLANCE, MOST, History, Thinned, glance, history
from zoo.registry.model import Model


@pytest.fixture
def model(tmp_path) -> Model:
    return Model("tiny-nano", make_record(), tmp_path)


def write(model: Model, *lines: object) -> None:
    """A log of lines, as they are or as JSON."""
    data = b"".join((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n" for line in lines)
    (model.directory / "log.jsonl").write_bytes(data)


def long_log(model: Model, steps: int) -> None:
    """A line every ten steps, and a validation every hundred."""
    lines = []
    for step in range(10, steps + 1, 10):
        lines.append({"step": step, "train_loss": 1 + 100 / step, "learning_rate": 0.001})
        if step % 100 == 0:
            lines.append({"step": step, "train_loss": 1.0, "val_loss": 2 + 100 / step})
    write(model, *lines)


def test_a_history_of_millions_of_steps_stays_small_and_keeps_its_form():
    history = Thinned()
    for step in range(1, 300_001):
        history.add(step, step / 100)
    points = history.points()
    assert CAPACITY / 2 <= len(points) <= CAPACITY
    assert all(loss == pytest.approx(step / 100) for step, loss in points)
    assert [step for step, _ in points] == sorted({step for step, _ in points})


def test_a_loss_that_is_not_finite_is_not_drawn():
    history = Thinned()
    for loss in (math.nan, math.inf, 2.0):
        history.add(1, loss)
    assert history.points() == [(1, 2.0)]


def test_a_log_is_losses_of_training_and_of_validation_by_step(model):
    write(
        model,
        {"step": 10, "train_loss": 3.0, "learning_rate": 0.1},
        {"step": 20, "train_loss": 2.0, "learning_rate": 0.1},
        {"step": 20, "train_loss": 2.5, "val_loss": 2.75},
        {"step": 30, "train_loss": 1, "val_loss": 2},
    )
    assert history(model) == History([(10, 3.0), (20, 2.0), (30, 1.0)], [(20, 2.75), (30, 2.0)])
    assert glance(model) == [(20, 2.75), (30, 2.0)]


def test_a_model_without_a_log_has_no_history(model):
    assert history(model) == History([], [])
    assert glance(model) == []
    write(model)
    assert history(model) == History([], [])


def test_a_history_of_a_step_ends_there(model):
    long_log(model, 1000)
    then = dataclasses.replace(model, record=make_record(steps=300), snapshot=Path("weights"))
    assert [step for step, _ in history(then).val] == [100, 200, 300]
    assert [step for step, _ in glance(then)] == [100, 200, 300]
    assert history(then).train[-1][0] == 300


@pytest.mark.parametrize(
    "line",
    [
        b"", b"{", b"null", b"[]", b"7", b'"step"', b"\xff\xfe", b"\x00" * 50, b'{"step": 20}', b'{"val_loss": 1.0}',
        b'{"step": 20, "val_loss": "1.0"}', b'{"step": 20, "val_loss": null}', b'{"step": 20, "val_loss": true}',
        b'{"step": 20, "val_loss": NaN}', b'{"step": 20, "val_loss": Infinity, "train_loss": -Infinity}',
        b'{"step": 20, "val_loss": 1e300}', b'{"step": 20, "val_loss": -1.0}', b'{"step": 20, "val_loss": [1.0]}',
        b'{"step": -20, "val_loss": 1.0}', b'{"step": 20.5, "val_loss": 1.0}', b'{"step": "20", "val_loss": 1.0}',
        b'{"step": true, "val_loss": 1.0}', b'{"step": 1' + b"0" * 400 + b', "val_loss": 1.0}',
        b'{"step": 20, "val_loss": 1' + b"0" * 500 + b"}", b'{"step": 20, "val_loss": ' + b"9" * 5000 + b"}",
        b'{"step": 20, "val_loss": 1.0, "x": "' + b"a" * 5000 + b'"}', b"[" * 900, b'{"a":' * 150,
        b'{"step": 5, "val_loss": 1.0}', b'{"step": 10, "val_loss": 1.0}', b"a" * 10_000,
    ],
    ids=lambda line: repr(line[:40]),
)  # fmt: skip
def test_a_line_that_makes_no_sense_is_passed_over(model, line):
    """Or one whose step was before."""
    write(model, {"step": 10, "val_loss": 3.0}, line, {"step": 30, "val_loss": 2.0})
    assert history(model).val == glance(model) == [(10, 3.0), (30, 2.0)]
    assert history(model).train == []


def test_a_line_that_is_being_written_is_passed_over(model):
    write(model, {"step": 10, "val_loss": 3.0})
    with open(model.directory / "log.jsonl", "ab") as file:
        file.write(b'{"step": 20, "val_l')
    assert history(model).val == glance(model) == [(10, 3.0)]


@pytest.mark.parametrize("kind", ["a directory", "a pipe", "a link to nowhere", "unreadable"])
def test_what_is_no_log_is_no_history(model, kind):
    path = model.directory / "log.jsonl"
    if kind == "a directory":
        path.mkdir()
    elif kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a link to nowhere":
        path.symlink_to(model.directory / "gone")
    else:
        path.write_bytes(b"")
        path.chmod(0)
    assert history(model) == History([], [])
    assert glance(model) == []


def test_a_long_history_is_thinned_and_keeps_its_ends(model):
    long_log(model, 100_000)
    found = history(model)
    assert CAPACITY / 2 <= len(found.train) <= CAPACITY
    assert CAPACITY / 2 <= len(found.val) <= CAPACITY
    assert found.val[0][0] < 1000
    assert found.val[-1][0] > 99_000


def test_of_a_huge_log_a_sample_is_read_from_its_beginning_to_its_end(model):
    lines = b"".join(
        b'{"step": %d, "train_loss": 1.5, "val_loss": 2.5, "learning_rate": 0.00012345}\n' % step
        for step in range(200_000)
    )
    (model.directory / "log.jsonl").write_bytes(lines)
    assert len(lines) > 3 * MOST
    begin = time.monotonic()
    seen, found = glance(model), history(model)
    assert time.monotonic() - begin < 10
    assert 0 < len(seen) < GLANCE / 60
    assert len(seen) > GLANCE / BLOCK
    assert seen[0][0] == found.val[0][0] // 1000 == 0
    assert seen[-1] == (199_999, 2.5)
    assert found.val[-1][0] > 199_000
    assert {loss for _, loss in found.val} == {2.5}
    assert [step for step, _ in seen] == sorted({step for step, _ in seen})


def test_a_huge_file_without_lines_is_no_history(model):
    with open(model.directory / "log.jsonl", "wb") as file:
        file.truncate(2**34)
    assert history(model) == History([], [])
    assert glance(model) == []
