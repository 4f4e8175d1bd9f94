"""Fetch: from a file or a dataset to a stored, split and hashed corpus."""

import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import filelock
import pytest
from tiny import tiny_settings

from zoo.corpora.corpus import Corpus, corpus_names, fetch_lock, open_corpus
from zoo.corpora.dataset import Dataset
from zoo.corpora.fetch import Wish, fetch
from zoo.errors import BadData, NotFound, UsageProblem
from zoo.events import Note
from zoo.home import Home
from zoo.plugins import Plugins


@pytest.fixture
def fetched(zoo, home, tmp_path):
    """Fetch a text from a file; gives the stored corpus."""

    def fetch_text(text: str, name: str = "mine", *options: str) -> Corpus:
        path = tmp_path / f"{name}.txt"
        path.write_text(text, encoding="utf-8", newline="")
        outcome = zoo("fetch", name, "--from", str(path), *options)
        assert outcome.code == 0, outcome.err
        return open_corpus(home, name)

    return fetch_text


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def left_in(home: Home) -> list[str]:
    return sorted(path.relative_to(home.corpora).as_posix() for path in home.corpora.rglob("*"))


@pytest.mark.parametrize("text", ["abcdefghij", "a", "añ😀" * 37 + "\n", "0123456789\n" * 3, "\n\nspace before\n\n"])
def test_the_first_nine_tenths_of_the_characters_train(fetched, text):
    corpus = fetched(text)
    cut = int(0.9 * len(text))
    assert corpus.text() == text
    assert corpus.text("train") == text[:cut]
    assert corpus.text("val") == text[cut:]
    assert corpus.characters == corpus.characters_of("all") == len(text)
    assert (corpus.characters_of("train"), corpus.characters_of("val")) == (cut, len(text) - cut)
    assert corpus.sha256 == sha256(text.encode())
    assert corpus.val_sha256 == sha256(text[cut:].encode())
    assert corpus.alphabet == {c: text.count(c) for c in sorted(set(text))}
    corpus.check_text()


def test_a_corpus_is_said_to_be_there_and_what_comes_next(zoo, tmp_path):
    (tmp_path / "mine.txt").write_text("some words\n" * 10)
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "mine.txt"))
    assert outcome.code == 0
    assert outcome.out == ""
    assert "fetched mine: 110 characters, 9 distinct, sha256 " in outcome.err
    assert ", private\nnext: zoo train --dataset mine\n" in outcome.err


def test_a_local_text_is_private_unless_it_is_said_to_be_public(fetched):
    assert fetched("one text\n", "secret").private
    assert not fetched("one text\n", "open", "--public").private


def test_a_relative_path_is_stored_absolute(zoo, home, tmp_path, monkeypatch):
    (tmp_path / "mine.txt").write_text("some words\n")
    monkeypatch.chdir(tmp_path)
    assert zoo("fetch", "mine", "--from", "mine.txt").code == 0
    assert open_corpus(home, "mine").source == str(tmp_path / "mine.txt")


def test_changed_text_lies_beside_the_old_and_is_the_current_one(fetched, home):
    old = fetched("the old text\n")
    new = fetched("the new text\n")
    assert old.sha256 != new.sha256
    assert open_corpus(home, "mine").sha256 == new.sha256
    assert open_corpus(home, "mine", old.sha256).text() == "the old text\n"
    assert (home.corpora / "mine" / "current").read_text() == f"{new.sha256[:8]}\n"


