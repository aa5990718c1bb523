"""Rich Text Format, as WordPad and old programs write it: paragraphs and the rows of tables, in one section."""

import re
from pathlib import Path

from studio.base.errors import Unreadable
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.tables.rows import looks_like_header, sentence

PAGE = re.compile(rb"\\ansicpg(\d{3,5})")
MAC = re.compile(rb"\\rtf1?\s*\\mac\b")
CELL = "\x1f"  # stands for the end of a cell, which the library would write as a line that a person could have typed
LARGEST = 60 << 20


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged when it ends too early, file_too_large, file_no_text."""
    if file.stat().st_size > LARGEST:
        raise Unreadable("file_too_large", name=origin.name, mb=file.stat().st_size >> 20, limit=LARGEST >> 20)
    content = file.read_bytes()
    if content.count(b"{") - content.count(b"\\{") > content.count(b"}") - content.count(b"\\}"):
        raise Unreadable("file_damaged", name=origin.name)
    draft = Draft()
    draft.add("\n".join(_lines(text_of(content, origin))).strip())
    documents = draft.documents(origin, "rtf")
    if not documents:
        raise Unreadable("file_no_text", name=origin.name)
    return Reading(documents=documents)


def text_of(content: bytes, origin: Origin) -> str:
    """The text, a table's cells parted by `CELL`. Raises Unreadable("file_damaged")."""
    from striprtf.striprtf import rtf_to_text

    named = PAGE.search(content[:2000])
    page = "mac_roman" if MAC.search(content[:200]) else f"cp{named[1].decode()}" if named else "cp1252"
    content = re.sub(rb"(?<!\\)\\(?:nest)?cell(?![a-z])", rb"\\'1f ", content)
    content = re.sub(rb"(?<!\\)\\footnote(?![a-z]) ?", rb"\\line * ", content)
    try:
        text: str = rtf_to_text(content.decode("latin-1"), encoding=page, errors="replace")  # type: ignore[no-untyped-call]
    except (ValueError, LookupError, IndexError, TypeError, RecursionError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error
    return text


def _lines(text: str) -> list[str]:
    found: list[str] = []
    table: list[list[str]] = []
    for line in [*text.replace("\x00", "").split("\n"), ""]:
        if CELL in line:
            table.append([" ".join(cell.split()) for cell in line.rstrip(" ").removesuffix(CELL).split(CELL)])
            continue
        found += _rows(table)
        table = []
        found.append(line.rstrip())
    return found


def _rows(table: list[list[str]]) -> list[str]:
    rows = [row for row in table if any(row)]
    if len(rows) > 1 and len(rows[0]) > 1 and looks_like_header(rows[0]):
        return [sentence(rows[0], row) for row in rows[1:]]
    return ["; ".join(cell for cell in row if cell) for row in rows]
