"""zoo surprise: a text, and what of it a model did not expect."""

import html.parser
import json
import math
import os
import re
import subprocess
import sys

import numpy as np
import pexpect
import pytest

from zoo.cli.heat import BITS, Canvas, gain_scale, legend, rows, show_heat, visible
from zoo.cli.terminal import cells

TEXT = "The cat sat on a mat.\nTwo old dogs, é and \x1b[31mred\x07.\n"


@pytest.fixture
def text_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT, encoding="utf-8")
    return str(path)


def on_a_terminal(home, *words: str, **environment: str) -> str:
    """What a command writes to a terminal, but for its progress, which is on stderr."""
    child = pexpect.spawn(
        "sh",
        ["-c", 'exec "$@" 2>/dev/null', "sh", sys.executable, "-m", "zoo", *words],
        env={**os.environ, "ZOO_HOME": str(home.path), "TERM": "xterm-256color", **environment},
        timeout=30,
    )
    child.expect(pexpect.EOF)
    return child.before.decode()


def test_each_line_has_glyphs_below_it_and_a_legend_names_them(zoo, tiny_model, text_file):
    outcome = zoo("surprise", "tiny-nano", text_file)
    assert outcome.code == 0
    text, glyphs, *_ = outcome.out.splitlines()
    assert text == "The cat sat on a mat.↵"
    assert len(glyphs) <= len(text)
    assert set(glyphs) <= set(" .:+*#?")
    assert "0-1" in outcome.out.splitlines()[-1]
    assert "tiny-nano" in outcome.err
    assert "bits per character" in outcome.err
    assert "known" in outcome.err


def test_nothing_of_a_text_is_obeyed_by_a_terminal(zoo, home, tiny_model, text_file):
    assert "\x1b" not in zoo("surprise", "tiny-nano", text_file).out
    shown = on_a_terminal(home, "surprise", "tiny-nano", text_file)
    assert "\x1b[0;38;5;" in shown
    left = re.sub(r"\x1b\[0?(;?\d+)*m", "", shown)
    assert "\\x1b[31m" in left
    assert not {"\x1b", "\x07"} & set(left)


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "xterm"}])
def test_without_colours_there_are_glyphs(home, tiny_model, text_file, environment):
    shown = on_a_terminal(home, "surprise", "tiny-nano", text_file, **environment)
    assert "\x1b" not in shown
    assert "' ' 0-1" in shown


def test_the_most_surprising_characters_are_listed(zoo, tiny_model, text_file):
    lines = zoo("surprise", "tiny-nano", text_file, "--top", "3").out.splitlines()
    assert len(lines) == 4
    bits = [float(line.split()[1]) for line in lines[1:]]
    assert bits == sorted(bits, reverse=True)


def test_two_models_are_compared_character_by_character(zoo, tiny_model, text_file):
    same = zoo("surprise", "tiny-nano", text_file, "--vs", "tiny-nano")
    assert "better" in same.out
    told = json.loads(zoo("surprise", "tiny-nano", text_file, "--vs", "shakespeare-nano", "--json").out)
    assert told["vs"]["name"] == "shakespeare-nano"
    both = [(a, b) for a, b in zip(told["bits"], told["vs_bits"], strict=True) if a is not None and b is not None]
    assert told["gain"] == pytest.approx(sum(b - a for a, b in both) / len(both))


def test_machines_are_told_the_bits_of_every_character(zoo, tiny_model, text_file):
    told = json.loads(zoo("surprise", "tiny-nano", text_file, "--json").out)
    assert told["schema"] == "zoo.surprise/1"
    assert told["text"] == TEXT
    assert len(told["bits"]) == len(TEXT) == told["characters"]
    assert told["bits"][TEXT.index("é")] is None
    known = [value for value in told["bits"] if value is not None]
    assert told["model"]["known"] == len(known)
    assert told["model"]["bits_per_character"] == pytest.approx(sum(known) / len(known))
    top = json.loads(zoo("surprise", "tiny-nano", text_file, "--json", "--top", "2").out)["top"]
    assert [peak["bits"] for peak in top] == sorted(known, reverse=True)[:2]


