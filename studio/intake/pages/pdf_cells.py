"""Cells of a table from pieces of text and where they stand: which lines are one cell, which cells one row."""

import itertools
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from studio.intake.pages.pdf_pages import Box, Word, around

CLOSE = 1.7  # times their height: from line to line within a cell


class Piece(NamedTuple):
    """Words that stand together; `line` is the position of their line on the page. Where only the place matters yet,
    there is no text.
    """

    text: str
    box: Box
    line: int


class Block(NamedTuple):
    """A cell: its lines, the box around them, and number and box of the last one."""

    column: int
    texts: tuple[str, ...]
    box: Box
    line: int
    bottom: Box


def piece_of(number: int, words: Sequence[Word]) -> Piece:
    return Piece(" ".join(word.text for word in words), around([word.box for word in words]), number)


def rows_of(columns: Sequence[Sequence[Piece]]) -> tuple[tuple[str, ...], ...]:
    """Rows of cells. A cell's lines often follow each other in the file; where they do not, a line without a first
    cell goes on with the row above.
    """
    rows: list[list[Block]] = []
    for block in sorted(_blocks(columns), key=_upper):
        if rows and any(beside(other.box, block.box) for other in rows[-1]):
            rows[-1].append(block)
        else:
            rows.append([block])
    tops = [min(block.box.top for block in row) for row in rows]
    steps = [after - before for before, after in itertools.pairwise(tops)]
    usual = statistics.median(steps) if steps else 0.0
    found: list[list[list[str]]] = []
    for number, row in enumerate(rows):
        cells: list[list[str]] = [[] for _ in columns]
        for block in row:
            cells[block.column] += block.texts
        alone = [column for column, cell in enumerate(cells) if cell] == [0]
        goes_on = not cells[0] or (alone and cells[0][0][:1].islower())
        if found and goes_on and steps[number - 1] <= 1.15 * usual:
            for above, cell in zip(found[-1], cells, strict=True):
                above += cell
        else:
            found.append(cells)
    return tuple(tuple(joined(cell) for cell in row) for row in found)


def joined(texts: Iterable[str]) -> str:
    """Lines of a cell as one text; a word cut by a hyphen is whole again."""
    whole = ""
    for text in texts:
        if whole.endswith("-") and len(whole) > 1 and whole[-2].isalpha() and text[:1].islower():
            whole = whole[:-1] + text
        else:
            whole = f"{whole} {text}" if whole else text
    return whole


def beside(one: Box, other: Box) -> bool:
    """Whether two boxes stand on one line: more than half of the lower one's height is shared."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared > 0.5 * min(one.bottom - one.top, other.bottom - other.top)


def high(box: Box) -> float:
    return box.bottom - box.top


def _blocks(columns: Sequence[Sequence[Piece]]) -> list[Block]:
    """Lines of a column that follow each other closely, on the page and in the file: one cell."""
    everything = sorted(
        ((piece, number) for number, column in enumerate(columns) for piece in column),
        key=lambda each: reading_order(each[0]),
    )
    blocks: list[Block] = []
    for piece, column in everything:
        last = blocks[-1] if blocks and blocks[-1].column == column else None
        if last and (
            piece.line == last.line
            or 0 < piece.box.top - last.bottom.top <= CLOSE * max(high(piece.box), high(last.bottom))
        ):
            blocks[-1] = Block(column, (*last.texts, piece.text), around([last.box, piece.box]), piece.line, piece.box)
        else:
            blocks.append(Block(column, (piece.text,), piece.box, piece.line, piece.box))
    return blocks


def reading_order(piece: Piece) -> tuple[int, float]:
    return piece.line, piece.box.left


def _upper(block: Block) -> float:
    return block.box.top
