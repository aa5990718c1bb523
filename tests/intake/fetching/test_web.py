"""A page or a site becomes snapshots: in a sensible order, each page once, only what may be read, and politely."""

import gzip
import hashlib
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.base.errors import StudioError
from studio.base.events import Event, Found, Progress, Stage
from studio.base.recipes import WebRequest
from studio.intake import fetching
from studio.intake.fetching import client, crawl, links, robots
from studio.intake.fetching.fetched import Fetched
from tests.intake.fetching import sites
from tests.intake.fetching.sites import Site, moved, page


@pytest.fixture
def site() -> Iterator[Site]:
    with sites.serve({}) as running:
        yield running


def fetch(
    site: Site,
    folder: Path,
    path: str = "/",
    *,
    emit: Callable[[Event], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    pause: float = 0.0,
    **settings: Any,
) -> list[Fetched]:
    request = WebRequest(address=site.address(path), **settings)
    return fetching.web(request, folder, emit, should_stop, pause=pause, **site.ways)


def findings(said: list[Event]) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {each.finding.code: (each.finding.count, each.finding.names) for each in said if isinstance(each, Found)}


# ---- what is read, and in which order ----------------------------------------------------------------------------------


def test_a_single_page_becomes_a_file_named_after_its_path(site: Site, tmp_path: Path) -> None:
    html = page("Returns", "/other")
    site.answers["/help/returns"] = html
    assert fetch(site, tmp_path, "/help/returns", depth=0) == [
        Fetched(
            file="site.test_help_returns.html",
            name="site.test_help_returns.html",
            origin=site.address("/help/returns"),
        )
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["site.test_help_returns.html"]
    assert (tmp_path / "site.test_help_returns.html").read_text() == html
    assert site.asked == ["/robots.txt", "/help/returns"]


def test_a_site_is_read_breadth_first_as_deep_as_asked(site: Site, tmp_path: Path) -> None:
    site.answers |= {
        "/": page("Home", "/a", "/b"),
        "/a": page("A", "/a/deep", text="first"),
        "/b": page("B", "/", "a", text="second"),
        "/a/deep": page("Deep", "/a/deeper"),
        "/a/deeper": page("Deeper"),
    }
    assert [each.name for each in fetch(site, tmp_path, depth=2)] == [
        "site.test.html",
        "site.test_a.html",
        "site.test_b.html",
        "site.test_a_deep.html",
    ]
    assert site.pages() == ["/", "/a", "/b", "/a/deep"]


def test_no_more_pages_than_asked_and_the_rest_is_said(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = page("Home", *(f"/{n}" for n in range(10)))
    site.answers |= {f"/{n}": page(str(n), text=f"page {n}") for n in range(10)}
    said: list[Event] = []
    assert len(fetch(site, tmp_path, pages=4, emit=said.append)) == 4
    assert findings(said)["web_more_pages"] == (7, tuple(f"site.test/{n}" for n in range(3, 10)))
    assert len(site.pages()) == 4


def test_ten_thousand_links_are_no_ten_thousand_requests(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = page("Home", *(f"/p{n}" for n in range(10_000)))
    said: list[Event] = []
    assert len(fetch(site, tmp_path, pages=5, emit=said.append)) == 1
    assert len(site.pages()) <= 1 + 4 * 5 + 20
    assert findings(said)["web_ended_early"][0] > 1_000


def test_the_same_page_is_kept_once_whatever_its_address(site: Site, tmp_path: Path) -> None:
    same = page("Shipping", text="Three days.", head='<meta name="token" content="{}">')
    site.answers |= {
        "/": page(
            "Home", "/ship", "/ship/", "/ship#how", "/ship?utm_source=mail", "/ship?view=print", "/old", "/index.html"
        ),
        "/ship": same.format("1"),
        "/ship?view=print": same.format("2"),
        "/old": moved("/ship"),
    }
    assert [each.name for each in fetch(site, tmp_path)] == ["site.test.html", "site.test_ship.html"]
    assert site.pages() == ["/", "/ship", "/ship?view=print", "/old", "/ship"]


def test_only_this_site_is_read(site: Site, tmp_path: Path) -> None:
    site.answers |= {
        "/": page("Home", "http://other.test/", "https://www.site.test:444/", "mailto:a@b.c", "/gone-away", "tel:1"),
        "/gone-away": moved("http://other.test/"),
    }
    said: list[Event] = []
    assert [each.name for each in fetch(site, tmp_path, emit=said.append)] == ["site.test.html"]
    assert site.pages() == ["/", "/gone-away"]
    assert findings(said) == {"web_left_out_broken": (1, ("site.test/gone-away",))}


def test_documents_that_are_linked_come_along_as_files_and_pictures_do_not(site: Site, tmp_path: Path) -> None:
    pdf = b"%PDF-1.7 prices"
    site.answers |= {
        "/": page("Home", "/prices.pdf", "/logo.png", "/download?id=3", "/style.css", "/film.mp4", "/picture"),
        "/prices.pdf": (200, {"Content-Type": "application/pdf"}, pdf),
        "/download?id=3": (
            200,
            {"Content-Type": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
            b"PK\x03\x04",
        ),
        "/picture": (200, {"Content-Type": "image/png"}, b"\x89PNG"),
    }
    names = [each.name for each in fetch(site, tmp_path)]
    assert names[:2] == ["site.test.html", "site.test_prices.pdf"]
    assert names[2].startswith("site.test_download-")
    assert names[2].endswith(".docx")
    assert len(names) == 3
    assert (tmp_path / "site.test_prices.pdf").read_bytes() == pdf
    assert site.pages() == ["/", "/prices.pdf", "/download?id=3", "/picture"]


def test_what_the_sitemap_lists_is_read_too(site: Site, tmp_path: Path) -> None:
    inner = f"<urlset><url><loc>{site.address('/zipped')}</loc></url></urlset>".encode()
    site.answers |= {
        "/robots.txt": (200, {}, f"Sitemap: {site.address('/maps/index.xml')}".encode()),
        "/maps/index.xml": (
            f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><sitemap><loc>{site.address("/a.xml.gz")}'
            f"</loc></sitemap><sitemap><loc>{site.address('/b.txt')}</loc></sitemap>"
            f"<sitemap><loc>{site.address('/maps/index.xml')}</loc></sitemap></sitemapindex>"
        ),
        "/a.xml.gz": (200, {}, gzip.compress(inner)),
        "/b.txt": (200, {"Content-Type": "text/plain"}, f"{site.address('/listed')}\nhttp://other.test/\n".encode()),
        "/": page("Home", "/linked"),
        "/linked": page("Linked", text="1"),
        "/zipped": page("Zipped", text="2"),
        "/listed": page("Listed", text="3"),
    }
    names = [each.name for each in fetch(site, tmp_path, depth=1)]
    assert names == ["site.test.html", "site.test_linked.html", "site.test_zipped.html", "site.test_listed.html"]


def test_a_sitemap_may_be_the_address_itself(site: Site, tmp_path: Path) -> None:
    listed = "".join(f"<url><loc>{site.address(path)}</loc></url>" for path in ("/a", "/b"))
    site.answers |= {
        "/sitemap.xml": (200, {"Content-Type": "application/xml"}, f"<urlset>{listed}</urlset>".encode()),
        "/a": page("A", "/c"),
        "/b": page("B"),
    }
    names = [each.name for each in fetch(site, tmp_path, "/sitemap.xml", depth=0)]
    assert names == ["site.test_a.html", "site.test_b.html"]


def test_of_a_part_of_a_site_the_sitemap_adds_only_that_part(site: Site, tmp_path: Path) -> None:
    listed = "".join(f"<url><loc>{site.address(path)}</loc></url>" for path in ("/shop/1", "/help/a"))
    site.answers |= {
        "/sitemap.xml": (200, {}, f"<urlset>{listed}</urlset>".encode()),
        "/help/": page("Help", "/contact", "/help/b"),
        "/help/a": page("A"),
        "/help/b": page("B"),
        "/contact": page("Contact"),
    }
    names = [each.name for each in fetch(site, tmp_path, "/help/", depth=1)]
    assert names == [f"site.test_{name}.html" for name in ("help", "help_b", "contact", "help_a")]


def test_the_first_page_may_lead_to_the_site_it_has_become(site: Site, tmp_path: Path) -> None:
    site.answers |= {"/": moved(f"http://new.test:{site.port}/start"), "/start": page("New", "/a"), "/a": page("A")}
    assert [each.origin for each in fetch(site, tmp_path)] == [
        f"http://new.test:{site.port}/start",
        f"http://new.test:{site.port}/a",
    ]


def test_letters_that_only_the_server_explains_survive_in_the_file(site: Site, tmp_path: Path) -> None:
    html = "<html><body>Camión, 5 €</body></html>"
    site.answers["/"] = (200, {"Content-Type": "text/html; charset=windows-1252"}, html.encode("cp1252"))
    fetch(site, tmp_path, depth=0)
    assert (tmp_path / "site.test.html").read_text("utf-8-sig") == html


@pytest.mark.parametrize("charset", ["windows-1252", "no-such-thing", "utf-16", ""])
def test_a_wrong_charset_changes_nothing_in_a_page_that_is_utf_8(charset: str, site: Site, tmp_path: Path) -> None:
    html = "<html><body>Camión, 5 €</body></html>".encode()
    site.answers["/"] = (200, {"Content-Type": f"text/html; charset={charset}"}, html)
    fetch(site, tmp_path, depth=0)
    assert (tmp_path / "site.test.html").read_bytes() == html


# ---- manners -----------------------------------------------------------------------------------------------------------


def test_what_robots_txt_asks_is_kept_to(site: Site, tmp_path: Path) -> None:
    site.answers |= {
        "/robots.txt": "User-agent: *\nDisallow: /private\nDisallow: /*.pdf$\n\nUser-agent: Amedida\nDisallow: /not-you\n",
        "/": page("Home", "/not-you", "/private", "/to-not-you"),
        "/private": page("For the named one this is allowed"),
        "/to-not-you": moved("/not-you/inside"),
    }
    site.answers["/robots.txt"] = (200, {"Content-Type": "text/plain"}, str(site.answers["/robots.txt"]).encode())
    said: list[Event] = []
    names = [each.name for each in fetch(site, tmp_path, emit=said.append)]
    assert names == ["site.test.html", "site.test_private.html"]
    assert findings(said) == {"web_left_out_robots": (2, ("site.test/not-you", "site.test/to-not-you"))}
    assert "/not-you" not in site.asked
    assert "/not-you/inside" not in site.asked


def test_a_first_page_that_may_not_be_read_is_refused(site: Site, tmp_path: Path) -> None:
    site.answers["/robots.txt"] = (200, {}, b"User-agent: *\nDisallow: /")
    with pytest.raises(StudioError) as refused:
        fetch(site, tmp_path)
    assert (refused.value.code, site.asked) == ("web_robots", ["/robots.txt"])


@pytest.mark.parametrize(
    ("answer", "allowed"),
    [
        ((404, {}, b""), True),
        ((403, {}, b""), True),
        ((500, {}, b""), False),
        ((200, {"Content-Type": "text/html"}, b"<html>User-agent: *\nDisallow: /</html>"), True),
        ((200, {}, b"User-agent: *\nDisallow: /\n" + b"# " + b"x" * (1 << 20)), False),
        ((200, {}, b"\xff\xfe\x00garbage"), True),
    ],
)
def test_a_robots_txt_that_is_missing_broken_or_endless_is_read_as_the_standard_says(
    answer: sites.Answer, allowed: bool, site: Site
) -> None:
    site.answers["/robots.txt"] = answer
    asking = client.Client(**site.ways)
    assert robots.Robots(asking).allows(site.address("/page")) is allowed
    asking.close()


@pytest.mark.parametrize(("asked", "given"), [("2", 2.0), ("0.5", 0.5), ("86400", robots.LONGEST_DELAY), ("x", 0.0)])
def test_the_pause_a_site_asks_for_is_kept_within_reason(asked: str, given: float, site: Site) -> None:
    site.answers["/robots.txt"] = (200, {}, f"User-agent: *\nCrawl-delay: {asked}".encode())
    asking = client.Client(**site.ways)
    assert robots.Robots(asking).delay(site.address()) == given
    asking.close()


def test_there_is_a_pause_between_two_pages(site: Site, tmp_path: Path) -> None:
    site.answers |= {"/": page("Home", "/a", "/b"), "/a": page("A"), "/b": page("B")}
    started = time.monotonic()
    assert len(fetch(site, tmp_path, pause=0.15)) == 3
    assert time.monotonic() - started >= 0.4  # and one before the sitemap


def test_we_say_who_we_are_and_carry_nothing_else(site: Site, tmp_path: Path) -> None:
    site.answers |= {"/": (200, {"Set-Cookie": "a=b", "Content-Type": "text/html"}, page("Home", "/a").encode())}
    site.answers["/a"] = page("A")
    fetch(site, tmp_path)
    assert {tuple(sorted(each)) for each in site.headers} == {
        ("Accept", "Accept-Encoding", "Accept-Language", "Host", "User-Agent")
    }
    assert {each["Host"] for each in site.headers} == {f"site.test:{site.port}"}
    assert site.headers[0]["User-Agent"].startswith("Amedida/")


def test_progress_says_how_many_pages_of_how_many_are_known(site: Site, tmp_path: Path) -> None:
    site.answers |= {"/": page("Home", "/a", "/b"), "/a": page("A"), "/b": page("B")}
    said: list[Event] = []
    fetch(site, tmp_path, emit=said.append)
    assert [each.name for each in said if isinstance(each, Stage)] == ["fetch_web"]
    counts = [(each.done, each.of) for each in said if isinstance(each, Progress)]
    assert counts[0] == (1, 3)
    assert counts[-1] == (3, 3)


def test_stopped_it_keeps_what_it_has(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = page("Home", *(f"/{n}" for n in range(9)))
    site.answers |= {f"/{n}": page(str(n)) for n in range(9)}
    fetched = fetch(site, tmp_path, should_stop=lambda: len(site.pages()) >= 3)
    assert [each.name for each in fetched] == ["site.test.html", "site.test_0.html", "site.test_1.html"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(each.file for each in fetched)


# ---- servers that mean no good, and servers in trouble -------------------------------------------------------------------


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>")
    while True:
        connection.sendall(b"<p>and on it goes</p>" * 5_000)


def drop_by_drop(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.1)


def headers_drop_by_drop(connection: socket.socket) -> None:
    for letter in b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100:
        connection.sendall(bytes([letter]))
        time.sleep(0.05)


def silent(connection: socket.socket) -> None:
    time.sleep(5)


def endless_header(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(100):
        connection.sendall(b"y" * 10_000)


def nonsense(connection: socket.socket) -> None:
    connection.sendall(b"\x00\x01\x02 no web server \r\n\r\n")


def too_short(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 99999\r\n\r\n<html>short</html>")


def bomb(size: int, packing: str = "gzip") -> sites.Answer:
    """`size` MB of nothing, packed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if packing == "gzip" else 15)
    packed = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(size)), packer.flush()])
    return 200, {"Content-Type": "text/html", "Content-Encoding": packing}, packed


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (endless, "web_too_big"),
        (bomb(100), "web_too_big"),
        (bomb(100, "deflate"), "web_too_big"),
        ((200, {"Content-Encoding": "gzip", "Content-Type": "text/html"}, b"no gzip"), "web_damaged"),
        ((200, {"Content-Encoding": "gzip"}, gzip.compress(b"<html>cut off</html>" * 99)[:-20]), "web_damaged"),
        ((200, {"Content-Encoding": "br"}, b"x"), "web_damaged"),
        ((200, {"Content-Encoding": "gzip, gzip"}, b"x"), "web_damaged"),
        (drop_by_drop, "web_slow"),
        (headers_drop_by_drop, "web_slow"),
        (silent, "web_slow"),
        (endless_header, "web_damaged"),
        (nonsense, "web_damaged"),
        (too_short, "web_damaged"),
        (moved("/it"), "web_redirects"),
        (moved("http://[bad"), "web_damaged"),
        ((404, {}, b""), "web_missing"),
        ((410, {}, b""), "web_missing"),
        ((401, {}, b""), "web_closed"),
        ((403, {}, b""), "web_closed"),
        ((500, {}, b""), "web_answer"),
        ((204, {}, b""), "web_answer"),
        ((200, {"Content-Type": "image/png"}, b"\x89PNG"), "web_nothing_readable"),
        ((200, {"Content-Type": "text/html"}, b""), None),
    ],
    ids=lambda told: getattr(told, "__name__", None),
)
def test_whatever_a_server_does_it_costs_few_seconds_and_has_its_sentence(
    answer: sites.Answer, code: str | None, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.Client.get, "__kwdefaults__", client.Client.get.__kwdefaults__ | {"seconds": 0.6})
    site.answers |= {"/it": answer}
    started = time.monotonic()
    if code is None:
        assert len(fetch(site, tmp_path, "/it", depth=0)) == 1
        return
    with pytest.raises(StudioError) as failed:
        fetch(site, tmp_path, "/it", depth=0)
    assert (failed.value.code, list(tmp_path.iterdir())) == (code, [])
    assert time.monotonic() - started < 3


def test_a_bad_page_is_named_and_stops_nobody_else(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client.Client.get, "__kwdefaults__", client.Client.get.__kwdefaults__ | {"seconds": 0.4})
    site.answers |= {
        "/": page("Home", "/slow", "/big", "/loop", "/gone", "/inside", "/staff", "/fine"),
        "/slow": drop_by_drop,
        "/big": bomb(30),
        "/loop": moved("/loop"),
        "/inside": moved("http://site.test:80@127.0.0.1/"),
        "/staff": (403, {}, b""),
        "/fine": page("Fine"),
    }
    said: list[Event] = []
    assert [each.name for each in fetch(site, tmp_path, emit=said.append)] == ["site.test.html", "site.test_fine.html"]
    assert findings(said) == {
        "web_left_out_slow": (1, ("site.test/slow",)),
        "web_left_out_big": (1, ("site.test/big",)),
        "web_left_out_broken": (3, ("site.test/loop", "site.test/gone", "site.test/inside")),
        "web_left_out_closed": (1, ("site.test/staff",)),
    }


def test_a_server_that_asks_for_a_break_gets_one_and_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.answers |= {"/": page("Home", "/busy"), "/busy": (429, {}, b"")}

    def later(seconds: float) -> None:
        site.answers["/busy"] = page("Busy no more")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(crawl.time, "sleep", later)
        assert [each.name for each in fetch(site, tmp_path)] == ["site.test.html", "site.test_busy.html"]


def test_a_server_that_has_gone_is_not_asked_for_five_hundred_pages(tmp_path: Path) -> None:
    with sites.serve({"/": page("Home", *(f"/{n}" for n in range(100)))}) as site:
        known = dict(site.ways)
        calls: list[str] = []

        def gone(host: str, port: int) -> list[str]:
            calls.append(host)
            if len(site.pages()):
                raise OSError
            return ["127.0.0.1"]

        site.answers["/"] = (200, {"Content-Type": "text/html", "Connection": "close"}, str(site.answers["/"]).encode())
        said: list[Event] = []
        request = WebRequest(address=site.address(), pages=100)
        fetched = fetching.web(request, tmp_path, said.append, lambda: False, pause=0.0, **known | {"resolve": gone})
    assert len(fetched) == 1
    assert findings(said)["web_left_out_broken"][0] == crawl.MOST_FAILURES
    assert findings(said)["web_ended_early"][0] == 100 - crawl.MOST_FAILURES


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><urlset><url><loc>&a;</loc></url></urlset>",
        b"<urlset><url><loc>http://site.test/a</loc></url><url><loc>http://si",
        gzip.compress(bytes(60 << 20)),
        b"\x1f\x8bno gzip",
        b"<urlset>" * 100,
        b"",
    ],
    ids=["entities", "cut off", "bomb", "no gzip", "nested", "empty"],
)
def test_a_hostile_sitemap_gives_what_stood_before_the_trouble(content: bytes) -> None:
    pages, more = links.of_sitemap(content, "http://site.test/sitemap.xml")
    assert (set(pages) <= {"http://site.test/a"}, more) == (True, [])


# ---- addresses and names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://www.acme.com/", "acme.com.html"),
        ("https://acme.com/es/ayuda/envíos/", "acme.com_es_ayuda_envíos.html"),
        ("https://acme.com/help/returns.php", "acme.com_help_returns.html"),
        ("https://acme.com/v1.2/notes", "acme.com_v1.2_notes.html"),
        ("https://acme.com/../../etc/passwd", "acme.com_etc_passwd.html"),
    ],
)
def test_a_name_follows_from_the_address(address: str, name: str) -> None:
    assert links.name(address, "html") == name


@pytest.mark.parametrize(
    "addresses",
    [
        ("https://acme.com/a?id=1", "https://acme.com/a?id=2"),
        ("https://acme.com/a_b", "https://acme.com/a/b"),
        ("https://acme.com/a%20b", "https://acme.com/a-b"),
        ("https://acme.com/a:b", "https://acme.com/a/b"),
        ("https://acme.com/" + "x" * 300 + "1", "https://acme.com/" + "x" * 300 + "2"),
        ("https://acme.com/a%2F..%2Fb", "https://acme.com/a/b"),
    ],
)
def test_two_pages_never_share_a_name_nor_leave_the_folder(addresses: tuple[str, str]) -> None:
    names = {links.name(address, "html") for address in addresses}
    assert len(names) == 2
    assert all("/" not in name and len(name) < 160 for name in names)


@pytest.mark.parametrize(
    ("address", "worth"),
    [
        ("https://acme.com/a", True),
        ("https://acme.com/a.aspx?x=1", True),
        ("https://acme.com/a.pdf", True),
        ("https://acme.com/a.JPG", False),
        ("https://acme.com/a.zip", False),
        ("https://acme.com/" + "a/" * 30, False),
        ("https://acme.com/x/y/x/y/x/y/x/y/", False),
    ],
)
def test_an_address_that_cannot_be_a_page_is_not_asked_for(address: str, worth: bool) -> None:
    assert links.worth_asking(address) is worth


def test_every_reason_to_leave_a_page_out_has_its_sentence() -> None:
    from tests.test_gates import sentences

    codes = {*crawl.GROUPS.values(), crawl.BROKEN, "web_more_pages", "web_ended_early"}
    wanted = {f"finding.{code}{more}" for code in codes for more in ("", ".more")}
    assert wanted - set(sentences("en")) == set()


def test_fetched_again_an_unchanged_page_is_the_same_file(site: Site, tmp_path: Path) -> None:
    site.answers["/"] = page("Home")
    first = fetch(site, tmp_path)
    digest = hashlib.sha256((tmp_path / first[0].file).read_bytes()).hexdigest()
    assert fetch(site, tmp_path) == first
    assert hashlib.sha256((tmp_path / first[0].file).read_bytes()).hexdigest() == digest
