"""Word documents: paragraphs, lists, tables and notes in the order of the page, one section a heading.

The file is read as the XML it is, because libraries leave out content controls, text boxes and tracked insertions, and
refuse templates and documents with macros. What was deleted, comments and hidden instructions are no text. When less than
nine tenths of the letters in the raw file were met nevertheless, the raw paragraphs are taken instead.
"""

import posixpath
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.errors import Unreadable
from studio.intake import guards
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.tables.rows import looks_like_header, sentence

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"  # what Word writes when asked for the strict format
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
RELATION = re.compile(r"/(officeDocument|styles|footnotes|endnotes|header|footer)$")
P, TBL, TR, TC, TEXT, BOX, RUN = (f"{W}{tag}" for tag in ("p", "tbl", "tr", "tc", "t", "txbxContent", "r"))
PPR, VAL, NOTE = f"{W}pPr", f"{W}val", f"{W}id"
SIGNS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-", f"{W}ptab": "\t"}
NOTES = {f"{W}footnoteReference": "footnotes", f"{W}endnoteReference": "endnotes"}
SKIPPED = frozenset({FALLBACK, BOX, PPR, f"{W}rPr", f"{W}del", f"{W}moveFrom"})
PASS_THROUGH = frozenset(f"{W}{tag}" for tag in ("sdt", "sdtContent", "ins", "customXml", "smartTag", "moveTo"))
HEADING = re.compile(r"^(heading|title|t[íi]tulo|subtitle)\b", re.I)
LIST = re.compile(r"^list\b", re.I)
NOTHING = re.compile(r"\s+")
ENOUGH = 0.9


class Page(NamedTuple):
    """The parts of a document that its text is made of. `styles` are names, in English whatever language Word spoke."""

    body: Any
    styles: Mapping[str, str]
    notes: Mapping[tuple[str, str], str]
    margins: tuple[str, ...]


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_bomb, file_unsafe, office_locked, file_no_text."""
    guards.check_zip(file, origin.name)
    page = _page(file, origin)
    draft, heading, lines, only_titles = Draft(), "", list[str](), True
    for title, line in _blocks(page.body, page):
        if title and not only_titles:
            draft.add("\n".join(lines), heading=heading)
            lines = []
        heading, only_titles = (line, True) if title else (heading, False)
        lines.append(line)
    draft.add("\n".join(lines), heading=heading)
    documents = draft.documents(origin, "docx")
    raw = [each for each in page.body.iter(TEXT) if each.text]
    met = len(NOTHING.sub("", documents[0].text)) if documents else 0
    if met < ENOUGH * sum(len(NOTHING.sub("", each.text)) for each in raw if not _again(each)):
        draft = Draft()
        draft.add("\n".join(text for each in page.body.iter(P) if not _again(each) and (text := _text(each)).strip()))
    if not draft.documents(origin, "docx"):
        raise Unreadable("file_no_text", name=origin.name)
    draft.add("\n".join(page.margins))
    return Reading(documents=draft.documents(origin, "docx"))


def _page(file: Path, origin: Origin) -> Page:
    try:
        with zipfile.ZipFile(file) as archive:
            found = _relations(archive, "", origin)
            main = next((path for kind, path in found if kind == "officeDocument"), "word/document.xml")
            related = _relations(archive, main, origin)
            body = _part(archive, main, origin).find(f"{W}body")
            styles = [_part(archive, path, origin) for kind, path in related if kind == "styles"]
            margins = dict.fromkeys(
                _text(each).strip()
                for kind, path in related
                if kind in ("header", "footer")
                for each in _part(archive, path, origin).iter(P)
            )
            notes = {
                (kind, note.get(NOTE)): " ".join(filter(None, (_text(each).strip() for each in note.iter(P))))
                for kind, path in related
                if kind in ("footnotes", "endnotes")
                for note in _part(archive, path, origin)
            }
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error
    if body is None:
        raise Unreadable("file_damaged", name=origin.name)
    return Page(body, {name: each for part in styles for name, each in _styles(part)}, notes, _worded(margins))


def _worded(lines: Iterable[str]) -> tuple[str, ...]:
    """Running titles without the page numbers among them."""
    return tuple(line for line in lines if any(map(str.isalpha, line)))


def _part(archive: zipfile.ZipFile, path: str, origin: Origin) -> Any:
    content = archive.read(path)
    if STRICT in content[:4096]:
        content = content.replace(STRICT, W.strip("{}").encode())
    return guards.parsed(content, origin.name)


def _relations(archive: zipfile.ZipFile, path: str, origin: Origin) -> list[tuple[str, str]]:
    """What a part is tied to inside the file: (kind, path), in order. Links that lead out of the file are not followed."""
    folder, name = posixpath.split(path)
    listed = posixpath.join(folder, "_rels", f"{name}.rels")
    names = set(archive.namelist())
    if listed not in names:
        return []
    tied = []
    for each in guards.parsed(archive.read(listed), origin.name):
        kind = RELATION.search(each.get("Type", ""))
        target = posixpath.normpath(posixpath.join("/", folder, each.get("Target", ""))).lstrip("/")
        if kind and each.get("TargetMode") != "External" and target in names:
            tied.append((kind[1], target))
    return tied


def _styles(part: Any) -> Iterator[tuple[str, str]]:
    for style in part.iter(f"{W}style"):
        name = style.find(f"{W}name")
        if name is not None:
            yield style.get(f"{W}styleId", ""), name.get(VAL, "")


def _blocks(parent: Any, page: Page) -> Iterator[tuple[bool, str]]:
    """Every line of the body in order, and whether it is a heading."""
    for element in parent:
        tag = element.tag
        if tag == P:
            yield from _paragraph(element, page)
        elif tag == TBL:
            for line in _table(element):
                yield False, line
            for note in _notes(element, page):
                yield False, note
        elif tag in PASS_THROUGH:
            yield from _blocks(element, page)


def _paragraph(element: Any, page: Page) -> Iterator[tuple[bool, str]]:
    text = _text(element).strip()
    if text:
        style, numbered = _style(element, page)
        title = bool(HEADING.match(style)) and len(text) < 200
        yield title, f"- {text}" if (numbered or LIST.match(style)) and not title else text
    if next(element.iter(BOX), None) is not None:
        for box in _boxes(element):
            yield from _blocks(box, page)
    if page.notes:
        for note in _notes(element, page):
            yield False, note


def _style(paragraph: Any, page: Page) -> tuple[str, bool]:
    """The name of the paragraph's style, "" for none, and whether it is an item of a list."""
    properties = paragraph.find(PPR)
    if properties is None:
        return "", False
    named, numbered = properties.find(f"{W}pStyle"), properties.find(f"{W}numPr/{W}numId")
    style = page.styles.get(named.get(VAL), "") if named is not None else ""
    return style, numbered is not None and numbered.get(VAL) != "0"


