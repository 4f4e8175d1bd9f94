"""The bar of a download, on terminals of several widths."""

import os
import re
import sys
import time

import pexpect
import pytest
from web.server import File, cut, serving

from zoo.cli.rate import Rate
from zoo.events import Progress

LONG = "a-name-of-a-file-" * 8
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def slow(handler) -> None:
    """Two megabytes in about two seconds."""
    handler.send_response(200)
    handler.send_header("Content-Length", "2000000")
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b"a line of\n" * 5000)
        handler.server.over.wait(0.05)


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_bar_of_a_download_shows_speed_and_time_to_go_in_one_line(home, columns):
    with serving() as server:
        server.pages[f"/{LONG}.txt"] = slow
        environment = {**os.environ, "ZOO_HOME": str(home.path), "TERM": "xterm", "COLUMNS": str(columns)}
        words = ["-m", "zoo", "fetch", "mine", "--from", server.url(f"/{LONG}.txt")]
        size = (24, columns)
        child = pexpect.spawn(sys.executable, words, env=environment, timeout=30, dimensions=size, encoding="utf-8")
        child.expect(pexpect.EOF)
        child.close()
    lines = [CONTROL.sub("", line) for line in re.split(r"[\r\n]+", child.before)]
    bars = [line for line in lines if "━" in line]
    assert child.exitstatus == 0, child.before
    assert any(re.search(r"\d+ [kM]B/s +ETA 0:0\d *$", line) for line in bars), bars
    assert all(len(line) <= columns for line in bars)
    assert all("ETA" in line for line in bars if line.startswith("downloading") and "/s" in line)


def test_the_speed_is_that_of_the_last_moments_and_begins_anew_with_the_download(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    rate = Rate()

    def facts(at: float, done: int, *, total: int | None = 10_000_000, narrow: bool = False) -> str:
        clock[0] = at
        event = Progress("downloading a", done, total, "bytes")
        rate(event)
        return (" " if narrow else "  ").join(rate.facts(event, narrow=narrow))

    assert facts(0, 0) == "0 B of 10 MB  -  ETA -"
    assert facts(1, 1_000_000) == "1 MB of 10 MB  1 MB/s  ETA 0:09"
    assert facts(20, 1_100_000) == "1.1 MB of 10 MB  5.26 kB/s  ETA 28:11"
    assert facts(21, 1_200_000).endswith("100 kB/s  ETA 1:28")
    assert facts(22, 1_000, total=None) == "1 kB  -"
    assert facts(23, 501_000, narrow=True) == "5 % 500 kB/s ETA 0:19"


def test_what_goes_wrong_is_said_above_the_bar(home):
    with serving() as server:
        server.pages["/text.txt"] = File(b"text\n" * 20_000, [cut(50_000)])
        environment = {**os.environ, "ZOO_HOME": str(home.path), "TERM": "xterm", "COLUMNS": "80"}
        words = ["-m", "zoo", "fetch", "mine", "--from", server.url("/text.txt")]
        child = pexpect.spawn(sys.executable, words, env=environment, timeout=30, dimensions=(24, 80), encoding="utf-8")
        child.expect("broke off after 50,000 of 100,000 bytes")
        child.expect(r"trying\s+again in \d s")
        child.expect("downloading text.txt: 100 kB")
        child.expect(pexpect.EOF)
