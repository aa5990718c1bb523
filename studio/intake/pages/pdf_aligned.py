"""Tables without lines: at least three rows share the white between their columns, and the columns are lined up.

Columns of running text, lists and tables of contents look alike and are told apart: they stay text.
"""

import bisect
import re
import statistics
from collections.abc import Callable, Iterator, Sequence

from studio.intake.pages.pdf_cells import Piece, beside, high, piece_of, rows_of
from studio.intake.pages.pdf_pages import Box, Line, Placed, Word, around, table
from studio.intake.tables.rows import NUMBER

Words = Callable[[Placed], list[Word]]
Row = list[Piece]

NOTHING: tuple[set[int], list[Line]] = (set(), [])
INFINITE = 1e9
CELL_GAP = 0.7  # times the letters' size: white between words that may part two cells
CELL_GAP_ANEW = 0.45  # the same where the file places the second word by itself
WIDEST = 0.55  # times its size: a usual letter; on a page full of tables most lines have holes in them
LEAST_STRIP = 3.0  # points of white from top to bottom between two columns
WIDE = 1.3  # times the usual width of so many letters: a line with a hole in it
FEWEST_ROWS = 3  # of a table without lines
SAME_EDGE = 2.5  # points
LINED_UP = 0.6  # of a column
LEADER = re.compile(r"(\.{4,}|(\. ){4,}|…{2,})\s*\w{0,5}$")  # the dots of a table of contents
LONG_CELL = 28  # letters; where most are longer, it is running text in columns
FARTHEST_ROW = 3.0  # times the usual step from row to row
FARTHEST_ALONE = 1.5  # the same for a line that stands alone: a heading, or a cell that goes on
ITEM = re.compile(r"^([-–—•·▪◦‣*○●■]|\(?\w{1,3}[.)]|\d+(\.\d+)+\.?)$")


def tables(lines: Sequence[Placed], numbers: Sequence[int], words: Words) -> Iterator[tuple[set[int], list[Line]]]:
    """What the lines of these numbers hold: which of them are replaced, and by what."""
    for run in _runs(_visual_rows([(number, lines[number]) for number in numbers], words)):
        used, found = _aligned(run, lines, words)
        if found:
            yield used, found


def _visual_rows(lines: list[tuple[int, Placed]], words: Words) -> list[Row]:
    """What stands side by side on the page, from top to bottom, each row from left to right."""
    usual = min(statistics.median([_stretch(line) for _, line in lines if len(line.letters) >= 12] or [0.5]), WIDEST)
    rows: list[list[tuple[int, Placed]]] = []
    for each in sorted(lines, key=lambda each: (each[1].box.top + each[1].box.bottom) / 2):
        if rows and any(beside(other.box, each[1].box) for _, other in rows[-1]):
            rows[-1].append(each)
        else:
            rows.append([each])
    if sum(len(row) > 1 or _has_hole(row[0][1], usual) for row in rows) < 2:
        return []
    return [
        sorted((piece for number, line in row for piece in _pieces(number, line, usual, words)), key=_left)
        for row in rows
    ]


def _pieces(number: int, line: Placed, usual: float, words: Words) -> list[Piece]:
    """The line cut at its holes: between its runs of letters, or between words where one run has holes in it."""
    if not _has_hole(line, usual):
        return [Piece(line.text, line.box, number)]
    within = _stretch(line) > WIDE * usual
    boxes = sorted(word.box for word in words(line)) if within else sorted(line.runs)
    starts = [run.left for run in line.runs]
    pieces: list[Box] = []
    for box in boxes:
        anew = not within or any(abs(start - box.left) < 1.0 for start in starts)
        gap = (CELL_GAP_ANEW if anew else CELL_GAP) * line.size
        if pieces and box.left - pieces[-1].right <= gap:
            pieces[-1] = around([pieces[-1], box])
        else:
            pieces.append(box)
    return [Piece("", box, number) for box in pieces]


def _has_hole(line: Placed, usual: float) -> bool:
    ordered = sorted(line.runs)
    right = ordered[0].right if ordered else 0.0
    for run in ordered[1:]:
        if run.left - right > CELL_GAP_ANEW * line.size:
            return True
        right = max(right, run.right)
    return len(line.letters) >= 3 and _stretch(line) > WIDE * usual and line.box.right - line.box.left > 60


def _stretch(line: Placed) -> float:
    """Width of a letter in this line, in units of its size."""
    return (line.box.right - line.box.left) / (len(line.letters) * (line.size or 1.0))


def _runs(rows: list[Row]) -> Iterator[list[Row]]:
    """Rows that follow each other and share the white between at least two columns."""
    run: list[Row] = []
    strips: list[tuple[float, float]] = []
    step = 0.0
    for row in rows:
        gaps = _gaps(row)
        kept = _common(strips, gaps)
        alone = len(row) == 1 and bool(run) and row[0].box.left - _most_left(run) < LEAST_STRIP
        farthest = FARTHEST_ALONE if alone else FARTHEST_ROW
        far = bool(run) and _top(row) - _top(run[-1]) > farthest * max(step, _height(run[-1]), _height(row))
        if run and not far and kept and (len(kept) >= len(strips) or len(row) == 1 or len(run) == 1):
            if len(run) == 1 or _top(row) - _top(run[-1]) < step:
                step = _top(row) - _top(run[-1])
            run.append(row)
            strips = kept
            continue
        if len(run) > 1:
            yield run
        run, strips, step = ([row], gaps, 0.0) if len(row) > 1 else ([], [], 0.0)
    if len(run) > 1:
        yield run


