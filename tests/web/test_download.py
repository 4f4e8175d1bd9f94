"""Downloads, from a real server on loopback: whole and with the right hash, or not at all."""

import errno
import hashlib
import io
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from web.server import (
    TEXT,
    Answer,
    File,
    cut,
    drop,
    flip,
    headed,
    moved,
    nothing_kept,
    part,
    says,
    stall,
    trickle,
)

from zoo.corpora.corpus import open_corpus
from zoo.corpora.dataset import Dataset
from zoo.corpora.fetch import Wish, fetch
from zoo.errors import NetworkProblem, StorageProblem
from zoo.events import Note, Progress, Warned
from zoo.plugins import Plugins
from zoo.web import connection
from zoo.web import download as downloading
from zoo.web.download import download

SHA256 = hashlib.sha256(TEXT).hexdigest()
OTHER = TEXT.replace(b"tells", b"sells")
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A pause that ends a connection comes soon."""
    monkeypatch.setattr(connection, "STALL_SECONDS", 0.3)


def faulty(server, *faults, body: bytes = TEXT, **about) -> str:
    """The address of a file whose first requests go wrong."""
    server.pages["/text.txt"] = File(body, list(faults), **about)
    return server.url("/text.txt")


def test_a_good_download_is_the_file_of_the_server(server, path):
    events: list = []
    assert download(server.url("/text.txt"), path, sha256=SHA256, on_event=events.append) == path
    assert path.read_bytes() == TEXT
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    assert events == [Progress("downloading text.txt", len(TEXT), len(TEXT), "bytes")]


def test_progress_counts_bytes_and_ends_once(server, path):
    events: list = []
    download(faulty(server, flip(9), cut(100)), path, sha256=SHA256, on_event=events.append)
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[0] == Progress("downloading text.txt", 100, len(TEXT), "bytes")
    assert [event.done for event in progress].count(len(TEXT)) == 1
    assert events[-1] == Progress("downloading text.txt", len(TEXT), len(TEXT), "bytes")


@pytest.mark.parametrize("page", [Answer(body=TEXT), File(TEXT, chunked=True)])
def test_a_download_without_a_length_is_taken_whole(server, path, page):
    server.pages["/open.txt"] = page
    events: list = []
    assert download(server.url("/open.txt"), path, on_event=events.append).read_bytes() == TEXT
    assert events[-1] == Progress("downloading open.txt", len(TEXT), len(TEXT), "bytes")


def test_a_file_that_is_not_the_pinned_one_is_named_with_both_hashes_and_nothing_is_kept(server, path):
    with pytest.raises(NetworkProblem, match=rf"sha256 {SHA256[:12]}\.\.\., not 000000000000\.\.\."):
        download(server.url("/text.txt"), path, sha256="0" * 64)
    assert nothing_kept(path)
    assert server.asked == ["/text.txt"] * 2  # the same twice is no accident


def test_a_wrong_sha256_leaves_the_file_that_was_there(server, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(NetworkProblem):
        download(server.url("/text.txt"), path, sha256="0" * 64)
    assert path.read_bytes() == b"before"


def test_a_flipped_bit_costs_another_download(server, path):
    events: list = []
    download(faulty(server, flip(3), flip(70)), path, sha256=SHA256, on_event=events.append)
    assert path.read_bytes() == TEXT
    assert server.ranges() == [None] * 3
    assert sum("not the pinned bytes; trying again in" in e.text for e in events if isinstance(e, Note)) == 2


def test_bits_that_flip_each_time_end_it(server, path):
    with pytest.raises(NetworkProblem, match="not the pinned bytes"):
        download(faulty(server, *map(flip, range(20))), path, sha256=SHA256)
    assert len(server.asked) == downloading.WHOLE_TRIES
    assert nothing_kept(path)


# --- going on where it broke off


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("validator", ["etag", "modified"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_download_goes_on_where_it_broke_off(server, path, validator, chunked, reset):
    body = TEXT * 1000  # so much that a reset leaves some of it
    events: list = []
    url = faulty(server, cut(90_000, reset=reset), cut(1), body=body, validator=validator, chunked=chunked)
    assert download(url, path, on_event=events.append).read_bytes() == body
    assert server.ranges()[0] is None
    assert all(header and header != "bytes=0-" for header in server.ranges()[1:])
    assert server.requests[-1]["If-Range"] in server.pages["/text.txt"].headers().values()
    notes = [event.text for event in events if isinstance(event, Note)]
    assert len(notes) == 2
    assert "broke off after" in notes[0]
    assert notes[0].endswith("; trying again in 0 s")


@pytest.mark.parametrize("validator", ["weak", "none"])
def test_without_a_strong_validator_only_pinned_bytes_go_on(server, path, validator):
    url = faulty(server, cut(100), validator=validator)
    assert download(url, path).read_bytes() == TEXT
    path.unlink()
    url = faulty(server, cut(100), validator=validator)
    assert download(url, path, sha256=SHA256).read_bytes() == TEXT
    assert server.ranges() == [None, None, None, "bytes=100-"]
    assert "If-Range" not in server.requests[-1]


def test_a_date_of_a_moment_ago_is_no_validator(server, path):
    now = format_datetime(datetime.now(UTC), usegmt=True)
    download(faulty(server, cut(100), validator="modified", modified=now), path)
    assert server.ranges() == [None, None]


def changes(server, **about):
    """A fault after which the server has another file under the same address."""

    def fault(answer):
        server.pages["/text.txt"] = File(OTHER, **about)
        return cut(100)(answer)

    return fault


@pytest.mark.parametrize("validator", ["etag", "modified", "weak", "none"])
def test_a_file_that_changes_meanwhile_is_never_mixed(server, path, validator):
    url = faulty(server, changes(server, validator=validator, modified="Tue, 03 Jan 2023 03:04:05 GMT"))
    server.pages["/text.txt"].validator = validator
    assert download(url, path).read_bytes() == OTHER


@pytest.mark.parametrize(
    "lie",
    [
        headed(Content_Range=f"bytes 50-{len(TEXT) - 1}/{len(TEXT)}"),
        headed(Content_Range=f"bytes 100-{len(TEXT)}/{len(TEXT) + 1}"),
        headed(Content_Range=f"bytes 100-{len(TEXT) - 1}/*"),
        headed(Content_Range="bytes 100-99/230"),
        headed(Content_Range="lines 1-2/3"),
        headed(Content_Range=""),
        headed(ETag='"another"'),
        headed(ETag='W/"another"'),
        headed(Last_Modified="Tue, 03 Jan 2023 03:04:05 GMT"),
        headed(Content_Length="7"),
        says(416),
        lambda answer: Answer(200, {"Content-Length": str(len(TEXT))}, TEXT),
        lambda answer: Answer(206, {"Content-Range": f"bytes 0-229/{len(TEXT)}", "Content-Length": "230"}, TEXT),
    ],
)
def test_an_answer_that_does_not_go_on_where_we_are_begins_anew(server, path, lie):
    assert download(faulty(server, cut(100), lie), path).read_bytes() == TEXT
    assert server.ranges()[:2] == [None, "bytes=100-"]
    assert server.ranges()[2:] in ([], [None])


@pytest.mark.parametrize(
    "lie",
    [
        part(OTHER, 100, 230, ETag='"another"'),
        part(TEXT, 130, 230),
        part(TEXT, 50, 230),
        part(TEXT[:150], 100, 150),  # of a file that would be shorter
        part(TEXT, 100, 150),  # a piece of what was asked for, which is right
        part(TEXT, 100, 230, Content_Range="bytes 0-229/230", Transfer_Encoding="chunked"),
    ],
)
def test_a_part_that_does_not_belong_to_ours_is_never_put_to_it(server, path, lie):
    """From a server that does not heed If-Range, and is consistent in itself."""
    assert download(faulty(server, cut(100), lie), path).read_bytes() == TEXT
    assert len(server.asked) == 3


def test_a_server_that_knows_no_ranges_and_always_breaks_off_is_given_up(server, path):
    with pytest.raises(NetworkProblem, match=f"broke off after 100 of {len(TEXT)} bytes"):
        download(faulty(server, *[cut(100)] * 99, ranges=False), path)
    assert len(server.asked) == downloading.TRIES
    assert nothing_kept(path)


def test_what_brings_something_new_may_break_off_any_number_of_times(server, path):
    assert download(faulty(server, *[cut(10)] * 22), path).read_bytes() == TEXT
    assert len(server.asked) == 23 > downloading.TRIES


# --- trying again


@pytest.mark.parametrize("fault", [says(408), says(429), says(500), says(502), says(503), says(504), drop, cut(0)])
def test_what_may_pass_is_tried_again_and_said(server, path, fault):
    events: list = []
    assert download(faulty(server, fault), path, on_event=events.append).read_bytes() == TEXT
    assert [event.text.endswith("; trying again in 0 s") for event in events if isinstance(event, Note)] == [True]


def test_what_does_not_pass_is_given_up(server, path):
    with pytest.raises(NetworkProblem, match="the server says 503"):
        download(faulty(server, *[says(503)] * 99), path)
    assert len(server.asked) == downloading.TRIES
    assert nothing_kept(path)


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 416, 451])
def test_any_other_status_ends_it_with_the_servers_words(server, path, status):
    with pytest.raises(NetworkProblem, match=f"the server says {status} [A-Z]"):
        download(faulty(server, says(status)), path)
    assert len(server.asked) == 1
    assert nothing_kept(path)


def waits(monkeypatch) -> list[float]:
    """What is slept, without the sleep."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def test_the_waits_double_and_differ(server, path, monkeypatch):
    slept = waits(monkeypatch)
    monkeypatch.setattr(downloading, "BACKOFF_SECONDS", 1.0)
    download(faulty(server, *[says(500)] * 5), path)
    for seconds, least in zip(slept, [1, 2, 4, 8, 16], strict=True):
        assert least <= seconds <= least * (1 + downloading.JITTER)
    assert len({seconds / least for seconds, least in zip(slept, [1, 2, 4, 8, 16], strict=True)}) > 1


