"""What reaches a terminal, and how it fits."""

import os
import subprocess
import sys

import pytest

from zoo.cli import numbers
from zoo.cli.table import GAP, SHORTEST_PROSE, Column, fitting
from zoo.cli.terminal import cells, fill, safe, squeeze

COLUMNS = [Column("name"), Column("steps", keep=2), Column("for", keep=3, prose=True), Column("loss", keep=1)]
WIDTHS = [10, 6, 60, 8]


def test_prose_is_cut_before_any_column_goes():
    assert fitting(COLUMNS, WIDTHS, 200) == {0: 10, 1: 6, 2: 60, 3: 8}
    assert fitting(COLUMNS, WIDTHS, 70) == {0: 10, 1: 6, 2: 70 - 24 - 3 * GAP, 3: 8}
    least = 24 + SHORTEST_PROSE + 3 * GAP
    assert fitting(COLUMNS, WIDTHS, least)[2] == SHORTEST_PROSE
    assert list(fitting(COLUMNS, WIDTHS, least - 1)) == [0, 1, 3]
    assert list(fitting(COLUMNS, WIDTHS, 20)) == [0, 3]
    assert list(fitting(COLUMNS, WIDTHS, 1)) == [0]


@pytest.mark.parametrize(
    "character",
    ["\x1b", "\x07", "\x08", "\r", "\x7f", "\x9b", "\u202e", "\u200b", "\ufeff", "\ud800", "\ufff9", "\U000e0041"],
)
def test_nothing_that_a_terminal_obeys_is_safe(character):
    assert character not in safe(f"a{character}b")
    assert safe(f"a{character}b").isascii()


def test_text_keeps_its_newlines_tabs_and_letters():
    assert safe("é\tß\n東 😀") == "é\tß\n東 😀"


def test_wide_and_combining_characters_take_their_columns():
    assert cells("abc") == 3
    assert cells("東京") == 4
    assert cells("e\u0301") == 1


def test_lines_break_between_words(monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    filled = fill("a sentence that is longer than thirty columns")
    assert max(map(len, filled.split("\n"))) <= 30
    assert filled.split() == ["a", "sentence", "that", "is", "longer", "than", "thirty", "columns"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (12345, "12.3 k"), (999_999, "1 M"), (2_500_000, "2.5 M")],
)
def test_counts_have_three_digits_and_the_right_unit(value, shown):
    assert numbers.count(value) == shown


def test_zoo_alone_shows_its_help(zoo):
    assert zoo().out.strip() == zoo("--help").out.strip()
    assert zoo().code == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("zoo chat tiny", "tiny-nano"),
        ("zoo train --dataset ti", "tiny"),
        ("zoo train --preset nanog", "nanogpt-cpu"),
        ("zoo train --set n_la", "n_layer="),
        ("zoo rm ti", "tiny-nano"),
    ],
)
def test_a_shell_completes_names(home, tiny_model, words, expected):
    environment = {**os.environ, "_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": words}
    environment["COMP_CWORD"] = str(len(words.split()) - 1)
    done = subprocess.run(
        [sys.executable, "-c", "from zoo.cli import zoo; zoo(prog_name='zoo')"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"plain,{expected}" in done.stdout.splitlines()


@pytest.mark.parametrize("columns", range(6, 24))
@pytest.mark.parametrize("line", ["shakespeare-laptop", "日本語の長い名前です", "a" * 40])
def test_a_squeezed_line_fits_and_keeps_both_ends(line, columns):
    shown = squeeze(line, columns)
    assert cells(shown) <= columns
    assert shown == line if cells(line) <= columns else "..." in shown
    assert shown.startswith(line[0])


def test_squeezed_names_are_told_apart():
    assert squeeze("shakespeare-laptop", 13) == "shake...aptop"
