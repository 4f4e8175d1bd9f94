"""The frame of a line chart: what lies in it, where lines leave it, its ticks; in characters and in a page."""

import itertools
import math
import re
import xml.etree.ElementTree as ET

import pytest

from zoo.cli import svg
from zoo.cli.curve import curve, overlay
from zoo.cli.frame import GUESS, Frame, Line, clipped
from zoo.cli.grid import MARK
from zoo.registry.model import Model

FALLING = [(100.0 * at, 1 + math.exp(-at / 5)) for at in range(1, 25)]
STEEP = [(100.0, 9.0), *((100.0 * at, 2.0 - at / 100) for at in range(2, 21))]  # the first of twenty is not framed
DIVERGED = [*FALLING[:12], (1300.0, 5e3), (1400.0, 3e8)]
CASES = {
    "falling": [FALLING],
    "one point": [[(100.0, 1.2345)]],
    "one at the start": [[(0.0, 4.2)]],
    "one of nothing": [[(1.0, 0.0)]],
    "flat": [[(100.0, 2.0), (200.0, 2.0)]],
    "close": [[(100.0, 0.27650), (200.0, 0.27640), (300.0, 0.27620)]],
    "diverged": [FALLING, DIVERGED],
    "nothing but diverged": [[(1.0, 1e6), (2.0, 1e8)]],
    "steep": [STEEP],
    "few steps": [[(1.0, 2.0), (2.0, 1.5), (3.0, 1.4)]],
    "many steps": [[(2.0**31 - 7, 3.0), (2.0**31, 1.0)]],
    "two lines": [FALLING, STEEP],
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def lines(request):
    return request.param


def drawing(lines, tiny_record, tmp_path):
    """The parsed chart of a page, without what stands around it."""
    drawn = [Line(Model(f"model-{n}", tiny_record, tmp_path), n, line) for n, line in enumerate(lines)]
    figure = ET.fromstring(svg.figure(drawn))
    return next(one for one in figure if one.tag == "svg")


def coordinates(path):
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+) ([\d.-]+)", path.get("d"))]


def of_class(chart, name):
    return [path for path in chart.iter("path") if name in path.get("class").split()]


def test_a_line_is_cut_where_it_crosses_the_edge():
    assert clipped((0.0, -1.0), (1.0, 1.0)) == ((0.5, 0.0), (1.0, 1.0))
    assert clipped((0.0, 0.5), (0.5, -0.5)) == ((0.0, 0.5), (0.25, 0.0))
    assert clipped((0.0, -1.0), (1.0, 2.0)) == (pytest.approx((1 / 3, 0.0)), pytest.approx((2 / 3, 1.0)))
    assert clipped((0.2, 0.3), (0.4, 0.9)) == ((0.2, 0.3), (0.4, 0.9))
    assert clipped((0.0, -2.0), (1.0, -1.0)) is None
    assert clipped((0.0, -0.5), (1.0, -0.5)) is None
    assert clipped((-1.0, 0.9), (0.1, 2.0)) is None


def test_a_loss_above_the_frame_has_no_point_and_its_line_leaves_with_its_slope():
    frame = Frame.around([STEEP])
    assert (frame.low, frame.high) == (1.8, 2.0)
    assert len(frame.points(STEEP)) == len(STEEP) - 1
    (stroke,) = frame.strokes(STEEP)
    (x, y), (next_x, next_y) = stroke[:2]
    crossing = 100 + 100 * (9 - 2.0) / (9 - 1.98)
    assert (x, y) == pytest.approx((crossing / 2000, 0))
    assert (next_x, next_y) == frame.place(STEEP[1])


def test_a_line_that_comes_back_is_drawn_in_two_parts():
    line = [(at, 1 + (at == 5) * 30.0 + at / 100) for at in range(11)]
    frame = Frame.around([line])
    before, after = frame.strokes(line)
    assert before[-1][1] == after[0][1] == 0
    assert before[-1][0] < 0.5 < after[0][0]


def test_what_has_diverged_does_not_flatten_the_others():
    assert Frame.around([FALLING, DIVERGED]).high < 3
    assert Frame.around([[(1, 1e6), (2, 1e8)]]).high >= 1e8
    assert math.log(0x10FFFF - 0x7FF) == pytest.approx(GUESS)