def in_seconds(seconds: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("7", 7, 7),
        ("3600", 60, 60),
        ("99999999999999999999", 0, 1),
        (30, 15, 31),  # a date so many seconds from now
        (9000, 60, 60),
        ("Mon, 02 Jan 2023 03:04:05 GMT", 0, 1),
        ("soon", 0, 1),
        ("-5", 0, 1),
        ("Mon, 01 Jan 2024 00:00:00 +99999999999999", 0, 1),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0, 1),
    ],
)
def test_retry_after_is_heeded_within_bounds(server, path, monkeypatch, asked, least, most):
    slept = waits(monkeypatch)
    said = in_seconds(asked) if isinstance(asked, int) else asked
    download(faulty(server, says(503, Retry_After=said)), path)
    assert least <= slept[0] <= most


# --- limits


def test_a_server_that_stops_in_the_middle_is_asked_again(server, path):
    assert download(faulty(server, stall(50, 5)), path).read_bytes() == TEXT
    assert server.ranges() == [None, "bytes=50-"]


def test_a_server_that_always_stops_in_the_middle_is_given_up(server, path):
    with pytest.raises(NetworkProblem, match="broke off after 50 of 230 bytes: the server does not answer"):
        download(faulty(server, *[stall(50, 5)] * 99, ranges=False), path)
    assert nothing_kept(path)


