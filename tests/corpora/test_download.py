"""Downloads, from a real server on loopback: whole and with the right hash, or not at all."""

import hashlib
import http.server
import socket
import threading
import time
from pathlib import Path

import pytest

from zoo.corpora import download as downloading
from zoo.corpora.corpus import open_corpus
from zoo.corpora.dataset import Dataset
from zoo.corpora.download import download
from zoo.corpora.fetch import Wish, fetch
from zoo.errors import NetworkProblem, Refused
from zoo.events import Progress
from zoo.plugins import Plugins

TEXT = b"What the server tells.\n" * 10
SHA256 = hashlib.sha256(TEXT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves what the server object says under each path, and counts."""

    server: "Server"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        status, headers, body = self.server.pages.get(self.path.split("?")[0], (404, {}, b"nothing here"))
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


@pytest.fixture
def server():
    with Server() as server:
        server.pages["/text.txt"] = 200, {"Content-Length": str(len(TEXT))}, TEXT
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def nothing_kept(path: Path) -> bool:
    return not path.parent.exists() or list(path.parent.iterdir()) == []


def test_a_good_download_is_the_file_of_the_server(server, tmp_path):
    events: list = []
    path = download(server.url("/text.txt"), tmp_path / "cache" / "file", sha256=SHA256, on_event=events.append)
    assert path == tmp_path / "cache" / "file"
    assert path.read_bytes() == TEXT
    assert [p.name for p in path.parent.iterdir()] == ["file"]
    assert events[-1] == Progress("downloading text.txt", len(TEXT), len(TEXT), "bytes")


def test_a_download_without_a_length_is_taken_whole(server, tmp_path):
    server.pages["/open.txt"] = 200, {}, TEXT
    assert download(server.url("/open.txt"), tmp_path / "file").read_bytes() == TEXT


def test_a_wrong_sha256_is_a_network_problem_and_nothing_is_kept(server, tmp_path):
    path = tmp_path / "cache" / "file"
    with pytest.raises(NetworkProblem, match=rf"sha256 {SHA256[:12]}\.\.\., not 000000000000\.\.\."):
        download(server.url("/text.txt"), path, sha256="0" * 64)
    assert nothing_kept(path)


def test_a_wrong_sha256_leaves_the_file_that_was_there(server, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    with pytest.raises(NetworkProblem):
        download(server.url("/text.txt"), path, sha256="0" * 64)
    assert path.read_bytes() == b"before"


def test_a_missing_page_is_a_network_problem_with_the_servers_words(server, tmp_path):
    path = tmp_path / "cache" / "file"
    with pytest.raises(NetworkProblem, match="the server says 404 Not Found"):
        download(server.url("/nothing.txt"), path)
    assert nothing_kept(path)


def test_a_body_that_breaks_off_is_a_network_problem_and_nothing_is_kept(server, tmp_path):
    server.pages["/half.txt"] = 200, {"Content-Length": str(2 * len(TEXT))}, TEXT
    path = tmp_path / "cache" / "file"
    with pytest.raises(NetworkProblem, match=r"half\.txt"):
        download(server.url("/half.txt"), path)
    assert nothing_kept(path)


def test_a_body_without_end_is_a_network_problem(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "SIZE_LIMIT", 100)
    path = tmp_path / "cache" / "file"
    with pytest.raises(NetworkProblem, match="larger than 100 bytes"):
        download(server.url("/text.txt"), path)
    assert nothing_kept(path)


def test_a_cached_file_is_used_without_asking_the_server(server, tmp_path):
    (tmp_path / "file").write_bytes(TEXT)
    download(server.url("/text.txt"), tmp_path / "file", sha256=SHA256)
    assert server.asked == []


def test_a_cached_file_that_was_altered_is_fetched_again(server, tmp_path):
    (tmp_path / "file").write_bytes(TEXT.replace(b"tells", b"sells"))
    download(server.url("/text.txt"), tmp_path / "file", sha256=SHA256)
    assert server.asked == ["/text.txt"]
    assert (tmp_path / "file").read_bytes() == TEXT


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "http://127.0.0.1.example.org/x", "http://localhost@example.org/x", "ftp://a.org/x"]
)
def test_anything_but_https_is_refused(tmp_path, url):
    with pytest.raises(Refused, match="is not https"):
        download(url, tmp_path / "cache" / "file")
    assert nothing_kept(tmp_path / "cache" / "file")


def test_the_command_refuses_http(zoo, home):
    outcome = zoo("fetch", "mine", "--from", "http://example.org/text.txt")
    assert outcome.code == 9
    assert "is not https; download it yourself" in outcome.err


def test_a_server_cannot_lead_to_where_one_may_not_go(server, tmp_path):
    server.pages["/moved.txt"] = 302, {"Location": "http://nowhere.invalid/text.txt", "Content-Length": "0"}, b""
    with pytest.raises(Refused, match="not https"):
        download(server.url("/moved.txt"), tmp_path / "file")


def test_a_page_that_moved_on_the_same_server_is_followed(server, tmp_path):
    server.pages["/moved.txt"] = 302, {"Location": "/text.txt", "Content-Length": "0"}, b""
    assert download(server.url("/moved.txt"), tmp_path / "file", sha256=SHA256).read_bytes() == TEXT


def test_a_host_that_does_not_exist_is_a_network_problem_soon(zoo, home):
    begin = time.monotonic()
    outcome = zoo("fetch", "mine", "--from", "https://nowhere.invalid/text.txt")
    assert time.monotonic() - begin < 6
    assert outcome.code == 7
    assert "ways on: --from with a file you have" in outcome.err
    assert not list(home.corpora.glob("*/*"))


def test_a_closed_port_is_a_network_problem(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NetworkProblem, match="no network, or the host cannot be reached"):
        download(f"http://127.0.0.1:{port}/x", tmp_path / "file")


def test_a_server_that_never_answers_is_a_network_problem_within_the_deadline(tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        with pytest.raises(NetworkProblem, match=r"no connection within|does not answer"):
            download(f"http://127.0.0.1:{silent.getsockname()[1]}/x", tmp_path / "cache" / "file")
        assert time.monotonic() - begin < 3
    assert nothing_kept(tmp_path / "cache" / "file")


def test_a_server_that_stops_in_the_middle_is_a_network_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "STALL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_half() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
                connection.recv(1000)  # until the other side hangs up

        thread = threading.Thread(target=answer_half)
        thread.start()
        with pytest.raises(NetworkProblem):
            download(f"http://127.0.0.1:{listening.getsockname()[1]}/x", tmp_path / "cache" / "file")
        thread.join()
    assert nothing_kept(tmp_path / "cache" / "file")


def test_a_server_that_speaks_no_http_is_a_network_problem(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"220 mail.example.org\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NetworkProblem):
            download(f"http://127.0.0.1:{listening.getsockname()[1]}/x", tmp_path / "cache" / "file")
        thread.join()


def test_the_command_fetches_a_url(zoo, home, server):
    outcome = zoo("fetch", "mine", "--from", server.url("/text.txt"))
    assert outcome.code == 0, outcome.err
    corpus = open_corpus(home, "mine")
    assert corpus.text() == TEXT.decode()
    assert corpus.source == server.url("/text.txt")


def test_the_command_says_which_url_failed_and_how(zoo, home, server):
    outcome = zoo("fetch", "mine", "--from", server.url("/nothing.txt"))
    assert outcome.code == 7
    assert f"cannot download {server.url('/nothing.txt')}: the server says 404" in outcome.err
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
    server.pages["/text.txt"] = 200, {}, TEXT + b"and more\n"
    with pytest.raises(NetworkProblem, match="ways on:"):
        fetch_pinned(home, server.url("/text.txt"), SHA256)
    assert not list(home.corpora.glob("*/*"))
    assert not [path for path in home.cache.rglob("*") if path.is_file()]
