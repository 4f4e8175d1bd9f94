"""Connections: one request, redirects followed under our own rules, to one answer and its body as it comes."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from zoo.errors import NetworkProblem
from zoo.web.address import LOOPBACK, Address
from zoo.web.answer import seconds_to_wait

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 4.0
STALL_SECONDS = 30.0
CHUNK_BYTES = 2**16
REDIRECTS = 5
LOST = (ConnectionResetError, ConnectionAbortedError, BrokenPipeError, ssl.SSLEOFError)


class Passing(NetworkProblem):
    """One that may be over when we ask again; the server wants to be left alone for `seconds`."""

    def __init__(self, message: str, seconds: float = 0.0) -> None:
        super().__init__(message)
        self.seconds = seconds


@contextlib.contextmanager
def answer_to(address: Address, headers: dict[str, str], known: set[str]) -> "Iterator[requests.Response]":
    """The answer to a request: 200, 206 or 416, its body unread. `known` collects the hosts that have ever answered.

    Raises Passing, NetworkProblem for what would be no better the next time, Refused for where one may not go.
    """
    import requests

    with requests.Session() as session:
        # else it would read the whole body of a redirect, and unpack it
        session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        for _ in range(REDIRECTS + 1):
            with _ask(session, address.permitted(), headers, known) as response:
                if not response.is_redirect:
                    _check(response, address, resuming="Range" in headers)
                    yield response
                    return
                address = address.next(_location(response))
    raise NetworkProblem(f"cannot download {address}: it redirects again and again")


def _location(response: "requests.Response") -> str:
    """Where a redirect leads; what is not ASCII in it is UTF-8, which http.client has read as Latin-1."""
    return response.headers["Location"].encode("latin-1").decode("utf-8", "replace")


def _ask(
    session: "requests.Session", address: Address, headers: dict[str, str], known: set[str]
) -> "requests.Response":
    import requests
    import urllib3

    # without an auth of ours, requests would look for a login in ~/.netrc
    login = requests.auth.HTTPBasicAuth(*address.login) if address.login else lambda request: request

    def ask() -> requests.Response:
        return session.get(
            address.url,
            headers={"Accept-Encoding": "identity", **headers},
            auth=login,
            stream=True,
            allow_redirects=False,
            timeout=(CONNECT_SECONDS, STALL_SECONDS),
            proxies={"no_proxy": address.host.strip("[]")} if address.host in LOOPBACK else None,
        )

    try:
        if not requests.utils.get_environ_proxies(address.url):  # a proxy looks names up by itself
            within(CONNECT_SECONDS, lambda: socket.getaddrinfo(address.host.strip("[]"), address.port))
        response: requests.Response = within(CONNECT_SECONDS + STALL_SECONDS, ask)
    except (NetworkProblem, requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError) as error:
        raise _problem(address, error, known) from error
    known.add(address.host)
    return response


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """The result of `work`, which no timeout of its own can bound: looking up a host name, trying each of its addresses
    in turn, and headers that never end may take minutes. Raises NetworkProblem when the time is up."""
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["value"] = work()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise NetworkProblem(f"no answer within {seconds:.0f} s")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def _check(response: "requests.Response", address: Address, *, resuming: bool) -> None:
    """Raise what the status or the encoding of an answer comes to; a 416 is one only to who asked for a part."""
    status, headers = response.status_code, response.headers
    says = f"cannot download {address}: the server says {status} {response.reason or ''}".rstrip()
    if status in (408, 429) or status // 100 == 5:
        raise Passing(says, seconds_to_wait(headers.get("Retry-After", "")))
    if status == 416 and resuming:
        return
    if status not in (200, 206):
        raise NetworkProblem(says)
    packed = [headers.get("Content-Encoding", "identity"), headers.get("Transfer-Encoding", "chunked")]
    if [name.strip().lower() for name in packed] != ["identity", "chunked"]:
        raise NetworkProblem(
            f"{address} comes in an encoding that was not asked for; download it by hand and give the file with --from"
        )


@contextlib.contextmanager
def ending(response: "requests.Response", deadline: float) -> Iterator[None]:
    """Hang up at a moment of the monotonic clock. A look at it between two reads would not do: one read can be drawn
    out for ever, byte after byte."""

    def hang_up() -> None:
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # it has ended meanwhile
            response.raw.shutdown()

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), hang_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def pieces(response: "requests.Response") -> Iterator[bytes]:
    """The body, each piece as soon as it is there; raises Passing with the reason when it breaks off."""
    import urllib3

    while True:
        try:
            data = response.raw.read1(CHUNK_BYTES, decode_content=False)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise Passing(_reason(error)) from error
        if not data:
            return
        yield data


def _problem(address: Address, error: Exception, known: set[str]) -> NetworkProblem:
    """What a request without an answer comes to: only a host that was there once is worth another try."""
    text = f"cannot download {address}: {_reason(error)}"
    causes = list(_causes(error))
    trusted = not any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes)
    if trusted and (address.host in known or any(isinstance(cause, LOST) for cause in causes)):
        return Passing(text)
    return NetworkProblem(text)


def _reason(error: Exception) -> str:
    """The cause in one clause, for requests nests four exceptions deep."""
    import requests
    import urllib3

    for cause in _causes(error):
        match cause:
            case NetworkProblem():
                return str(cause)
            case ssl.SSLCertVerificationError():
                return f"the server's certificate is not trusted ({cause.verify_message.rstrip('.')})"
            case requests.exceptions.ProxyError():
                return "the proxy cannot be reached"
            case urllib3.exceptions.NewConnectionError():  # which is a TimeoutError too
                break
            case requests.Timeout() | urllib3.exceptions.TimeoutError() | TimeoutError():
                return "the server does not answer"
            case http.client.IncompleteRead() | urllib3.exceptions.IncompleteRead():
                return "the server closed the connection"
            case _ if isinstance(cause, LOST):
                return "the server closed the connection"
            case http.client.HTTPException() | urllib3.exceptions.InvalidHeader() | ssl.SSLError():
                return "the server does not keep to the protocol"
    return "no network, or the host cannot be reached"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that led to it, however they hold each other."""
    found: list[BaseException] = [error]
    for one in found:  # grows meanwhile
        yield one
        inner = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        found += [other for other in inner if isinstance(other, BaseException) and other not in found]