@pytest.mark.parametrize(
    "text",
    [
        HEAD + b"Content-Length: 100000000\r\n\r\n",
        HEAD + b"\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",  # a size of a chunk that does not end
    ],
)
def test_the_deadline_holds_against_a_trickle(server, path, monkeypatch, text):
    monkeypatch.setattr(downloading, "DEADLINE_SECONDS", 0.6)
    server.pages["/slow.txt"] = trickle(text, 0.05)
    begin = time.monotonic()
    with pytest.raises(NetworkProblem, match=r"is not here within 0 min .* with --from"):
        download(server.url("/slow.txt"), path)
    assert time.monotonic() - begin < 5
    assert nothing_kept(path)


def test_a_trickle_is_seen(server, path, monkeypatch):
    monkeypatch.setattr(downloading, "DEADLINE_SECONDS", 0.5)
    server.pages["/slow.txt"] = trickle(HEAD + b"Content-Length: 1000\r\n\r\n", 0.05)
    events: list = []
    with pytest.raises(NetworkProblem):
        download(server.url("/slow.txt"), path, on_event=events.append)
    assert events[0] == Progress("downloading slow.txt", 1, 1000, "bytes")
    assert len(events) >= 3


def test_a_wait_that_would_pass_the_deadline_is_not_begun(server, path, monkeypatch):
    monkeypatch.setattr(downloading, "DEADLINE_SECONDS", 20.0)
    begin = time.monotonic()
    with pytest.raises(NetworkProblem, match="is not here within"):
        download(faulty(server, says(503, Retry_After="30")), path)
    assert time.monotonic() - begin < 5


