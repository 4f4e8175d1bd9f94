"""From the bytes of a file to text: marks, line ends, encodings, and files that are no text."""

import codecs
import os
import time
from pathlib import Path

import pytest

from zoo.corpora.vocab import Bytes, Characters
from zoo.reading.document import GUESSED

TEXT = "Grüße, 你好 😀\nzweite Zeile\n\nnach einer leeren\n"
MARKED = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
}


@pytest.mark.parametrize("encoding", MARKED)
def test_a_byte_order_mark_tells_the_encoding(fetched, encoding):
    corpus = fetched(MARKED[encoding] + TEXT.encode(encoding))
    assert corpus.text() == TEXT
    assert corpus.changes == {"byte order marks removed": 1}
    assert corpus.sha256 == fetched(TEXT.encode(), name="plain").sha256


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
    corpus = fetched(MARKED[encoding] + TEXT.encode(encoding), "--encoding", asked)
    assert corpus.text() == TEXT


def test_a_mark_knows_better_than_the_reader(fetched):
    assert fetched(codecs.BOM_UTF8 + TEXT.encode(), "--encoding", "cp1252").text() == TEXT


def test_an_unmarked_utf16_file_is_read_when_its_encoding_is_named(fetched):
    assert fetched(TEXT.encode("utf-16-be"), "--encoding", "utf-16-be").text() == TEXT


def test_utf16_without_a_mark_is_taken_for_what_windows_writes(fetched):
    assert fetched(TEXT.encode("utf-16-le"), "--encoding", "utf-16").text() == TEXT


def test_a_mark_inside_the_text_stays(fetched):
    assert fetched("a\ufeffb\n".encode()).text() == "a\ufeffb\n"


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_line_ends_of_other_systems_make_the_same_corpus(fetched, line_end):
    plain = fetched(TEXT.encode(), name="plain")
    twin = fetched(TEXT.replace("\n", line_end).encode(), name="twin")
    assert twin.text() == TEXT
    assert (twin.sha256, twin.val_sha256) == (plain.sha256, plain.val_sha256)
    assert twin.changes == {"CR and CRLF made LF": 4}
    assert plain.changes == {}


def test_the_reader_is_told_what_was_changed(zoo, tmp_path):
    (tmp_path / "mine.txt").write_bytes(codecs.BOM_UTF8 + b"one\r\ntwo\r\n")
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "mine.txt"))
    assert "byte order marks removed: 1\n" in outcome.err
    assert "CR and CRLF made LF: 2\n" in outcome.err


WESTERN = "Caf\u00e9 \u2013 \u201cGr\u00fc\u00dfe\u201d, and more of it in plain letters\n"


def test_a_cp1252_file_is_told_and_said_and_the_reader_knows_better(fetched, zoo, tmp_path):
    corpus = fetched(WESTERN.encode("cp1252"))
    assert corpus.text() == WESTERN
    assert corpus.changes == {GUESSED: 1}
    assert [entry["encoding"] for entry in corpus.documents_listed()] == ["cp1252"]
    named = fetched(WESTERN.encode("cp1252"), "--encoding", "cp1252")
    assert (named.text(), named.changes, named.options) == (WESTERN, {}, {"encoding": "cp1252"})
    assert fetched(WESTERN.encode("cp1252"), "--encoding", "mac_roman").text() != WESTERN
    assert f"{GUESSED}: 1\n" in zoo("fetch", "mine", "--from", str(tmp_path / "mine.txt")).err


def test_latin1_is_told_too(fetched):
    text = "\u00a310 for the caf\u00e9, and no more of that\n" * 3
    assert fetched(text.encode("latin-1")).text() == text


def test_one_wrong_byte_in_utf8_is_not_taken_for_another_encoding(refused):
    data = ("Gr\u00fc\u00dfe aus M\u00fcnchen\n" * 1000).encode()
    at = len(data) - 20
    assert f"is not utf-8: byte 0xff at offset {at:,};" in refused(data[:at] + b"\xff" + data[at:])