def test_a_text_that_changed_is_said_to_have(zoo, home, tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("the old text\n")
    assert "another text" not in zoo("fetch", "mine", "--from", str(path)).err
    assert "another text" not in zoo("fetch", "mine", "--from", str(path)).err
    old = open_corpus(home, "mine")
    path.write_text("the new text\n")
    said = zoo("fetch", "mine", "--from", str(path)).err
    facts = f"on {old.fetched[:10]} (13 characters, sha256 {old.sha256[:8]}), which stays for the models trained on it"
    assert f"zoo: warning: 'mine' is now another text than {facts}\n" in said


def test_a_text_with_two_splits_has_a_folder_for_each_and_models_keep_to_theirs(zoo, home, tmp_path):
    (tmp_path / "texts").mkdir()
    for name in "abc":
        (tmp_path / "texts" / f"{name}.txt").write_text(f"the text of {name}, and more of it\n" * 30)
    source = ["--from", str(tmp_path / "texts")]
    assert zoo("fetch", "mine", *source).code == 0
    tail = open_corpus(home, "mine")
    assert zoo("train", "-d", "mine", "--name", "first", *tiny_settings(max_steps=1)).code == 0
    assert "split in another place" in zoo("fetch", "mine", *source, "--split", "files").err
    files = open_corpus(home, "mine")
    assert zoo("train", "-d", "mine", "--name", "second", *tiny_settings(max_steps=1)).code == 0
    assert (files.sha256, files.text()) == (tail.sha256, tail.text())
    assert files.val_sha256 != tail.val_sha256
    assert files.directory.name == f"{tail.directory.name}-{files.val_sha256[:8]}"
    assert zoo("verify", "first", "second").code == 0
    assert zoo("doctor").code == 0
    assert zoo("fetch", "mine", *source).code == 0
    assert open_corpus(home, "mine").directory == tail.directory
    assert zoo("verify", "first", "second").code == 0
    shutil.rmtree(tail.directory)
    assert zoo("verify", "second").code == 0
    assert zoo("verify", "first").code != 0
    told = zoo("doctor").out
    assert "models/first: its text" in told
    assert "models/second" not in told


def test_two_texts_whose_sha256_begin_alike_lie_side_by_side(fetched, home):
    seen: dict[str, str] = {}
    for number in itertools.count():
        text = f"text {number}\n"
        begin = sha256(text.encode())[:8]
        if begin in seen:
            break
        seen[begin] = text
    first, second = fetched(seen[begin]), fetched(text)
    assert open_corpus(home, "mine", first.sha256, first.val_sha256).text() == seen[begin]
    assert open_corpus(home, "mine", second.sha256, second.val_sha256).text() == text
    assert open_corpus(home, "mine").sha256 == second.sha256


def test_the_same_text_again_is_the_same_corpus_with_what_is_known_now(fetched, home):
    first = fetched("the text\n")
    again = fetched("the text\n", "mine", "--public")
    assert again.sha256 == first.sha256
    assert (first.private, again.private) == (True, False)
    assert sorted(path.name for path in (home.corpora / "mine").iterdir()) == sorted(["current", first.sha256[:8]])


def test_going_back_to_the_old_text_makes_it_current(fetched, home):
    old = fetched("the old text\n")
    fetched("the new text\n")
    fetched("the old text\n")
    assert open_corpus(home, "mine").sha256 == old.sha256


def test_fetching_again_repairs_a_stored_text_that_was_changed(fetched):
    corpus = fetched("the text as it was\n")
    corpus.text_path.write_text("the text as it is \n")
    with pytest.raises(BadData, match="was changed; fetch it again"):
        corpus.check_text()
    again = fetched("the text as it was\n")
    again.check_text()
    assert again.text() == "the text as it was\n"


def test_fetching_again_brings_back_metadata_that_were_lost(fetched):
    corpus = fetched("the text\n")
    (corpus.directory / "alphabet.json").unlink()
    assert fetched("the text\n").alphabet == corpus_alphabet("the text\n")


def corpus_alphabet(text: str) -> dict[str, int]:
    return {c: text.count(c) for c in sorted(set(text))}


def test_hhgttg_without_a_text_says_what_to_type(zoo):
    outcome = zoo("fetch", "hhgttg")
    assert outcome.code == 2
    assert "zoo fetch hhgttg --from FILE" in outcome.err


def test_hhgttg_from_a_file_is_a_private_corpus(zoo, home, tmp_path):
    (tmp_path / "guide.txt").write_text("Don't panic, dear hitchhiker.\n" * 3)
    assert zoo("fetch", "hhgttg", "--from", str(tmp_path / "guide.txt")).code == 0
    corpus = open_corpus(home, "hhgttg")
    assert corpus.private
    assert corpus.dataset == "hhgttg"
    assert "Hitchhiker" in corpus.summary


def test_an_unknown_dataset_is_not_found_with_a_suggestion(zoo):
    outcome = zoo("fetch", "shakespear")
    assert outcome.code == 3
    assert "no dataset named 'shakespear'; did you mean 'shakespeare'?" in outcome.err
    assert "zoo fetch shakespear --from PATH" in outcome.err


@pytest.mark.parametrize(
    ("place", "hint"),
    [
        ("./book.txt", "zoo fetch book --from ./book.txt"),
        ("My Book.txt", "zoo fetch my-book --from 'My Book.txt'"),
        ("a folder/", "zoo fetch a-folder --from 'a folder/'"),
        ("/", "zoo fetch mine --from /"),
        ("https://example.org/x.txt", "zoo fetch x --from https://example.org/x.txt"),
        ("https://example.org/x?a=SECRET", "'https://example.org/x?...'"),
        ("https://example.org/x?a=SECRET", "zoo fetch x --from ADDRESS"),
        ("https://example.org/x?a=y/SECRET", "zoo fetch x --from ADDRESS"),
        ("me:SECRET@example.org", "zoo fetch example --from ADDRESS"),
        ("C:\\texts\\book.txt", "zoo fetch book --from 'C:\\texts\\book.txt'"),
        ("book.txt", "zoo fetch book --from book.txt"),  # a name, and a file that is there
        ("other.txt", "zoo fetch other.txt --from PATH"),  # no file
    ],
)
@pytest.mark.parametrize("command", [["fetch"], ["train", "-d"], ["datasets"]], ids=["fetch", "train", "datasets"])
def test_a_place_where_a_name_belongs_leads_to_from(zoo, home, tmp_path, monkeypatch, command, place, hint):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "My Book.txt").write_text("a book")
    (tmp_path / "book.txt").write_text("a book")
    outcome = zoo(*command, place)
    assert outcome.code in (2, 3)
    assert hint in outcome.err
    assert "secret" not in outcome.err.lower()
    assert not home.path.exists()


