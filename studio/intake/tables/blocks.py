"""A sheet as blocks of rows, column by column, in the words people see; merged cells filled, empty rows left out.

Made while the sheet is read, so that a million rows are never held as cells at once.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from studio.intake.tables import cells
from studio.intake.tables.formats import Formats

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

ROWS = 2_000
TALLEST = 5_000  # a merge over more rows is a colour for the column, no label for its rows


class Block(NamedTuple):
    """Rows by their number in the program, and their cells as a sequence of columns."""

    numbers: Sequence[int]
    cells: list[Sequence[str]]


def blocks(sheet: "CalamineSheet", forms: Formats) -> Iterator[Block]:
    """The sheet's rows that hold anything."""
    rows = sheet.iter_rows()
    left = sheet.start[1] if sheet.start else 0
    merged = _Merged(sheet, left)
    first = 1
    while part := list(islice(rows, ROWS)):
        end = first + len(part)
        columns = [
            cells.texts(column, forms.of(left + at, first, end)) for at, column in enumerate(zip(*part, strict=True))
        ]
        for at, column in enumerate(columns if forms.words else ()):
            words = forms.words.get(left + at, {})
            columns[at] = [words.get(first + row, text) for row, text in enumerate(column)]
        merged.fill(columns, first, end)
        block = _filled(range(first, end), columns)
        if block.numbers:
            yield block
        first = end


def _filled(numbers: Sequence[int], columns: list[Sequence[str]]) -> Block:
    if any(all(column) for column in columns):
        return Block(numbers, columns)
    kept = [at for at, row in enumerate(zip(*columns, strict=True)) if any(row)]
    if len(kept) == len(numbers):
        return Block(numbers, columns)
    return Block([numbers[at] for at in kept], [[column[at] for at in kept] for column in columns])


class _Merged:
    """Merged cells hold their text in the first; the others get it too: a label over rows, a group over columns."""

    def __init__(self, sheet: "CalamineSheet", left: int) -> None:
        ranges = sheet.merged_cell_ranges or []
        bottom = sheet.total_height
        self._ranges = sorted(
            (top + 1, min(below + 1, bottom), start - left, end - left)
            for (top, start), (below, end) in ranges
            if start >= left and below - top < TALLEST
        )
        self._labels: dict[tuple[int, int], str] = {}

    def fill(self, columns: list[Sequence[str]], first: int, end: int) -> None:
        """Fill the merged cells of the rows `first` to `end` (exclusive)."""
        self._ranges = [each for each in self._ranges if each[1] >= first]
        for top, below, start, stop in self._ranges:
            if top >= end:
                break
            if start >= len(columns):
                continue
            if top >= first:
                self._labels[top, start] = columns[start][top - first]
            label = self._labels[top, start]
            alone = top >= first and sum(bool(column[top - first]) for column in columns) < 2
            across = range(start, start + 1 if alone else min(stop + 1, len(columns)))  # a title is one cell
            for at in across if label else ():
                column = columns[at] = list(columns[at])
                for row in range(max(top, first), min(below + 1, end)):
                    column[row - first] = column[row - first] or label
