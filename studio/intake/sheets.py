"""Spreadsheets through calamine: every sheet, every row a section with its header repeated, numbers as people read them.

A sheet with a question and an answer column becomes examples instead. Formulas count with the value last shown;
links to other files are not followed.
"""

import datetime
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import NamedTuple

from studio.base.errors import Unreadable
from studio.base.records import Example, Finding
from studio.intake import guards, rows
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.rows import Row

Cell = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta
HEADER_WITHIN = 15  # rows from the top
CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>")
PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"')
STYLE = re.compile(rb'\bs="(\d+)"')


class Format(NamedTuple):
    """How a number is shown: as a percentage, and with at least so many decimals."""

    percent: bool = False
    decimals: int = 0


PLAIN = Format()
BUILT_IN = {n: Format(decimals=2) for n in (2, 4, 7, 8, 39, 40, 43, 44)} | {9: Format(True), 10: Format(True, 2)}


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_bomb, file_unsafe, office_locked, file_no_text."""
    import python_calamine

    with file.open("rb") as opened:
        zipped = opened.read(2) == b"PK"
    if zipped:
        guards.check_zip(file, origin.name)
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(file))
    except python_calamine.PasswordError as error:
        raise Unreadable("office_locked", name=origin.name) from error
    except (python_calamine.CalamineError, OSError, ValueError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error
    formats = _formats(file) if zipped else {}
    draft = Draft()
    examples: list[Example] = []
    findings: list[Finding] = []
    broken: list[str] = []
    for sheet in book.sheet_names:
        try:
            grid = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
        except (python_calamine.CalamineError, ValueError):
            broken.append(sheet)
            continue
        reading = _sheet(sheet, list(_rows(grid, formats.get(sheet, {}))), draft, origin)
        examples += reading.examples
        findings += reading.findings
    documents = draft.documents(origin, "xlsx" if zipped else "xls")
    if broken:
        parameters: dict[str, str | int | float] = {"sheets": ", ".join(broken)}
        findings.append(
            Finding(
                code="sheets_unreadable",
                level="warn",
                count=len(broken),
                names=(origin.name,),
                parameters=parameters,
            )
        )
    if documents:
        sheets = len({section.sheet for section in documents[0].sections})
        findings.insert(
            0,
            Finding(
                code="sheets_read",
                level="good",
                count=len(documents[0].sections),
                names=(origin.name,),
                parameters={"sheets": sheets},
            ),
        )
    if not documents and not examples:
        raise Unreadable("file_damaged" if broken else "file_no_text", name=origin.name)
    return Reading(documents=documents, examples=tuple(examples), findings=tuple(findings))


def shown(value: Cell, form: Format = PLAIN) -> str:
    """A cell as people read it: 12345, not 12345.0; 2026-01-12; 5%, not 0.05; 4.90, not 4.9. Nothing is rounded away."""
    match value:
        case bool():
            return "✓" if value else "✗"
        case datetime.datetime():
            return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
        case datetime.date():
            return value.isoformat()
        case datetime.time():
            return value.isoformat("minutes")
        case datetime.timedelta():
            minutes = round(value.total_seconds() / 60)
            return f"{minutes // 60}:{minutes % 60:02d}"
        case int() | float():
            return _number(value, form)
        case _:
            return " ".join(value.split())


def _number(value: float, form: Format) -> str:
    text = f"{value * (100 if form.percent else 1):.12g}"
    whole, dot, decimals = text.partition(".")
    if dot and "e" not in text:
        text = f"{whole}.{decimals:0<{form.decimals}}"
    return f"{text}%" if form.percent else text


def _rows(grid: Sequence[Sequence[Cell]], formats: Mapping[tuple[int, int], Format]) -> Iterator[Row]:
    for number, cells in enumerate(grid, start=1):
        texts = [shown(value, formats.get((number, column), PLAIN)) for column, value in enumerate(cells, start=1)]
        if any(texts):
            yield Row(number, texts)


def _sheet(name: str, found: list[Row], draft: Draft, origin: Origin) -> Reading:
    top = _header(found)
    header = list(found[top].cells) if top is not None else []
    while header and not header[-1]:
        header.pop()
    if top is not None and (columns := rows.roles(header)):
        return rows.examples(header, columns, (_cut(row, len(header)) for row in found[top + 1 :]), origin, name)
    if len(found) > 1 and rows.looks_like_questions(pairs := [_cut(row, 2) for row in found]):
        return rows.examples(["A", "B"], rows.Roles(0, 1), pairs, origin, name)
    for row in found[: top or 0]:  # a title above the table
        draft.add("; ".join(cell for cell in row.cells if cell), sheet=name, row=row.number, gap="\n")
    below = found[top + 1 :] if top is not None else found
    rows.table(header, below, draft, origin, name, strict=False)
    return Reading()


def _cut(row: Row, width: int) -> Row:
    """A sheet's rows are all as wide as its widest; empty cells to the right of the table are no cells of it."""
    cells = list(row.cells)
    while len(cells) > width and not cells[-1]:
        cells.pop()
    return row._replace(cells=cells)