def test_from_goes_with_one_name(zoo, tiny_text):
    outcome = zoo("fetch", "one", "two", "--from", str(tiny_text))
    assert outcome.code == 2
    assert "--from goes with one NAME; write it before each source: zoo fetch NAME --from A --from B" in outcome.err


def test_a_file_that_is_not_there_is_not_found(zoo, home, tmp_path):
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "nothing.txt"))
    assert outcome.code == 3
    assert "nothing.txt" in outcome.err
    assert corpus_names(home) == []


@pytest.mark.parametrize("source", ["http://[bad/x.txt", "~nobody-of-this-name/x.txt", "scheme:rest", "x" * 5000])
def test_a_source_that_makes_no_sense_is_no_bug_of_ours(zoo, source):
    outcome = zoo("fetch", "mine", "--from", source)
    assert outcome.code in (2, 3, 4, 6), outcome.err
    assert "bug in zoo" not in outcome.err


@pytest.mark.parametrize("data", [b"", b" \n\t \n", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n\r\n"])
def test_a_file_without_text_is_refused_and_leaves_nothing(zoo, home, tmp_path, data):
    (tmp_path / "blank.txt").write_bytes(data)
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "blank.txt"))
    assert outcome.code == 4
    assert f"there is no text in {tmp_path / 'blank.txt'}" in outcome.err
    assert left_in(home) == []


