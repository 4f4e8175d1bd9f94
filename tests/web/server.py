"""A real server on loopback that serves files as it should, and then cuts, stalls, lies and flips bytes as asked."""

import contextlib
import hashlib
import http.server
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

TEXT = b"What the server tells.\n" * 10
OLD = "Mon, 02 Jan 2023 03:04:05 GMT"


@dataclass(frozen=True)
class Answer:
    """What goes over the wire: `cut` bytes of the body, a pause of `seconds` before byte `at`; no status, no answer."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut: int | None = None
    reset: bool = False
    at: int = 0
    seconds: float = 0.0
    drop: bool = False
    chunked: bool = False


Fault = Callable[[Answer], Answer]


@dataclass
class File:
    """A file with all that a good server says of it; each request takes one fault, None for none, while there are any.

    validator     etag, weak, modified or none
    ranges        whether a part may be asked for
    heeds         whether If-Range is understood
    versions      all that ever were under this address
    """

    body: bytes
    faults: list[Fault | None] = field(default_factory=list)
    validator: str = "etag"
    ranges: bool = True
    chunked: bool = False
    modified: str = OLD
    heeds: bool = True
    versions: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.versions.append(self.body)

    def change(self, body: bytes) -> None:
        """Another body takes its place a day later, and the server says so, if it says anything."""
        self.body = body
        self.versions.append(body)
        self.modified = format_datetime(parsedate_to_datetime(self.modified) + timedelta(days=1), usegmt=True)

    def headers(self) -> dict[str, str]:
        tag = hashlib.md5(self.body + self.modified.encode()).hexdigest()
        match self.validator:
            case "etag":
                return {"ETag": f'"{tag}"'}
            case "weak":
                return {"ETag": f'W/"{tag}"'}
            case "modified":
                return {"Last-Modified": self.modified}
        return {}

    def answer(self, asked: dict[str, str]) -> Answer:
        honest = self._honest(asked)
        fault = self.faults.pop(0) if self.faults else None
        return fault(honest) if fault else honest

    def _honest(self, asked: dict[str, str]) -> Answer:
        headers = self.headers()
        wanted, condition = asked.get("Range"), asked.get("If-Range")
        if not self.ranges or not wanted or (self.heeds and condition and condition not in headers.values()):
            return self._sized(200, headers, self.body)
        begin, size = int(wanted.removeprefix("bytes=").rstrip("-")), len(self.body)
        if begin >= size:
            return self._sized(416, {"Content-Range": f"bytes */{size}"}, b"")
        return self._sized(206, headers | {"Content-Range": f"bytes {begin}-{size - 1}/{size}"}, self.body[begin:])

    def _sized(self, status: int, headers: dict[str, str], body: bytes) -> Answer:
        framing = {"Transfer-Encoding": "chunked"} if self.chunked else {"Content-Length": str(len(body))}
        return Answer(status, headers | framing, body, chunked=self.chunked)


def cut(at: int, *, reset: bool = False) -> Fault:
    """The connection ends after so many bytes of the body."""
    return lambda answer: replace(answer, cut=at, reset=reset)


def drop(answer: Answer) -> Answer:
    """The connection ends without a word."""
    return replace(answer, drop=True)


def stall(at: int, seconds: float) -> Fault:
    """Silence in the middle."""
    return lambda answer: replace(answer, at=at, seconds=seconds)


def flip(at: int) -> Fault:
    """One bit of the body is another."""

    def flipped(answer: Answer) -> Answer:
        if not answer.body:
            return answer
        body = bytearray(answer.body)
        body[at % len(body)] ^= 1
        return replace(answer, body=bytes(body))

    return flipped


def headed(**headers: str) -> Fault:
    """Other headers than the true ones: headed(Content_Length="7")."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda answer: replace(answer, headers=answer.headers | named)


def part(body: bytes, begin: int, end: int, **headers: str) -> Fault:
    """In the place of a 206, another one: these bytes of this body, and headers that agree with it or are given."""
    rest, span = body[begin:end], f"bytes {begin}-{end - 1}/{len(body)}"
    named = {key.replace("_", "-"): value for key, value in headers.items()}

    def fault(answer: Answer) -> Answer:
        if answer.status != 206 or not rest:
            return answer
        about = answer.headers | {"Content-Range": span, "Content-Length": str(len(rest))} | named
        chunked = "Transfer-Encoding" in about
        if chunked:
            del about["Content-Length"]
        return replace(answer, headers=about, body=rest, chunked=chunked)

    return fault


def says(status: int, **headers: str) -> Fault:
    """An answer that is none of the file."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return lambda answer: Answer(status, {"Content-Length": "4"} | named, b"oops")


class Handler(http.server.BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        asked = dict(self.headers.items())
        self.server.asked.append(self.path)
        self.server.requests.append(asked)
        page = self.server.pages.get(self.path.split("?")[0], Answer(404, {"Content-Length": "7"}, b"nothing"))
        with contextlib.suppress(OSError):  # whoever asked has gone
            if isinstance(page, Answer | File):
                self.send(page if isinstance(page, Answer) else page.answer(asked))
            else:
                page(self)

    def send(self, answer: Answer) -> None:
        if answer.drop:
            return
        self.send_response(answer.status)
        for key, value in {**answer.headers, "Connection": "close"}.items():
            self.send_header(key, value)
        self.end_headers()
        body = answer.body if answer.cut is None else answer.body[: answer.cut]
        self.part(answer, body[: answer.at])
        if answer.seconds:
            self.server.over.wait(answer.seconds)
        self.part(answer, body[answer.at :])
        if answer.chunked and answer.cut is None:
            self.wfile.write(b"0\r\n\r\n")
        if answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def part(self, answer: Answer, data: bytes) -> None:
        for piece in (data[i : i + 30_000] for i in range(0, len(data), 30_000)):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.chunked else piece)

    def log_message(self, *args: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    """`pages` by path: an Answer, a File, or a function that is given the handler; what was asked for is kept."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.asked: list[str] = []
        self.requests: list[dict[str, str]] = []
        self.pages: dict[str, Answer | File | Callable[[Handler], None]] = {}
        self.over = threading.Event()  # ends all stalls

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}"

    def ranges(self) -> list[str | None]:
        return [headers.get("Range") for headers in self.requests]

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hangs up is what is tried


@contextlib.contextmanager
def serving(made: Server | None = None) -> Iterator[Server]:
    """A server at work until the block ends."""
    with made or Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()


def moved(location: str) -> Answer:
    return Answer(302, {"Location": location, "Content-Length": "0"})


def trickle(text: bytes, seconds: float) -> Callable[[Handler], None]:
    """One byte at a time, for ever."""

    def page(handler: Handler) -> None:
        handler.wfile.write(text)
        while not handler.server.over.is_set():
            handler.wfile.write(b"1")
            time.sleep(seconds)

    return page


def nothing_kept(path: Path) -> bool:
    return not path.parent.exists() or list(path.parent.iterdir()) == []