def test_one_wrong_byte_megabytes_into_utf8_is_named_with_its_offset(refused):
    line = "zwei \u20ac f\u00fcr f\u00fcnf \u00c4pfel\n".encode()
    data = line * (5_000_000 // len(line))
    said = refused(data + b"\xe9\n" + line)
    assert f"byte 0xe9 at offset {len(data):,};" in said
    assert "--encoding cp1252" in said


@pytest.mark.parametrize("encoding", ["koi8-r", "cp1251", "shift_jis", "iso8859-7", "gb18030"])
def test_text_of_other_scripts_is_not_taken_for_a_western_one(refused, encoding):
    text = {"shift_jis": "日本語の文章です。", "iso8859-7": "Καλημέρα κόσμε", "gb18030": "你好世界"}.get(
        encoding, "Добрый день, мир"
    )
    assert "is not utf-8" in refused((text * 20).encode(encoding))


def test_a_page_and_a_program_say_their_encoding(fetched):
    greek = "Καλημέρα κόσμε"
    page = f'<html><head><meta charset="iso-8859-7"></head><body>{greek}</body></html>'.encode("iso-8859-7")
    assert fetched(page, file="a.html").text() == greek + "\n"
    assert (
        fetched(f"# -*- coding: iso-8859-7 -*-\n# {greek}\n".encode("iso-8859-7"), file="a.py")
        .text()
        .endswith(greek + "\n")
    )


@pytest.mark.parametrize(
    "declared", ["iso-8859-1", "ascii", "koi8-r", "no-such-code", "utf-16", "rot13", "hex", "\xff"]
)
def test_a_page_that_lies_about_its_encoding_is_read_as_what_it_is(fetched, declared):
    page = f'<html><head><meta charset="{declared}"></head><body><p>Grüße</p></body></html>'
    assert fetched(page.encode(), file="a.html").text() == "Grüße\n"


@pytest.mark.parametrize("declared", ["utf-16le", "utf-32", "cp037", "unicode_escape", "utf-7"])
def test_a_declaration_that_can_be_read_is_not_of_an_encoding_without_ascii(fetched, declared):
    page = f'<html><meta charset="{declared}"><p>C:\\new and caf\u00e9, and more, and more</p></html>'.encode("cp1252")
    assert fetched(page + b" " * (len(page) % 4), file="a.html").text() == "C:\\new and caf\u00e9, and more, and more\n"


def test_the_offset_of_a_bad_byte_counts_from_the_beginning_of_the_file(refused):
    assert "byte 0xe9 at offset 6;" in refused(codecs.BOM_UTF8 + b"Caf\xe9\n")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_looks_binary_and_the_way_on_is_said(refused, encoding):
    said = refused(TEXT.encode(encoding))
    assert "looks binary" in said
    assert f"--encoding {encoding}" in said


def test_a_large_file_streams_and_means_the_same(fetched, monkeypatch):
    data = codecs.BOM_UTF8 + ("Zeile f\u00fcr Zeile\r\n" * 40_000).encode()
    whole = fetched(data, name="whole")
    monkeypatch.setattr("zoo.reading.document.WHOLE_BYTES", 1000)
    monkeypatch.setattr("zoo.reading.decoding.BLOCK_BYTES", 333)  # which cuts characters and line ends
    large = fetched(data, name="large")
    assert (large.sha256, large.changes) == (whole.sha256, whole.changes)
    assert large.text() == "Zeile f\u00fcr Zeile\n" * 40_000


def test_line_ends_of_other_systems_are_found_across_blocks(fetched, monkeypatch):
    monkeypatch.setattr("zoo.reading.document.WHOLE_BYTES", 10)
    monkeypatch.setattr("zoo.reading.decoding.BLOCK_BYTES", 5)
    corpus = fetched(b"abcd\r\nefg\r\rh\r\n\r\nijklmn\r")
    assert corpus.text() == "abcd\nefg\n\nh\n\nijklmn\n"
    assert corpus.changes == {"CR and CRLF made LF": 6}


def test_zeros_without_end_are_refused_at_once(refused, tmp_path, zoo):
    with open(tmp_path / "sparse.txt", "wb") as file:
        file.truncate(2**30)
    begin = time.monotonic()
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "sparse.txt"))
    assert outcome.code == 4
    assert "looks binary" in outcome.err
    assert time.monotonic() - begin < 10


def test_control_characters_stay_and_are_counted_in_a_warning(zoo, fetched):
    text = "page one\x0cpage two\x0c\x1b[31m red \x85 next \u2028 line\n"
    assert fetched(text.encode()).text() == text
    outcome = zoo("datasets", "mine")
    assert "5 control characters (form feed U+000C: 2, escape U+001B: 1, control character U+0085: 1" in outcome.err
    assert not set("\x1b\x0c\x85\u2028") & set(outcome.out + outcome.err)


def test_any_script_comes_back_through_its_vocabulary(fetched):
    text = "e\u0301a\u0308 \U0001f468\u200d\U0001f469\u200d\U0001f467 \U00010348 "
    text += "\u0634\u0643\u0631\u0627 \u05e9\u05dc\u05d5\u05dd\n"
    corpus = fetched(text.encode())
    for vocab in (Characters(corpus.alphabet), Bytes()):
        assert vocab.decode(vocab.encode(corpus.text())) == text


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
