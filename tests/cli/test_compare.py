"""zoo compare: leaderboards and differences, as tables, for programs, as curves and as pictures."""

import csv
import dataclasses
import io
import json
import math
import re
import sys
import xml.etree.ElementTree as ET

import pytest
from cli.test_cli import spawn
from cli.test_live import see
from tiny import empty

from zoo.cli.curve import letter, overlay
from zoo.cli.terminal import cells
from zoo.registry.registry import Registry

RUN = "import sys; from zoo.cli import run; sys.exit(run({!r}))"
DOTTED = {chr(point) for point in range(0x2801, 0x2900)}


def write_log(home, name: str, losses: list[float]) -> None:
    """A validation every ten steps."""
    lines = [{"step": 10 * at, "train_loss": 1.0, "val_loss": loss} for at, loss in enumerate(losses, 1)]
    (home.models / name / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@pytest.fixture
def logged(home, rivals):
    """As `rivals`, with logs of most."""
    write_log(home, "best", [2 + math.exp(-at / 5) for at in range(20)])
    write_log(home, "worse", [3 + math.exp(-at / 5) for at in range(20)])
    write_log(home, "othertext", [1.0])
    write_log(home, "broken", [math.nan, math.inf])
    return rivals


def test_the_command_ranks_with_numbers_and_leaves_the_unmeasured_unranked(zoo, rivals):
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


def test_a_nan_loss_has_no_rank(zoo, rivals):
    row = next(line.split() for line in zoo("compare").out.splitlines() if "broken" in line)
    assert row[0] == "broken"


def test_the_command_warns_of_what_cannot_be_compared(zoo, rivals):
    outcome = zoo("compare", "best", "othertext")
    assert outcome.code == 0
    assert "none is better" in outcome.err
    assert zoo("compare", "best", "worse").err == ""


def test_json_of_both_forms_is_valid_and_whole(zoo, rivals, tiny_record):
    document = json.loads(zoo("compare", "--json").out, parse_constant=pytest.fail)
    assert document["schema"] == "zoo.leaderboards/1"
    boards = [b for b in document["leaderboards"] if b["datasets"] == ["tiny"]]
    assert len(boards) == 3
    board = next(b for b in boards if len(b["models"]) == 5)
    assert board["val_sha256"] == tiny_record.corpora[0].val_sha256
    assert [m["val_loss"] for m in board["models"]] == [0.5, tiny_record.val_loss, 9.0, None, None]
    outcome = zoo("compare", "best", "worse", "othertext", "--json")
    document = json.loads(outcome.out, parse_constant=pytest.fail)
    assert document["schema"] == "zoo.differences/1"
    assert document["comparable"] is False
    losses = next(f["values"] for f in document["fields"] if f["field"] == "val_loss")
    assert losses == {"best": 0.5, "worse": 9.0, "othertext": 0.1}


def test_names_twice_are_shown_once_and_unknown_ones_are_not_found(zoo, rivals):
    document = json.loads(zoo("compare", "best", "best", "worse", "--json").out)
    assert list(document["fields"][-1]["values"]) == ["best", "worse"]
    outcome = zoo("compare", "best", "wurse")
    assert outcome.code == 3
    assert "did you mean 'worse'" in outcome.err


def test_compare_all_shows_the_equal_too(zoo, rivals):
    assert "n_layer" not in zoo("compare", "best", "worse").out
    assert "n_layer" in zoo("compare", "best", "worse", "--all").out


def row(out: str, head: str) -> list[str]:
    return next(line.split()[1:] for line in out.splitlines() if line.split()[:1] == [head])


def test_two_models_have_a_column_of_deltas_and_more_a_row(zoo, rivals):
    out = zoo("compare", "best", "worse").out
    assert out.split("\n")[0].split() == ["best", "worse", "delta"]
    assert row(out, "val_loss") == ["0.5000", "9.0000", "+8.5000"]
    lines = zoo("compare", "worse", "best", "tiny-nano").out.splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("val_loss"))
    assert lines[at + 1].split()[:2] == ["delta", "-8.5000"]


