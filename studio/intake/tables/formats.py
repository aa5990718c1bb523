"""How a workbook shows its numbers (percentages, currencies, decimals), which calamine does not tell.

Read from the parts of an .xlsx or .ods as a stream, so that a sheet of a million rows costs no memory. Older formats
tell nothing here, and their numbers are shown as they are.
"""

import re
import zipfile
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from html import unescape
from pathlib import Path
from typing import NamedTuple

AT_ONCE = 4 << 20
LOOK = 64 << 10  # a program writes all its cells alike
CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>")
PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d+)"')
STYLE = re.compile(rb'\bs="(\d+)"')
ERROR = re.compile(rb'<(?:\w+:)?c\s[^>]*\bt="e"')
UNCALCULATED = re.compile(rb"</(?:\w+:)?f>(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>|(?=</(?:\w+:)?c>))")
WORDS = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
CURRENCY = re.compile(r'"([^"]*)"|\[\$([^\]\-]*)[^\]]*\]|\\(.)|([€$£¥])')
SIGNS = re.compile(r"^(?:[€$£¥₡₲₱₽]|[A-Z]{0,3}\$|S/\.?|Bs\.?|EUR|USD|GBP|MXN|ARS|COP|CLP|PEN|CHF)$")


class Format(NamedTuple):
    """How a number is shown: times a hundred, with so many decimals (None: as they come) and at least so many digits
    before them (the 08001 of a postal code), between two signs.
    """

    percent: bool = False
    decimals: int | None = None
    digits: int = 1
    before: str = ""
    after: str = ""


PLAIN = Format()
BUILT_IN = {n: Format(decimals=2) for n in (2, 4, 39, 40)} | {n: Format(decimals=0) for n in (1, 3, 37, 38)}
BUILT_IN |= {9: Format(True, 0), 10: Format(True, 2)}


class Formats(NamedTuple):
    """The formats of one sheet: column (from 0) -> formats and the rows (from 1, in order) that have them; how many
    cells hold an error, or a formula whose value was never stored; and what cells show word for word, where the file
    says so: column -> row -> words.
    """

    columns: Mapping[int, Sequence[tuple[Format, Sequence[int]]]] = {}
    errors: int = 0
    uncalculated: int = 0
    words: Mapping[int, Mapping[int, str]] = {}

    def of(self, column: int, start: int, end: int) -> Format | list[Format]:
        """For the rows `start` to `end` (exclusive): one format when they all share it, otherwise one for each."""
        each: list[Format] | None = None
        for form, numbers in self.columns.get(column, ()):
            first, last = bisect_left(numbers, start), bisect_left(numbers, end)
            if last - first == end - start:
                return form
            if last > first:
                each = each or [PLAIN] * (end - start)
                for number in numbers[first:last]:
                    each[number - start] = form
        return PLAIN if each is None else each


def of_workbook(file: Path) -> dict[str, Formats]:
    """Sheet name -> its formats; nothing for workbooks of the binary kinds."""
    try:
        with zipfile.ZipFile(file) as book:
            styles = _styles(book.read("xl/styles.xml")) if "xl/styles.xml" in book.namelist() else {}
            return {name: _sheet(book, path, styles) for name, path in _paths(book)}
    except (KeyError, zipfile.BadZipFile, ValueError):
        return {}


def parsed(code: str) -> Format:
    """A number format as Excel writes it: `0.0%`, `#,##0.00\\ "€"`, `[$£-809]#,##0`."""
    positive = code.split(";")[0]
    bare = WORDS.sub(lambda found: " " * len(found[0]), positive)
    digits = re.search(r"([0#?][0#?,]*)(?:\.([0#?]+))?", bare)
    if not digits or re.search(r"[ymdhs]|E[+-]", bare, re.IGNORECASE):
        return PLAIN
    decimals = digits[2] or ""
    return Format(
        "%" in bare,
        None if decimals.strip("0") else len(decimals),
        max(digits[1].count("0"), 1),
        _sign(positive[: digits.start()]),
        _sign(positive[digits.end() :]),
    )


def _sign(code: str) -> str:
    """The currency in a part of a format; other words around a number are decoration."""
    words = "".join(next(filter(None, found.groups()), "") for found in CURRENCY.finditer(code)).strip()
    return words if SIGNS.match(words) else ""


