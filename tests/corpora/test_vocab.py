"""Vocabularies: what goes in comes out, and what is unknown is treated as asked."""

import json
import subprocess
import sys

import numpy as np
import pytest

from zoo.corpora.vocab import MOST_CHARACTERS, Bytes, Characters, Vocab, check_unknown, load_vocab, save_vocab
from zoo.errors import BadData, NotFound, UsageProblem

TEXTS = {
    "plain": "To be, or not to be:\nthat is the question.\n",
    "astral": "𝔘nicode 😀 and 𒀀",
    "combining": "e\u0301 is not é, nor a\u0308\u0323 ä",
    "right to left": "שלום مرحبا \u202eabc\u202c",
    "joined": "👩‍👩‍👧 \u200d\ufe0f",
    "controls": "\t\x00\x1b[31m\x7f\u2028\ufeff",
    "one": "a",
    "last": "\U0010ffff\ue000\ufffd",
}
HASH = """
import sys
from zoo.corpora.vocab import Bytes, Characters
print(Characters(sys.argv[1]).sha256, Bytes().sha256)
"""


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_comes_back_from_characters(text):
    vocab = Characters(text)
    ids = vocab.encode(text)
    assert ids.shape == (len(text),)
    assert vocab.decode(ids) == text
    assert int(ids.max()) == len(vocab) - 1


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_text_comes_back_from_bytes(text):
    ids = Bytes().encode(text)
    assert ids.tolist() == list(text.encode())
    assert Bytes().decode(ids) == text


@pytest.mark.parametrize("vocab", [Characters("ab"), Bytes()])
def test_an_empty_text_has_no_ids(vocab):
    assert vocab.encode("").shape == (0,)
    assert vocab.decode([]) == ""


def test_ids_are_the_sorted_code_points_of_the_text():
    vocab = Characters("hello\n")
    assert vocab.alphabet == "\nehlo"
    assert vocab.encode("hello").tolist() == [2, 1, 3, 3, 4]
    assert len(vocab) == 5


def test_ids_are_as_narrow_as_they_can_be():
    assert Characters("ab").encode("ab").dtype == np.uint16
    assert Bytes().encode("ab").dtype == np.uint16
    wide = Characters(map(chr, range(0x10000, 0x10000 + MOST_CHARACTERS)))
    assert wide.encode("\U00010000").dtype == np.uint32
    assert wide.decode(wide.encode("\U00010000\U0001ffff")) == "\U00010000\U0001ffff"


def test_an_alphabet_of_too_many_characters_is_refused_with_their_number():
    with pytest.raises(BadData, match=f"{MOST_CHARACTERS + 1:,} distinct characters"):
        Characters(map(chr, range(0x10000, 0x10001 + MOST_CHARACTERS)))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_stream_gives_what_decode_gives(text):
    for vocab in (Characters(text), Bytes()):
        stream = vocab.stream()
        assert "".join(stream.push(int(id)) for id in vocab.encode(text)) == text


def test_a_stream_of_bytes_holds_a_character_back_until_it_is_whole():
    stream = Bytes().stream()
    assert [stream.push(byte) for byte in "é😀a".encode()] == ["", "é", "", "", "", "😀", "a"]


def test_a_stream_of_bytes_survives_what_is_no_utf8():
    stream = Bytes().stream()
    assert "".join(stream.push(byte) for byte in b"\xffa\xe2\x82b") == "\ufffda\ufffdb"


def test_an_unknown_character_is_named():
    with pytest.raises(BadData, match=r"alphabet lacks U\+0007, 'é'; .*--unknown"):
        Characters("abc").encode("aé\x07bé")


def test_unknown_lists_each_character_once():
    assert Characters("abc").unknown("zaéz") == ["z", "é"]
    assert Bytes().unknown("zaéz") == []


def test_the_policy_error_changes_nothing():
    assert Characters("abc").adapt("aéz", "error") == "aéz"


def test_the_policy_skip_leaves_unknown_characters_out():
    assert Characters("abc").adapt("aézb", "skip") == "ab"


@pytest.mark.parametrize(
    ("alphabet", "text", "replaced"),
    [
        ("abcde ", "é", "e"),  # the base
        ("abcde ", "É", "e"),  # the other case of the base
        ("ABCDE ", "bad", "BAD"),  # the other case
        ("fi ", "ﬁ", "fi"),  # a ligature
        (". ", "…", "..."),
        ("0123456789 ", "²", "2"),
        ("Ss ", "ſ", "s"),
        ("abc ", "語", " "),
        ("abc ", "a😀b", "a b"),
        ("abc", "a😀b", "ab"),  # not even a space
        ("abc\n ", "a\nb", "a\nb"),  # nothing unknown
        ("abé ", "é", "é"),
    ],
)
def test_the_policy_replace_takes_the_nearest_known(alphabet, text, replaced):
    vocab = Characters(alphabet)
    assert vocab.adapt(text, "replace") == replaced
    vocab.encode(vocab.adapt(text, "replace"))