def test_ticks_are_round_and_at_the_bounds(lines):
    frame = Frame.around(lines)
    losses = [frame.high - share * (frame.high - frame.low) for share, _ in frame.losses()]
    assert losses[0] == pytest.approx(frame.low)
    assert losses[-1] == pytest.approx(frame.high)
    assert 2 <= len(losses) <= 7
    for ticks, labels in [(losses, frame.losses()), (None, frame.steps())]:
        shown = [float(label.replace(",", "")) for _, label in labels]
        assert ticks is None or shown == pytest.approx(ticks, rel=1e-6)
        grains = {round(b - a, 9) for a, b in itertools.pairwise(shown)}
        assert len(grains) == 1, "as far from each other as their labels say"
        assert float(f"{grains.pop():e}".split("e")[0]) in (1, 2, 2.5, 5)
        assert shown[0] / (shown[1] - shown[0]) == pytest.approx(round(shown[0] / (shown[1] - shown[0])))


def test_a_frame_has_a_width_and_a_height_and_holds_what_it_should(lines):
    frame = Frame.around(lines)
    assert frame.low < frame.high
    assert frame.first < frame.last
    for line in lines:
        inside = [point for point in line if frame.low <= point[1] <= frame.high]
        assert frame.points(line) == [frame.place(point) for point in inside]


def test_a_single_point_lies_in_the_middle_of_its_frame():
    ((_, y),) = Frame.around([[(100, 1.2345)]]).points([(100, 1.2345)])
    assert 0.25 < y < 0.75


def test_a_page_draws_points_only_in_the_frame(lines, tiny_record, tmp_path):
    chart = drawing(lines, tiny_record, tmp_path)
    frame = Frame.around(lines)
    edges = [float(y) for y in re.findall(r"M\S+ (\S+?)H", of_class(chart, "grid")[0].get("d"))]
    bottom, top = edges[0], edges[-1]
    for line, dots, path in zip(reversed(lines), of_class(chart, "dots"), of_class(chart, "line"), strict=True):
        seen = [loss for _, loss in line if frame.low <= loss <= frame.high]
        heights = [top + (bottom - top) * (frame.high - loss) / (frame.high - frame.low) for loss in seen]
        assert [y for _, y in coordinates(dots)] == pytest.approx(heights, abs=0.06)
        assert all(top - 0.06 <= y <= bottom + 0.06 for _, y in coordinates(path))


@pytest.mark.parametrize("font", [svg.FONT, svg.PHONE_FONT])
def test_every_label_of_a_page_lies_in_the_drawing_and_touches_no_other(lines, font, tiny_record, tmp_path):
    chart = drawing(lines, tiny_record, tmp_path)
    _, _, width, height = map(float, chart.get("viewBox").split())
    boxes = []
    for label in chart.iter("text"):
        length = 0.65 * font * len(label.text)
        left = float(label.get("x")) - {"middle": length / 2, "end": length}[label.get("text-anchor")]
        baseline = float(label.get("y")) + float(label.get("dy").removesuffix("em")) * font
        boxes.append((left, baseline - 0.75 * font, left + length, baseline + 0.2 * font))
    assert len(boxes) >= 5
    for left, top, right, bottom in boxes:
        assert left >= 0
        assert top >= 0
        assert right <= width
        assert bottom <= height
    for one, other in itertools.combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_a_chart_tells_what_it_shows_and_which_line_cannot_be_seen(tiny_record, tmp_path):
    models = [Model(name, tiny_record, tmp_path) for name in ("good", "<bad>")]
    lines = [Line(models[0], 0, FALLING), Line(models[1], 1, [(1.0, 1e5), (2.0, 1e6)])]
    figure = ET.fromstring(svg.figure(lines))
    chart = next(one for one in figure if one.tag == "svg")
    assert chart.get("role") == "img"
    assert chart.get("aria-label").endswith("good, <bad>")
    entries = ["".join(entry.itertext()) for entry in figure.iter("li")]
    assert entries == ["good", "<bad> (above the frame)"]


def test_a_terminal_draws_no_mark_and_no_letter_for_what_is_above_its_frame():
    spike = [*FALLING[:10], (1050.0, 40.0), *FALLING[10:]]
    rows = curve([], spike, first=0, last=2400, columns=80, rows=12)
    assert sum(row.count(MARK) for row in rows) <= len(spike) - 1 - len(spike) // 10
    assert MARK not in rows[0]
    letters = ["".join(piece.text for piece in row) for row in overlay({0: STEEP}, columns=80, rows=12, lettered=True)]
    assert letters[0].split("┤")[1].strip()[0] != "a"


def test_a_terminal_names_the_losses_between_the_bounds_where_there_is_room():
    high, low = (curve(FALLING, [], first=0, last=2400, columns=80, rows=rows) for rows in (12, 7))
    labels = [label for _, label in reversed(Frame.around([FALLING], 0, 2400).losses())]
    assert [row.split("┤")[0].strip() for row in high if "┤" in row] == labels
    assert [row.split("┤")[0].strip() for row in low if "┤" in row] == [labels[0], labels[-1]]
