"""Token ids: the same however a text is cut, in memory that does not grow, and never half there."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.corpora.corpus import BLOCK_BYTES, Corpus
from zoo.corpora.tokens import count_ids, encode_part, encoding
from zoo.corpora.vocab import MOST_CHARACTERS, Bytes, Characters
from zoo.errors import BadData
from zoo.events import Progress

MANY = "".join(map(chr, range(0x10000, 0x10000 + MOST_CHARACTERS)))  # four bytes each, and ids of 32 bits
TEXTS = {"ascii": "to be, or not\n" * 9, "mixed": "aé语😀\u0301\n" * 11, "wide": MANY[::-700]}
VOCABS = {"characters": Characters, "bytes": lambda text: Bytes(), "many": lambda text: MANY_VOCAB}
MANY_VOCAB = Characters(MANY)
BIG = 2**26
linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what memory is used for")

# encodes the text of argv[1] as characters, and stops where argv[3] says
ENCODE = """
import resource, sys
from pathlib import Path
import numpy
from corpora.test_tokens import corpus_in, held
from zoo.corpora.tokens import encode_part, encoding
from zoo.corpora.vocab import Characters
directory, text, act = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
corpus, vocab = corpus_in(directory), Characters(text)
if act == "wait":
    steps = encoding(corpus, vocab, "all")
    next(steps), next(steps)
    print("begun", flush=True)
    sys.stdin.read()
elif act == "weigh":
    vocab.encode(text * 100_000)
    before, most = held(), []
    ids = encode_part(corpus, vocab, "all", lambda event: most.append(held() - before))
    most.append(held() - before)
    print(max(most), len(ids))
"""


def corpus_in(directory: Path, text: str | None = None, train: int | None = None) -> Corpus:
    """A corpus of which the metadata are counted, not read; a text is written first."""
    if text is not None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "text.txt").write_bytes(text.encode())
    data = (directory / "text.txt").read_bytes()
    whole = data.decode()
    head = whole[: len(whole) * 9 // 10 if train is None else train]
    return Corpus(
        directory=directory, name="tiny", dataset="tiny", sha256=hashlib.sha256(data).hexdigest(),
        val_sha256=hashlib.sha256(data[len(head.encode()) :]).hexdigest(), characters=len(whole),
        train_characters=len(head), bytes=len(data), train_bytes=len(head.encode()), documents=1, source="here",
        licence="unknown", private=False, fetched="2026-01-01T00:00:00+00:00",
    )  # fmt: skip


def held() -> int:
    """Bytes of memory of this process that no file backs."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) * 1024


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("part", ["all", "train", "val"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 10_000])
@pytest.mark.parametrize(("kind", "vocab"), [(t, v) for t in TEXTS for v in VOCABS if v != "many" or t == "wide"])
def test_ids_are_those_of_the_text_in_one_go_wherever_blocks_cut_it(tmp_path, cut, kind, vocab, size, part):
    corpus, vocabulary = corpus_in(tmp_path / "tiny", TEXTS[kind]), VOCABS[vocab](TEXTS[kind])
    expected = vocabulary.encode(corpus.text(part))
    cut(size)
    ids = encode_part(corpus, vocabulary, part)
    assert np.array_equal(ids, expected)
    assert ids.dtype == expected.dtype == (np.uint32 if vocab == "many" else np.uint16)
    assert count_ids(corpus, vocabulary, part) == len(expected)
    assert list(contents(corpus.directory)) == ["text.txt"]


def test_ids_cannot_be_written(tmp_path, cut):
    cut(8)
    ids = encode_part(corpus_in(tmp_path / "tiny", TEXTS["ascii"]), Bytes(), "all")
    with pytest.raises(ValueError, match="read-only"):
        ids[0] = 1


@pytest.mark.parametrize("vocab", [Characters("a"), Bytes()])
def test_an_empty_part_has_no_ids(tmp_path, vocab):
    corpus = corpus_in(tmp_path / "tiny", "a", train=1)
    assert encode_part(corpus, vocab, "val").shape == (0,)
    assert encode_part(corpus, vocab, "train").tolist() == vocab.encode("a").tolist()


def test_a_long_encoding_says_how_far_it_is_and_a_short_one_nothing(tmp_path, cut):
    corpus, events = corpus_in(tmp_path / "tiny", TEXTS["mixed"]), []
    encode_part(corpus, Bytes(), "train", events.append)
    assert events == []
    cut(50)
    encode_part(corpus, Bytes(), "train", events.append)
    assert [event.done for event in events] == sorted({event.done for event in events})
    assert events[-1] == Progress("encoding tiny (train)", corpus.train_characters, corpus.train_characters)


@pytest.mark.parametrize("size", [8, 10_000])
def test_an_unknown_character_is_named_wherever_it_stands(tmp_path, cut, size):
    corpus = corpus_in(tmp_path / "tiny", "abc" * 20 + "é")
    cut(size)
    with pytest.raises(BadData, match="alphabet lacks 'é'"):
        encode_part(corpus, Characters("abc"), "all")
    assert list(contents(corpus.directory)) == ["text.txt"]


@pytest.mark.parametrize("size", [8, 10_000])
def test_a_text_that_does_not_have_its_number_of_characters_is_refused(tmp_path, cut, size):
    corpus = corpus_in(tmp_path / "tiny", TEXTS["ascii"])
    object.__setattr__(corpus, "train_characters", corpus.train_characters - 1)
    cut(size)
    for part in ("train", "val"):
        with pytest.raises(BadData, match=r"corpus\.toml says .* fetch it again"):
            encode_part(corpus, Bytes(), part)


def test_an_encoding_that_is_left_leaves_nothing(tmp_path, cut):
    corpus = corpus_in(tmp_path / "tiny", TEXTS["ascii"])
    cut(8)
    steps = encoding(corpus, Bytes(), "all")
    next(steps)
    steps.close()
    assert list(contents(corpus.directory)) == ["text.txt"]


def child(directory: Path, act: str, text: str) -> list[str]:
    return [sys.executable, "-c", ENCODE, str(directory), text, act]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)}


def test_a_kill_while_encoding_leaves_the_directory_as_it_was(tmp_path):
    directory = tmp_path / "tiny"
    corpus_in(directory, "to be\n" * (BLOCK_BYTES // 2))
    before = contents(directory)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(child(directory, "wait", "to be\n"), env=environment(), **pipes) as process:
        assert process.stdout.readline() == b"begun\n"
        process.kill()
    assert process.returncode != 0
    assert contents(directory) == before


@linux
def test_memory_does_not_grow_with_the_text(tmp_path):
    """Anonymous memory; the pages of the file are the system's to drop."""
    directory = tmp_path / "tiny"
    corpus_in(directory, "to be\n" * (BIG // 6))
    done = subprocess.run(child(directory, "weigh", "to be\n"), env=environment(), capture_output=True, check=True)
    most, count = map(int, done.stdout.split())
    assert count == BIG // 6 * 6
    assert most < BIG / 4
