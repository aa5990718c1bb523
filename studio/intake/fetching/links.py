"""Reads addresses: those a page links to, those a sitemap lists, which two are the same, and what to call a page's file.

Pure functions over bytes and strings; nothing is fetched here.
"""

import hashlib
import re
import zlib
from functools import lru_cache
from pathlib import PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

import httpx

from studio.base import files
from studio.intake.fetching.guard import LONGEST
from studio.intake.kinds import READABLE

MOST_LINKS = 2_000  # of a page
MOST_LISTED = 5_000  # in a sitemap
LARGEST_SITEMAP = 20 << 20
DEEPEST_PATH = 20
KINDS = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/epub+zip": "epub",
    "application/rtf": "rtf",
    "text/rtf": "rtf",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/csv": "csv",
}
PAGES = frozenset(("", "html", "htm", "xhtml", "shtml", "php", "asp", "aspx", "jsp", "jspx", "cfm", "do", "cgi"))
DOCUMENTS = frozenset((*KINDS.values(), "xls", "tsv", "json", "jsonl")) & {*READABLE, "html"}
_TRACKING = re.compile(r"^(utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|_ga|phpsessid|jsessionid|sid|session_?id)$", re.I)
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=", re.I)
_ENDING = re.compile(r"^[a-z][a-z0-9]{1,4}$")  # of a file of some other kind; what a page is called may hold a dot too
_WHITE = re.compile(r"\s+")


class Content(NamedTuple):
    """A page as a program sees it: its links in order, its visible text's digest, its own idea of its address."""

    links: tuple[str, ...]
    digest: str
    canonical: str