def test_parameters_time_and_speed_are_always_shown(zoo, rivals, tiny_record):
    out = zoo("compare", "best", "worse").out
    assert row(out, "parameters") == [f"{tiny_record.parameters:,}"] * 2
    assert row(out, "seconds") == [f"{tiny_record.seconds:.6g}"] * 2
    assert row(out, "tokens_per_second") == [f"{tiny_record.tokens / tiny_record.seconds:,.0f}"] * 2
    assert "n_layer" not in out


def test_a_loss_of_another_text_is_marked_has_no_delta_and_is_told(zoo, rivals):
    outcome = zoo("compare", "best", "othertext", "otherway", "worse")
    assert row(outcome.out, "val_loss") == ["0.5000", "0.1000*", "0.0100*", "9.0000"]
    lines = outcome.out.splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("val_loss"))
    assert lines[at + 1].split() == ["delta", "+8.5000"]
    assert "othertext has another validation text than best; otherway has another protocol" in outcome.err
    assert zoo("compare", "best", "othertext", "--csv").err == zoo("compare", "best", "othertext", "--md").err != ""
    assert "worse" not in outcome.err


def test_one_model_is_shown_with_its_facts(zoo, rivals):
    outcome = zoo("compare", "best")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.split("\n")[0].split() == ["best"]
    assert row(outcome.out, "val_loss") == ["0.5000"]


def test_a_blend_is_not_compared(zoo, rivals):
    outcome = zoo("compare", "best+worse")
    assert outcome.code == 2
    assert "is a blend, which is not measured" in outcome.err
    assert zoo("compare", "best@7").code == 3


def test_models_that_differ_in_their_seed_have_a_mean_and_a_deviation(zoo, home, tiny_record):
    registry = Registry(home)
    for seed, loss in ((1, 1.25), (2, 1.75)):
        name = f"seed-{seed}"
        changes = {"path": f"models/{name}", "seed": seed, "val_loss": loss}
        registry.claim(name, dataclasses.replace(tiny_record, **changes), empty)
    registry.update("tiny-nano", tiny_record.id, val_loss=1.5)
    lines = [line.split() for line in zoo("compare").out.splitlines()]
    assert ["3", "1.5000", "0.2500", "2.1640", "seed-1,", "tiny-nano,", "seed-2"] in lines
    boards = json.loads(zoo("compare", "--json").out)["leaderboards"]
    (found,) = next(board["seeds"] for board in boards if board["datasets"] == ["tiny"])
    assert found["models"] == ["seed-1", "tiny-nano", "seed-2"]
    assert found["seeds"] == [1, 1337, 2]
    assert (found["mean"], found["sd"]) == (1.5, 0.25)


def test_json_has_ranks_speeds_groups_and_deltas(zoo, rivals, tiny_record):
    boards = json.loads(zoo("compare", "--json").out, parse_constant=pytest.fail)["leaderboards"]
    models = next(board["models"] for board in boards if len(board["models"]) == 5)
    assert [model["rank"] for model in models] == [1, 2, 3, None, None]
    assert models[0]["tokens_per_second"] == tiny_record.tokens / tiny_record.seconds
    document = json.loads(zoo("compare", "best", "othertext", "worse", "--json").out)
    assert document["groups"] == [["best", "worse"], ["othertext"]]
    losses = next(field for field in document["fields"] if field["field"] == "val_loss")
    assert losses["deltas"] == {"best": None, "othertext": None, "worse": 8.5}