def _styles(styles: bytes) -> dict[int, Format]:
    kinds = dict(BUILT_IN)
    for tag in re.findall(rb"<(?:\w+:)?numFmt\s[^>]*>", styles):
        number, code = re.search(rb'numFmtId="(\d+)"', tag), re.search(rb'formatCode="([^"]*)"', tag)
        if number and code:
            kinds[int(number[1])] = parsed(unescape(code[1].decode("utf-8", "replace")))
    cells = re.search(rb"<(?:\w+:)?cellXfs.*?</(?:\w+:)?cellXfs>", styles, re.S)
    tags = re.findall(rb"<(?:\w+:)?xf\s[^>]*>", cells[0]) if cells else []
    numbers = [re.search(rb'numFmtId="(\d+)"', tag) for tag in tags]
    found = {n: kinds[int(number[1])] for n, number in enumerate(numbers) if number and int(number[1]) in kinds}
    return {n: form for n, form in found.items() if form != PLAIN}


def _paths(book: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    targets: dict[bytes, str] = {}
    for tag in re.findall(rb"<(?:\w+:)?Relationship\s[^>]*>", book.read("xl/_rels/workbook.xml.rels")):
        key, target = re.search(rb'\bId="([^"]*)"', tag), re.search(rb'Target="([^"]*)"', tag)
        if key and target:
            path = target[1].decode("utf-8", "replace")
            targets[key[1]] = path.lstrip("/") if path.startswith("/") else f"xl/{path}"
    for tag in re.findall(rb"<(?:\w+:)?sheet\s[^>]*>", book.read("xl/workbook.xml")):
        name, key = re.search(rb'\bname="([^"]*)"', tag), re.search(rb'r:id="([^"]*)"', tag)
        if name and key and key[1] in targets:
            yield unescape(name[1].decode("utf-8", "replace")), targets[key[1]]


def _sheet(book: zipfile.ZipFile, path: str, styles: Mapping[int, Format]) -> Formats:
    wanted = b"|".join(str(n).encode() for n in styles)
    usual = re.compile(rb'<c r="([A-Z]++)(\d++)" s="(' + wanted + rb')"')  # as Excel, LibreOffice and openpyxl write
    found: defaultdict[tuple[bytes, bytes], list[bytes]] = defaultdict(list)
    errors = uncalculated = 0
    for part, end in _pieces(book, path):
        start = part[: min(LOOK, end)]
        as_usual = start.count(b"<c r=") == start.count(b"<c ") + start.count(b":c ")
        if b"#" in part and part.find(b' t="e"', 0, end) >= 0:  # what errors begin with is found at once
            errors += len(ERROR.findall(part, 0, end))
        if part.find(b"</f>" if as_usual else b"f>", 0, end) >= 0:
            uncalculated += len(UNCALCULATED.findall(part, 0, end))
        if not styles:
            continue
        for column, row, style in usual.findall(part, 0, end) if as_usual else _any(part, end):
            found[column, style].append(row)
    columns: dict[int, list[tuple[Format, Sequence[int]]]] = {}
    for (column, style), rows in found.items():
        if int(style) in styles:
            columns.setdefault(_number(column), []).append((styles[int(style)], _numbers(rows)))
    return Formats(columns, errors, uncalculated)


def _any(part: bytes, end: int) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Column, row and style of every cell, whatever the order of its attributes."""
    for found in CELL.finditer(part, 0, end):
        style, place = STYLE.search(found[1]), PLACE.search(found[1])
        if style and place:
            yield place[1], place[2], style[1]


def _pieces(book: zipfile.ZipFile, path: str) -> Iterator[tuple[bytes, int]]:
    """The part's content, and up to where it is to be looked at: to the end of a row."""
    with book.open(path) as opened:
        rest = b""
        while piece := opened.read(AT_ONCE):
            piece = rest + piece
            end = max(piece.rfind(b"</row>"), 0)
            yield piece, end
            rest = piece[end:]
        yield rest, len(rest)


def _numbers(rows: Sequence[bytes]) -> Sequence[int]:
    """The row numbers; without gaps, which is how columns are filled, they need no list."""
    first, last = int(rows[0]), int(rows[-1])
    return range(first, last + 1) if last - first + 1 == len(rows) else list(map(int, rows))


def _number(letters: bytes) -> int:
    column = 0
    for letter in letters:
        column = column * 26 + letter - 64
    return column - 1
