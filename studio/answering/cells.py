"""What the cells of a column are: numbers with one unit, days, or words.

Numbers in the way of writing of either language ("1.234,50 €", "£1,234.50"), decided for a column as a whole: "1.234"
alone does not say what its point means, the cells around it do. A column that is not clearly numbers is words.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Literal, NamedTuple

from studio.base.folding import fold
from studio.health.quantities import CURRENCY, MONTHS
from studio.retrieval import terms

MOSTLY = 0.8  # of the filled cells that must be numbers, or days
CURRENCIES = {"EUR": "€", "USD": "$", "GBP": "£"}
SIGNS = {sign: sign for sign in CURRENCIES.values()} | {
    word: CURRENCIES.get(name, name) for word, name in CURRENCY.items()
}
FREE = frozenset({"free", "gratis", "gratuito", "gratuita", "sin coste", "sin cargo", "no charge", "free of charge"})
NOTHING = frozenset({"", "-", "–", "—", "n/a", "na", "none", "s/d", "n/d"})
PLAIN_KINDS = frozenset({"xlsx", "xls", "ods"})  # their numbers are written by us, with a point before the decimals
_NUMBER = re.compile(
    r"^(?P<sign>[-−+])?\s*(?P<before>[^\W\d_]{2,4}\s|[€$£])?\s*(?P<sign2>[-−+])?\s*"
    r"(?P<n>\d[\d.,'’\u00a0\u202f]*\d|\d|\d{1,3}(?: \d{3})+(?:[.,]\d+)?)\s*(?P<after>%|[€$£]|[^\W\d_][^\d;:,]{0,24})?$"
)
_DAY = re.compile(
    r"^(?:(?P<y>\d{4})[-/](?P<m>\d\d?)[-/](?P<d>\d\d?)|(?P<d2>\d\d?)[-/.](?P<m2>\d\d?)[-/.](?P<y2>\d{4})"
    rf"|(?P<d3>\d\d?)(?:st|nd|rd|th)?(?: of| de)? (?P<m3>{'|'.join(MONTHS)})\.?,?(?: of| de| del)? (?P<y3>\d{{4}}))"
    r"(?:[ t]\d\d?:\d\d(?::\d\d)?.*)?$"
)
_HEADED = re.compile(r"[(\[]\s*([^\W\d][^)\]]{0,19}|[^\w\s][^)\]]{0,3})\s*[)\]]\s*$")

Kind = Literal["number", "date", "text"]


class Typed(NamedTuple):
    """A column as it is reckoned with: numbers, days as ISO 8601, or the words of its cells; None where there is nothing."""

    kind: Kind
    values: tuple[float | str | None, ...]
    unit: str = ""
    decimals: int = 0


class _Written(NamedTuple):
    sign: int
    digits: str
    unit: str


def typed(name: str, cells: Sequence[str], language: str, kind: str = "") -> Typed:
    """The column under this name, of a document in this language and of this kind."""
    filled = [cell for cell in cells if fold(cell).strip() not in NOTHING]
    words = Typed("text", tuple(cell or None for cell in cells))
    if not filled:
        return words
    return _numbers(name, cells, len(filled), language, kind) or _days(cells, len(filled)) or words


def number(text: str, decimal: str) -> float | None:
    """A number written with this sign before its decimals; None where it is written otherwise."""
    bare = re.sub(r"['’\u00a0\u202f ]", "", text)
    grouping = "." if decimal == "," else ","
    whole, mark, rest = bare.rpartition(decimal) if decimal in bare else (bare, "", "")
    parts = whole.split(grouping)
    if grouping in rest or decimal in whole or (len(parts) > 1 and any(len(part) != 3 for part in parts[1:])):
        return None
    return float("".join(parts) + (f".{rest}" if mark else ""))


def decimal_sign(text: str) -> str:
    """Which sign stands before the decimals of this number, "" where its writing does not tell."""
    bare = re.sub(r"['’\u00a0\u202f ]", "", text)
    points, commas = bare.count("."), bare.count(",")
    if points and commas:
        return "." if bare.rfind(".") > bare.rfind(",") else ","
    if not points and not commas:
        return ""
    sign = "." if points else ","
    if bare.count(sign) > 1:
        return "," if sign == "." else "."
    head, _, tail = bare.partition(sign)
    return sign if len(tail) != 3 or head.strip("0") == "" or len(head) > 3 else ""


def _numbers(name: str, cells: Sequence[str], filled: int, language: str, kind: str) -> Typed | None:
    written = [_written(cell) for cell in cells]
    units = Counter(each.unit for each in written if each and each.unit)
    if len(units) > 1:
        return None
    signs = {sign for each in written if each and (sign := decimal_sign(each.digits))}
    if len(signs) > 1:
        return None
    headed = _HEADED.search(name)
    unit = next(iter(units), _unit(headed[1]) if headed else "")
    decimal = signs.pop() if signs else _meant([each.digits for each in written if each], unit, language, kind)
    if not decimal:
        return None
    values: list[float | None] = []
    for cell, each in zip(cells, written, strict=True):
        value = number(each.digits, decimal) if each else None
        if value is None and unit in SIGNS.values() and fold(cell).strip() in FREE:
            value = 0.0
        values.append(value if value is None or each is None else each.sign * value)
    if sum(value is not None for value in values) < MOSTLY * filled:
        return None
    tails = [each.digits.rpartition(decimal)[2] for each in written if each and decimal in each.digits]
    decimals = max(map(len, tails), default=0)
    return Typed("number", tuple(values), unit, decimals)


def _meant(written: Sequence[str], unit: str, language: str, kind: str) -> str:
    """The sign before the decimals where no cell tells: "1.280" may be either. "" where it cannot be known.

    Nobody writes a price with three decimals, and a sheet's numbers are written by us.
    """
    doubtful = next((sign for digits in written for sign in ".," if sign in digits), "")
    if not doubtful or kind in PLAIN_KINDS:
        return "."
    grouping = "." if language == "es" else "," if language == "en" else ""
    if unit in SIGNS.values() or doubtful == grouping:
        return "," if doubtful == "." else "."
    return ""


def _written(cell: str) -> _Written | None:
    match = _NUMBER.match(cell.strip())
    if match is None:
        return None
    before, after = (match["before"] or "").strip(), (match["after"] or "").strip()
    if before and fold(before) not in SIGNS:
        return None
    sign = -1 if "-" in (found := (match["sign"] or "") + (match["sign2"] or "")) or "−" in found else 1
    return _Written(sign, match["n"], _unit(before or after))


def _unit(written: str) -> str:
    """ "euros" and "EUR" and "€" are one unit, "day" and "days" another."""
    folded = fold(written).strip(" .")
    return SIGNS.get(folded) or " ".join(terms.stem(word) if len(word) > 2 else word for word in folded.split())


def _days(cells: Sequence[str], filled: int) -> Typed | None:
    found = [_DAY.match(fold(cell).strip()) for cell in cells]
    american = any(each and each["m2"] and int(each["m2"]) > 12 for each in found)
    values = tuple(_day(each, american) if each else None for each in found)
    return Typed("date", values) if sum(value is not None for value in values) >= MOSTLY * filled else None


def _day(match: re.Match[str], american: bool) -> str | None:
    if match["d2"]:
        day, month, year = int(match["d2"]), int(match["m2"]), int(match["y2"])
        day, month = (month, day) if american else (day, month)
    elif match["d3"]:
        day, month, year = int(match["d3"]), MONTHS[match["m3"]], int(match["y3"])
    else:
        day, month, year = int(match["d"]), int(match["m"]), int(match["y"])
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None
