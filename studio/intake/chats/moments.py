"""Dates and times as programs write them. The day and the month are told apart by all that stand together."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise

SCATTERED = 3  # the order of day and month that spreads the same talk over three times the days is the wrong one
DATE = r"(?P<a>\d{1,4})(?P<sign>[./\-])\s?(?P<b>\d{1,2})[./\-]\s?(?P<c>\d{2,4})"
CLOCK = r"(?P<h>\d{1,2})[:.](?P<m>\d{2})(?:[:.](?P<s>\d{2}))?(?:\s?(?P<half>[AaPp]\.?\s?[Mm]\.?))?"
WRITTEN = re.compile(rf"^\s*{DATE}\.?(?:,?\s+(?:a las |at |à |um |klo )?{CLOCK})?")
NAMED = re.compile(
    r"^\W*(?:[a-záéíóú]{3,9}[.,]*\s+)??(?:(?P<d>\d{1,2})(?:st|nd|rd|th)?[\s\-/.]+(?:de\s+)?(?P<n>[a-zé]{3,10})\.?"
    r"|(?P<n2>[a-zé]{3,10})\.?\s+(?P<d2>\d{1,2})(?:st|nd|rd|th)?),?[\s\-/]+(?:de\s+|del\s+)?(?P<y>\d{4})"
    rf"(?:,?\s+(?:at |a las )?{CLOCK})?",
    re.I,
)
MONTHS = {  # the first three letters in English and Spanish
    name: number
    for number, names in enumerate(
        ("jan ene", "feb", "mar", "apr abr", "may", "jun", "jul", "aug ago", "sep set", "oct", "nov", "dec dic"),
        start=1,
    )
    for name in names.split()
}


def of_column(cells: Sequence[str]) -> list[datetime | None]:
    """The moment in every cell, without a time zone (UTC where the cells name one); None where there is none."""
    written = [None if _iso(cell) else WRITTEN.match(cell) for cell in cells]
    first = day_first([found for found in written if found])
    return [
        _iso(cell) or (time(found, first) if found else _named(cell))
        for cell, found in zip(cells, written, strict=True)
    ]


def day_first(dates: Sequence[re.Match[str]]) -> bool:
    """1. Numbers above twelve decide. 2. The order in which time goes forward. 3. The one that does not scatter a talk
    over the year. 4. Only Americans write AM and PM in capitals. 5. Day first, as most of the world.
    """
    dates = [date for date in dates if len(date["a"]) < 4]
    first, second = (sum(int(date[part]) > 12 for date in dates) for part in "ab")
    if first != second:
        return first > second
    back, days = {}, {}
    for is_first in (True, False):
        times = [at for date in dates if (at := time(date, is_first))]
        back[is_first] = sum(after < before for before, after in pairwise(times))
        days[is_first] = (max(times) - min(times)).days + 1 if times else 0
    if back[True] != back[False]:
        return back[True] < back[False]
    if max(days.values()) > SCATTERED * min(days.values()):
        return days[True] < days[False]
    return not any((date["half"] or "").strip() in ("AM", "PM") for date in dates)


def time(date: re.Match[str], is_day_first: bool) -> datetime | None:
    """None for a day that no calendar has."""
    a, b, c = int(date["a"]), int(date["b"]), int(date["c"])
    if len(date["a"]) == 4:
        year, month, day = a, b, c
    else:
        day, month, year = (a, b, c) if is_day_first else (b, a, c)
    return _moment(year + 2000 if year < 100 else year, month, day, date)


def _moment(year: int, month: int, day: int, found: re.Match[str]) -> datetime | None:
    half = (found["half"] or "").lower().replace(".", "").replace(" ", "")
    hour = int(found["h"] or 0)
    hour = hour % 12 + 12 * (half == "pm") if half else hour
    try:  # no time zone is named, and only differences matter
        return datetime(year, month, day, hour, int(found["m"] or 0), int(found["s"] or 0))  # noqa: DTZ001
    except ValueError:
        return None


def _iso(cell: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(cell.strip().removesuffix(" UTC"))
    except ValueError:
        return None
    return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found


def _named(cell: str) -> datetime | None:
    found = NAMED.match(cell)
    month = MONTHS.get((found["n"] or found["n2"])[:3].lower()) if found else None
    return _moment(int(found["y"]), month, int(found["d"] or found["d2"]), found) if found and month else None
