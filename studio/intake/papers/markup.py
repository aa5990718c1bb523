"""HTML as lines of text: headings, paragraphs, items of lists, rows of tables, quotations. Used for pages, mails and books.

A browser's parser reads it and nothing is fetched: scripts, frames, styles and pictures have no text. Walked without
recursion, because a page may be nested a hundred thousand deep.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from studio.intake import encoding
from studio.intake.tables.rows import looks_like_header, sentence

HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6", "summary"})
WITHOUT_TEXT = frozenset(
    "script style noscript template iframe object embed svg math canvas audio video head title meta link "  # noqa: SIM905
    "select option input textarea map -comment".split()
)
FURNITURE = frozenset({"nav", "footer", "aside", "dialog"})
FURNITURE_ROLES = frozenset("navigation banner contentinfo search dialog alertdialog".split())  # noqa: SIM905
MENU = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|men[uú]|breadcrumbs?|sidebar|footer|header|topbar|share|social|pagination|skip"
    r"|cookies?|consent|gdpr|newsletter)(?:$|[\s_-])",
    re.I,
)
NOTICE = re.compile(r"cookie|consent|gdpr", re.I)
MENUS_LOOKED_AT = 500  # looking into each costs as much as it holds
MOSTLY_LINKS = 0.6
LONGEST_NOTICE = 1_500
OPENS = (
    "aria-expanded",
    "aria-controls",
    "data-toggle",
    "data-bs-toggle",
)  # a button that is the question of an answer
BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer "  # noqa: SIM905
    "form header hr html li main nav ol p pre section table tbody td tfoot th thead tr ul".split()
)
SPACES = re.compile(r"[ \t\r\n\f\u00a0]+")
CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})|<\?xml[^>]{0,80}encoding\s*=\s*[\"']([\w.-]+)", re.I
)
HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)


class Line(NamedTuple):
    text: str
    heading: bool = False


def text_of(content: bytes, said: str = "") -> str | None:
    """The page as text: the charset it names itself (`said` by the transport goes first), else what its bytes look like.

    None when the bytes are no text.
    """
    marked = content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    named = CHARSET.search(content[:4096])
    for charset in (said, (named[1] or named[2]).decode("ascii") if named else ""):
        if not charset or marked:
            continue
        try:
            page = "cp1252" if codecs.lookup(charset).name in ("iso8859-1", "ascii") else charset  # as browsers do
            return content.decode(page).replace("\x00", "")
        except (LookupError, UnicodeDecodeError, ValueError):
            continue  # it names one that does not exist, or is wrong about itself
    decoded = encoding.text_of(content)
    return decoded[0] if decoded else None


def lines(html: str, *, furniture: bool = True, quotes: bool = False) -> list[Line]:
    """What a person reads on the page, line by line. Without `furniture`, menus, footers and cookie notices are left out.

    With `quotes` it is a mail: quoted lines begin with ">", and what is hidden (a text for previews) is left out. On
    pages, answers are hidden until somebody clicks on the question.
    """
    from selectolax.lexbor import LexborHTMLParser

    root = LexborHTMLParser(html).body
    return list(_Writer(furniture, quotes).read(root)) if root is not None else []


def title(html: str) -> str:
    from selectolax.lexbor import LexborHTMLParser

    found = LexborHTMLParser(html).css_first("head title")
    return " ".join(found.text().split()) if found is not None else ""


class _Writer:
    """Where in the page the walk is: the line being written, the table, the list, the quotation."""

    def __init__(self, furniture: bool, quotes: bool) -> None:
        self.furniture, self.quotes = furniture, quotes
        self.looked_at = 0
        self.words: list[str] = []
        self.quoted = self.kept = self.items = 0
        self.heading = False
        self.tables: list[list[list[str]]] = []
        self.held: list[list[str]] = []  # the words of the cells that the tables stand in
        self.done: list[Line] = []

    def read(self, root: Any) -> Iterator[Line]:
        node = root
        while node is not None:
            goes_in = self._enter(node) and node.child is not None
            if goes_in:
                node = node.child
            else:
                while True:
                    self._leave(node)
                    if node.mem_id == root.mem_id:
                        node = None
                        break
                    if node.next is not None:
                        node = node.next
                        break
                    node = node.parent
            if self.done and not self.tables:
                yield from self.done
                self.done = []
        self._end_line()
        yield from self.done

    def _enter(self, node: Any) -> bool:
        tag = node.tag
        if tag == "-text":
            text = node.text_content or ""
            self.words.append(text if self.kept else SPACES.sub(" ", text))
            return False
        attributes = node.attributes
        if tag in WITHOUT_TEXT or (self.quotes and HIDDEN.search(attributes.get("style") or "")):
            return False
        if tag == "button" and not self.heading:
            if not any(name in attributes for name in OPENS):
                return False
            self._end_line()
            self.heading = True
        if not self.furniture and self._is_furniture(node, tag, attributes):
            return False
        if tag == "br":
            self._end_line()
        elif tag in BLOCKS or tag in HEADINGS:
            self._end_line()
            self.heading = tag in HEADINGS
            self.kept += tag == "pre"
            self.quoted += tag == "blockquote"
            self.items += tag == "li"
            if tag == "table":
                self.tables.append([])
                self.held.append(self.words)
                self.words = []
            elif tag == "tr" and self.tables:
                self.tables[-1].append([])
        return True

    def _is_furniture(self, node: Any, tag: str, attributes: dict[str, str | None]) -> bool:
        """Told by its tag or role; by its name only when it mostly holds links, or is a short notice about cookies."""
        if tag in FURNITURE or (attributes.get("role") or "") in FURNITURE_ROLES:
            return True
        if tag == "header":
            return node.css_first("nav") is not None or node.css_first("h1") is None
        named = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        if tag in ("html", "body", "main", "article") or not MENU.search(named) or self.looked_at >= MENUS_LOOKED_AT:
            return False
        self.looked_at += 1
        size = len(node.text(strip=True))
        links = sum(len(link.text(strip=True)) for link in node.css("a"))
        return links >= MOSTLY_LINKS * size or (bool(NOTICE.search(named)) and size < LONGEST_NOTICE)

    def _leave(self, node: Any) -> None:
        tag = node.tag
        if tag not in BLOCKS and tag not in HEADINGS and not (tag == "button" and self.heading):
            return
        if tag in ("td", "th") and self.tables:
            self._end_cell()
            return
        self._end_line()
        if tag == "button" and node.parent is not None and node.parent.tag in HEADINGS:
            return
        self.heading = False
        self.kept -= tag == "pre" and self.kept > 0
        self.quoted -= tag == "blockquote" and self.quoted > 0
        self.items -= tag == "li" and self.items > 0
        if tag == "table" and self.tables:
            self._end_table()

    def _end_line(self) -> None:
        text = "".join(self.words).strip() if not self.kept else "".join(self.words).strip("\n")
        if any(self.tables):  # lines within a cell stay in it
            self.words = [f"{text} "] if text else []
            return
        self.words = []
        for line in filter(str.strip, text.split("\n")):
            mark = "> " * self.quoted if self.quotes else ""
            item = "- " if self.items and not self.heading else ""
            self.done.append(Line(f"{mark}{item}{line}", self.heading))

    def _end_cell(self) -> None:
        if self.tables[-1]:
            self.tables[-1][-1].append(" ".join("".join(self.words).split()))
        self.words = []

    def _end_table(self) -> None:
        rows = [row for row in self.tables.pop() if any(row)]
        self.words = self.held.pop()
        if any(self.tables):  # a table in a cell, as old pages and mails are laid out
            self.words.extend(f"{cell} " for row in rows for cell in row if cell)
            return
        if len(rows) > 1 and len(rows[0]) > 1 and looks_like_header(rows[0]):
            written = [sentence(rows[0], row) for row in rows[1:]]
        else:
            written = ["; ".join(cell for cell in row if cell) for row in rows]
        mark = "> " * self.quoted if self.quotes else ""
        self.done.extend(Line(f"{mark}{line}") for line in written)