def test_a_fetch_that_fails_leaves_the_corpus_before_it_as_it_was(fetched, zoo, home, tmp_path):
    before = fetched("the text\n")
    listed = left_in(home)
    (tmp_path / "mine.txt").write_bytes(b"\xff\x81")
    assert zoo("fetch", "mine", "--from", str(tmp_path / "mine.txt")).code == 4
    assert left_in(home) == listed
    assert open_corpus(home, "mine") == before


def test_a_text_that_breaks_off_midway_leaves_nothing(zoo, home, tmp_path):
    (tmp_path / "long.txt").write_bytes(b"good\n" * 10_000_000 + b"\xff")
    outcome = zoo("fetch", "mine", "--from", str(tmp_path / "long.txt"), "--encoding", "utf-8")
    assert outcome.code == 4
    assert "long.txt is not utf-8: byte 0xff at offset 50,000,000" in outcome.err
    assert left_in(home) == []


def fetch_dataset(home: Home, dataset: Dataset, source: Path, events: list | None = None, **wish) -> Corpus:
    """Fetch as the command does, but with datasets of the test's own."""
    known = Dataset(name="known", licence="CC0", summary="known text", sha256=sha256(b"known text\n"))
    on_event = (lambda event: None) if events is None else events.append
    run = partial(fetch, opener=Plugins(third_party=False).open, offered=[known], on_event=on_event)
    return run(home, dataset, Wish(sources=(str(source),), **wish))


def test_a_file_with_the_sha256_of_a_dataset_is_that_dataset(home, tmp_path):
    (tmp_path / "download.txt").write_bytes(b"known text\n")
    events: list = []
    corpus = fetch_dataset(home, Dataset(name="mine"), tmp_path / "download.txt", events)
    assert (corpus.name, corpus.licence, corpus.summary, corpus.private) == ("mine", "CC0", "known text", False)
    assert Note("download.txt is the text of dataset 'known' (same sha256)") in events


def test_a_file_with_another_sha256_is_the_readers_own(home, tmp_path):
    (tmp_path / "download.txt").write_bytes(b"known text, edited\n")
    url = "https://example.org/known.txt"
    own = Dataset(name="known", licence="CC0", summary="known text", source=url, sha256=sha256(b"known text\n"))
    corpus = fetch_dataset(home, own, tmp_path / "download.txt")
    assert (corpus.licence, corpus.summary, corpus.private) == ("unknown", "your own: download.txt", True)


def test_the_vocabulary_of_a_dataset_is_remembered(home, tmp_path):
    (tmp_path / "text.txt").write_text("text\n")
    assert fetch_dataset(home, Dataset(name="mine", vocab="bytes"), tmp_path / "text.txt").vocab == "bytes"


