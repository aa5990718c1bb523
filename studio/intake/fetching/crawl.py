"""Takes a snapshot of a page, or of a site from there on: by its sitemap and its links, breadth first.

Only public addresses of the one site, only what robots.txt allows, one page at a time with a pause in between. A page
that cannot be had is named and stops nobody else; when none can be had, the first one's reason is raised.
"""

import time
from collections import Counter, deque
from pathlib import Path
from typing import NamedTuple

import httpx

from studio.base.errors import BadName, Refused, StudioError, Unavailable
from studio.base.events import Emit, Found, Progress, ShouldStop, Stage
from studio.base.recipes import WebRequest
from studio.base.records import Finding, Level, Parameter
from studio.intake.fetching import links
from studio.intake.fetching.client import Client, Page
from studio.intake.fetching.fetched import Fetched
from studio.intake.fetching.guard import Allowance, Resolver, never, resolved
from studio.intake.fetching.robots import Robots

PAUSE = 0.5
LONGEST_WAIT = 30.0
MOST_SITEMAPS = 20
MOST_KNOWN = 5_000
MOST_ON_DISK = 500 << 20
MOST_FAILURES = 5  # in a row: then the server has gone
SHOWN = 20
GROUPS = {  # error -> finding
    "web_robots": "web_left_out_robots",
    "web_slow": "web_left_out_slow",
    "web_too_big": "web_left_out_big",
    "web_closed": "web_left_out_closed",
    "web_address_private": "web_left_out_private",
}
BROKEN = "web_left_out_broken"


def web(
    request: WebRequest,
    folder: Path,
    emit: Emit,
    should_stop: ShouldStop,
    *,
    may_be_private: Allowance = never,
    resolve: Resolver = resolved,
    pause: float = PAUSE,
) -> list[Fetched]:
    """Snapshots of the pages and documents of a site in `folder`, in the order in which they were met.

    1. The first page, which says which site it is. 2. What the sitemap lists of this part of the site. 3. What these
    pages link to, as deep and as many as asked. Stopped, it gives what it has so far. Raises what `Client.get` raises
    for the first page, and Refused("web_robots").
    """
    emit(Stage(name="fetch_web"))
    client = Client(may_be_private, resolve)
    try:
        walk = _Walk(request, folder, emit, should_stop, client, pause)
        walk.begin()
        walk.go_on()
        walk.tell()
    finally:
        client.close()
    return walk.fetched


class _Known(NamedTuple):
    address: str
    depth: int