def _header(found: Sequence[Row]) -> int | None:
    """Position of the row that names the columns: the first that is as wide as the table and holds names."""
    widths = sorted(sum(bool(cell) for cell in row.cells) for row in found)
    if not widths or len(found) < 2:
        return None
    usual = widths[len(widths) // 2]
    for position, row in enumerate(found[:HEADER_WITHIN]):
        filled = [cell for cell in row.cells if cell]
        wide = len(filled) >= max(2, min(usual, 2 if rows.roles(row.cells) else usual))
        if wide and position < len(found) - 1 and rows.looks_like_header(filled):
            return position
    return None


def _formats(file: Path) -> dict[str, Mapping[tuple[int, int], Format]]:
    """Sheet name -> (row, column) -> how the cell is shown, which calamine does not tell."""
    try:
        with zipfile.ZipFile(file) as book:
            styles = _styles(book.read("xl/styles.xml"))
            if not styles:
                return {}
            return {name: _cells_in(book.read(path), styles) for name, path in _paths(book)}
    except (KeyError, zipfile.BadZipFile, ValueError):  # a workbook of the binary kind, or one without styles
        return {}


def _styles(styles: bytes) -> dict[int, Format]:
    kinds = dict(BUILT_IN)
    for tag in re.findall(rb"<numFmt\s[^>]*>", styles):
        number, code = re.search(rb'numFmtId="(\d+)"', tag), re.search(rb'formatCode="([^"]*)"', tag)
        if number and code:
            pattern = re.sub(rb"&quot;.*?&quot;|\[[^]]*\]|\\\\.", b"", code[1]).split(b";")[0]
            decimals = re.search(rb"0\.(0+)", pattern)
            kinds[int(number[1])] = Format(b"%" in pattern, len(decimals[1]) if decimals else 0)
    cells = re.search(rb"<cellXfs.*?</cellXfs>", styles, re.S)
    tags = re.findall(rb"<xf\s[^>]*>", cells[0]) if cells else []
    numbers = [re.search(rb'numFmtId="(\d+)"', tag) for tag in tags]
    found = {n: kinds[int(number[1])] for n, number in enumerate(numbers) if number and int(number[1]) in kinds}
    return {n: form for n, form in found.items() if form != Format()}


def _paths(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    targets: dict[bytes, str] = {}
    for tag in re.findall(rb"<Relationship\s[^>]*>", book.read("xl/_rels/workbook.xml.rels")):
        key, target = re.search(rb'\bId="([^"]*)"', tag), re.search(rb'Target="([^"]*)"', tag)
        if key and target:
            path = target[1].decode("utf-8", "replace")
            targets[key[1]] = path.lstrip("/") if path.startswith("/") else f"xl/{path}"
    for tag in re.findall(rb"<sheet\s[^>]*>", book.read("xl/workbook.xml")):
        name, key = re.search(rb'\bname="([^"]*)"', tag), re.search(rb'r:id="([^"]*)"', tag)
        if name and key and key[1] in targets:
            yield unescape(name[1].decode("utf-8", "replace")), targets[key[1]]


def _cells_in(sheet: bytes, styles: Mapping[int, Format]) -> dict[tuple[int, int], Format]:
    places = {}
    for found in CELL.finditer(sheet):
        style, place = STYLE.search(found[1]), PLACE.search(found[1])
        if style and place and int(style[1]) in styles:
            column = 0
            for letter in place[1]:
                column = column * 26 + letter - 64
            places[int(place[2]), column] = styles[int(style[1])]
    return places