class Page(html.parser.HTMLParser):
    """The text of a page, and what kinds of elements it has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.text, self.attributes = set(), "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def test_the_page_holds_the_text_and_nothing_that_a_browser_would_obey(zoo, tiny_model, tmp_path):
    hostile = 'The <script>alert(1)</script> & "cat" <img src=x onerror=y>\x1b\u202e\n'
    (tmp_path / "text.txt").write_text(hostile, encoding="utf-8")
    outcome = zoo("surprise", "tiny-nano", str(tmp_path / "text.txt"), "--html", str(tmp_path / "out.html"))
    assert outcome.code == 0
    assert outcome.out == ""
    source = (tmp_path / "out.html").read_text(encoding="utf-8")
    page = Page(source)
    assert page.tags <= {"html", "head", "meta", "title", "style", "body", "h1", "p", "span", "pre"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name in ("src", "href")]
    assert "<script>alert(1)</script>" in page.text
    assert not {"\x1b", "\u202e"} & set(source)
    assert "http" not in source.replace("http-equiv", "")
    assert "prefers-color-scheme: dark" in source


@pytest.mark.parametrize(
    ("content", "code"), [(b"", 4), (b"T", 0), (b"\n", 0), (bytes(range(256)), 4), (b"PK\x03\x04" + bytes(99), 4)]
)
def test_strange_files_get_an_answer_or_one_line(zoo, tiny_model, tmp_path, content, code):
    (tmp_path / "text.txt").write_bytes(content)
    outcome = zoo("surprise", "tiny-nano", str(tmp_path / "text.txt"))
    assert outcome.code == code
    assert len(outcome.err.splitlines()) == 1


def test_what_cannot_be_read_or_written_is_said(zoo, tiny_model, tmp_path, text_file):
    assert zoo("surprise", "tiny-nano", str(tmp_path / "none")).code == 3
    assert zoo("surprise", "tiny-nano", str(tmp_path)).code == 4
    assert zoo("surprise", "nobody", text_file).code == 3
    assert zoo("surprise", "tiny-nano", text_file, "--top", "0").code == 2
    assert zoo("surprise", "tiny-nano", text_file, "--html", text_file).code == 2
    assert zoo("surprise", "tiny-nano", text_file, "--html", "x.html", "--json").code == 2
    assert zoo("surprise", "tiny-nano", text_file, "--html", str(tmp_path / "no" / "where.html")).code in (3, 6)
    assert (tmp_path / "text.txt").read_text(encoding="utf-8") == TEXT


def test_a_pipe_is_read(home, tiny_model):
    done = subprocess.run(
        [sys.executable, "-m", "zoo", "surprise", "tiny-nano", "-"],
        env={**os.environ, "ZOO_HOME": str(home.path), "PYTHONUTF8": "1"},
        input=TEXT.encode("utf-16"),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "The cat sat" in done.stdout.decode()


def canvas(columns: int, *, colour: bool = False, plain: bool = False) -> Canvas:
    return Canvas(columns, colour, plain)


@pytest.mark.parametrize("columns", [10, 40, 80])
@pytest.mark.parametrize("plain", [False, True])
def test_rows_fit_and_hold_all_of_a_text(columns, plain):
    text = "Words and 日本語 words, a\tb e\u0301 \x1b and one-that-is-longer-than-all-others-" * 3 + "\n\nend"
    values = np.linspace(0, 12, len(text))
    drawn = list(rows(text, values, BITS, canvas(columns, plain=plain)))
    assert all(sum(cell.columns for cell in row) <= columns for row in drawn)
    assert all(sum(cells(cell.shown) for cell in row) <= columns for row in drawn)
    shown = [cell.shown for row in drawn for cell in row]
    assert shown == [visible(character, plain=plain)[0] for character in text]
    assert all(shown_one.isascii() for shown_one in shown) or not plain


@pytest.mark.parametrize("scale", [BITS, gain_scale("one", "other")], ids=["bits", "gain"])
@pytest.mark.parametrize("columns", [20, 40, 80])
def test_the_legend_fits_and_names_every_step(scale, columns):
    lines = legend(scale, canvas(columns), unknown=True)
    assert all(cells(line) <= columns for line in lines)
    assert all(step.label in " ".join(lines) for step in scale.steps)


def test_values_belong_to_the_step_whose_edge_they_reach():
    values = np.array([0, 0.99, 1, 3.99, 4, 8, 1e9, math.nan])
    assert BITS.steps_of(values).tolist() == [0, 0, 1, 2, 3, 5, 5, -1]


def test_a_heat_map_of_what_is_unknown_says_so(capsys):
    show_heat("ab", np.array([0.5, math.nan]), BITS)
    out = capsys.readouterr().out
    assert out.splitlines()[:2] == ["ab", " ?"]
    assert "? unknown" in out