class _Walk:
    """Where a walk through a site stands: what is known, seen, kept and left out."""

    def __init__(
        self, request: WebRequest, folder: Path, emit: Emit, should_stop: ShouldStop, client: Client, pause: float
    ) -> None:
        self.fetched: list[Fetched] = []
        self._request, self._folder, self._emit, self._should_stop = request, folder, emit, should_stop
        self._client, self._robots, self._pause = client, Robots(client), pause
        self._known: deque[_Known] = deque()
        self._seen: set[str] = set()
        self._digests: set[str] = set()
        self._names: set[str] = set()
        self._left_out: dict[str, list[str]] = {}
        self._bytes = self._asked = 0
        self._site, self._started, self._last = "", time.monotonic(), 0.0

    def begin(self) -> None:
        """The first page or, where the address is that of a sitemap, what it lists."""
        page = self._first()
        self._site = links.site(page.address)
        self._seen.add(links.key(page.address))
        listed = links.is_sitemap(page.content)
        part = "/" if listed else links.folder(page.address)
        if listed:
            self._note(self._listed([page.address], page), 0, part)
            return
        if not self._keep(page, 0, part):
            raise Refused("web_nothing_readable", address=page.address)
        if self._request.depth > 0 and self._request.pages > 1:
            offered = self._robots.sitemaps(page.address) or [str(links.parsed(page.address).join("/sitemap.xml"))]
            self._note(self._listed(offered), 1, part)

    def go_on(self) -> None:
        """Ask for what is known, nearest first, until enough is kept, nothing is left or the person stops it."""
        most_asked, failures = 4 * self._request.pages + 20, 0
        first: StudioError | None = None
        while self._known and len(self.fetched) < self._request.pages and not self._should_stop():
            if self._asked >= most_asked or failures >= MOST_FAILURES or self._bytes >= MOST_ON_DISK:
                break
            address, depth = self._known.popleft()
            try:
                self._robots.require(address)
                page = self._get(address)
                if links.site(page.address) == self._site and not self._again(page.address, address):
                    self._keep(page, depth)
                failures = 0
            except StudioError as error:
                failures = failures + 1 if error.code in ("web_slow", "web_unreachable") else 0
                first = first or error
                self._left_out.setdefault(GROUPS.get(error.code, BROKEN), []).append(address)
            self._progress()
        if not self.fetched and not self._should_stop():
            raise first or Refused("web_nothing_readable", address=self._request.address)

    def tell(self) -> None:
        """One finding for each reason why pages are missing, with their names."""
        for code, addresses in self._left_out.items():
            self._say(code, addresses, "warn")
        if self._known and len(self.fetched) >= self._request.pages:
            self._say("web_more_pages", [known.address for known in self._known], "note")
        elif self._known and not self._should_stop():
            self._say("web_ended_early", [known.address for known in self._known], "warn")

    def _say(self, code: str, addresses: list[str], level: Level) -> None:
        shown = tuple(dict.fromkeys(_shown(address) for address in addresses[:SHOWN]))
        limits: dict[str, Parameter] = {"site": self._site, "limit": self._request.pages}
        self._emit(Found(finding=Finding(code=code, level=level, count=len(addresses), names=shown, parameters=limits)))

    def _first(self) -> Page:
        """The page the person named. Without a scheme it is asked for encrypted, and plainly where nobody answers that."""
        start = self._client.checked(self._request.address)
        self._seen.add(links.key(start))
        try:
            self._robots.require(start)
            return self._get(start)
        except Unavailable as error:
            if error.code != "web_unreachable" or "://" in self._request.address:
                raise
            plain = self._client.checked(f"http://{self._request.address.strip()}")
            self._robots.require(plain)
            return self._get(plain)

    def _get(self, address: str) -> Page:
        """The page, after the pause the site asks for; one that is asked for too often gets a second, later try."""
        self._wait(max(self._pause, self._robots.delay(address)) - (time.monotonic() - self._last))
        self._asked += 1
        try:
            return self._client.get(address, before=self._allowed)
        except Unavailable as error:
            if error.parameters.get("status") not in (429, 503):
                raise
            self._pause = min(2 * self._pause + 0.1, LONGEST_WAIT)
            self._wait(min(10 * self._pause, LONGEST_WAIT))
            return self._client.get(address, before=self._allowed)
        finally:
            self._last = time.monotonic()

    def _allowed(self, address: str) -> None:
        """A redirect is followed within the site, and anywhere for the first page, where robots.txt allows it."""
        if self._site and links.site(address) != self._site:
            raise Unavailable("web_elsewhere", address=address)
        self._robots.require(address)

    def _again(self, address: str, asked: str) -> bool:
        """Whether a redirect led to a page that was met before."""
        known = links.key(address) != links.key(asked) and links.key(address) in self._seen
        self._seen.add(links.key(address))
        return known

    def _keep(self, page: Page, depth: int, part: str = "/") -> bool:
        """Write the page down and note its links, those of this part of the site first; False for what is not read."""
        ending = links.extension(page.kind, page.address, page.content)
        if not ending:
            return False
        content, address = page.content, page.address
        if ending == "html":
            found = links.of_page(page.content, page.address, page.charset)
            if depth < self._request.depth:
                near = [each for each in found.links if links.parsed(each).path.startswith(part)]
                self._note([*near, *found.links], depth + 1)
            if found.digest in self._digests:
                return True
            self._digests.add(found.digest)
            if found.canonical and _but_for_query(found.canonical) == _but_for_query(address):
                address = found.canonical
                self._seen.add(links.key(address))
            content = links.readable(page.content, page.charset)
        name = links.name(address, ending)
        if name.casefold() in self._names:
            name = links.name(address, ending, plain=False)
        self._names.add(name.casefold())
        (self._folder / name).write_bytes(content)
        self._bytes += len(content)
        self.fetched.append(Fetched(file=name, name=name, origin=address))
        self._progress()
        return True

    def _note(self, addresses: list[str], depth: int, part: str = "/") -> None:
        """Remember what is new, of this site, of this part of it, and may be a page."""
        for address in addresses:
            if len(self._known) >= MOST_KNOWN:
                return
            try:
                if links.site(address) != self._site or not links.worth_asking(address):
                    continue
                if links.key(address) in self._seen or not links.parsed(address).path.startswith(part):
                    continue
                self._seen.add(links.key(address))
                self._known.append(_Known(self._client.checked(address), depth))
            except (StudioError, ValueError, httpx.InvalidURL):
                continue  # a link nobody could follow

    def _listed(self, sitemaps: list[str], first: Page | None = None) -> list[str]:
        """The pages of these sitemaps and of those they name, of this site."""
        pages: list[str] = []
        waiting, asked = deque(sitemaps), Counter[str]()
        while waiting and len(asked) < MOST_SITEMAPS and len(pages) < MOST_KNOWN and not self._should_stop():
            address = waiting.popleft()
            asked[address] += 1
            if asked[address] > 1:
                continue
            try:
                content = first.content if first and address == first.address else self._sitemap(address)
            except StudioError:
                continue  # the links are there too
            found, more = links.of_sitemap(content, address)
            pages += found
            waiting.extend(more)
        return pages

    def _sitemap(self, address: str) -> bytes:
        checked = self._client.checked(address)
        if links.site(checked) != self._site:
            raise BadName("web_address_wrong", address=checked)
        self._robots.require(checked)
        return self._get(checked).content

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._should_stop():
            time.sleep(min(left, 0.2))

    def _progress(self) -> None:
        done = len(self.fetched)
        of = min(self._request.pages, done + len(self._known))
        each = (time.monotonic() - self._started) / max(self._asked, 1)
        self._emit(Progress(done=done, of=of, seconds_left=round(each * (of - done), 1)))


def _but_for_query(address: str) -> str:
    return links.key(str(links.parsed(address).copy_with(query=None)))


def _shown(address: str) -> str:
    url = links.parsed(address)
    return url.host + url.path
