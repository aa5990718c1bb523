"""Every row of a source accounted for: read, read after a repair, or refused with its number and reason.

The codes are worded by `row.<code>` in the locales; the counts are whole, the lists name the first FAULTS.
"""

from collections.abc import Iterable, Sequence

from studio.base.records import FAULTS, Column, Finding, Layout, Level, RowFault
from studio.intake.reading import SHOWN_ROWS, Origin

REPAIRED = ("joined", "padded", "quote", "unnamed", "nul", "garbled", "letters", "task_unknown")
FINDINGS = (  # which refused rows a finding speaks of
    ("rows_wrong_cells", ("cells", "open_quote")),
    ("rows_empty_cells", ("empty",)),
    ("rows_not_json", ("not_json",)),
    ("rows_no_answer", ("no_answer",)),
)
SAMPLES = 3
LONGEST_SAMPLE = 120


class Account:
    """What became of the rows of one source, while it is being read."""

    def __init__(self) -> None:
        self.rows = 0
        self._repaired: dict[str, int] = {}
        self._refused: dict[str, int] = {}
        self._faults: dict[bool, list[RowFault]] = {True: [], False: []}
        self._numbers: dict[str, list[int]] = {}

    @property
    def read(self) -> int:
        return self.rows - self.refused

    @property
    def refused(self) -> int:
        return sum(self._refused.values())

    @property
    def repaired(self) -> int:
        return sum(self._repaired.values())

    def mend(self, row: int, code: str, sheet: str = "") -> None:
        """A row that was repaired; it counts among those that are read."""
        self._note(self._repaired, True, row, code, sheet)

    def refuse(self, row: int, code: str, sheet: str = "") -> None:
        self._note(self._refused, False, row, code, sheet)

    def layout(self, columns: Sequence[Column] = (), encoding: str = "", delimiter: str = "") -> Layout:
        return Layout(
            columns=tuple(columns),
            encoding=encoding,
            delimiter=delimiter,
            rows=self.rows,
            read=self.read,
            repaired_count=self.repaired,
            refused_count=self.refused,
            repaired=tuple(self._faults[True]),
            refused=tuple(self._faults[False]),
        )

    def findings(self, origin: Origin) -> tuple[Finding, ...]:
        """What was left out, by reason, and what was mended."""
        found = [self._finding(code, "warn", origin, self._refused, reasons) for code, reasons in FINDINGS]
        found.append(self._finding("rows_repaired", "note", origin, self._repaired, REPAIRED))
        return tuple(finding for finding in found if finding.count)

    def _finding(
        self, code: str, level: Level, origin: Origin, counts: dict[str, int], reasons: Sequence[str]
    ) -> Finding:
        numbers = sorted({number for reason in reasons for number in self._numbers.get(reason, ())})
        count = sum(counts.get(reason, 0) for reason in reasons)
        listed = ", ".join(map(str, numbers[:SHOWN_ROWS])) + (" …" if len(numbers) > SHOWN_ROWS else "")
        return Finding(code=code, level=level, count=count, names=(origin.name,), parameters={"rows": listed})

    def _note(self, counts: dict[str, int], mended: bool, row: int, code: str, sheet: str) -> None:
        counts[code] = counts.get(code, 0) + 1
        if len(self._faults[mended]) < FAULTS:
            self._faults[mended].append(RowFault(row=row, code=code, sheet=sheet))
        numbers = self._numbers.setdefault(code, [])
        if len(numbers) <= SHOWN_ROWS:
            numbers.append(row)


def together(one: Layout, other: Layout) -> Layout:
    """Two parts of a source (sheets) as one; the columns, speakers and words are those of the first that has any."""
    return Layout(
        columns=one.columns or other.columns,
        speakers=one.speakers or other.speakers,
        encoding=one.encoding or other.encoding,
        delimiter=one.delimiter or other.delimiter,
        rows=one.rows + other.rows,
        read=one.read + other.read,
        repaired_count=one.repaired_count + other.repaired_count,
        refused_count=one.refused_count + other.refused_count,
        repaired=(*one.repaired, *other.repaired)[:FAULTS],
        refused=(*one.refused, *other.refused)[:FAULTS],
    )


def samples(cells: Iterable[str]) -> tuple[str, ...]:
    """The first filled cells of a column, short enough to be shown beside each other."""
    filled: list[str] = []
    for cell in cells:
        if text := " ".join(cell[: 4 * LONGEST_SAMPLE].split()):
            filled.append(text if len(text) <= LONGEST_SAMPLE else text[: LONGEST_SAMPLE - 1].rstrip() + "…")
        if len(filled) == SAMPLES:
            break
    return tuple(filled)
