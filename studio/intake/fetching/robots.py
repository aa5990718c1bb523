"""What a site asks of programs that read it: robots.txt, read once a host and kept to.

As RFC 9309 has it: no such file, everything may be read; a server in trouble, nothing.
"""

import httpx
from protego import Protego

from studio.base.errors import NotFound, Refused, StudioError, Unavailable
from studio.intake.fetching.client import AGENT, Client

MOST_BYTES = 512 << 10
LONGEST_DELAY = 10.0
EVERYTHING, NOTHING = "", "User-agent: *\nDisallow: /"


class Robots:
    """The rules of every host that was met."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rules: dict[str, Protego] = {}

    def require(self, address: str) -> None:
        """Raises Refused("web_robots") where the site does not want the address read, and what asking for it raised."""
        if not self.allows(address):
            raise Refused("web_robots", address=address)

    def allows(self, address: str) -> bool:
        return self._of(address).can_fetch(address, AGENT)

    def delay(self, address: str) -> float:
        """Seconds the site wants between two pages; one that wants hours gets LONGEST_DELAY."""
        said = self._of(address).crawl_delay(AGENT)
        return min(max(said or 0.0, 0.0), LONGEST_DELAY)

    def sitemaps(self, address: str) -> list[str]:
        return list(self._of(address).sitemaps)

    def _of(self, address: str) -> Protego:
        url = httpx.URL(address)
        place = f"{url.scheme}://{url.netloc.decode('ascii')}"
        if place not in self._rules:
            self._rules[place] = Protego.parse(self._text(f"{place}/robots.txt"))
        return self._rules[place]

    def _text(self, address: str) -> str:
        try:
            page = self._client.get(address, most=MOST_BYTES, cut=True)
        except NotFound:
            return EVERYTHING
        except Unavailable as error:
            if error.code == "web_unreachable":
                raise
            status = error.parameters.get("status", 500)
            return EVERYTHING if isinstance(status, int) and 400 <= status < 500 and status != 429 else NOTHING
        except Refused as error:
            if error.code != "web_closed":
                raise
            return EVERYTHING
        except StudioError:
            return NOTHING
        return "" if page.kind == "text/html" else page.content.decode("utf-8", errors="replace")