def read_csv(text: str) -> list[list[str]]:
    assert text.count("\r\n") == text.count("\n")
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_is_in_full_precision_and_quoted(zoo, rivals, tiny_record, home):
    record = Registry(home).get("best").record
    Registry(home).update("best", record.id, dataset='a,"b"\n\x1b', val_loss=1 / 3)
    head, *rows = read_csv(zoo("compare", "--csv").out)
    found = {row[head.index("model")]: dict(zip(head, row, strict=True)) for row in rows}
    assert found["best"]["datasets"] == r'a,"b"\n\x1b, tiny'
    assert float(found["best"]["val_loss"]) == 1 / 3
    assert found["best"]["rank"] == "1"
    assert (found["broken"]["val_loss"], found["fresh"]["val_loss"], found["fresh"]["rank"]) == ("nan", "", "")
    assert float(found["tiny-nano"]["tokens_per_second"]) == tiny_record.tokens / tiny_record.seconds
    outcome = zoo("compare", "best", "worse", "othertext", "--csv", "--all")
    head, *rows = read_csv(outcome.out)
    assert head == ["field", "best", "worse", "othertext", "delta worse", "delta othertext"]
    table = {row[0]: row[1:] for row in rows}
    assert table["val_loss"] == [str(1 / 3), "9.0", "0.1", str(9.0 - 1 / 3), ""]
    assert table["tied"][0] in ("true", "false")
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t=", "\r="])
def test_no_text_in_csv_is_a_formula_and_numbers_stay_numbers(zoo, rivals, home, begin):
    text = f"{begin}HYPERLINK(1)"
    shown = "'" + text.replace("\t", r"\t").replace("\r", r"\x0d")
    for name in ("best", "worse"):
        record = rivals.get(name).record
        rivals.update(name, record.id, dataset=text, device=text)
    head, *rows = read_csv(zoo("compare", "worse", "best", "--csv", "--all").out)
    table = {row[0]: row[1:] for row in rows}
    assert table["dataset"] == table["device"] == [shown, shown, ""]
    assert table["val_loss"] == ["9.0", "0.5", "-8.5"]
    head, *rows = read_csv(zoo("compare", "--csv").out)
    found = {row[head.index("model")]: dict(zip(head, row, strict=True)) for row in rows}
    assert found["best"]["datasets"].startswith(shown)


def test_markdown_is_a_table_in_which_nothing_is_markup(zoo, rivals, home):
    registry = Registry(home)
    registry.update("best", registry.get("best").record.id, dataset="a|b *c* <d> \\")
    out = zoo("compare", "best", "worse", "--md").out
    lines = out.splitlines()
    assert lines[0] == "|  | best | worse | delta |"
    assert lines[1] == "| --- | ---: | ---: | ---: |"
    assert r"| dataset | a\|b \*c\* \<d\> \\ | tiny |  |" in lines
    assert "| val_loss | 0.5000 | 9.0000 | +8.5000 |" in lines
    out = zoo("compare", "--md").out
    assert r"**a\|b \*c\* \<d\> \\, tiny (windows/v1, nats per character)**" in out
    assert "| 1 | best | 0.5000 |" in out
    assert "\x1b" not in out


@pytest.mark.parametrize("names", [[], ["best", "worse"]], ids=["leaderboards", "differences"])
def test_the_forms_exclude_each_other(zoo, rivals, names):
    for forms in (["--json", "--csv"], ["--csv", "--md"], ["--md", "--json"], ["--md", "--curves"]):
        outcome = zoo("compare", *names, *forms)
        assert outcome.code == 2
        assert "exclude each other" in outcome.err
        assert outcome.out == ""


def test_curves_of_models_that_compare_share_a_frame(zoo, logged):
    outcome = zoo("compare", "best", "othertext", "worse", "fresh", "broken", "--curves")
    assert outcome.code == 0
    assert "no curve of fresh, broken" in outcome.err
    _, first, second = outcome.out.split("\nvalidation loss")
    assert "windows/v1" in first.splitlines()[0]
    assert "a best   best 2.0224 at 200" in first.splitlines()
    assert any(line.startswith("c worse") for line in first.splitlines())
    assert "othertext" not in first
    assert "b othertext  best 1.0000 at 10" in second.splitlines()
    assert {"a", "c"} <= {character for line in first.splitlines()[1:13] for character in line}


def test_a_pipe_has_curves_only_when_asked(zoo, logged):
    for words in ([], ["best", "worse"]):
        assert not DOTTED & set(zoo("compare", *words).out)
        assert DOTTED & set(zoo("compare", *words, "--curves").out)


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize(
    ("environment", "colours"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"PYTHONIOENCODING": "ascii"}, False),
    ],
    ids=["colours", "none", "ascii"],
)
def test_a_terminal_shows_table_and_curves_in_its_width(home, logged, columns, environment, colours):
    names = ["best", "othertext", "worse", "fresh", "broken", "tiny-nano"]
    screen, written = see(RUN.format(["compare", *names]), columns, 200, ZOO_HOME=str(home.path), **environment)
    assert all(cells(line) <= columns for line in screen.lines), screen.lines
    assert colours == ("\x1b[38;5;" in written)
    assert any(line.startswith("a best") for line in screen.lines)
    text = "\n".join(screen.lines)
    assert bool(DOTTED & set(text)) == ("PYTHONIOENCODING" not in environment)
    assert text.count("0.5000") == 1
    assert "no curve of fresh, broken" in text.replace("\n  ", " ")


