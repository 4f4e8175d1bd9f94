"""Downloads: one URL to one file, hashed while it streams, resumed where it broke off, visible only when whole."""

import hashlib
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import files
from zoo.errors import NetworkProblem
from zoo.events import Note, OnEvent, Progress, Warned, ignore
from zoo.web.address import Address
from zoo.web.answer import Part
from zoo.web.connection import Passing, answer_to, ending, pieces

if TYPE_CHECKING:
    import requests

SIZE_LIMIT = 2 * 2**30
DEADLINE_SECONDS = 30 * 60.0
TRIES = 6  # in a row that bring nothing new
WHOLE_TRIES = 3  # that bring all of it, and not the pinned bytes
BACKOFF_SECONDS = 1.0  # before the second try; each one after that waits twice as long as the one before
JITTER = 0.5  # at most so much of a wait is added to it, so that not all come again at once
WAIT_LIMIT = 60.0  # seconds, whatever the server asks for


def download(url: str, path: Path, *, sha256: str | None = None, on_event: OnEvent = ignore) -> Path:
    """Fetch `url` into `path` and return it. A file there with the given sha256 is taken as it is.

    Raises NetworkProblem when the host is not there within CONNECT_SECONDS, when what broke off does not go on, and
    when the bytes do not have the sha256; Refused for anything but https (http only to this machine itself), redirects
    included; StorageProblem when the disk refuses.
    """
    address = Address(url).permitted()
    if sha256 and path.is_file():
        if files.sha256_of(path) == sha256:
            return path
        on_event(Warned(f"{path.name} in the cache is not what was downloaded; it is downloaded again"))
    files.make_directory(path.parent)
    with files.draft(path) as draft:
        size = _Download(address, draft, sha256, on_event).run()
    on_event(Progress(f"downloading {address.name}", size, size, "bytes"))
    return path


class _Download:
    """What has arrived of a file, and of which version."""

    def __init__(self, address: Address, draft: files.Draft, sha256: str | None, on_event: OnEvent) -> None:
        self.address, self.draft, self.sha256, self.on_event = address, draft, sha256, on_event
        self.chance = random.Random()  # not the one that others may have seeded
        self.deadline = time.monotonic() + DEADLINE_SECONDS
        self.known: set[str] = set()  # hosts that have answered
        self.wrong: list[str] = []  # hashes of what came whole
        self.furthest = 0  # bytes, and only what goes beyond is progress: else it might begin anew for ever
        self.part: Part | None = None
        self._clear()

    def _clear(self) -> None:
        self.draft.clear()
        self.digest, self.done = hashlib.sha256(), 0

    def run(self) -> int:
        """Try until all of it is there and right; how many bytes that are."""
        tries = 0
        while True:
            before = self.furthest
            try:
                self._try()
                self._check_hash()
                return self.done
            except Passing as problem:
                tries = 1 if self.furthest > before else tries + 1
                if tries == TRIES:
                    raise
                self._wait(problem, tries)

    def _wait(self, problem: Passing, tries: int) -> None:
        backoff = BACKOFF_SECONDS * 2 ** (tries - 1) * self.chance.uniform(1, 1 + JITTER)
        seconds = min(max(backoff, problem.seconds), WAIT_LIMIT)
        if time.monotonic() + seconds > self.deadline:
            raise self._late() from problem
        self.on_event(Note(f"{problem}; trying again in {seconds:.0f} s"))
        time.sleep(seconds)

    def _late(self) -> NetworkProblem:
        return NetworkProblem(
            f"{self.address} is not here within {DEADLINE_SECONDS / 60:.0f} min (after {self.done:,} bytes); "
            "download it by hand and give the file with --from"
        )

    def _try(self) -> None:
        """One request, and what its body adds to what is there."""
        with answer_to(self.address, self._wish(), self.known) as response, ending(response, self.deadline):
            total = self._place(response)
            try:
                for data in pieces(response):
                    self._add(data, total)
            except Passing as problem:
                raise self._broken(total, f": {problem}") from problem
            if time.monotonic() > self.deadline:  # then it was we who hung up
                raise self._late()
        if total is not None and self.done < total:
            raise self._broken(total)

    def _wish(self) -> dict[str, str]:
        """Headers that ask for what is missing, if it can be told that it belongs to what is there."""
        validator = self.part.validator if self.part else None
        if not self.done or not (validator or self.sha256):
            return {}
        return {"Range": f"bytes={self.done}-"} | ({"If-Range": validator} if validator else {})

    def _place(self, response: "requests.Response") -> int | None:
        """Make ready for a body, anew where it does not belong to what is there; the size of the file, if known."""
        part = Part.of(response)
        if part and part.begin == 0 and (response.status_code == 200 or not self.done):
            self._clear()
            self.part = part
        elif not part or part.begin != self.done or not self.part or not part.continues(self.part):
            self._clear()
            raise Passing(f"{self.address} does not go on where it broke off")
        else:
            self.part = replace(self.part, total=part.total)
        if (part.total or 0) > SIZE_LIMIT:
            raise self._too_large()
        return part.total

    def _add(self, data: bytes, total: int | None) -> None:
        if time.monotonic() > self.deadline:
            raise self._late()
        if self.done + len(data) > SIZE_LIMIT:
            raise self._too_large()
        if total is not None and self.done + len(data) > total:
            self._clear()
            raise Passing("more came than there is")
        self.draft.append(data)
        self.digest.update(data)
        self.done += len(data)
        self.furthest = max(self.furthest, self.done)
        if self.done != total:  # the end is said when it is there to stay
            self.on_event(Progress(f"downloading {self.address.name}", self.done, total, "bytes"))

    def _broken(self, total: int | None, why: str = "") -> Passing:
        of = f" of {total:,}" if total is not None else ""
        return Passing(f"{self.address} broke off after {self.done:,}{of} bytes{why}")

    def _too_large(self) -> NetworkProblem:
        return NetworkProblem(f"{self.address} is larger than {SIZE_LIMIT:,} bytes")

    def _check_hash(self) -> None:
        """Raise Passing for bytes that are not the pinned ones; NetworkProblem when they come like that each time."""
        have = self.digest.hexdigest()
        if not self.sha256 or have == self.sha256:
            return
        problem = f"{self.address} has sha256 {have[:12]}..., not {self.sha256[:12]}...: not the pinned bytes"
        if have in self.wrong or len(self.wrong) + 1 == WHOLE_TRIES:
            raise NetworkProblem(problem)
        self.wrong.append(have)
        self._clear()
        self.furthest = 0
        raise Passing(problem)
