"""Downloads over bad lines and from lying servers; real commands that are stopped, run out of disk, or run twice."""

import hashlib
import random
import signal
import socket
import time
from collections import Counter

import pytest
from faults.processes import Ended, end_of, spawn, wait_until
from web.server import Answer, Fault, File, cut, drop, flip, headed, nothing_kept, part, says, serving, stall

from zoo.errors import NetworkProblem
from zoo.home import Home
from zoo.web import connection
from zoo.web import download as downloading
from zoo.web.download import download

PATIENCE = 10.0  # seconds; less than a stall or a wait for a server, more than a busy machine needs
RECOVERS = 0.95
VALIDATORS = ["etag", "modified", "weak", "none"]


def a_fault(chance: random.Random, file: File, pinned: bool) -> Fault | None:
    """Nothing, a cut, or anything else; flips, and lengths that are too short, only where a hash can tell."""
    size, at = len(file.body), chance.randrange(len(file.body))
    kind = chance.random()
    if kind < 0.7:
        return None if kind < 0.35 else cut(at, reset=kind < 0.45)
    honest = [
        drop,
        stall(at, chance.choice([0.01, 1.0])),
        headed(Content_Length=str(size + chance.randrange(1, 100))),
        headed(Content_Length="-1"),
        headed(Content_Range=f"bytes {at}-{size - 1}/{size}"),
        headed(Content_Range=f"bytes 0-{size}/{size + 1}"),
        part(file.body, at, size),
        part(file.body, *sorted((at, chance.randrange(size)))),
        headed(ETag='"another"'),
        changes(file, at, file.body if pinned else chance.randbytes(size)),
        says(chance.choice([408, 429, 500, 502, 503])),
        lambda answer: says(416)(answer) if answer.status == 206 else answer,
    ]
    undetectable = [flip(at), headed(Content_Length=str(at))]
    return chance.choice(honest + undetectable * pinned)


def changes(file: File, at: int, body: bytes) -> Fault:
    """The connection ends, and then the file is another."""

    def fault(answer: Answer) -> Answer:
        file.change(body)
        return cut(at)(answer)

    return fault


def a_file(chance: random.Random, pinned: bool) -> File:
    """A file of any kind, on a server that will do anything."""
    file = File(
        chance.randbytes(chance.randrange(1, 200_000)),
        validator=chance.choice(VALIDATORS),
        ranges=chance.random() < 0.8,
        chunked=chance.random() < 0.3,
        heeds=chance.random() < 0.8,
    )
    file.faults = [a_fault(chance, file, pinned) for _ in range(100)]
    return file


@pytest.mark.timeout(600)
@pytest.mark.parametrize("pinned", [True, False])
def test_no_wrong_file_is_taken_and_nearly_all_recover(tmp_path, monkeypatch, size, chance, pinned):
    monkeypatch.setattr(downloading, "BACKOFF_SECONDS", 0.0005)
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.1)
    count: Counter[str] = Counter()
    with serving() as server:
        for number in range(size("downloads") // 2):
            file = server.pages[f"/{number}"] = a_file(chance, pinned)
            sha256 = hashlib.sha256(file.body).hexdigest() if pinned else None
            path = tmp_path / str(number) / "file"
            try:
                download(server.url(f"/{number}"), path, sha256=sha256)
            except NetworkProblem:
                count["given up"] += 1
                assert nothing_kept(path)
            else:
                assert path.read_bytes() in file.versions, (number, file.validator)
                assert [one.name for one in path.parent.iterdir()] == ["file"]
                count["right"] += 1
    count["requests"] = len(server.asked)
    count["for a part"] = len(list(filter(None, server.ranges())))
    print(f"{'pinned' if pinned else 'not pinned'}: {dict(count)}")
    assert count["given up"] <= max(1, (1 - RECOVERS) * (count["right"] + count["given up"]))


# --- real commands


def interrupted(process, at) -> Ended:
    """Press Ctrl-C when `at` comes true."""
    assert wait_until(at, process)
    time.sleep(0.4)  # so that it is in the midst of it
    process.send_signal(signal.SIGINT)
    return end_of(process, PATIENCE)


def expect_interrupted(ended: Ended, home: Home, stage: str) -> None:
    print(f"Ctrl-C while {stage}: {ended.seconds:.2f} s")
    assert ended.code == 130, ended
    assert ended.err.splitlines()[-1] == "zoo: interrupted"
    assert not [path for path in home.cache.rglob("*") if path.is_file()]
    assert not list(home.corpora.glob("*/*"))


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        ("stalled", stall(50_000, 60)),
        ("backing off", says(503, Retry_After="60")),
        ("waiting for an answer", None),
    ],
)
def test_ctrl_c_ends_a_download_at_once(home, stage, fault):
    with serving() as server:
        server.pages["/text.txt"] = File(b"text\n" * 20_000, [fault])
        if fault is None:
            server.pages["/text.txt"] = lambda handler: handler.server.over.wait(60)
        process = spawn(home, "fetch", "mine", "--from", server.url("/text.txt"))
        expect_interrupted(interrupted(process, lambda: server.asked), home, stage)


def test_ctrl_c_ends_a_connecting_at_once(home):
    """To a host whose queue of connections is full, so that it never says a word."""
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for one in (first, second):
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/text.txt"
        process = spawn(home, "fetch", "mine", "--from", url)
        cache = home.cache / "mine"
        expect_interrupted(interrupted(process, lambda: list(cache.glob("*")) != []), home, "connecting")


# fetches the dataset `pinned` from argv[1], whose sha256 is argv[2]
FETCH = """
import os, sys
from pathlib import Path
from zoo.corpora.dataset import Dataset
from zoo.corpora.fetch import Wish, fetch
from zoo.home import Home
from zoo.plugins import Plugins
dataset = Dataset(name="pinned", source=sys.argv[1], sha256=sys.argv[2])
fetch(Home(Path(os.environ["ZOO_HOME"])), dataset, Wish(), opener=Plugins(third_party=False).open)
"""


def test_two_fetches_of_one_dataset_at_once_ask_once(home):
    body = b"Twice is once.\n" * 100
    with serving() as server:
        server.pages["/text.txt"] = File(body, [stall(100, 1.0)])
        words = (server.url("/text.txt"), hashlib.sha256(body).hexdigest())
        both = [spawn(home, *words, python=("-c", FETCH)) for _ in range(2)]
        assert [end_of(process).code for process in both] == [0, 0]
        assert server.asked == ["/text.txt"]
