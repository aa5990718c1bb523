"""A column of a spreadsheet as people read it: 12345 and not 12345.0, 2026-01-12, 5%, 08001, 4.90 €.

Values come from calamine, formats from `formats`. Whole columns at a time: most hold one kind of value.
"""

import datetime
from collections.abc import Sequence

from studio.intake.tables.formats import PLAIN, Format

Cell = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta
SHORT = 1e11  # numbers up to here need no exponent in twelve digits
LOOK = 200
EXACT = 1e15  # whole numbers up to here are exact in a spreadsheet


def texts(column: Sequence[Cell], form: Format | list[Format]) -> Sequence[str]:
    """The column's cells as text; an empty cell is ""."""
    kinds = set(map(type, column))
    if kinds == {str}:
        return _words(column)  # type: ignore[arg-type]
    if isinstance(form, list):
        forms = {each for value, each in zip(column, form, strict=True) if not isinstance(value, str)}
        if len(forms) != 1:
            return [shown(value, each) for value, each in zip(column, form, strict=True)]
        form = forms.pop()
    if kinds == {float}:
        return _numbers(column, form)  # type: ignore[arg-type]
    if kinds == {float, str}:  # a header above numbers, or cells without any
        numbers = iter(_numbers([value for value in column if isinstance(value, float)], form))
        words = iter(_words([value for value in column if isinstance(value, str)]))
        return [next(words if isinstance(value, str) else numbers) for value in column]
    if kinds == {datetime.date}:
        return list(map(datetime.date.isoformat, column))  # type: ignore[arg-type]
    return [shown(value, form) for value in column]


def shown(value: Cell, form: Format = PLAIN) -> str:
    """One cell as people read it."""
    match value:
        case str():
            return value.strip()
        case bool():
            return "✓" if value else "✗"
        case int() | float():
            return number(value, form)
        case datetime.datetime():
            return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ", "minutes")
        case datetime.date():
            return value.isoformat()
        case datetime.time():
            return value.isoformat("minutes")
        case datetime.timedelta():
            minutes = round(value.total_seconds() / 60)
            return f"{minutes // 60}:{minutes % 60:02d}"


def number(value: float, form: Format = PLAIN) -> str:
    """A number in its format; without one, all the digits that a spreadsheet keeps and no others."""
    if form.percent:
        value = value * 100
    if form.decimals is not None:
        text = f"{value:.{form.decimals}f}"
        if form.digits > 1:
            text = text.zfill(form.digits + (1 + form.decimals if form.decimals else 0) + (value < 0))
    elif -EXACT < value < EXACT and value == int(value):
        text = str(int(value))
    else:
        text = f"{value:.12g}"
    if text.startswith("-") and not text.strip("-0."):
        text = text[1:]
    return f"{form.before}{text}{' ' if form.after else ''}{form.after}{'%' if form.percent else ''}"


def _numbers(column: Sequence[float], form: Format) -> Sequence[str]:
    if 3 * len(set(column[:LOOK])) < LOOK < len(column):  # few different ones, it seems: each is written once
        each = list(set(column))
        return list(map(dict(zip(each, _written(each, form), strict=True)).__getitem__, column))
    return _written(column, form)


def _written(column: Sequence[float], form: Format) -> Sequence[str]:
    if form == PLAIN and max(column) < EXACT and min(column) > -EXACT and all(map(float.is_integer, column)):
        return list(map(str, map(int, column)))
    if form == PLAIN and max(column) < SHORT and min(column) > -SHORT:
        return list(map("%.12g".__mod__, column))
    if form.decimals is not None and form.digits == 1 and min(column) >= 0:
        plain = min(column) > 0 and not form.percent
        values = tuple(column) if plain else tuple(v * (100 if form.percent else 1) + 0.0 for v in column)  # never -0
        after = f"{' ' if form.after else ''}{form.after}{'%' if form.percent else ''}".replace("%", "%%")
        shape = f"{form.before}%.{form.decimals}f{after}"
        return ("\n".join([shape] * len(values)) % values).split("\n")  # one long format is filled in sooner than many
    return [number(value, form) for value in column]


def _words(column: Sequence[str]) -> Sequence[str]:
    """Stripped, and with plain line ends, where any of it is needed."""
    stripped = list(map(str.strip, column))
    if "\r" in "".join(stripped):
        stripped = [text.replace("\r\n", "\n").replace("\r", "\n") for text in stripped]
    return stripped