def _notes(element: Any, page: Page) -> Iterator[str]:
    """The foot- and endnotes that a paragraph or table points to, under it."""
    for mark, kind in NOTES.items():
        for each in element.iter(mark):
            if note := page.notes.get((kind, each.get(NOTE))):
                yield f"* {note}"


def _table(table: Any) -> Iterator[str]:
    """Each row as "header: value; header: value"; without a header row, its cells side by side."""
    rows = [[_cell(cell) for cell in _inside(row, TC)] for row in _inside(table, TR)]
    rows = [row for row in rows if any(row)]
    if len(rows) > 1 and len(rows[0]) > 1 and looks_like_header(rows[0]):
        header, rows = rows[0], rows[1:]
        yield from (sentence(header, row) for row in rows)
    else:
        yield from ("; ".join(cell for cell in row if cell) for row in rows)


def _inside(parent: Any, tag: str) -> Iterator[Any]:
    """The rows of a table or cells of a row, also those in content controls."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag in PASS_THROUGH:
            yield from _inside(child, tag)


def _cell(cell: Any) -> str:
    return " ".join(text for each in cell.iter(P) if (text := _text(each).strip()))


def _text(paragraph: Any) -> str:
    """All text of a paragraph: links, insertions and fields' results too; what was deleted is another tag."""
    return "".join(_pieces(paragraph))


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        tag = child.tag
        if tag == RUN:  # nearly all of them hold one text: no generator of their own
            for part in child:
                if part.tag == TEXT:
                    yield part.text or ""
                elif part.tag in SIGNS:
                    yield SIGNS[part.tag]
                elif part.tag not in SKIPPED and len(part):
                    yield from _pieces(part)
        elif tag == TEXT:
            yield child.text or ""
        elif tag in SIGNS:
            yield SIGNS[tag]
        elif tag not in SKIPPED and len(child):
            yield from _pieces(child)


def _boxes(element: Any) -> Iterator[Any]:
    """The text boxes anchored in a paragraph; each is stored twice, the second time for programs that cannot draw it."""
    for child in element:
        if child.tag == BOX:
            yield child
        elif child.tag != FALLBACK:
            yield from _boxes(child)


def _again(element: Any) -> bool:
    """Whether this stands in the copy for programs that cannot draw, or was taken out by somebody."""
    return any(each.tag in (FALLBACK, f"{W}del", f"{W}moveFrom") for each in element.iterancestors())