def test_many_models_come_in_blocks_or_one_field_after_the_other(home, tiny_record):
    registry = Registry(home)
    names = [f"a-model-of-long-name-{number}" for number in range(12)]
    for number, name in enumerate(names):
        changes = {"path": f"models/{name}", "seed": number, "val_loss": 1.0 + number}
        registry.claim(name, dataclasses.replace(tiny_record, **changes), empty)
    for columns in (80, 40):
        screen, _ = see(RUN.format(["compare", *names]), columns, 400, ZOO_HOME=str(home.path))
        assert f"l  {names[11]}" in screen.lines
        assert all(cells(line) <= columns for line in screen.lines)
        shown = [word for line in screen.lines for word in line.split()]
        assert {f"{1.0 + number:.4f}" for number in range(12)} <= set(shown)
        assert {"+11.0000"} <= {word.strip("()") for word in shown}


def test_the_best_loss_is_bold_among_those_that_compare(home, rivals):
    _, written = see(RUN.format(["compare", "best", "othertext", "worse"]), 80, 100, ZOO_HOME=str(home.path))
    assert "\x1b[1m" in written.split("val_loss")[1].split("0.5000")[0]
    assert not written.split("val_loss")[1].split("0.1000*")[0].endswith("\x1b[1m")


LINES = {0: [(step, 3 - step / 100) for step in range(0, 101, 5)], 3: [(step, 2.5) for step in range(0, 101, 5)]}


def text_of(rows) -> list[str]:
    return ["".join(piece.text for piece in row) for row in rows]


def test_lines_in_a_frame_keep_their_numbers_and_end_in_their_letters():
    *rows, foot = overlay(LINES, columns=60, rows=9)
    assert {piece.line for row in rows for piece in row} == {None, 0, 3}
    ends = {line[-1] for line in text_of(rows) if line.strip()} & {"a", "d"}
    assert ends == {"a", "d"}
    assert text_of([foot])[0].split() == ["0", "100"]
    assert sum(line.count("d") for line in text_of(rows)) == 1
    assert sum(line.count("d") for line in text_of(overlay(LINES, columns=60, rows=9, lettered=True))) > 4


def test_no_two_lines_have_one_letter():
    assert [letter(number) for number in (0, 25, 26, 51, 52, 104)] == ["a", "z", "A", "Z", "a1", "a2"]
    assert len({letter(number) for number in range(500)}) == 500


def test_lines_that_end_together_both_have_a_letter():
    rows = text_of(overlay({0: LINES[0], 1: LINES[0]}, columns=60, rows=9))
    assert [sum(line.count(sign) for line in rows) for sign in "ab"] == [1, 1]


@pytest.mark.parametrize("columns", [20, 38, 100])
@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(
    "lines",
    [{}, {0: []}, {0: [(1, 2.0)]}, {0: [(0, 0.0)]}, {0: [(2**31, 1e9), (2**31, 0.0)], 60: [(1, 1e-9)]}, LINES],
)
def test_a_frame_fits_whatever_is_in_it(lines, plain, columns):
    rows = text_of(overlay(lines, columns=columns, rows=5, plain=plain, lettered=True))
    assert len(rows) == 6
    assert all(cells(row) <= columns for row in rows)
    assert not plain or all(row.isascii() for row in rows)


def test_a_narrow_legend_keeps_the_losses_and_the_ends_of_long_names(home, tiny_record):
    registry = Registry(home)
    for end in ("one", "two"):
        name = f"a-model-with-quite-a-long-name-{end}"
        registry.claim(name, dataclasses.replace(tiny_record, id=name, path=f"models/{name}", val_loss=1.0), empty)
        write_log(home, name, [3.0, 2.0, 1.0])
    screen, _ = see(RUN.format(["compare", "a-model*"]), 40, 200, ZOO_HOME=str(home.path))
    legend = [line.split() for line in screen.lines if "1.0000 at 30" in line]
    assert [words[1][-8:] for words in legend] == ["name-one", "name-two"]


