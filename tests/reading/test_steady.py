"""Files that change while they are read: noticed, whatever their size, and nothing of them is kept."""

import gzip
import hashlib
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo.corpora.corpus import open_corpus
from zoo.corpora.dataset import Dataset
from zoo.corpora.fetch import Wish, fetch
from zoo.errors import Conflict
from zoo.events import Progress
from zoo.plugins import Plugins
from zoo.reading.document import WHOLE_BYTES

LINE = b"a line that is read while somebody writes it\n"
LARGE = LINE * (WHOLE_BYTES // len(LINE) + 100_000)
SMALL = LINE * 1_000
OTHER = SMALL.replace(b"somebody", b"nobody..")


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size * 2 // 3)


def replace(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes().replace(b"somebody", b"nobody.."))
    new.replace(path)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(LINE)


def rewrite_unseen(path: Path) -> None:
    """Write other bytes, as many, and set the clock of the file back."""
    status = path.stat()
    path.write_bytes(path.read_bytes().replace(b"somebody", b"nobody.."))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def rewrite_and_back(path: Path) -> None:
    before = path.read_bytes()
    rewrite_unseen(path)
    path.write_bytes(before)


CHANGES = [truncate, replace, append, rewrite_unseen, rewrite_and_back]


def stored(home) -> list[Path]:
    return [path for path in home.corpora.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_large_file_that_changes_while_it_streams_is_not_stored(zoo, home, tmp_path, change):
    path = tmp_path / "large.txt"
    path.write_bytes(SMALL)
    assert zoo("fetch", "mine", "--from", str(path)).code == 0
    before = stored(home)
    path.write_bytes(LARGE)
    left = [change]

    def on_event(event):
        if isinstance(event, Progress) and event.done and left:
            left.pop()(path)

    with pytest.raises(Conflict, match="changed while it was read"):
        fetch(
            home,
            Dataset(name="mine"),
            Wish(sources=(str(path),)),
            opener=Plugins(third_party=False).open,
            on_event=on_event,
        )
    assert not left
    assert stored(home) == before
    assert open_corpus(home, "mine").text() == SMALL.decode()


def test_the_command_line_says_so(zoo, home, tmp_path):
    path = tmp_path / "large.txt"
    path.write_bytes(LARGE)

    def truncate_when_it_streams():
        while not any(file.stat().st_size for file in home.corpora.glob("mine/.tmp-*/.tmp-*")):
            time.sleep(0.001)
        truncate(path)

    writer = threading.Thread(target=truncate_when_it_streams)
    writer.start()
    outcome = zoo("fetch", "mine", "--from", str(path))
    writer.join()
    assert outcome.code == 5, outcome.err
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith(f"zoo: error: {path} changed while it was read")
    assert stored(home) == []


def opener_that(change: Callable[[], object]):
    """The opener of all plugins, before which a file changes."""

    def opener(source, options):
        change()
        return Plugins(third_party=False).open(source, options)

    return opener


@pytest.mark.parametrize("suffix", ["txt", "txt.gz"])
def test_the_sha256_that_makes_a_text_public_is_that_of_its_bytes(home, tmp_path, suffix):
    pack = gzip.compress if suffix.endswith("gz") else bytes
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(pack(SMALL))
    known = Dataset(name="known", licence="CC0", sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    opener = opener_that(lambda: path.write_bytes(pack(OTHER)))
    with pytest.raises(Conflict, match="changed while it was read"):
        fetch(home, Dataset(name="mine"), Wish(sources=(str(path),)), opener=opener, offered=[known])
    assert stored(home) == []


def test_a_file_that_is_exchanged_for_the_time_of_the_reading_is_noticed(home, tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(SMALL)

    def opener(source, options):
        path.write_bytes(OTHER)
        opened = Plugins(third_party=False).open(source, options)
        path.write_bytes(SMALL)
        return opened

    with pytest.raises(Conflict, match="changed while it was read"):
        fetch(home, Dataset(name="mine"), Wish(sources=(str(path),)), opener=opener)
    assert stored(home) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_of_a_directory_that_changes_while_it_streams_is_not_stored(home, tmp_path, change):
    root = tmp_path / "texts"
    root.mkdir()
    (root / "a.txt").write_bytes(SMALL)
    (root / "b.txt").write_bytes(LARGE)
    left = [change]

    def on_event(event):
        if isinstance(event, Progress) and event.done > len(SMALL) + 2 and left:
            left.pop()(root / "b.txt")

    opener = Plugins(third_party=False).open
    with pytest.raises(Conflict, match=r"b\.txt changed while it was read"):
        fetch(home, Dataset(name="mine"), Wish(sources=(str(root),)), opener=opener, on_event=on_event)
    assert not left
    assert stored(home) == []


def test_of_several_sources_the_one_that_changed_is_named(home, tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_bytes(SMALL)
    second.write_bytes(LARGE)
    left = [truncate]

    def on_event(event):
        if isinstance(event, Progress) and event.done > len(SMALL) + 2 and left:
            left.pop()(second)

    wish, opener = Wish(sources=(str(first), str(second))), Plugins(third_party=False).open
    with pytest.raises(Conflict, match=r"b\.txt changed while it was read"):
        fetch(home, Dataset(name="mine"), wish, opener=opener, on_event=on_event)
    assert stored(home) == []
