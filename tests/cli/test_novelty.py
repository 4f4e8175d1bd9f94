"""zoo novelty: figures of what was written and of a page beside it, in a pipe, on a terminal and as JSON."""

import json
import os
import re
import shutil
import sys

import pexpect
import pytest
from cli.screen import Screen
from tiny import tiny_settings

from zoo.corpora.corpus import open_corpus
from zoo.home import Home

FEW = ("--num", "3", "--max-new", "80")


@pytest.fixture
def train_text(home, tiny_model):
    return open_corpus(home, "tiny").text("train")


@pytest.fixture
def write(tmp_path):
    """Write a file of a text and give its path."""

    def put(text: str) -> str:
        path = tmp_path / "text.txt"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return put


@pytest.fixture
def measured(zoo):
    """What --json says."""

    def of(*args: str, **options) -> dict:
        outcome = zoo("novelty", *args, "--json", **options)
        assert outcome.code == 0, outcome.err
        return json.loads(outcome.out, parse_constant=pytest.fail)

    return of


@pytest.fixture
def see(home: Home):
    """What is written to a terminal of so many columns."""

    def run(*args: str, columns: int = 80) -> str:
        variables = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
        variables |= {"ZOO_HOME": str(home.path), "TERM": "xterm-256color", "PYTHONUTF8": "1"}
        command = ["-m", "zoo", "novelty", *args]
        child = pexpect.spawn(sys.executable, command, env=variables, dimensions=(24, columns), timeout=30)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == 0, child.before
        return child.before.decode().replace("\r\n", "\n")

    return run


def lines_of(written: str, columns: int) -> list[str]:
    """What is to be seen in the end."""
    return Screen(columns, 24).feed(written.replace("\n", "\r\n")).lines


def test_what_it_writes_is_set_beside_a_page_it_has_not_read(zoo, tiny_model):
    outcome = zoo("novelty", "tiny-nano", *FEW)
    assert outcome.code == 0
    head, written, page, _, *rest = outcome.out.splitlines()
    assert head.split() == ["text", "characters", "verbatim", "longest"]
    assert re.fullmatch(r"written by tiny-nano +240 +\d+\.\d\d % +\d+", written)
    assert re.fullmatch(r"validation part of tiny +240 +\d+\.\d\d % +\d+", page)
    assert rest[0].startswith("longest span, written by tiny-nano: ")
    assert rest[3].startswith("longest span, validation part of tiny: ")
    said = outcome.err.splitlines()
    assert said[0] == "zoo: tiny-nano writes 3 x 80, seed 0, temperature 0.8"
    assert said[1].startswith("verbatim: the share of the characters in spans of 30 or more")
    assert "training part of tiny (" in said[1]


def test_the_figure_repeats_and_is_of_what_generate_writes(zoo, measured, tiny_model):
    first = measured("tiny-nano", *FEW)
    assert first == measured("tiny-nano", *FEW)
    assert (first["schema"], first["model"], first["file"], first["seed"]) == ("zoo.novelty/1", "tiny-nano", None, 0)
    assert first["sampling"]["temperature"] == 0.8
    generated = json.loads(zoo("generate", "tiny-nano", "", "--seed", "0", *FEW, "--json").out)
    assert [text["text"] for text in first["texts"]] == [text["text"] for text in generated["texts"]]
    other = measured("tiny-nano", *FEW, "--seed", "1")
    assert other["texts"][0] == first["texts"][1]


