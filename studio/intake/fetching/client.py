"""Asks for one address the careful way: guarded, without cookies, limited in bytes, seconds, redirects and kinds.

Whatever a server does, `get` returns a page or raises an error of ours within its seconds.
"""

import zlib
from collections.abc import Callable, Iterator
from email.message import Message
from typing import NamedTuple

import httpcore
import httpx

from studio import __version__
from studio.base.errors import BadName, NotFound, Refused, Unavailable
from studio.intake.fetching.guard import Allowance, Clock, Guard, Resolver, checked, never, resolved

AGENT = "Amedida"
MOST_BYTES = 20 << 20
SECONDS = 20.0
MOST_REDIRECTS = 5
HEADERS = {
    "User-Agent": f"{AGENT}/{__version__} (takes in the pages its user asks for, and keeps to robots.txt)",
    "Accept": "text/html,application/xhtml+xml,application/pdf;q=0.9,*/*;q=0.5",
    "Accept-Language": "es,en;q=0.8,*;q=0.5",
    "Accept-Encoding": "gzip, deflate",
}


class Page(NamedTuple):
    """What came. `address` is where it was in the end; `kind` the content type and `charset` its own, "" if unsaid."""

    address: str
    kind: str
    charset: str
    content: bytes


class Client:
    """Keeps connections open from one page to the next, and nothing else: no cookies, no proxies, no memory."""

    def __init__(self, may_be_private: Allowance = never, resolve: Resolver = resolved) -> None:
        self._may_be_private = may_be_private
        self._clock = Clock()
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(),
            max_connections=4,
            max_keepalive_connections=2,
            keepalive_expiry=15.0,
            network_backend=Guard(self._clock, resolve, may_be_private),
        )

    def close(self) -> None:
        self._pool.close()

    def checked(self, address: str) -> str:
        return checked(address, self._may_be_private)

    def get(
        self,
        address: str,
        *,
        most: int = MOST_BYTES,
        cut: bool = False,
        seconds: float = SECONDS,
        before: Callable[[str], None] = lambda address: None,
    ) -> Page:
        """The page at this address; `before` is asked about every address a redirect leads to and may raise.

        With `cut` a longer page ends after `most` bytes. Raises BadName and Refused (see `guard.checked`),
        NotFound("web_missing"), Refused: web_closed, web_too_big; Unavailable: web_slow, web_unreachable,
        web_redirects, web_answer, web_damaged.
        """
        self._clock.start(seconds)
        here = self.checked(address)
        for _ in range(MOST_REDIRECTS + 1):
            try:
                found = self._one(here, most, cut)
            except httpcore.TimeoutException as error:
                raise Unavailable("web_slow", address=here, seconds=int(seconds)) from error
            except (httpcore.ConnectError, httpcore.UnsupportedProtocol) as error:
                raise Unavailable("web_unreachable", address=here) from error
            except (httpcore.ProtocolError, httpcore.NetworkError, zlib.error, OSError) as error:
                raise Unavailable("web_damaged", address=here) from error
            if isinstance(found, Page):
                return found
            try:
                here = self.checked(str(httpx.URL(here).join(found)))
            except (httpx.InvalidURL, BadName, ValueError) as error:
                raise Unavailable("web_damaged", address=here) from error
            before(here)
        raise Unavailable("web_redirects", address=address, limit=MOST_REDIRECTS)

    def _one(self, address: str, most: int, cut: bool) -> Page | str:
        """The page, or where it says it has gone."""
        url = httpx.URL(address)
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        host = ("Host", url.netloc.decode("ascii"))
        with self._pool.stream("GET", target, headers=[host, *HEADERS.items()]) as response:
            said = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status in (301, 302, 303, 307, 308) and said.get("location"):
                return said["location"]
            _fine(response.status, address)
            content = b"".join(_limited(_unpacked(response.iter_stream(), said, address), most, cut, address))
        kind, charset = _content_type(said.get("content-type", ""))
        return Page(address, kind, charset, content)


def _fine(status: int, address: str) -> None:
    match status:
        case 200:
            return
        case 404 | 410:
            raise NotFound("web_missing", address=address)
        case 401 | 402 | 403 | 407 | 451:
            raise Refused("web_closed", address=address, status=status)
        case _:
            raise Unavailable("web_answer", address=address, status=status)


def _unpacked(blocks: Iterator[bytes], said: dict[str, str], address: str) -> Iterator[bytes]:
    """The content without its compression, a piece at a time: a bomb is met in pieces too."""
    packing = said.get("content-encoding", "").strip().lower()
    if packing in ("", "identity"):
        yield from blocks
        return
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise Unavailable("web_damaged", address=address)
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)
    for number, block in enumerate(blocks):
        if number == 0 and packing == "deflate" and block and block[0] & 0x0F != 8:
            unpacker = zlib.decompressobj(-zlib.MAX_WBITS)  # deflate without its header, as some servers send it
        rest = block
        while rest and not unpacker.eof:
            yield unpacker.decompress(rest, 1 << 20)
            rest = unpacker.unconsumed_tail
    while not unpacker.eof and (rest := unpacker.decompress(b"", 1 << 20)):
        yield rest
    if not unpacker.eof:
        raise Unavailable("web_damaged", address=address)


def _limited(blocks: Iterator[bytes], most: int, cut: bool, address: str) -> Iterator[bytes]:
    length = 0
    for block in blocks:
        if length + len(block) > most:
            if not cut:
                raise Refused("web_too_big", address=address, mb=most >> 20)
            yield block[: most - length]
            return
        length += len(block)
        yield block


def _content_type(said: str) -> tuple[str, str]:
    message = Message()
    message["Content-Type"] = said or "application/octet-stream"
    charset = message.get_content_charset()
    return message.get_content_type() if said else "", charset or ""
