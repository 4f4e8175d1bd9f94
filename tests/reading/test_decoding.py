"""From the bytes of a file to text: marks, line ends, encodings, and files that are no text."""

import codecs
import os
from pathlib import Path

import pytest

from zoo.corpora.corpus import open_corpus

TEXT = "Grüße, 你好 😀\nzweite Zeile\n\nnach einer leeren\n"
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.fixture
def fetched(zoo, home, tmp_path):
    """Fetch bytes as a file; gives the stored corpus."""

    def fetch(data: bytes, name: str = "mine", *options: str):
        path = tmp_path / f"{name}.txt"
        path.write_bytes(data)
        outcome = zoo("fetch", name, "--from", str(path), *options)
        assert outcome.code == 0, outcome.err
        return open_corpus(home, name)

    return fetch


@pytest.fixture
def refused(zoo, home, tmp_path):
    """Fetch bytes that are refused; gives what was said."""

    def fetch(data: bytes, *options: str, code: int = 4) -> str:
        path = tmp_path / "mine.txt"
        path.write_bytes(data)
        outcome = zoo("fetch", "mine", "--from", str(path), *options)
        assert outcome.code == code, outcome
        assert outcome.err.count("zoo: error:") == 1
        assert "Traceback" not in outcome.err
        return outcome.err

    return fetch


@pytest.mark.parametrize("encoding", MARKED)
def test_a_byte_order_mark_tells_the_encoding(fetched, encoding):
    corpus = fetched(MARKED[encoding] + TEXT.encode(encoding))
    assert corpus.text() == TEXT
    assert corpus.changes == {"byte order marks removed": 1}
    assert corpus.sha256 == fetched(TEXT.encode(), "plain").sha256


@pytest.mark.parametrize(
    ("encoding", "asked"),
    [
        ("utf-8", "utf-8"),
        ("utf-8", "utf-8-sig"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("utf-32-be", "utf-32"),
        ("utf-16-be", "utf-16-be"),
    ],
)
def test_naming_the_encoding_of_a_marked_file_changes_nothing(fetched, encoding, asked):
    corpus = fetched(MARKED[encoding] + TEXT.encode(encoding), "mine", "--encoding", asked)
    assert corpus.text() == TEXT


def test_an_unmarked_utf16_file_is_read_when_its_encoding_is_named(fetched):
    assert fetched(TEXT.encode("utf-16-be"), "mine", "--encoding", "utf-16-be").text() == TEXT


def test_a_mark_inside_the_text_stays(fetched):
    assert fetched("a\ufeffb\n".encode()).text() == "a\ufeffb\n"


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_make_the_same_corpus(fetched, line_end):
    plain = fetched(TEXT.encode(), "plain")
    twin = fetched(TEXT.replace("\n", line_end).encode(), "twin")
    assert twin.text() == TEXT
    assert (twin.sha256, twin.val_sha256) == (plain.sha256, plain.val_sha256)
    assert twin.changes == {"CR and CRLF made LF": 4}
    assert plain.changes == {}


def test_the_reader_is_told_what_was_changed(zoo, tmp_path):
    (tmp_path / "mine.txt").write_bytes(codecs.BOM_UTF8 + b"one\r\ntwo\r\n")
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "mine.txt"))
    assert "byte order marks removed: 1\n" in outcome.err
    assert "CR and CRLF made LF: 2\n" in outcome.err


def test_a_cp1252_file_is_refused_with_the_byte_and_read_when_named(refused, fetched):
    data = "Caf\u00e9 \u2013 \u201cGr\u00fc\u00dfe\u201d\n".encode("cp1252")
    said = refused(data)
    assert "is not utf-8: byte 0xe9 at offset 3;" in said
    assert "--encoding cp1252" in said
    corpus = fetched(data, "mine", "--encoding", "cp1252")
    assert corpus.text() == "Caf\u00e9 \u2013 \u201cGr\u00fc\u00dfe\u201d\n"
    assert corpus.options == {"encoding": "cp1252"}


def test_the_offset_of_a_bad_byte_counts_from_the_beginning_of_the_file(refused):
    assert "byte 0xe9 at offset 6;" in refused(codecs.BOM_UTF8 + b"Caf\xe9\n")


def test_utf8_that_breaks_off_in_a_character_is_refused(refused):
    assert "byte 0xf0 at offset 3;" in refused("abc😀".encode()[:-1])


def test_utf16_that_breaks_off_in_a_character_is_not_called_binary(refused):
    said = refused(codecs.BOM_UTF16_LE + "plain".encode("utf-16-le")[:-1])
    assert "is not utf-16-le" in said
    assert "binary" not in said


def test_encoded_surrogates_are_no_utf8(refused):
    assert "byte 0xed at offset 1;" in refused(b"a\xed\xa0\x80")


@pytest.mark.parametrize("encoding", ["utf-7", "raw_unicode_escape"])
def test_half_a_surrogate_pair_is_bad_data_in_any_encoding(refused, encoding):
    data = {"utf-7": b"word +2AA- word", "raw_unicode_escape": b"word \\ud800 word"}[encoding]
    assert "mine.txt" in refused(data, "--encoding", encoding)


def test_a_binary_file_is_said_to_be_one(refused):
    said = refused(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xff")
    assert "looks binary, not text: NUL at byte 8" in said


def test_a_nul_in_a_text_is_refused_with_its_place(refused):
    assert "looks binary, not text: NUL at byte 5" in refused(b"plain\x00text")


@pytest.mark.parametrize("encoding", ["utf-99", "rot13", "hex", "undefined"])
def test_an_encoding_that_is_none_is_a_usage_problem(refused, encoding):
    said = refused("Grüße".encode(), "--encoding", encoding, code=2)
    assert f"'{encoding}'" in said


def test_a_pipe_is_refused_at_once(zoo, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "pipe"))
    assert outcome.code == 4
    assert "is not a regular file" in outcome.err


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_an_endless_file_is_refused_at_once(zoo):
    outcome = zoo("fetch", "mine", "--from", "/dev/zero")
    assert outcome.code == 4
    assert "is not a regular file" in outcome.err


def test_a_text_of_megabytes_comes_back_whatever_its_blocks_cut(fetched):
    text = "€" * 1_000_001 + "a😀\n"  # three bytes each, so that no block ends with a character
    corpus = fetched(text.encode())
    assert corpus.text() == text
    assert corpus.text("train") + corpus.text("val") == text
    assert len(list(corpus.blocks())) > 2