def test_every_number_of_the_json_can_be_checked_by_hand(measured, train_text, tiny_model):
    found = measured("tiny-nano", *FEW, "--min-span", "6")
    covered = 0
    for entry in found["texts"]:
        inside = set()
        for span in entry["spans"]:
            piece = entry["text"][span["begin"] : span["end"]]
            assert len(piece) >= 6
            assert train_text.index(piece) == span["offset"]
            inside |= set(range(span["begin"], span["end"]))
        covered += len(inside)
    written = found["written"]
    assert (written["count"], written["characters"], written["verbatim"]) == (3, 240, covered)
    assert written["share"] == covered / 240
    longest = written["longest"]
    before = train_text[: longest["offset"]]
    assert train_text[longest["offset"] :].startswith(longest["span"])
    assert (longest["line"], longest["column"]) == (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert found["texts"][longest["index"]]["text"][longest["begin"] : longest["end"]] == longest["span"]
    assert found["page"]["characters"] == 240
    assert [part["name"] for part in found["read"]] == ["tiny"]
    assert found["lost"] == []


def test_a_text_that_is_given_is_measured_instead(measured, write, train_text, tiny_model):
    text = "☃" + train_text[200:300] + "☃☃" + train_text[50:70] + "☃"
    found = measured("tiny-nano", "--text", write(text))
    assert found["written"]["verbatim"] == 100
    assert found["written"]["longest"]["span"] == train_text[200:300]
    assert found["texts"] == [
        {"text": text, "spans": [{"begin": 1, "end": 101, "corpus": "tiny", "offset": train_text.index(text[1:101])}]}
    ]
    assert found["file"].endswith("text.txt")
    assert found["seed"] is found["sampling"] is None
    piped = measured("tiny-nano", "--text", "-", stdin=text)
    assert piped["written"] == found["written"]
    assert piped["file"] == "standard input"


def test_a_text_needs_no_weights(zoo, home, tiny_model, write, train_text):
    (home.models / "tiny-nano" / "weights.safetensors").unlink()
    assert "100.00 %" in zoo("novelty", "tiny-nano", "--text", write(train_text[:90])).out
    outcome = zoo("novelty", "tiny-nano", *FEW)
    assert outcome.code == 4
    assert "weights.safetensors" in outcome.err


def test_never_a_hundred_per_cent_of_less(zoo, tiny_model, write, train_text):
    text = train_text[:5000] + "☃"
    out = zoo("novelty", "tiny-nano", "--text", write(text * 4)).out
    assert "99.98 %" in out
    assert "100.00 %" not in out


def test_spans_are_shown_on_one_line_and_cut_where_they_are_long(zoo, tiny_model, write, train_text):
    lines = zoo("novelty", "tiny-nano", "--text", write(train_text[:2000])).out.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("longest span, "))
    assert lines[at].endswith("text.txt: 2,000 characters, tiny 1:1")
    assert lines[at + 1] == '    "' + train_text[:500].replace("\n", "\\n") + '..."'


def test_show_puts_what_is_verbatim_between_brackets_in_a_pipe(zoo, tiny_model, write, train_text):
    piece = train_text[200:300]
    outcome = zoo("novelty", "tiny-nano", "--show", "--text", write(f"☃{piece}☃"))
    assert outcome.out.startswith(f"☃[[{piece}]]☃\n\n")
    several = zoo("novelty", "tiny-nano", "--show", *FEW, "--min-span", "1000").out
    plain = zoo("generate", "tiny-nano", "", "--seed", "0", *FEW).out
    assert several.startswith(plain + "\n")


@pytest.mark.parametrize("columns", [40, 80])
def test_show_underlines_it_on_a_terminal(see, tiny_model, write, train_text, columns):
    piece = train_text[200:300]
    written = see("tiny-nano", "--show", "--text", write(f"☃{piece}☃"), columns=columns)
    underlined = re.search(r"\x1b\[0;4m(.*?)\x1b\[0m", written, re.DOTALL)
    assert underlined
    assert underlined[1].split() == piece.split()
    assert all(len(line) <= columns for line in lines_of(written, columns))


@pytest.mark.parametrize("columns", [40, 80])
def test_figures_fit_a_terminal(see, tiny_model, columns):
    visible = lines_of(see("tiny-nano", *FEW, columns=columns), columns)
    assert all(len(line) <= columns for line in visible)
    assert any("verbatim" in line and "longest" in line for line in visible)


def test_nothing_of_a_text_or_its_name_is_obeyed(see, zoo, home, tiny_model, tmp_path):
    hostile = "\x1b[31mThe\x07 cat\x9b2J\u202e sat on a red barn while rain fell by the doors"
    source = tmp_path / "evil.txt"
    source.write_text((hostile + "\n") * 60)
    assert zoo("fetch", "evil", "--from", str(source)).code == 0
    assert zoo("train", "-d", "evil", "-n", "evil", *tiny_settings(max_steps=1)).code == 0
    name = tmp_path / "a\x1b[2Jb.txt"
    name.write_text(hostile)
    rest = "\n".join(lines_of(see("evil", "--show", "--text", str(name)), 80))
    assert not [c for c in rest if c != "\n" and not c.isprintable()]
    assert r"\x1b[31mThe" in rest.replace("\n", "")


def test_short_and_empty_texts_have_figures_too(zoo, measured, write, tiny_model):
    outcome = zoo("novelty", "tiny-nano", "--text", write("T"))
    assert outcome.code == 0
    assert "no text has 30 characters" in outcome.err
    found = measured("tiny-nano", "--text", write("T"))
    assert (found["written"]["share"], found["written"]["longest"]["length"]) == (0.0, 1)
    assert measured("tiny-nano", "--text", write("☃"))["written"]["longest"] is None
    nothing = measured("tiny-nano", "--max-new", "0")
    assert (nothing["written"]["characters"], nothing["written"]["share"]) == (0, None)
    assert nothing["written"]["longest"] is nothing["page"]["longest"] is None
    assert re.search(r"written by tiny-nano +0 +- +0\n", zoo("novelty", "tiny-nano", "--max-new", "0").out)
    assert zoo("novelty", "tiny-nano", "--text", write("")).code == 4