@pytest.fixture
def draws():
    """For tests that need matplotlib."""
    pytest.importorskip("matplotlib")


@pytest.mark.parametrize("names", [[], ["best", "othertext", "worse", "fresh"]], ids=["leaderboards", "differences"])
def test_a_picture_is_drawn_of_all_that_has_a_curve(zoo, logged, tmp_path, draws, names):
    outcome = zoo("compare", *names, "--plot", str(tmp_path / "a.svg"))
    assert outcome.code == 0, outcome.err
    assert f"wrote {tmp_path / 'a.svg'}" in outcome.err
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
    assert zoo("compare", *names, "--plot", str(tmp_path / "b.SVG"), "--json").code == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.SVG").read_bytes()
    assert zoo("compare", *names, "--plot", str(tmp_path / "a.png"), "--csv").code == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.glob("*.[ps]*")) == ["a.png", "a.svg"]


def test_a_picture_takes_no_text_for_a_formula(zoo, home, logged, tmp_path, draws):
    registry = Registry(home)
    for strange in (r"$\frac{", "_x_", "a\x1b[31m\n$b$", "\u4e00\u202e", "$"):
        registry.update("best", "id of best", dataset=strange, val_protocol=strange)
        outcome = zoo("compare", "best", "--plot", str(tmp_path / "a.svg"))
        assert outcome.code == 0, outcome.err
        ET.parse(tmp_path / "a.svg")


def test_a_picture_that_cannot_be_drawn_leaves_nothing(zoo, logged, tmp_path, draws):
    for name in ("a.jpg", "a", "a.svg.gz"):
        outcome = zoo("compare", "best", "--plot", str(tmp_path / name))
        assert outcome.code == 2
        assert outcome.out == ""
        assert ".png nor a .svg" in outcome.err
    assert zoo("compare", "fresh", "--plot", str(tmp_path / "a.svg")).code == 3
    assert zoo("compare", "best", "--plot", str(tmp_path / "no" / "a.svg")).code == 6
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("home", "tiny.txt")] == []


def test_without_matplotlib_a_picture_says_how_to_install_it(zoo, logged, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = zoo("compare", "best", "--plot", str(tmp_path / "a.svg"))
    assert outcome.code == 2
    assert outcome.out == ""
    assert "python -m pip install 'zoo-gpt[plot]'" in outcome.err


def test_settings_of_the_reader_do_not_change_a_picture(home, logged, tmp_path, draws):
    """Nor does one that matplotlib does not understand make a bug of ours."""
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 20\nfont.size: 30\ntext.usetex: True\n")
    for name, environment in (("a.svg", {}), ("b.svg", {"MATPLOTLIBRC": str(tmp_path)})):
        done = spawn(home, "compare", "best", "--plot", str(tmp_path / name), env=environment)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    done = spawn(home, "compare", "best", "--plot", str(tmp_path / "c.svg"), env={"MPLBACKEND": "nonsense"})
    assert done.returncode == 2
    assert b"does not start" in done.stderr


def test_a_speed_beyond_any_machine_is_none(zoo, rivals, home):
    Registry(home).update("best", "id of best", seconds=1e-320, tokens=2**62)
    for form in ((), ("--md",), ("--csv",), ("--json",)):
        assert zoo("compare", *form).code == 0
        assert zoo("compare", "best", "worse", *form).code == 0


def test_a_thousand_names_take_one_look_at_the_registry(zoo, rivals, monkeypatch):
    looks = []
    models = Registry.models
    monkeypatch.setattr(Registry, "models", lambda self: looks.append(1) or models(self))
    assert zoo("compare", *["best", "worse", "broken", "tiny-nano"] * 9, "--json").code == 0
    assert len(looks) < 5


def test_a_picture_names_a_line_that_cannot_be_seen(zoo, logged, home, tmp_path, draws):
    write_log(home, "worse", [1e5, 1e6])
    assert zoo("compare", "best", "worse", "--plot", str(tmp_path / "a.svg")).code == 0
    words = re.findall("<!-- (.*?) -->", (tmp_path / "a.svg").read_text())
    assert "worse (above the frame)" in words
    assert "best" in words
