"""The curve of the losses, as lines of text."""

import math
from itertools import pairwise

import pytest

from zoo.cli.curve import curve, reach
from zoo.cli.grid import MARK
from zoo.cli.terminal import cells

FALLING = [(step, 1.5 + 2 * math.exp(-step / 100)) for step in range(1, 501)]
DOTTED = {chr(point) for point in range(0x2801, 0x2900)}


def plot(train, val=(), *, columns=60, rows=6, last=500, **options) -> list[str]:
    return curve(train, list(val), first=0, last=last, columns=columns, rows=rows, **options)


def columns_with_dots(line: str) -> list[int]:
    return [at for at, character in enumerate(line) if character in DOTTED]


def test_a_falling_loss_falls_from_the_left_to_the_right():
    *rows, foot = [columns_with_dots(line) for line in plot(FALLING)]
    assert not foot
    assert rows[0][0] == 9  # where it comes into the frame from above
    assert rows[-1][-1] == 59
    assert all(later[0] >= before[0] for before, later in pairwise(rows))


def test_a_curve_has_no_gap_and_ends_where_the_training_is():
    dotted = {at for line in plot(FALLING[:250:50]) for at in columns_with_dots(line)}
    assert dotted == set(range(6, max(dotted) + 1))
    assert max(dotted) == 6 + round(201 / 500 * 107) // 2


def test_a_validation_is_marked_at_its_step_and_loss():
    lines = plot(FALLING, [(250, 1.6), (500, 1.51)])
    marks = [(row, at) for row, line in enumerate(lines) for at, character in enumerate(line) if character == MARK]
    assert [at for _, at in marks] == [6 + 54 // 2, 59]
    assert all(row in (4, 5) for row, _ in marks)


def test_the_labels_hold_every_loss_but_the_first_ones():
    lines = plot(FALLING, [(100, 2.9)])
    high, low = (float(lines[row].split()[0]) for row in (0, -2))
    assert low <= 1.5
    assert 2.9 <= high < 3.4
    assert lines[-1].split() == ["0", "500"]


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("columns", "rows"), [(20, 3), (38, 5), (78, 7), (100, 12)])
@pytest.mark.parametrize(
    "train", [[], FALLING[:1], FALLING, [(1, 2.0), (2, 2.0)], [(1, 1e9), (2, 1e-9)], [(1, 0.0)], [(1, 1e300)]]
)
def test_every_line_fits_whatever_the_losses(train, columns, rows, plain):
    lines = plot(train, train[-1:], columns=columns, rows=rows, plain=plain)
    assert len(lines) == rows + 1
    assert all(cells(line) <= columns for line in lines), lines
    assert not plain or all(line.isascii() for line in lines)


def test_the_steps_of_a_curve_double_until_the_last():
    ends = [reach(0, step, 1000) for step in range(1001)]
    assert sorted(set(ends)) == [31, 62, 125, 250, 500, 1000]
    assert ends == sorted(ends)
    assert all(step <= end for step, end in enumerate(ends))
    assert reach(600, 610, 1000) == 625
    assert reach(5, 5, 5) == 5
