"""Only the public web: what stands between an address and a connection.

An address is refused by its form first. A name is looked up where the connection is made: every answer must be public,
and the connection goes to the answer that was checked, so that a name cannot point elsewhere a moment later. The
clock runs over a whole page, however slowly its bytes arrive.
"""

import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from studio.base.errors import BadName, Refused

Allowance = Callable[[str, int], bool]
Resolver = Callable[[str, int], list[str]]

PORTS = frozenset({80, 443})
LONGEST = 2_000
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:(?!\d+(/|$))", re.IGNORECASE)
_NUMBER = re.compile(r"^(0x[0-9a-f]*|[0-9]+)$", re.IGNORECASE)
# Global by the book and yet nobody's web server: protocol assignments, the old relays of 6to4.
_NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24")))
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def never(host: str, port: int) -> bool:
    """Nothing private is allowed: what everybody but a test says."""
    return False


def resolved(host: str, port: int) -> list[str]:
    """Every address the name has."""
    return list(dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def checked(address: str, may_be_private: Allowance = never) -> str:
    """The address as it is asked for, `https://` put before it where nothing stands. Nothing is looked up for it.

    Raises BadName("web_address_wrong") and Refused: web_address_scheme, web_address_login, web_address_port,
    web_address_private.
    """
    typed = address.strip()
    shown = typed[:200]
    if not typed or len(typed) > LONGEST or "\\" in typed or any(ord(c) < 33 or ord(c) == 127 for c in typed):
        raise BadName("web_address_wrong", address=shown)
    if not _SCHEME.match(typed):
        typed = f"https://{typed.removeprefix('//')}"
    try:
        url = httpx.URL(typed)
    except (httpx.InvalidURL, ValueError) as error:
        raise BadName("web_address_wrong", address=shown) from error
    if url.scheme not in ("http", "https"):
        raise Refused("web_address_scheme", address=_without_login(shown))
    if url.userinfo or "@" in typed.split("/")[2].split("?")[0].split("#")[0]:
        raise Refused("web_address_login", address=_without_login(shown))
    if not url.host or "%" in url.host:
        raise BadName("web_address_wrong", address=shown)
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    if port not in PORTS and not may_be_private(url.host, port):
        raise Refused("web_address_port", address=shown, port=port)
    literal = _literal(url.host)
    if literal is not None and not is_public(literal) and not may_be_private(url.host, port):
        raise Refused("web_address_private", address=shown)
    return str(url.copy_with(fragment=None))


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether everybody on the Internet would reach the same machine by it; addresses within addresses are unpacked."""
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in each for each in _NOT_PUBLIC)
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    if address.sixtofour is not None and not is_public(address.sixtofour):
        return False
    return address in _PUBLIC_6 and address.is_global and address.scope_id is None


class Clock:
    """How long the present page may still take."""

    def __init__(self) -> None:
        self._until = float("inf")

    def start(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def left(self, wanted: float | None = None) -> float:
        """Seconds for the next step. Raises httpcore.ReadTimeout when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if wanted is None else min(left, wanted)


class Guard(httpcore.NetworkBackend):
    """Opens connections to public machines only, and lets none of them outlast the clock."""

    def __init__(self, clock: Clock, resolve: Resolver, may_be_private: Allowance) -> None:
        self._clock, self._resolve, self._may_be_private = clock, resolve, may_be_private
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failed: httpcore.ConnectError | httpcore.ConnectTimeout | None = None
        for address in self._addresses(host, port):
            try:
                stream = self._plain.connect_tcp(address, port, self._clock.left(timeout), None, socket_options)
                return _Timed(stream, self._clock)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore.ConnectError(f"{host} has no address")

    def _addresses(self, host: str, port: int) -> list[str]:
        """What the name stands for. One private answer among public ones is as bad as none public."""
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError(str(error)) from error
        for each in found:
            try:
                public = is_public(ipaddress.ip_address(each))
            except ValueError:
                public = False
            if not public and not self._may_be_private(each, port):
                raise Refused("web_address_private", address=host)
        return found


class _Timed(httpcore.NetworkStream):
    """A connection that knows the time: one byte a second is no way to stay for ever."""

    def __init__(self, inner: httpcore.NetworkStream, clock: Clock) -> None:
        self._inner, self._clock = inner, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._clock.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._clock.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(self._inner.start_tls(ssl_context, server_hostname, self._clock.left(timeout)), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The number a host is, in any of the ways in which systems read one (2130706433, 0x7f000001, 127.1); else None."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        pass
    if not _NUMBER.match(host.rstrip(".").rpartition(".")[2]):
        return None
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
    except OSError as error:
        raise BadName("web_address_wrong", address=host) from error


def _without_login(address: str) -> str:
    """A name and password in an address are not repeated to anybody."""
    return re.sub(r"//[^/@]*@", "//", address)
