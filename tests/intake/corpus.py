"""Makers of awkward files: what programs really write, and what breaks on the way."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

FILES = Path(__file__).parent / "files"  # made once by libraries that are not needed to read them
ODS_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content office:version="1.3"'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
)
ODS_TAIL = "</office:spreadsheet></office:body></office:document-content>"
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"


def workbook(
    folder: Path,
    name: str,
    sheets: Mapping[str, Sequence[Any]],
    *,
    formats: Mapping[str, str] | None = None,
    merged: Sequence[str] = (),
    hidden: Sequence[str] = (),
    chart: bool = False,
) -> Path:
    """An .xlsx; `formats` and `merged` are for its first sheet: {"C2": "0%"}, ["A1:C1"]."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        if title in hidden:
            sheet.sheet_state = "hidden"
    first = book.worksheets[0]
    for place, code in (formats or {}).items():
        first[place].number_format = code
    for area in merged:
        first.merge_cells(area)
    if chart:
        book.create_chartsheet("Gráfico")
    path = folder / name
    book.save(path)
    return path


def ods(folder: Path, name: str, sheets: Mapping[str, Sequence[Any]], members: bool = True) -> Path:
    """An OpenDocument sheet as LibreOffice writes it; a cell is a text, a number, or (type, value, what is shown)."""
    tables = "".join(
        f'<table:table table:name="{escape(title)}">'
        + "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for title, rows in sheets.items()
    )
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo("mimetype"), ODS_TYPE)
        if members:
            made.writestr("content.xml", ODS_HEAD + tables + ODS_TAIL)
            entry = '<manifest:file-entry manifest:full-path="/" manifest:media-type="' + ODS_TYPE + '"/>'
            space = ' xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
            made.writestr("META-INF/manifest.xml", f"<manifest:manifest{space}>{entry}</manifest:manifest>")
    return path


def _ods_cell(value: Any) -> str:
    kind, stored, shown = value if isinstance(value, tuple) else _plain(value)
    if kind == "empty":
        return "<table:table-cell/>"
    attribute = "" if kind == "string" else f' office:{"date-" if kind == "date" else ""}value="{stored}"'
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(shown).split("\n"))
    return f'<table:table-cell office:value-type="{kind}"{attribute}>{lines}</table:table-cell>'


def _plain(value: Any) -> tuple[str, Any, Any]:
    if value is None:
        return "empty", "", ""
    return ("string" if isinstance(value, str) else "float"), value, value


def replaced(source: Path, name: str, change: Callable[[bytes], bytes], part: str = "xl/worksheets/sheet1.xml") -> Path:
    """The same zip with one of its parts changed."""
    path = source.with_name(name)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            content = old.read(info)
            new.writestr(info, change(content) if info.filename == part else content)
    return path
