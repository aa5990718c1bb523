"""Grids of drawn lines: which cells they make, and which of those are merged. Knows numbers only."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from studio.intake.pages.pdf_pages import Box
from studio.intake.pages.pdf_rules import Rules

NEAR = 3.0  # points: lines this close are one, or meet
MOST_LINES = 3_000  # of a page; a drawing has more
MOST_CROSSINGS = 40_000
SHORTEST = 5.0  # points
Stroke = tuple[float, float, float]  # where it stands, from where, to where


class Grid(NamedTuple):
    """`xs` and `ys` are the places of its lines; `across[y]` and `down[x]` from where to where each is drawn."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    across: tuple[tuple[tuple[float, float], ...], ...]
    down: tuple[tuple[tuple[float, float], ...], ...]

    @property
    def width(self) -> int:
        return len(self.xs) - 1

    @property
    def height(self) -> int:
        return len(self.ys) - 1

    def holds(self, box: Box) -> bool:
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        return self.xs[0] - NEAR < x < self.xs[-1] + NEAR and self.ys[0] - NEAR < y < self.ys[-1] + NEAR

    def cell(self, box: Box) -> tuple[int, int]:
        """Row and column of the cell in which the box has its middle; of merged cells the first."""
        x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
        column = min(max(sum(edge <= x for edge in self.xs) - 1, 0), self.width - 1)
        row = min(max(sum(edge <= y for edge in self.ys) - 1, 0), self.height - 1)
        return self.owner(row, column)

    def owner(self, row: int, column: int) -> tuple[int, int]:
        """The upper left one of the cells that are merged with this one."""
        while True:
            if not self.first_column(row, column):
                column -= 1
            elif row and not self._drawn(self.across[row], (self.xs[column] + self.xs[column + 1]) / 2):
                row -= 1
            else:
                return row, column

    def first_column(self, row: int, column: int) -> bool:
        """Whether a line is drawn to the left of this cell."""
        return column == 0 or self._drawn(self.down[column], (self.ys[row] + self.ys[row + 1]) / 2)

    @staticmethod
    def _drawn(stretches: Sequence[tuple[float, float]], at: float) -> bool:
        return any(start - NEAR <= at <= end + NEAR for start, end in stretches)


def grids(rules: Rules) -> list[Grid]:
    """The grids of at least two columns, from top to bottom."""
    if len(rules.across) + len(rules.down) > MOST_LINES:
        return []
    across, down = _merged(rules.across), _merged(rules.down)
    if len(across) * len(down) > MOST_CROSSINGS:
        return []
    found = []
    for rows, columns in _connected(across, down):
        left, right = min(start for _, start, _ in rows), max(end for _, _, end in rows)
        top, bottom = min(start for _, start, _ in columns), max(end for _, _, end in columns)
        xs, downs = _places(columns, (left, right), (top, bottom))
        ys, acrosses = _places(rows, (top, bottom), (left, right))
        if len(xs) >= 3 and len(ys) >= 2:
            found.append(Grid(xs, ys, acrosses, downs))
    return sorted(found, key=lambda grid: grid.ys[0])


def _merged(strokes: Iterable[Stroke]) -> list[Stroke]:
    """Strokes that lie on one line and touch, as one."""
    found: list[Stroke] = []
    lines: list[list[Stroke]] = []
    for stroke in sorted(strokes):
        if lines and stroke[0] - lines[-1][0][0] <= NEAR / 2:
            lines[-1].append(stroke)
        else:
            lines.append([stroke])
    for line in lines:
        at = line[0][0]
        start, end = -1e9, -1e9
        for _, first, last in sorted(line, key=lambda stroke: stroke[1]):
            if first > end + NEAR:
                if end - start >= SHORTEST:
                    found.append((at, start, end))
                start = first
            end = max(end, last)
        if end - start >= SHORTEST:
            found.append((at, start, end))
    return found


def _connected(across: Sequence[Stroke], down: Sequence[Stroke]) -> list[tuple[list[Stroke], list[Stroke]]]:
    """Lines that cross or meet, directly or through others."""
    group = list(range(len(across) + len(down)))

    def root(number: int) -> int:
        while group[number] != number:
            group[number] = group[group[number]]
            number = group[number]
        return number

    for i, (y, left, right) in enumerate(across):
        for j, (x, top, bottom) in enumerate(down, start=len(across)):
            if left - NEAR <= x <= right + NEAR and top - NEAR <= y <= bottom + NEAR:
                group[root(i)] = root(j)
    sets: dict[int, tuple[list[Stroke], list[Stroke]]] = {}
    for number in range(len(group)):
        rows, columns = sets.setdefault(root(number), ([], []))
        if number < len(across):
            rows.append(across[number])
        else:
            columns.append(down[number - len(across)])
    return [(rows, columns) for rows, columns in sets.values() if rows and columns]


def _places(
    strokes: Sequence[Stroke], ends: tuple[float, float], reach: tuple[float, float]
) -> tuple[tuple[float, ...], tuple[tuple[tuple[float, float], ...], ...]]:
    """Where lines stand, and from where to where; the outer ends count as lines even when nobody drew them."""
    places: list[float] = []
    drawn: list[list[tuple[float, float]]] = []
    for at, start, end in sorted([*strokes, (ends[0], *reach), (ends[1], *reach)]):
        if places and at - places[-1] <= NEAR:
            drawn[-1].append((start, end))
        else:
            places.append(at)
            drawn.append([(start, end)])
    return tuple(places), tuple(tuple(each) for each in drawn)
