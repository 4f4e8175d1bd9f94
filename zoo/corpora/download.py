"""Downloads: one URL to one file, hashed while it streams, visible only when whole."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from zoo import files
from zoo.errors import NetworkProblem, Refused
from zoo.events import OnEvent, Progress, ignore

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 4.0
STALL_SECONDS = 30.0
SIZE_LIMIT = 2 * 2**30
CHUNK_BYTES = 2**16


def download(url: str, path: Path, *, sha256: str | None = None, on_event: OnEvent = ignore) -> Path:
    """Fetch `url` into `path` and return it.

    Raises NetworkProblem when there is no connection within CONNECT_SECONDS, when it breaks, or when the bytes do not
    have the sha256; Refused for anything but https (http only to this machine itself).
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise Refused(f"{url} is not https; download it yourself and give the file with --from")
    if sha256 and path.is_file() and files.sha256_of(path) == sha256:
        return path
    import requests

    files.make_directory(path.parent)
    try:
        response = within(CONNECT_SECONDS, lambda: _open(url))
        digest = hashlib.sha256()
        temporary = files.temporary_beside(path)
        try:
            files.write_chunks(temporary, _stream(response, path.name, digest, on_event))
            if sha256 and digest.hexdigest() != sha256:
                have = digest.hexdigest()[:12]
                raise NetworkProblem(f"{url} has sha256 {have}..., not {sha256[:12]}...: not the pinned bytes")
            files.replace(temporary, path)
        finally:
            files.remove(temporary)
    except requests.RequestException as error:
        raise NetworkProblem(f"cannot download {url}: {_reason(error)}") from error
    return path


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


def _open(url: str) -> "requests.Response":
    import requests

    response = requests.get(
        url, stream=True, timeout=(CONNECT_SECONDS, STALL_SECONDS), headers={"Accept-Encoding": "identity"}
    )
    response.raise_for_status()
    return response


def _stream(response: "requests.Response", name: str, digest: Any, on_event: OnEvent) -> Iterator[bytes]:
    length = response.headers.get("Content-Length")
    total = int(length) if length and length.isdigit() else None
    done = 0
    for chunk in response.iter_content(CHUNK_BYTES):
        done += len(chunk)
        if done > SIZE_LIMIT:
            raise NetworkProblem(f"{response.url} is larger than {SIZE_LIMIT:,} bytes")
        digest.update(chunk)
        on_event(Progress(f"downloading {name}", done, total, "bytes"))
        yield chunk
    if total is not None and done != total:
        raise NetworkProblem(f"{response.url} broke off after {done:,} of {total:,} bytes")
    on_event(Progress(f"downloading {name}", done, done, "bytes"))


def _reason(error: Exception) -> str:
    """The last cause in one clause, for requests nests four exceptions deep."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server says {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate is not trusted"
    if isinstance(error, requests.ConnectionError):
        return "no network, or the host cannot be reached"
    if isinstance(error, requests.Timeout):
        return "the server does not answer"
    return str(error).splitlines()[0]