def _aligned(run: list[Row], lines: Sequence[Placed], words: Words) -> tuple[set[int], list[Line]]:
    """The run as a table, as columns of text one after the other, or nothing: then it stays as it was;
    and which lines that takes.
    """
    whole, run = run, _without_tail(run)
    strips = _gaps(run[0])
    for row in run[1:]:
        strips = _common(strips, _gaps(row))
    inner = [strip for strip in strips if strip[0] != -INFINITE and strip[1] != INFINITE]
    wide = len(inner) + 1
    if not inner or len(run) < FEWEST_ROWS or sum(len(row) > 1 for row in run) < max(2, 0.5 * len(run)):
        return NOTHING
    if not all(_lined_up([p.box for row in run for p in row if _column(p.box, inner) == c]) for c in range(wide)):
        return NOTHING
    if sum(bool(LEADER.search(lines[row[-1].line].text[-24:])) for row in run) >= 0.5 * len(run):
        return NOTHING
    columns = _filled(run, lines, words, inner)
    if not all(columns) or (wide == 2 and all(ITEM.match(piece.text) for piece in columns[0])):
        return NOTHING
    numbers = sum(bool(NUMBER.match(piece.text)) for column in columns[1:] for piece in column)
    if numbers == 0 and all(map(_apart, columns, columns[1:])):
        return NOTHING  # the file holds one column of text after the other, and that is how they are read
    usual = min(statistics.median(len(piece.text) for piece in column) for column in columns)
    if wide <= 3 and usual >= LONG_CELL and numbers == 0:
        columns = _filled(whole, lines, words, inner)
        return _used(whole), [Line(piece.text, lines[piece.line].size) for column in columns for piece in column]
    rows = rows_of(columns)
    return (_used(run), [table(rows)]) if len(rows) >= 2 else NOTHING


def _used(run: list[Row]) -> set[int]:
    return {piece.line for row in run for piece in row}


def _filled(
    run: list[Row], lines: Sequence[Placed], words: Words, inner: list[tuple[float, float]]
) -> list[list[Piece]]:
    """The columns with their texts, a piece for each line that has words in them."""
    columns: list[list[Piece]] = [[] for _ in range(len(inner) + 1)]
    pieces: dict[int, Row] = {}
    for each in (piece for row in run for piece in row):
        pieces.setdefault(each.line, []).append(each)
    for number, parts in sorted(pieces.items()):
        if len(parts) == 1:
            columns[_column(parts[0].box, inner)].append(parts[0]._replace(text=lines[number].text))
            continue
        held: dict[int, list[Word]] = {}
        for word in words(lines[number]):
            held.setdefault(_column(word.box, inner), []).append(word)
        for column, some in held.items():
            columns[column].append(piece_of(number, some))
    return columns


def _lined_up(boxes: Sequence[Box]) -> bool:
    """Whether the boxes of a column have their left or right edges or their middles in common."""
    for edges in (
        sorted(box.left for box in boxes),
        sorted(box.right for box in boxes),
        sorted((box.left + box.right) / 2 for box in boxes),
    ):
        most = max(bisect.bisect_right(edges, edge + SAME_EDGE) - at for at, edge in enumerate(edges))
        if most >= LINED_UP * len(boxes):
            return True
    return False


def _apart(left: Sequence[Piece], right: Sequence[Piece]) -> bool:
    """Whether the file holds all of one column before the other."""
    return max(piece.line for piece in left) < min(piece.line for piece in right)


def _without_tail(run: list[Row]) -> list[Row]:
    """Lines that stand alone under a table are the text that follows it, unless they go on with its last row."""
    end = len(run)
    while end > 1 and len(run[end - 1]) == 1 and run[end - 1][0].box.left - _most_left(run) < LEAST_STRIP:
        end -= 1
    return run[:end]


def _most_left(run: list[Row]) -> float:
    return min(piece.box.left for row in run for piece in row)


def _gaps(row: Row) -> list[tuple[float, float]]:
    """White stretches of a row from left to right, with the margins on both sides."""
    found: list[tuple[float, float]] = []
    right = -INFINITE
    for piece in sorted(row, key=_left):
        if piece.box.left - right >= LEAST_STRIP:
            found.append((right, piece.box.left))
        right = max(right, piece.box.right)
    return [*found, (right, INFINITE)]


def _common(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """White that both rows have; only the margins are nothing in common."""
    both = [(max(a, c), min(b, d)) for a, b in one for c, d in other if min(b, d) - max(a, c) >= LEAST_STRIP]
    return both if any(a != -INFINITE and b != INFINITE for a, b in both) else []


def _column(box: Box, inner: list[tuple[float, float]]) -> int:
    middle = (box.left + box.right) / 2
    return sum(middle > (strip[0] + strip[1]) / 2 for strip in inner)


def _left(piece: Piece) -> float:
    return piece.box.left


def _top(row: Row) -> float:
    return min(piece.box.top for piece in row)


def _height(row: Row) -> float:
    return max(high(piece.box) for piece in row)
