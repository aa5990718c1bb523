"""OpenDocument texts (LibreOffice, Google Docs): paragraphs, lists, tables and notes in order, one section a heading.

Tracked deletions and comments are no text.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.base.errors import Unreadable
from studio.intake import guards
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.tables.rows import looks_like_header, sentence

_SPACE = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TEXT, TABLE, OFFICE, DRAW = (_SPACE % name for name in ("text", "table", "office", "drawing"))
LEFT_OUT = frozenset(
    {
        f"{TEXT}tracked-changes",
        f"{OFFICE}annotation",
        f"{OFFICE}annotation-end",
        f"{TEXT}sequence-decls",
        f"{OFFICE}forms",
        f"{TEXT}note-citation",
    }
)
PARAGRAPHS = frozenset({f"{TEXT}p", f"{TEXT}h"})
SIGNS = {f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}
MOST_BLANKS = 200  # a number in the file says how many; it may say a billion
MOST_REPEATED = 50


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_bomb, file_unsafe, office_locked, file_no_text."""
    guards.check_zip(file, origin.name)
    body = _body(file, origin)
    draft, heading, lines, only_titles = Draft(), "", list[str](), True
    for title, line in _blocks(body, origin):
        if title and not only_titles:
            draft.add("\n".join(lines), heading=heading)
            lines = []
        heading, only_titles = (line, True) if title else (heading, False)
        lines.append(line)
    draft.add("\n".join(lines), heading=heading)
    documents = draft.documents(origin, "odt")
    if not documents:
        raise Unreadable("file_no_text", name=origin.name)
    return Reading(documents=documents)


def _body(file: Path, origin: Origin) -> Any:
    try:
        with zipfile.ZipFile(file) as archive:
            if "META-INF/manifest.xml" in archive.namelist() and b"encryption-data" in archive.read(
                "META-INF/manifest.xml"
            ):
                raise Unreadable("office_locked", name=origin.name)
            root = guards.parsed(archive.read("content.xml"), origin.name)
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, ValueError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error
    body = root.find(f"{OFFICE}body")
    if body is None or not len(body):
        raise Unreadable("file_damaged", name=origin.name)
    return body[0]


def _blocks(parent: Any, origin: Origin, listed: bool = False) -> Iterator[tuple[bool, str]]:
    """Every line in order, and whether it is a heading."""
    for element in parent:
        tag = element.tag
        if tag in LEFT_OUT:
            continue
        if tag in PARAGRAPHS:
            if text := _text(element).strip():
                title = tag == f"{TEXT}h" and len(text) < 200
                yield title, f"- {text}" if listed and not title else text
            for note in element.iter(f"{TEXT}note-body"):
                yield False, f"* {' '.join(filter(None, (_text(each).strip() for each in note)))}"
            for box in element.iter(f"{DRAW}text-box"):
                yield from _blocks(box, origin)
        elif tag == f"{TABLE}table":
            for line in _table(element):
                yield False, line
        else:
            yield from _blocks(element, origin, listed or tag == f"{TEXT}list")


def _table(table: Any) -> Iterator[str]:
    rows = [[_cell(cell) for cell in _cells(row)] for row in table.iter(f"{TABLE}table-row")]
    rows = [row for row in rows if any(row)]
    if len(rows) > 1 and len(rows[0]) > 1 and looks_like_header(rows[0]):
        yield from (sentence(rows[0], row) for row in rows[1:])
    else:
        yield from ("; ".join(cell for cell in row if cell) for row in rows)


def _cells(row: Any) -> Iterator[Any]:
    for cell in row:
        if cell.tag == f"{TABLE}table-cell":
            repeated = cell.get(f"{TABLE}number-columns-repeated", "1")
            yield from [cell] * min(int(repeated) if repeated.isdigit() else 1, MOST_REPEATED)


def _cell(cell: Any) -> str:
    return " ".join(text for each in cell.iter(*PARAGRAPHS) if (text := _text(each).strip()))


def _text(element: Any) -> str:
    return "".join(_pieces(element))


def _pieces(element: Any) -> Iterator[str]:
    """The text of a paragraph without its notes and boxes, which stand under it."""
    yield element.text or ""
    for child in element:
        tag = child.tag
        if tag == f"{TEXT}s":
            count = child.get(f"{TEXT}c", "1")
            yield " " * min(int(count) if count.isdigit() else 1, MOST_BLANKS)
        elif tag in SIGNS:
            yield SIGNS[tag]
        elif isinstance(tag, str) and tag not in LEFT_OUT and tag not in (f"{TEXT}note", f"{DRAW}frame"):
            yield from _pieces(child)
        yield child.tail or ""