def of_page(content: bytes, address: str, charset: str = "") -> Content:
    """What an HTML page links to, absolute and without what only marks a place in a page."""
    from lxml import etree, html

    try:
        tree = html.document_fromstring(
            content, parser=html.HTMLParser(encoding=_known(charset), huge_tree=False, no_network=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, LookupError):
        return Content((), hashlib.sha256(content).hexdigest(), "")
    base = next(iter(tree.xpath("//base/@href")), "")
    here = _joined(address, str(base)) or address
    found = (_joined(here, str(href)) for href in tree.xpath("//a/@href|//area/@href|//iframe/@src")[:MOST_LINKS])
    canonical = next(iter(tree.xpath("//link[translate(@rel,'CANOIL','canoil')='canonical']/@href")), "")
    for unseen in tree.xpath("//script|//style|//template|//noscript"):
        unseen.drop_tree()
    text = _WHITE.sub(" ", str(tree.text_content())).strip()
    digest = hashlib.sha256((text or content.decode("latin-1")).encode("utf-8", "surrogatepass")).hexdigest()
    return Content(tuple(dict.fromkeys(each for each in found if each)), digest, _joined(here, str(canonical)))


def of_sitemap(content: bytes, address: str) -> tuple[list[str], list[str]]:
    """The pages and the further sitemaps a sitemap lists: XML, its index, gzipped, or one address a line.

    One that breaks off gives what stood before; one that unpacks to more than LARGEST_SITEMAP gives nothing more.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    if content[:2] == b"\x1f\x8b":
        content = _unzipped(content)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"<":
        lines = content.decode("utf-8", errors="replace").split()[:MOST_LISTED]
        return [each for each in lines if each.startswith(("http://", "https://"))], []
    listing = _Listing()
    parser = DefusedXMLParser(target=listing, forbid_dtd=True)
    try:
        parser.feed(content)
        parser.close()
    except (ParseError, DefusedXmlException, _Enough, ValueError):
        pass  # what stood before it counts
    pages, more = ([_joined(address, each) for each in found] for found in (listing.pages, listing.sitemaps))
    return [each for each in pages if each], [each for each in more if each]


def is_sitemap(content: bytes) -> bool:
    start = content[:2_000].lower()
    return b"<urlset" in start or b"<sitemapindex" in start


@lru_cache(maxsize=4 * MOST_LINKS)
def parsed(address: str) -> httpx.URL:
    return httpx.URL(address)


def key(address: str) -> str:
    """The same for two spellings of one page's address."""
    url = parsed(address)
    kept = tuple((name, value) for name, value in url.params.multi_items() if not _TRACKING.match(name))
    path = re.sub(r"/(index\.(html?|php|aspx?)|default\.aspx?)$", "/", url.path)
    query = f"?{httpx.QueryParams(kept)}" if kept else ""
    return f"{site(address)}{path.rstrip('/') or '/'}{query}"


def site(address: str) -> str:
    """The site an address belongs to: its host, with or without www."""
    url = parsed(address)
    return url.netloc.decode("ascii").lower().removeprefix("www.")


def folder(address: str) -> str:
    """The path a site's reader would call "this part of it": /help/start.html lies in /help/, /help in /help."""
    path = parsed(address).path
    return path if not PurePosixPath(path).suffix else path.rsplit("/", 1)[0] + "/"


def worth_asking(address: str) -> bool:
    """Whether an address may be a page or a document we read, by its form: pictures, styles and traps are not."""
    path = parsed(address).path
    ending = PurePosixPath(path).suffix.lower().lstrip(".")
    parts = [part for part in path.split("/") if part]
    trap = len(parts) > DEEPEST_PATH or any(parts.count(part) > 3 for part in set(parts))
    return (
        not trap and len(address) <= LONGEST and (ending in PAGES or ending in DOCUMENTS or not _ENDING.match(ending))
    )


def extension(kind: str, address: str, content: bytes) -> str:
    """What the file of such an answer is called at its end, "" for something we do not read."""
    ending = PurePosixPath(parsed(address).path).suffix.lower().lstrip(".")
    said = KINDS.get(kind, "")
    if kind in ("", "application/octet-stream", "binary/octet-stream"):
        said = "html" if re.match(rb"\s*<(!doctype html|html)", content[:200], re.I) else ending
    if said == "txt" and ending in ("md", "csv", "tsv", "json", "jsonl"):
        said = ending
    return said if said in DOCUMENTS else ""


def name(address: str, ending: str, *, plain: bool = True) -> str:
    """A file name that follows from the address alone: acme.com_help_returns.html. Where the words do not tell it from
    another address, or it is not to be `plain`, a few digits do.
    """
    url = parsed(address)
    path = PurePosixPath(unquote(url.path))
    stem = path.with_suffix("") if path.suffix and path.suffix.lower().lstrip(".") in PAGES | {ending} else path
    words = [url.host.removeprefix("www."), *(part for part in stem.parts if part != "/")]
    wanted = "_".join(words)
    made = files.file_name(re.sub(r"\s+", "-", wanted)[:100])
    if url.query or made != wanted or any("_" in word for word in words) or not plain:
        made = f"{made}-{hashlib.sha256(key(address).encode()).hexdigest()[:6]}"
    return f"{made}.{ending}"


def readable(content: bytes, charset: str) -> bytes:
    """The page as it will be read from a file, where no server says any more in which letters it is written."""
    if (
        not charset
        or content.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"))
        or _CHARSET.search(content[:4096])
    ):
        return content
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        known = _known(charset)
        return content if known is None else b"\xef\xbb\xbf" + content.decode(known, errors="replace").encode("utf-8")
    return content


class _Enough(Exception):
    """More addresses than anybody will read."""


class _Listing:
    """Collects what stands in <loc>, of pages and of sitemaps apart, and holds no tree."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        self.sitemaps: list[str] = []
        self._inside: list[str] = []
        self._text: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._inside.append(tag.rpartition("}")[2].lower())
        self._text = []

    def data(self, text: str) -> None:
        if self._inside[-1:] == ["loc"] and len(self._text) < LONGEST:
            self._text.append(text)

    def end(self, tag: str) -> None:
        if self._inside[-2:] == ["url", "loc"]:
            self.pages.append("".join(self._text).strip())
        elif self._inside[-2:] == ["sitemap", "loc"]:
            self.sitemaps.append("".join(self._text).strip())
        self._inside.pop()
        if len(self.pages) + len(self.sitemaps) >= MOST_LISTED:
            raise _Enough

    def close(self) -> None:
        return


def _unzipped(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        return unpacker.decompress(content, LARGEST_SITEMAP)
    except zlib.error:
        return b""


def _joined(here: str, link: str) -> str:
    """The link made absolute, "" for one that leads to no page."""
    link = link.strip()
    if not link or link.startswith("#") or len(link) > LONGEST:
        return ""
    try:
        url = parsed(here).join(link)
        return str(url.copy_with(fragment=None)) if url.scheme in ("http", "https") and url.host else ""
    except (httpx.InvalidURL, ValueError, TypeError):
        return ""


def _known(charset: str) -> str | None:
    try:
        "".encode(charset or "?")
    except (LookupError, ValueError):
        return None
    return charset
