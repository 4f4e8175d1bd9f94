"""Columns: lines that are broken while their text is being written; and the marks of a blend."""

import pytest

from zoo.cli.columns import flowing, wrapped
from zoo.cli.replies import mark
from zoo.cli.terminal import cells
from zoo.talk.text import Piece


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []),
        ("one", ["one"]),
        ("one\n", ["one"]),
        ("one\n\ntwo", ["one", "", "two"]),
        ("aaaaa bbbbb ccc", ["aaaaa", "bbbbb ccc"]),
        ("aaaaa bbbb\ncc", ["aaaaa bbbb", "cc"]),
        ("aaaaa bbbb \ncc", ["aaaaa bbbb", "cc"]),
        ("aaaaa bbbb \n\ncc", ["aaaaa bbbb", "", "cc"]),
        ("aaaaaaaaaaaaa", ["aaaaaaaaaa", "aaa"]),
        ("a\tb", ["a    b"]),
        ("日本語日本語", ["日本語日本", "語"]),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_lines_are_broken_between_words_and_nothing_is_lost(text, lines, size):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert list(wrapped(pieces, 10)) == lines
    assert all(cells(line) <= 10 for line in lines)


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("one two", "one two"),
        ("aaaaa bbbbb ccc", "aaaaa\nbbbbb ccc"),
        ("aaaaa bbbb\ncc", "aaaaa bbbb\ncc"),
        ("aaaaa bbbb cc", "aaaaa bbbb\ncc"),
        ("aaaaa bbbb \n\ncc ", "aaaaa bbbb\n\ncc "),
        ("aaaaaaaaaaaaa b", "aaaaaaaaaaaaa\nb"),
        ("  aa", "  aa"),
        ("\x1b[38;5;74maaaaa \x1b[0mbbbb cc", "\x1b[38;5;74maaaaa \x1b[0mbbbb\ncc"),
    ],
)
def test_a_text_flows_word_by_word_within_its_room(text, shown, size):
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    assert "".join(flowing(pieces, 10)) == shown


def test_words_are_marked_where_another_member_takes_over(monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    first, second = (0.9, 0.1), (0.2, 0.8)
    spoken = [
        ("to ", first),
        ("be", second),
        (" ", first),
        ("or ", second),
        ("not ", first),
        ("\n", second),
        ("to", first),
    ]
    pieces = [Piece(character, 0, None, shares) for word, shares in spoken for character in word]
    assert "".join(mark(pieces)).replace("[1]", "¹").replace("[2]", "²") == "¹to ²be or ¹not \nto"
