"""Downloads: one URL to one file, hashed while it streams, visible only when whole."""

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from zoo import files
from zoo.errors import NetworkProblem, Refused
from zoo.events import OnEvent, Progress, ignore

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 4.0
STALL_SECONDS = 30.0
SIZE_LIMIT = 2 * 2**30
CHUNK_BYTES = 2**16
REDIRECTS = 5
LOOPBACK = ("127.0.0.1", "localhost", "::1")  # the only hosts for which http will do


def download(url: str, path: Path, *, sha256: str | None = None, on_event: OnEvent = ignore) -> Path:
    """Fetch `url` into `path` and return it.

    Raises NetworkProblem when there is no connection within CONNECT_SECONDS, when it breaks, or when the bytes do not
    have the sha256; Refused for anything but https (http only to this machine itself), redirects included.
    """
    if sha256 and path.is_file() and files.sha256_of(path) == sha256:
        return path
    files.make_directory(path.parent)
    temporary = files.temporary_beside(path)
    digest = hashlib.sha256()
    with _connected(url) as response:
        try:
            files.write_chunks(temporary, _stream(response, Path(urlsplit(url).path).name or url, digest, on_event))
            if sha256 and digest.hexdigest() != sha256:
                have = digest.hexdigest()[:12]
                raise NetworkProblem(f"{url} has sha256 {have}..., not {sha256[:12]}...: not the pinned bytes")
            files.replace(temporary, path)
        finally:
            files.remove(temporary)
    return path


@contextlib.contextmanager
def _connected(url: str) -> "Iterator[requests.Response]":
    """An open response, redirects followed under our own rules."""
    import requests

    with requests.Session() as session:
        local = _is_local(url)
        for _ in range(REDIRECTS + 1):
            if urlsplit(url).scheme != "https" and not (local and _is_local(url)):
                raise Refused(f"{url} is not https; download it yourself and give the file with --from")
            try:
                response = within(CONNECT_SECONDS, lambda: _open(session, url))  # noqa: B023
            except (requests.RequestException, NetworkProblem) as error:
                raise NetworkProblem(f"cannot download {url}: {_reason(error)}") from error
            with response:
                if not response.is_redirect:
                    if not response.ok:
                        said = f"the server says {response.status_code} {response.reason}"
                        raise NetworkProblem(f"cannot download {url}: {said}")
                    yield response
                    return
                url = _next(url, response.headers["Location"])
    raise NetworkProblem(f"cannot download {url}: it redirects again and again")


def _next(url: str, location: str) -> str:
    """The address that a redirect leads to."""
    try:
        target = urljoin(url, location)
        urlsplit(target)
    except ValueError:
        raise NetworkProblem(f"cannot download {url}: it redirects to what is no address") from None
    return target


def _is_local(url: str) -> bool:
    """Whether it is http to this machine itself, which will do unless somewhere else has sent us there."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK


def within(seconds: float, work: Callable[[], Any]) -> Any:
    """The result of `work`, which no timeout of its own can bound: looking up a host name and trying each of its
    addresses in turn may take minutes. Raises NetworkProblem when the time is up."""
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
        raise NetworkProblem(f"no connection within {seconds:.0f} s")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["value"]


def _open(session: "requests.Session", url: str) -> "requests.Response":
    return session.get(
        url,
        stream=True,
        allow_redirects=False,
        timeout=(CONNECT_SECONDS, STALL_SECONDS),
        headers={"Accept-Encoding": "identity"},
    )


def _stream(response: "requests.Response", name: str, digest: Any, on_event: OnEvent) -> Iterator[bytes]:
    import requests

    length = response.headers.get("Content-Length")
    total = int(length) if length and length.isdigit() else None
    done = 0
    try:
        for chunk in response.iter_content(CHUNK_BYTES):
            done += len(chunk)
            if done > SIZE_LIMIT:
                raise NetworkProblem(f"{response.url} is larger than {SIZE_LIMIT:,} bytes")
            digest.update(chunk)
            on_event(Progress(f"downloading {name}", done, total, "bytes"))
            yield chunk
    except requests.RequestException as error:  # an OSError, which would pass for a full disk
        raise NetworkProblem(f"{response.url} broke off after {done:,} bytes: {_reason(error)}") from error
    if total is not None and done != total:
        raise NetworkProblem(f"{response.url} broke off after {done:,} of {total:,} bytes")
    if total is None:  # else the last chunk has said so
        on_event(Progress(f"downloading {name}", done, done, "bytes"))


def _reason(error: Exception) -> str:
    """The cause in one clause, for requests nests four exceptions deep."""
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the server closed the connection"
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    if isinstance(error, requests.ConnectionError):
        return "no network, or the host cannot be reached"
    return str(error).splitlines()[0]