@pytest.mark.parametrize("policy", ["skip", "replace"])
def test_bytes_know_every_character(policy):
    assert Bytes().adapt("aé😀", policy) == "aé😀"


def test_the_policies_are_three():
    assert [check_unknown(policy) for policy in ("error", "skip", "replace")] == ["error", "skip", "replace"]
    with pytest.raises(UsageProblem, match="error, skip or replace, not 'ignore'"):
        check_unknown("ignore")


def test_the_sha256_is_the_same_in_another_process():
    alphabet = "zyx é😀\n"
    hashes = subprocess.run([sys.executable, "-c", HASH, alphabet], capture_output=True, text=True, check=True)
    assert hashes.stdout.split() == [Characters(alphabet).sha256, Bytes().sha256]


def test_the_sha256_tells_vocabularies_apart():
    assert Characters("ab").sha256 == Characters("bab").sha256
    assert len({Characters("ab").sha256, Characters("abc").sha256, Characters("aB").sha256, Bytes().sha256}) == 4


@pytest.mark.parametrize("vocab", [Characters('é😀\n\x00"\\ \u2028'), Bytes()])
def test_a_vocabulary_comes_back_from_its_file(tmp_path, vocab: Vocab):
    path = tmp_path / "vocab.json"
    save_vocab(path, vocab)
    loaded = load_vocab(path)
    assert type(loaded) is type(vocab)
    assert (loaded.kind, len(loaded), loaded.sha256) == (vocab.kind, len(vocab), vocab.sha256)
    assert json.loads(path.read_text())["schema"] == 1


DAMAGED = {
    "empty": "",
    "cut off": '{"schema": 1, "kind": "char',
    "no table": '["characters"]',
    "null": "null",
    "no kind": '{"schema": 1, "alphabet": "ab"}',
    "unknown kind": '{"schema": 1, "kind": "words", "alphabet": "ab"}',
    "kind of a wrong type": '{"schema": 1, "kind": ["characters"], "alphabet": "ab"}',
    "no alphabet": '{"schema": 1, "kind": "characters"}',
    "empty alphabet": '{"schema": 1, "kind": "characters", "alphabet": ""}',
    "alphabet of a wrong type": '{"schema": 1, "kind": "characters", "alphabet": ["a", "b"]}',
    "twice the same": '{"schema": 1, "kind": "characters", "alphabet": "aab"}',
    "newer": '{"schema": 2, "kind": "bytes"}',
    "no schema": '{"kind": "bytes"}',
    "schema of a wrong type": '{"schema": "1", "kind": "bytes"}',
    "schema between two": '{"schema": 1.5, "kind": "bytes"}',
    "nested deeply": "[" * 100_000,
}


def test_an_alphabet_grows_at_its_end_and_comes_back_in_its_order(tmp_path):
    old = Characters("mild")
    grown = Characters("wild maple", first=old.alphabet)
    assert grown.alphabet == "dilm" + " aepw"
    assert grown.encode("mild").tolist() == old.encode("mild").tolist()
    assert grown.decode(grown.encode("wild maple")) == "wild maple"
    save_vocab(tmp_path / "vocab.json", grown)
    loaded = load_vocab(tmp_path / "vocab.json")
    assert isinstance(loaded, Characters)
    assert (loaded.alphabet, loaded.sha256) == (grown.alphabet, grown.sha256)
    assert grown.sha256 != Characters(grown.alphabet).sha256  # the order is part of what a vocabulary is


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_vocab_json_is_bad_data(tmp_path, text):
    path = tmp_path / "vocab.json"
    path.write_text(text)
    with pytest.raises(BadData, match=r"vocab\.json"):
        load_vocab(path)


def test_a_vocab_json_that_is_not_utf8_is_bad_data(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_bytes(b'{"schema": 1, "kind": "characters", "alphabet": "\xff"}')
    with pytest.raises(BadData, match="not UTF-8"):
        load_vocab(path)


def test_a_vocab_json_of_a_newer_zoo_says_so(tmp_path):
    path = tmp_path / "vocab.json"
    path.write_text('{"schema": 2, "kind": "runes"}')
    with pytest.raises(BadData, match="newer zoo"):
        load_vocab(path)


def test_no_vocab_json_is_not_found(tmp_path):
    with pytest.raises(NotFound, match="missing"):
        load_vocab(tmp_path / "vocab.json")


@pytest.mark.parametrize(
    ("alphabet", "text", "adapted"),
    [
        ("ab'\"-", "‘a’ “b” – —", "'a' \"b\" - -"),
        ("ab’”“", "'a' \"b\"", "’a’ ”b”"),
        ("ab-–", "a—b", "a-b"),
    ],
)
def test_a_quote_or_dash_becomes_one_of_another_form(alphabet, text, adapted):
    assert Characters(alphabet + " ").adapt(text, "replace") == adapted