def test_what_says_that_it_is_too_large_is_not_read(server, path, monkeypatch):
    monkeypatch.setattr(downloading, "SIZE_LIMIT", 100)
    events: list = []
    with pytest.raises(NetworkProblem, match="larger than 100 bytes"):
        download(server.url("/text.txt"), path, on_event=events.append)
    assert (events, nothing_kept(path)) == ([], True)


@pytest.mark.parametrize(
    "text", [HEAD + b"\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 200 + b"FFFF\r\n"]
)
def test_a_body_without_end_is_not_kept(server, path, monkeypatch, text):
    monkeypatch.setattr(downloading, "SIZE_LIMIT", 100)
    server.pages["/endless.txt"] = trickle(text, 0.001)
    with pytest.raises(NetworkProblem, match="larger than 100 bytes"):
        download(server.url("/endless.txt"), path)
    assert nothing_kept(path)


def test_a_body_shorter_than_it_says_is_never_taken(server, path):
    with pytest.raises(NetworkProblem, match="broke off after 230 of 460 bytes"):
        download(faulty(server, *[headed(Content_Length="460")] * 99, ranges=False), path)
    assert nothing_kept(path)


def test_a_body_longer_than_it_says_is_what_it_says(server, path):
    """The protocol counts; what is behind belongs to no answer."""
    assert download(faulty(server, headed(Content_Length="100")), path).read_bytes() == TEXT[:100]
    assert download(faulty(server, headed(Content_Length="100")), path, sha256=SHA256).read_bytes() == TEXT


@pytest.mark.parametrize("length", ["many", "-1", "1_0", ""])
def test_a_length_that_makes_no_sense_is_tried_again(server, path, length):
    assert download(faulty(server, headed(Content_Length=length)), path).read_bytes() == TEXT
    assert len(server.asked) == 2


@pytest.mark.parametrize("encoding", [{"Content-Encoding": "gzip"}, {"Transfer-Encoding": "gzip, chunked"}])
def test_an_encoding_that_was_not_asked_for_is_not_unpacked(server, path, encoding):
    server.pages["/packed.txt"] = Answer(200, encoding, TEXT)
    with pytest.raises(NetworkProblem, match="download it by hand and give the file with --from"):
        download(server.url("/packed.txt"), path)
    assert server.requests[0]["Accept-Encoding"] == "identity"
    assert len(server.asked) == 1
    assert nothing_kept(path)


# --- the file itself


def test_a_cached_file_is_used_without_asking_the_server(server, tmp_path):
    (tmp_path / "file").write_bytes(TEXT)
    download(server.url("/text.txt"), tmp_path / "file", sha256=SHA256)
    assert server.asked == []


def test_a_cached_file_that_was_altered_is_said_and_fetched_again(server, tmp_path):
    (tmp_path / "file").write_bytes(OTHER)
    events: list = []
    download(server.url("/text.txt"), tmp_path / "file", sha256=SHA256, on_event=events.append)
    assert isinstance(events[0], Warned)
    assert "downloaded again" in events[0].text
    assert server.asked == ["/text.txt"]
    assert (tmp_path / "file").read_bytes() == TEXT


def test_an_error_of_the_disk_is_no_error_of_the_network(server, path, monkeypatch):
    class Full(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, "No space left on device")

    def open_full(file, mode, opener):
        return Full(file, mode, opener=opener)

    monkeypatch.setattr("zoo.files.open", open_full, raising=False)
    with pytest.raises(StorageProblem, match=r"no space left on device \([\d,]+ bytes are free\)"):
        download(server.url("/text.txt"), path)
    assert nothing_kept(path)


def test_a_callback_that_fails_leaves_nothing(server, path):
    def fail(event):
        raise OSError("not the network")

    with pytest.raises(OSError, match="not the network"):
        download(faulty(server, cut(100)), path, on_event=fail)
    assert nothing_kept(path)


# --- the command


def test_the_command_fetches_a_url(zoo, home, server):
    outcome = zoo("fetch", "mine", "--from", faulty(server, cut(100)))
    assert outcome.code == 0, outcome.err
    assert "broke off after 100 of 230 bytes; trying again in 0 s" in outcome.err.replace(
        ": the server closed the connection", ""
    )
    corpus = open_corpus(home, "mine")
    assert corpus.text() == TEXT.decode()
    assert corpus.source == server.url("/text.txt")


def test_the_command_says_which_url_failed_and_how(zoo, home, server):
    outcome = zoo("fetch", "mine", "--from", server.url("/nothing.txt"))
    assert outcome.code == 7
    assert f"cannot download {server.url('/nothing.txt')}: the server says 404 Not Found" in outcome.err
    assert not list(home.corpora.glob("*/*"))


def test_a_long_query_is_no_file_name(zoo, server):
    outcome = zoo("fetch", "mine", "--from", server.url("/text.txt?token=" + "x" * 400))
    assert outcome.code == 0, outcome.err


def fetch_pinned(home, url: str, sha256: str):
    dataset = Dataset(name="pinned", licence="CC0", source=url, sha256=sha256)
    return fetch(home, dataset, Wish(), opener=Plugins(third_party=False).open)


def test_a_pinned_dataset_is_downloaded_once(home, server):
    corpus = fetch_pinned(home, server.url("/text.txt"), SHA256)
    assert (corpus.licence, corpus.private) == ("CC0", False)
    fetch_pinned(home, server.url("/text.txt"), SHA256)
    assert server.asked == ["/text.txt"]


def test_a_pinned_dataset_that_changed_is_not_taken(home, server):
    server.pages["/text.txt"] = File(TEXT + b"and more\n")
    with pytest.raises(NetworkProblem, match="ways on:"):
        fetch_pinned(home, server.url("/text.txt"), SHA256)
    assert not list(home.corpora.glob("*/*"))
    assert not [path for path in home.cache.rglob("*") if path.is_file()]


def test_a_page_that_moved_goes_on_where_it_broke_off(server, path):
    faulty(server, cut(100))
    server.pages["/moved.txt"] = moved("/text.txt")
    assert download(server.url("/moved.txt"), path).read_bytes() == TEXT
    assert server.ranges() == [None, None, "bytes=100-", "bytes=100-"]
