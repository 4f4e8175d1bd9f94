"""Addresses: where a download may go, and what of an address may be shown."""

import ipaddress
import socket
from typing import Self
from urllib.parse import urljoin

from zoo.errors import NetworkProblem, Refused
from zoo.masking import HIDDEN, masked_source

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")  # the only hosts for which http will do
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all else is local, multicast, or nobody's
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # 64:ff9b:1::/48 is for local use
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_Number = ipaddress.IPv4Address | ipaddress.IPv6Address


class Address:
    """A URL as it is asked for: without fragment, and with its login apart, so that no message can hold it."""

    def __init__(self, url: str) -> None:
        """Raises NetworkProblem for what is no address at all."""
        from urllib3.exceptions import LocationParseError
        from urllib3.util import parse_url

        try:
            parts = parse_url(url)  # the parser that connects; of two parsers one can be fooled
        except LocationParseError:
            raise NetworkProblem(f"{masked_source(url)} is no address") from None
        self.scheme, self.host, self.port = parts.scheme, parts.host or "", parts.port
        self.login = _login(url) if parts.auth else None
        self.url = parts._replace(auth=None, fragment=None).url
        self._shown = masked_source(self.url)
        path = self._shown.removesuffix(HIDDEN).partition("://")[2].partition("/")[2]
        self.name = path.rpartition("/")[2] or self.host

    def __str__(self) -> str:
        return self._shown

    def permitted(self) -> Self:
        """This address; raises Refused for anything but https, but http to this machine itself will do."""
        if not self.host or (self.scheme != "https" and not (self.scheme == "http" and self.host in LOOPBACK)):
            raise Refused(f"{self} is not https; download it yourself and give the file with --from")
        return self

    def next(self, location: str) -> "Address":
        """Where a redirect leads; raises Refused when it may not lead there, NetworkProblem when it leads nowhere."""
        try:
            target = Address(urljoin(self.url, location))
        except (ValueError, NetworkProblem):
            raise NetworkProblem(f"cannot download {self}: it redirects to what is no address") from None
        if target.login:
            raise Refused(f"{self} redirects to an address with a login in it, {target}")
        if target.is_inside and not self.is_inside:
            raise Refused(f"{self} redirects to {target}, which is this machine or its own network")
        if self.scheme == "https" and target.scheme != "https":
            raise Refused(f"{self} redirects to {target}, which is not https")
        if (self.scheme, self.host, self.port) == (target.scheme, target.host, target.port):
            target.login = self.login
        return target.permitted()

    @property
    def is_inside(self) -> bool:
        """Whether the host is, by its spelling, this machine or one that only its own network can reach."""
        host = self.host.strip("[]").rstrip(".")
        if host == "localhost" or host.endswith(".localhost") or "%" in host:  # %: bound to a network card, or hidden
            return True
        number = _number(host)
        return number is not None and not _is_outside(number)


def _is_outside(number: _Number) -> bool:
    """Whether an IP address is one of the public internet; of one with IPv4 addresses in it, those decide."""
    if isinstance(number, ipaddress.IPv4Address):
        return number.is_global and not number.is_multicast
    if embedded := _embedded(number):
        return all(map(_is_outside, embedded))
    return number.is_global and number in _UNICAST


def _embedded(number: ipaddress.IPv6Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses to which an IPv6 address leads: mapped, 6to4, Teredo, NAT64 (RFC 6052), compatible."""
    if single := number.ipv4_mapped or number.sixtofour:
        return (single,)
    if number.teredo:
        return number.teredo
    if number in _NAT64 or number in _COMPATIBLE:
        return (ipaddress.IPv4Address(number.packed[-4:]),)
    return ()


def _number(host: str) -> _Number | None:
    """The IP address that a host is written as, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        try:
            return ipaddress.ip_address(socket.inet_aton(host))  # 127.1 and 0x7f000001 are such, too
        except OSError:
            return None


def _login(url: str) -> tuple[bytes, bytes]:
    """Name and password in a URL."""
    from requests.utils import get_auth_from_url

    name, password = get_auth_from_url(url)
    return name.encode(), password.encode()