def test_a_validation_part_that_is_shorter_is_said_to_be(zoo, home, tiny_model, write, train_text):
    outcome = zoo("novelty", "tiny-nano", "--text", write(train_text[:3000]))
    validation = open_corpus(home, "tiny").characters_of("val")
    assert f"no more than {validation:,} characters" in outcome.err
    assert re.search(rf"validation part of tiny +{validation:,} ", outcome.out)


def test_bytes_and_steps_of_a_model_are_measured(zoo, measured, tiny_corpus):
    options = ["--vocab", "bytes", "-n", "bytes", "--keep", "log", *tiny_settings(max_steps=3)]
    assert zoo("train", "-d", "tiny", *options).code == 0
    assert 0 < measured("bytes", *FEW)["written"]["characters"] <= 240
    assert measured("bytes@0", *FEW)["model"] == "bytes@0"
    outcome = zoo("novelty", "bytes@7", *FEW)
    assert outcome.code == 3
    assert "it has 0, 1, 2, 3" in outcome.err


def test_what_an_ancestor_has_read_and_is_gone_is_a_warning(zoo, home, tiny_model, tmp_path):
    (tmp_path / "other.txt").write_text("By the old barn two red dogs sat and saw.\n" * 40)
    assert zoo("fetch", "other", "--from", str(tmp_path / "other.txt")).code == 0
    recipe = [word for pair in ("batch_size=4", "max_steps=1") for word in ("--set", pair)]
    assert zoo("train", "-d", "other", "-n", "child", "--init", "tiny-nano", *recipe).code == 0
    assert "training part of other (1,512 characters), tiny (" in zoo("novelty", "child", *FEW).err
    shutil.rmtree(home.corpora / "tiny")
    outcome = zoo("novelty", "child", *FEW)
    assert outcome.code == 0
    assert "zoo: warning: what 'tiny-nano' has read, which 'child' began from, was left out: " in outcome.err


def change(path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_text_that_is_gone_or_changed_is_refused_before_anything_is_written(zoo, home, tiny_model):
    corpus = open_corpus(home, "tiny")
    change(corpus.text_path, "cat", "dog")
    outcome = zoo("novelty", "tiny-nano", *FEW)
    assert (outcome.code, outcome.out) == (4, "")
    assert "was changed" in outcome.err
    assert "writes" not in outcome.err
    shutil.rmtree(home.corpora / "tiny")
    outcome = zoo("novelty", "tiny-nano", *FEW)
    assert outcome.code == 3
    assert "zoo fetch tiny" in outcome.err


REFUSED = {
    "a blend": (["tiny-nano+tiny-nano"], 2, "is a blend"),
    "no model": (["nobody"], 3, "no model named"),
    "no file": (["tiny-nano", "--text", "nowhere.txt"], 3, "nowhere.txt"),
    "a seed for a text": (["tiny-nano", "--text", "-", "--seed", "3"], 2, "--seed is for writing"),
    "a length for a text": (["tiny-nano", "--text", "-", "--max-new", "3"], 2, "--max-new is for writing"),
    "an encoding for none": (["tiny-nano", "--encoding", "latin-1"], 2, "--encoding goes with --text"),
    "no span": (["tiny-nano", "--min-span", "0"], 2, "--min-span"),
    "too much": (["tiny-nano", "--num", "1000", "--max-new", "1000"], 2, "measured at once"),
}


@pytest.mark.parametrize(("args", "code", "why"), REFUSED.values(), ids=REFUSED)
def test_what_makes_no_sense_is_one_line(zoo, tiny_model, args, code, why):
    outcome = zoo("novelty", *args, stdin="The cat")
    assert (outcome.code, outcome.out) == (code, "")
    assert why in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


def test_a_text_of_more_than_can_be_measured_is_refused(zoo, tiny_model, write):
    outcome = zoo("novelty", "tiny-nano", "--text", write("The cat " * 40_000))
    assert outcome.code == 4
    assert "give a part" in outcome.err


def test_novelty_writes_nothing(zoo, home, tiny_model):
    before = {path: path.lstat().st_mtime_ns for path in home.path.rglob("*")}
    assert zoo("novelty", "tiny-nano", *FEW).code == 0
    assert {path: path.lstat().st_mtime_ns for path in home.path.rglob("*")} == before
