"""What the headers of an answer say: which part of which version of a file, and when to ask again."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import requests

SETTLED = timedelta(seconds=60)  # a file that is older did not change twice within the second that its date names


@dataclass(frozen=True)
class Part:
    """From which byte on an answer holds a file, and what tells its version from others.

    total         bytes of the whole file, None while unknown
    etag          as the server sent it, strong or weak
    modified      Last-Modified, likewise
    validator     what If-Range may name; None when nothing proves that two parts are of one version
    """

    begin: int
    total: int | None
    etag: str | None
    modified: str | None
    validator: str | None

    @classmethod
    def of(cls, response: "requests.Response") -> Self | None:
        """The part that a 200 or 206 holds; None for a 416, and where the headers contradict themselves."""
        length = _number(response.headers.get("Content-Length"))
        if "Content-Length" in response.headers and length is None:
            return None
        begin, total = 0, length
        if response.raw.chunked:
            length = total = None  # whatever the header says, it is not counted by
        if response.status_code != 200:
            match = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", response.headers.get("Content-Range", ""))
            if response.status_code != 206 or not match:
                return None
            begin, end, total = map(int, match.groups())
            if not begin <= end < total or length not in (None, end - begin + 1):
                return None
        etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
        return cls(begin, total, etag, modified, _validator(etag, modified, response.headers.get("Date", "")))

    def continues(self, before: "Part") -> bool:
        """Whether this is of the same version as a part that came before."""
        return (
            self.etag == before.etag
            and (self.modified == before.modified or self.modified is None)  # a 206 may leave it out
            and (self.total == before.total or before.total is None)
        )


def _number(text: str | None) -> int | None:
    """A count of bytes as the protocol has it, which knows fewer numbers than Python."""
    return int(text) if text and re.fullmatch("[0-9]{1,18}", text) else None


def _validator(etag: str | None, modified: str | None, date: str) -> str | None:
    """A strong ETag; without any ETag a Last-Modified that was SETTLED when the server sent it."""
    if etag is not None:
        return None if etag.startswith("W/") else etag
    then, now = _moment(modified or ""), _moment(date)
    return modified if then and now and now - then >= SETTLED else None


def seconds_to_wait(retry_after: str) -> float:
    """What Retry-After asks for, in seconds or as a date; 0 where it makes no sense."""
    if re.fullmatch("[0-9]{1,9}", retry_after):
        return float(retry_after)
    moment = _moment(retry_after)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment else 0.0


def _moment(text: str) -> datetime | None:
    """A date as HTTP writes it."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
