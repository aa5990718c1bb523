"""Tables of a page, from where its words stand and which lines are drawn: knows boxes and words, no PDF.

A table is either ruled (drawn lines make a grid) or aligned (see `pdf_aligned`).
"""

from collections.abc import Iterator, Sequence

from studio.intake.pages import pdf_aligned
from studio.intake.pages.pdf_aligned import Words
from studio.intake.pages.pdf_cells import Piece, joined, piece_of, reading_order, rows_of
from studio.intake.pages.pdf_grids import Grid, grids
from studio.intake.pages.pdf_pages import Line, Placed, Word, table, written
from studio.intake.pages.pdf_rules import Rules
from studio.intake.tables.rows import NUMBER

LONGEST_CELL = 1_500  # characters; a frame with more in it is no table
LONGEST_NAME = 80  # of a column
SECTION = 560  # characters: what a passage holds, its header included


def laid_out(lines: Sequence[Placed], rules: Rules, words: Words) -> list[Line]:
    """The page's lines in reading order, its tables as one line with rows each."""
    taken: dict[int, list[Line]] = {}  # the first line of what is replaced, and what stands there instead
    gone: set[int] = set()
    for grid in grids(rules):
        inside = [number for number, line in enumerate(lines) if number not in gone and grid.holds(line.box)]
        rows = _ruled(grid, [(number, word) for number in inside for word in words(lines[number])])
        if rows:
            taken[inside[0]] = [table(rows)]
            gone.update(inside)
    rest = [number for number in range(len(lines)) if number not in gone]
    for used, found in pdf_aligned.tables(lines, rest, words):
        taken[min(used)] = found
        gone.update(used)
    placed: list[Line] = []
    for number, line in enumerate(lines):
        placed += taken.get(number, [])
        if number not in gone:
            placed.append(Line(line.text, line.size))
    return placed


def sections(rows: Sequence[Sequence[str]], header: Sequence[str] = ()) -> Iterator[tuple[int, str]]:
    """The table cut into texts of a passage's length, each with the header in front; and each one's first row."""
    first, top = 1, list(header)
    body = list(rows)
    if not top and is_header(body[0]) and len(body) > 1:
        top, body, first = list(body[0]), body[1:], 2
    held: list[str] = []
    at = first
    for number, row in enumerate(body, start=first):
        if held and sum(map(len, held)) + len(written(top)) + len(written(row)) > SECTION:
            yield at, "\n".join(([written(top)] if top else []) + held)
            held, at = [], number
        held.append(written(row))
    if held:
        yield at, "\n".join(([written(top)] if top else []) + held)


def is_header(cells: Sequence[str]) -> bool:
    """All columns but perhaps the first are named, and none by a number."""
    return all(cells[1:]) and not any(NUMBER.match(cell) for cell in cells) and max(map(len, cells)) <= LONGEST_NAME


def _ruled(grid: Grid, words: Sequence[tuple[int, Word]]) -> tuple[tuple[str, ...], ...]:
    """The rows of a grid, or none where what it frames is no table."""
    held: dict[tuple[int, int], dict[int, list[Word]]] = {}
    for number, word in words:
        held.setdefault(grid.cell(word.box), {}).setdefault(number, []).append(word)
    cells = {place: [piece_of(number, line) for number, line in lines.items()] for place, lines in held.items()}
    if len({column for _, column in cells}) < 2 or any(
        sum(len(piece.text) for piece in cell) > LONGEST_CELL for cell in cells.values()
    ):
        return ()
    rows: list[tuple[str, ...]] = []
    for band in range(grid.height):
        row = [
            cells.get(grid.owner(band, column), []) if grid.first_column(band, column) else []
            for column in range(grid.width)
        ]
        if any(row):
            rows += _band(row, grid.height)
    keep = [column for column in range(grid.width) if any(row[column] for row in rows)]
    found = tuple(tuple(row[column] for column in keep) for row in rows)
    return found if len(found) >= 2 and len(keep) >= 2 else ()


def _band(cells: list[list[Piece]], bands: int) -> list[tuple[str, ...]]:
    """What stands between two rules is a row, unless rules stand only around the table and under its header."""
    if bands <= 2:
        rows = rows_of(cells)
        if len(rows) >= 2 and sum(sum(map(bool, row)) >= 2 for row in rows) >= 0.7 * len(rows):
            return list(rows)
    return [tuple(joined(piece.text for piece in sorted(cell, key=reading_order)) for cell in cells)]
