"""The tables in a project's documents: rows with their cells and where they stand, columns with what is in them.

Reads them back out of the text that intake made: "Plan: Cove; Price: 138" a row, or "Plan | Price" above "Cove | 138".
Knows no question. What is not clearly a table is none.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from studio.answering.cells import Typed, typed
from studio.base.folding import plain
from studio.base.project import Project
from studio.base.records import Document
from studio.intake.tables.rows import NUMBER

MOST_ROWS = 200_000  # of a table, and of all tables of a project: what is longer belongs into a database
LONGEST_NAME = 60
_LABEL = re.compile(r"([^:;|\n]{1,60}): ")
_TOTALS = frozenset(
    ("total", "totals", "totales", "suma", "sum", "subtotal", "grand total", "gran total", "total general")
)


class Place(NamedTuple):
    """Where a row stands: offsets into the document's text, the page, and its number as the person's program shows it."""

    start: int
    end: int
    page: int | None
    row: int | None


class Table(NamedTuple):
    """Cells column by column; `columns` say what the cells of each are. `header` is a line that stands above the rows."""

    document: Document  # without its text
    sheet: str
    heading: str
    names: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    columns: tuple[Typed, ...]
    places: tuple[Place, ...]
    texts: tuple[str, ...]
    header: str = ""


def of_project(project: Project) -> tuple[Table, ...]:
    """Every table of the project; read once for each state of its material."""
    return _of_project(project.folder, project.store.material_digest())


@lru_cache(maxsize=4)
def _of_project(folder: Path, _digest: str) -> tuple[Table, ...]:
    found: list[Table] = []
    left = MOST_ROWS
    for document in Project(folder).store.documents():
        for table in of_document(document):
            left -= len(table.places)
            if left >= 0:
                found.append(table)
    return tuple(found)


def of_document(document: Document) -> list[Table]:
    """The tables of a document: at least two rows under at least two names."""
    made = []
    for group in _groups(document):
        table = _labelled(document, group) if group[0].names is None else _lined(document, group)
        if table is not None and len(table.places) >= 2 and len(table.names) >= 2:
            made.append(table)
    return made


class _Line(NamedTuple):
    """A row in the making. `names` are those of the header above it, None where each cell brings its own."""

    place: Place
    text: str
    sheet: str
    heading: str
    names: tuple[str, ...] | None
    header: str = ""


def _groups(document: Document) -> Iterator[list[_Line]]:
    """Neighbouring rows of one table."""
    held: list[_Line] = []
    for line in _lines(document):
        if held and (line is None or not _together(held[-1], line)):
            yield held
            held = []
        if line is not None:
            held.append(line)
    if held:
        yield held


def _together(one: _Line, other: _Line) -> bool:
    if (one.sheet, one.names) != (other.sheet, other.names) or (not one.sheet and one.heading != other.heading):
        return False
    return one.names is not None or bool({*_LABEL.findall(one.text)} & {*_LABEL.findall(other.text)}) or bool(one.sheet)


def _lines(document: Document) -> Iterator[_Line | None]:
    """Every row there may be, None where something else stands between two of them."""
    text = document.text
    at = 0
    for section in sorted(document.sections, key=lambda part: part.start):
        if "|" in text[at : section.start] or ": " in text[at : section.start]:
            yield from _written(text, at, section.start, None, "", "", None)
        yield from _written(text, section.start, section.end, section.page, section.sheet, section.heading, section.row)
        at = max(at, section.end)
    yield from _written(text, at, len(text), None, "", "", None)


def _written(
    text: str, start: int, end: int, page: int | None, sheet: str, heading: str, row: int | None
) -> Iterator[_Line | None]:
    names: tuple[str, ...] | None = None
    header, number = "", row
    for begin, stop in _rows(text, start, end, row is not None):
        line = text[begin:stop]
        if not line.strip():
            continue
        cells = tuple(cell.strip() for cell in line.split(" | ")) if " | " in line else ()
        if cells and ": " not in cells[0]:
            if names is None or len(cells) != len(names):
                heads = all(cells[1:]) and not any(NUMBER.match(cell) for cell in cells)
                names, header = (cells, line) if heads else (None, "")
                if names is None:
                    yield None
                continue
            yield _Line(Place(begin, stop, page, None), line, sheet, heading, names, header)
            continue
        names = None
        if len(_LABEL.findall(line)) >= (1 if row is not None else 2) or (row is not None and "; " in line):
            yield _Line(Place(begin, stop, page, number), line, sheet, heading, None)
            number = number + 1 if number is not None else None
        elif row is None:
            yield None


def _rows(text: str, start: int, end: int, is_row: bool) -> Iterator[tuple[int, int]]:
    """The lines of a stretch. A row of a sheet may itself run over several: it goes on until its first name comes again."""
    first = _LABEL.match(text, start, end) if is_row else None
    if first and " | " not in text[start:end].split("\n", 1)[0]:
        begins = [match.start() for match in re.compile(rf"^{re.escape(first[0])}", re.M).finditer(text, start, end)]
        for begin, stop in zip(begins, [*begins[1:], end], strict=True):
            yield begin, begin + len(text[begin:stop].rstrip())
        return
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        yield at, stop
        at = stop + 1


def _labelled(document: Document, group: Sequence[_Line]) -> Table | None:
    """Names are what stands before a colon in more than one row; what follows any other colon belongs to its cell."""
    counted: Counter[str] = Counter()
    for line in group:
        counted.update({label for part in line.text.split("; ") if (label := _label(part))})
    order = [label for line in group for part in line.text.split("; ") if (label := _label(part))]
    names = [name for name in dict.fromkeys(order) if counted[name] >= 2]
    known = frozenset(names)
    rows: list[dict[str, str]] = []
    kept: list[_Line] = []
    for line in group:
        cells: dict[str, str] = {}
        last = ""
        for part in line.text.split("; "):
            label = _label(part)
            if label in known and label not in cells:
                last, cells[label] = label, part[len(label) + 2 :].strip()
            elif last:
                cells[last] += f"; {part}"
        if cells:
            rows.append(cells)
            kept.append(line)
    return _table(document, names, [[row.get(name, "") for row in rows] for name in names], kept)


def _label(part: str) -> str:
    found = _LABEL.match(part)
    return found[1] if found else ""


def _lined(document: Document, group: Sequence[_Line]) -> Table | None:
    names = group[0].names or ()
    if len({*map(plain, names)}) < len(names):
        return None
    rows = [tuple(cell.strip() for cell in line.text.split(" | ")) for line in group]
    return _table(document, names, list(zip(*rows, strict=True)), group)


def _table(
    document: Document, names: Sequence[str], columns: Sequence[Sequence[str]], lines: Sequence[_Line]
) -> Table | None:
    """Without the rows that sum up the others: they would be counted twice."""
    used = [at for at in range(len(lines)) if not any(plain(column[at]) in _TOTALS for column in columns if column[at])]
    if not used or not names:
        return None
    cells = tuple(tuple(column[at] for at in used) for column in columns)
    return Table(
        document=document.model_copy(update={"text": "", "sections": ()}),
        sheet=lines[0].sheet,
        heading=lines[0].heading,
        names=tuple(names),
        cells=cells,
        columns=tuple(
            typed(name, column, document.language, document.kind) for name, column in zip(names, cells, strict=True)
        ),
        places=tuple(lines[at].place for at in used),
        texts=tuple(lines[at].text for at in used),
        header=lines[0].header,
    )
