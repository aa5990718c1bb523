"""Word documents: paragraphs, lists and tables in the order of the page, one section a heading.

The body is walked through content controls and tracked insertions, which the library's own paragraph list leaves out.
When nevertheless less than nine tenths of the words in the raw file were met, the raw paragraphs are taken instead.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studio.base.errors import Unreadable
from studio.intake import guards
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.rows import looks_like_header, sentence

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
TEXT = f"{W}t"
BOX = f"{W}txbxContent"
SIGNS = {f"{W}tab": "\t", f"{W}br": "\n", f"{W}cr": "\n", f"{W}noBreakHyphen": "-"}
SKIPPED = frozenset({FALLBACK, BOX, f"{W}pPr", f"{W}rPr"})
PASS_THROUGH = frozenset(f"{W}{tag}" for tag in ("sdt", "sdtContent", "ins", "customXml", "smartTag", "moveTo"))
HEADING = re.compile(r"^(heading|title|t[íi]tulo|subtitle)\b", re.I)
LIST = re.compile(r"^list\b", re.I)
ENOUGH = 0.9


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_bomb, file_unsafe, office_locked, file_no_text."""
    guards.check_zip(file, origin.name)
    document = _opened(file, origin)
    body = document.element.body
    styles = {style.style_id: style.name or "" for style in document.styles}
    draft, heading, lines, only_titles = Draft(), "", list[str](), True
    for title, line in _blocks(body, document, styles):
        if title and not only_titles:
            draft.add("\n".join(lines), heading=heading)
            lines = []
        heading, only_titles = (line, True) if title else (heading, False)
        lines.append(line)
    draft.add("\n".join(lines), heading=heading)
    documents = draft.documents(origin, "docx")
    seen = (each for each in body.iter(f"{W}p") if next(each.iterancestors(FALLBACK), None) is None)
    raw = [text for paragraph in seen if (text := _text(paragraph)).strip()]
    met = len(documents[0].text.split()) if documents else 0
    if met < ENOUGH * sum(len(text.split()) for text in raw):
        draft = Draft()
        draft.add("\n".join(raw))
        documents = draft.documents(origin, "docx")
    if not documents:
        raise Unreadable("file_no_text", name=origin.name)
    return Reading(documents=documents)


def _opened(file: Path, origin: Origin) -> Any:
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml.etree import XMLSyntaxError

    try:
        return docx.Document(str(file))
    except (PackageNotFoundError, XMLSyntaxError, KeyError, ValueError, OSError, AttributeError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error


def _blocks(parent: Any, document: Any, styles: dict[str, str]) -> Iterator[tuple[bool, str]]:
    """Every line of the body in order, and whether it is a heading."""
    from docx.table import Table

    for element in parent.iterchildren():
        if element.tag == f"{W}p":
            text = _text(element).strip()
            if text:
                style = _style(element, styles)
                title = bool(HEADING.match(style)) and len(text) < 200
                yield title, f"- {text}" if LIST.match(style) and not title else text
            if next(element.iter(BOX), None) is not None:
                for box in _boxes(element):
                    yield from _blocks(box, document, styles)
        elif element.tag == f"{W}tbl":
            for line in _table(Table(element, document)):
                yield False, line
        elif element.tag in PASS_THROUGH:
            yield from _blocks(element, document, styles)


def _style(paragraph: Any, styles: dict[str, str]) -> str:
    """The name of the paragraph's style, in English whatever language Word spoke; "" for none."""
    named = paragraph.find(f"{W}pPr/{W}pStyle")
    return styles.get(named.get(f"{W}val"), "") if named is not None else ""


def _table(table: Any) -> Iterator[str]:
    """Each row as "header: value; header: value"; without a header row, its cells side by side."""
    rows = [_cells(row) for row in table.rows]
    rows = [row for row in rows if any(row)]
    if len(rows) > 1 and len(rows[0]) > 1 and looks_like_header(rows[0]):
        header, rows = rows[0], rows[1:]
        yield from (sentence(header, row) for row in rows)
    else:
        yield from ("; ".join(cell for cell in row if cell) for row in rows)


def _cells(row: Any) -> list[str]:
    """The texts of a row's cells, a merged one once."""
    found: list[tuple[Any, str]] = []
    for cell in row.cells:
        if not found or found[-1][0] is not cell._tc:
            texts = (_text(paragraph).strip() for paragraph in cell._tc.iter(f"{W}p"))
            found.append((cell._tc, " ".join(text for text in texts if text)))
    return [text for _, text in found]


def _text(paragraph: Any) -> str:
    """All text of a paragraph: links, insertions and fields' results too; what was deleted is another tag."""
    return "".join(_pieces(paragraph))


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        sign = SIGNS.get(child.tag)
        if sign is not None:
            yield sign
        elif child.tag == TEXT:
            yield child.text or ""
        elif child.tag not in SKIPPED and len(child):
            yield from _pieces(child)


def _boxes(element: Any) -> Iterator[Any]:
    """The text boxes anchored in a paragraph; each is stored twice, the second time for programs that cannot draw it."""
    for child in element:
        if child.tag == BOX:
            yield child
        elif child.tag != FALLBACK:
            yield from _boxes(child)
