"""Which of a table's first rows names its columns: one row, two of them (grouped columns), or none.

What stands above it is a title and no row of the table. Knows nothing of files.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from studio.base.folding import plain
from studio.intake.tables import rows
from studio.intake.tables.rows import Row

WITHIN = 15  # rows from the top
LOOK = 60
TYPED = 0.8


class Header(NamedTuple):
    """The names of the columns, and the positions between which their rows stand: titles, `start:end`, then data."""

    names: tuple[str, ...]
    start: int
    end: int


def find(found: Sequence[Row]) -> Header | None:
    """The header among the first rows of a table; None when they are all data, or there is only one."""
    look = found[:LOOK]
    widths = sorted(_filled(row) for row in look)
    if 3 * sum(width > 1 for width in widths) >= len(widths):  # titles and remarks do not tell how wide a table is
        widths = [width for width in widths if width > 1]
    if len(look) < 2:  # a table without rows is one all the same when its names are clear
        return Header(cut(look[0].cells), 0, 1) if look and rows.roles(look[0].cells) else None
    usual = widths[len(widths) // 2]
    for at in range(min(WITHIN, len(look) - 1)):
        cells = [cell.strip() for cell in look[at].cells]
        if at < len(look) - 2 and (names := _grouped(cells, look[at + 1 :], usual)):
            return Header(names, at, at + 2)
        if _is_header(cells, [row.cells for row in look[at + 1 :]], usual):
            return Header(cut(cells), at, at + 1)
        if sum(map(bool, cells)) >= max(usual, 2):
            return None  # it is as wide as the rows and names nothing: it is one of them
    return None


def cut(cells: Sequence[str]) -> tuple[str, ...]:
    """The cells without the empty ones at their end."""
    upto = len(cells)
    while upto and not cells[upto - 1].strip():
        upto -= 1
    return tuple(cells[:upto])


def _is_header(cells: Sequence[str], below: Sequence[Sequence[str]], usual: int) -> bool:
    filled = [cell for cell in cells if cell]
    if usual <= 1:  # a single column: only a word that names one
        return len(filled) == 1 and plain(filled[0]) in rows.TEXT | rows.QUESTION | rows.ANSWER
    named = rows.roles(cells) is not None
    unnamed_first = not cells[0] and len(filled) == usual - 1  # the numbers pandas writes in front of the rows
    narrow = len(filled) < usual and not named and not unnamed_first
    if len(filled) < 2 or (narrow and not (len(filled) == usual - 1 and _typed(cells, below))):
        return False
    years = [at for at, cell in enumerate(cells) if rows.YEAR.match(cell)]
    if years and (len(years) < 2 or any(rows.YEAR.match(_at(below[0], at)) for at in years)):
        return False
    return rows.looks_like_header(filled) or (not years and _typed(cells, below))


def _typed(cells: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Words above numbers or dates: a header even where its names are long, asked, or the same twice."""
    if any(rows.is_number(cell) for cell in cells if cell):
        return False
    for at, cell in enumerate(cells):
        under = [text for row in below if (text := _at(row, at))]
        if cell and len(under) >= 2 and sum(map(rows.is_number, under)) >= TYPED * len(under):
            return True
    return False


def _grouped(top: Sequence[str], below: Sequence[Row], usual: int) -> tuple[str, ...] | None:
    """The names under two rows of headers: the upper one names groups of columns, cells merged or left empty."""
    sub = [cell.strip() for cell in below[0].cells]
    width = max(len(top), len(sub))
    upper = [_at(top, at) for at in range(width)]
    lower = [_at(sub, at) for at in range(width)]
    if len(set(filter(None, upper))) < 2 or sum(map(bool, lower)) < 2:
        return None
    repeated = any(one and one == other for one, other in pairwise(upper))
    doubled = len(set(filter(None, lower))) < sum(map(bool, lower))
    if not repeated and not (doubled and any(upper[at] and not upper[at + 1] for at in range(width - 1))):
        return None
    if any(rows.is_number(cell) and not rows.YEAR.match(cell) for cell in (*upper, *lower)):
        return None
    if not repeated:
        upper = _spread(upper, lower)
    names = tuple(one if one == two else f"{one} {two}".strip() for one, two in zip(upper, lower, strict=True))
    filled = [name for name in names if name]
    alike = len(set(map(plain, filled))) < len(filled)
    short = all(len(name) <= 2 * rows.LONGEST_HEADER and not name.endswith("?") for name in filled)
    data = [_filled(row) for row in below[1:]]
    return cut(names) if short and not alike and len(filled) >= usual and any(data) else None


def _spread(upper: Sequence[str], lower: Sequence[str]) -> list[str]:
    """A group's name over the empty cells to its right, as far as the row below has names."""
    spread: list[str] = []
    for at, cell in enumerate(upper):
        spread.append(cell or (spread[-1] if spread and lower[at] else ""))
    return spread


def _filled(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row.cells)


def _at(cells: Sequence[str], at: int) -> str:
    return cells[at].strip() if at < len(cells) else ""