def test_a_file_whose_name_is_not_utf8_can_be_fetched(zoo, home, tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("some words\n")
    outcome = zoo("fetch", "mine", "--from", str(path))
    assert outcome.code == 0, outcome.err
    assert open_corpus(home, "mine").text() == "some words\n"


def test_a_file_name_cannot_speak_to_the_terminal(zoo, tmp_path):
    path = tmp_path / "evil\x1b]0;title\x07\u202e.txt"
    path.write_text("some \x1b[31mred\u202e words\n")
    assert zoo("fetch", "mine", "--from", str(path)).code == 0
    for outcome in (zoo("datasets"), zoo("datasets", "mine"), zoo("datasets", "mine", "--json")):
        assert outcome.code == 0
        assert not set("\x1b\x07\u202e") & set(outcome.out + outcome.err)


def test_datasets_lists_what_is_offered_and_what_is_fetched(zoo, tiny_corpus):
    outcome = zoo("datasets")
    assert outcome.code == 0
    assert outcome.err == ""
    rows = {line.split()[0]: line for line in outcome.out.splitlines()}
    assert {"name", "shakespeare", "plays", "pydoc", "hhgttg", "tiny"} == set(rows)
    assert "bring your own" in rows["hhgttg"]
    assert "offered" in rows["shakespeare"]
    assert "your own: tiny.txt" in rows["tiny"]
    assert list(rows)[1:] == sorted(list(rows)[1:])


def test_datasets_as_json_holds_offer_and_corpus(zoo, home, tiny_corpus):
    answer = json.loads(zoo("datasets", "--json").out)
    assert answer["schema"] == "zoo.datasets/1"
    entries = {entry["name"]: entry for entry in answer["datasets"]}
    assert entries["tiny"]["offered"] is None
    assert entries["tiny"]["fetched"]["sha256"] == open_corpus(home, "tiny").sha256
    assert entries["hhgttg"]["fetched"] is None
    assert entries["hhgttg"]["offered"]["private"] is True


def test_datasets_name_looks_at_a_corpus(zoo, fetched):
    text = "Ein Satz.\tZwei\n" + "x" * 200 + "\n"
    corpus = fetched(text)
    outcome = zoo("datasets", "mine")
    assert outcome.code == 0
    shown = dict(line.split(maxsplit=1) for line in outcome.out.split("first lines")[0].splitlines() if line[0] != " ")
    assert shown["characters"] == f"{len(text)} (216 B), longest line 200"
    assert shown["split"] == "194 train, 22 validate"
    assert shown["baseline"].endswith("bits per character, from counting 7-grams")
    assert shown["alphabet"] == "15 distinct characters"
    assert shown["sha256"] == corpus.sha256
    assert shown["file"] == f"sha256 {sha256(text.encode())}"
    assert shown["licence"] == "unknown, private"
    assert "  | Ein Satz.\tZwei\n" in outcome.out
    assert f"  | {'x' * 73}...\n" in outcome.out


def test_datasets_name_as_json_holds_the_alphabet(zoo, fetched):
    fetched("aab\n")
    answer = json.loads(zoo("datasets", "mine", "--json").out)
    assert answer["schema"] == "zoo.dataset/1"
    assert answer["alphabet"] == {"\n": 1, "a": 2, "b": 1}
    assert answer["fetched"]["characters"] == 4


def test_datasets_name_of_an_offer_says_how_to_get_it(zoo):
    assert "next: zoo fetch shakespeare" in zoo("datasets", "shakespeare").out
    assert "zoo fetch hhgttg --from FILE" in zoo("datasets", "hhgttg").out
    assert json.loads(zoo("datasets", "hhgttg", "--json").out)["fetched"] is None


def test_datasets_of_an_unknown_name_is_not_found(zoo, tiny_corpus):
    outcome = zoo("datasets", "tyni")
    assert outcome.code == 3
    assert "did you mean 'tiny'?" in outcome.err


def replace_line(path: Path, key: str, value: str) -> None:
    lines = path.read_text().splitlines()
    assert any(line.startswith(f"{key} = ") for line in lines)
    path.write_text("\n".join(f"{key} = {value}" if line.startswith(f"{key} = ") else line for line in lines))


@pytest.mark.parametrize(
    ("key", "value"),
    [("characters", '"many"'), ("private", "3"), ("sha256", "7"), ("summary", "1"), ("bytes", "true"), ("changes", "")],
)
def test_damaged_metadata_are_bad_data_for_whoever_looks(zoo, home, fetched, key, value):
    corpus = fetched("\r\nsome words\n")
    path = corpus.directory / "corpus.toml"
    if key == "changes":
        path.write_text(path.read_text().replace("[changes]", "[[changes]]"))
    else:
        replace_line(path, key, value)
    for outcome in (zoo("datasets", "mine"), zoo("datasets")):
        assert outcome.code == 4, outcome
        assert "corpus.toml" in outcome.err


@pytest.mark.parametrize("text", ["", "schema = 1\n", "schema = = 1\n"])
def test_emptied_metadata_are_bad_data(zoo, fetched, text):
    corpus = fetched("some words\n")
    (corpus.directory / "corpus.toml").write_text(text)
    outcome = zoo("datasets", "mine")
    assert outcome.code == 4
    assert "corpus.toml" in outcome.err


@pytest.mark.parametrize("alphabet", ["", "[1, 2]", '{"ab": 1}', '{"a": "1"}', "{"])
def test_a_damaged_alphabet_is_bad_data(zoo, fetched, alphabet):
    corpus = fetched("some words\n")
    (corpus.directory / "alphabet.json").write_text(alphabet)
    outcome = zoo("datasets", "mine")
    assert outcome.code == 4
    assert "alphabet.json" in outcome.err


def test_a_stored_text_that_is_cut_off_or_damaged_is_bad_data(fetched):
    corpus = fetched("ééééééééé\n")
    corpus.text_path.write_bytes("ééé".encode())
    with pytest.raises(BadData, match="cut off; fetch 'mine' again"):
        corpus.text()
    corpus.text_path.write_bytes(b"\xff" * corpus.bytes)
    with pytest.raises(BadData, match="damaged; fetch 'mine' again"):
        corpus.text()


def test_a_stored_text_that_is_gone_is_not_called_unwritable(zoo, fetched):
    corpus = fetched("some words\n")
    corpus.text_path.unlink()
    outcome = zoo("datasets", "mine")
    assert outcome.code in (3, 4), outcome
    assert "cannot write" not in outcome.err


def test_a_text_asked_for_by_another_sha256_is_not_found(fetched, home):
    corpus = fetched("some words\n")
    with pytest.raises(NotFound, match="fetch it again"):
        open_corpus(home, "mine", "0" * 64)
    with pytest.raises(BadData, match="not the text that was asked for"):
        open_corpus(home, "mine", corpus.sha256[:8] + "0" * 56)


def test_a_corpus_whose_folder_was_removed_by_hand_is_not_found(zoo, fetched, home):
    corpus = fetched("some words\n")
    shutil.rmtree(corpus.directory)
    outcome = zoo("datasets", "mine")
    assert outcome.code == 3
    assert "zoo fetch mine" in outcome.err


def test_of_two_fetches_of_one_name_the_second_waits_for_the_first(home, tiny_text):
    command = [sys.executable, "-m", "zoo", "fetch", "tiny", "--from", str(tiny_text)]
    home.create()
    waits = filelock.FileLock(fetch_lock(home, "tiny"))
    waits.acquire()
    with subprocess.Popen(command, env={**os.environ}, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "another zoo process is fetching 'tiny'; waiting for it" in process.stderr.readline()
        assert corpus_names(home) == []
        waits.release()
        assert process.wait(timeout=60) == 0
    assert corpus_names(home) == ["tiny"]


def test_a_fetch_that_another_one_never_lets_in_is_a_conflict(zoo, home, tiny_text, monkeypatch):
    monkeypatch.setattr("zoo.corpora.fetch.WAIT_SECONDS", 0.2)
    home.create()
    with filelock.FileLock(fetch_lock(home, "tiny")):
        outcome = zoo("fetch", "tiny", "--from", str(tiny_text))
    assert outcome.code == 5
    assert "still fetching 'tiny'" in outcome.err


@pytest.fixture
def sources(tmp_path):
    """A file, a directory with two files, and another file."""
    (tmp_path / "b.txt").write_text("The last is first.\r\n")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "1.txt").write_text("One.\n")
    (tmp_path / "d" / "2.md").write_text("Two.")
    (tmp_path / "a.txt").write_text("The first is last.\n")
    return [str(tmp_path / name) for name in ("b.txt", "d", "a.txt")]


def from_each(sources):
    return [word for source in sources for word in ("--from", source)]


def test_several_sources_are_one_text_in_the_order_given(zoo, home, sources):
    outcome = zoo("fetch", "mine", *from_each(sources), "--glob", "*")
    assert outcome.code == 0, outcome.err
    corpus = open_corpus(home, "mine")
    assert corpus.text() == "The last is first.\n\nOne.\n\nTwo.\n\nThe first is last.\n"
    assert [entry["name"] for entry in corpus.documents_listed()] == ["b.txt", "1.txt", "2.md", "a.txt"]
    assert (corpus.source, corpus.source_sha256) == (" + ".join(sources), "")
    assert (corpus.summary, corpus.private) == ("your own: b.txt and 2 more", True)
    assert dict(corpus.changes) == {"CR and CRLF made LF": 1}
    assert zoo("fetch", "mine", *from_each(sources[::-1]), "--separator", "--", "--split", "files").code == 0
    assert open_corpus(home, "mine").text() == "The first is last.\n--One.\n--The last is first.\n"
    assert open_corpus(home, "mine").text("val") == "--The last is first.\n"[2:]
    assert zoo("doctor").code == 0


def test_a_source_among_several_that_cannot_be_read_fails_the_whole_and_leaves_nothing(zoo, home, sources, tmp_path):
    (tmp_path / "binary").write_bytes(b"\0\1\2")
    for bad, code in ((str(tmp_path / "binary"), 4), (str(tmp_path / "nothing"), 3), ("", 2), (sources[0], 2)):
        outcome = zoo("fetch", "mine", *from_each([*sources, bad]))
        assert outcome.code == code, outcome.err
        assert corpus_names(home) == []
        assert not home.corpora.exists() or left_in(home) == []
    assert f"--from {sources[0]} was given twice; leave one out" in outcome.err


def test_two_spellings_of_one_source_are_one_source(zoo, home, tmp_path):
    book, link = tmp_path / "book.txt", tmp_path / "link.txt"
    book.write_text("a book " * 99)
    link.symlink_to(book)
    (tmp_path / "sub").mkdir()
    for one, other in (
        (str(book), str(link)),
        (str(book), str(tmp_path / "sub" / ".." / "book.txt")),
        ("https://127.0.0.1:1/x", "https://127.0.0.1:1/x#2"),
    ):
        outcome = zoo("fetch", "mine", "--from", one, "--from", other)
        assert outcome.code == 2, outcome.err
        assert f"--from {one} was given twice; leave one out" in outcome.err
        assert not home.corpora.exists()


def test_glob_is_for_the_directories_among_several_sources(zoo, home, sources):
    assert zoo("fetch", "mine", *from_each(sources), "--glob", "*.md").code == 0
    assert open_corpus(home, "mine").text() == "The last is first.\n\nTwo.\n\nThe first is last.\n"
    outcome = zoo("fetch", "mine", *from_each(sources[::2]), "--glob", "*.md")
    assert outcome.code == 2
    assert f"--glob says which files of a directory to take, and {sources[0]} is a file" in outcome.err


def test_one_private_source_among_several_makes_the_text_private(zoo, home, tmp_path):
    (tmp_path / "own.txt").write_text("My own words.\n")
    (tmp_path / "known.txt").write_text("known text\n")
    known = Dataset(name="known", licence="CC0", sha256=sha256(b"known text\n"))

    def fetched_from(*names: str) -> Corpus:
        sources = tuple(str(tmp_path / name) if name.endswith(".txt") else name for name in names)
        opener = Plugins(third_party=False).open
        return fetch(home, Dataset(name="mine"), Wish(sources=sources), opener=opener, offered=[known])

    assert not fetched_from("pydoc:topics", "known.txt").private
    assert fetched_from("pydoc:topics", "own.txt").private
    assert fetched_from("own.txt", "known.txt").private
    assert fetched_from("known.txt", "own.txt").licence == "unknown"


def test_a_dataset_whose_source_is_empty_opens_nothing_of_the_readers(home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.txt").write_text("My own words.\n")
    with pytest.raises(UsageProblem, match="needs a text of yours"):
        fetch(home, Dataset(name="odd", source=""), Wish(), opener=Plugins(third_party=False).open)
