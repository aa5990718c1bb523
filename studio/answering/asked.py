"""A question as far as it can be read without a table: is something to be counted or reckoned, above or below which amount,
in which month. What is read is struck off; the words that are left must be explained by the table.
"""

import calendar
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple

from studio.answering import cells
from studio.base.folding import fold
from studio.health.quantities import CURRENCY, MONTHS, SPELT
from studio.retrieval import terms

MONTH = re.compile(r"^\d\d$")
LONGEST = 40  # words; a longer question tells a story
_N = r"(?P<sign{0}>[€$£])?\s?(?P<n{0}>\d+(?:[.,\u00a0\u202f]\d+)*)\s?(?P<unit{0}>%|[€$£]|(?:{1})\b)?"
_MONTHS = "|".join(sorted(MONTHS, key=len, reverse=True))
_DAY = (
    r"(?:(?P<iso>\d{4}-\d\d?-\d\d?)|(?P<d>\d\d?)[/.-](?P<m>\d\d?)[/.-](?P<y>\d{4})"
    rf"|(?:(?P<d2>\d\d?)(?:st|nd|rd|th)?(?: of| de)? )?(?P<m2>{_MONTHS})\b(?:,?(?: of| de| del)? (?P<y2>(?:19|20)\d\d))?"
    r"|(?P<y3>(?:19|20)\d\d)\b(?![.,]?\d|\s?(?:€|\$|£|%|euro|km|kg|kilo|g\b|m2)))"
)
_PRICED = re.compile(r"mas (?:barat|car|econ)|cheaper|dearer|more exp|for|costing|priced")
_TOP = re.compile(
    rf"\b(?:top|the|los|las)\s+(?P<n>[2-9]|1\d|20|{'|'.join(word for word, value in SPELT.items() if 2 <= value <= 20)})\b"
    r"(?![.,/-]?\d)"
)
_UNITS = (
    "|".join(sorted((word for word in CURRENCY if word.isalpha()), key=len, reverse=True))
    + "|km|kilometros?|kilometres?|kg|kilos?|g|litros?|litres?|l|m2|cm|mm|m|kwh?|gb|cv|por ciento|per ?cent"
)
_WORD = re.compile(r"[^\W_]+(?:[.,'’/-][^\W_]+)*|%")

Operation = Literal["count", "sum", "mean", "min", "max"]
Comparison = Literal["<", "<=", ">", ">="]


class Amount(NamedTuple):
    """More or less than a number of a unit, or between two; `concept` is what the words of comparing say it is of."""

    sign: Comparison
    value: float
    other: float | None
    unit: str
    concept: str


class Day(NamedTuple):
    """A day, month or year, `first` to `last`; a month of no year is its two digits."""

    sign: Literal["=", "<", "<=", ">", ">="]
    first: str
    last: str


class Asked(NamedTuple):
    """`every` word by its place in the question, `left` those not yet accounted for, which stand in `rest`; `at` is where
    the operation stands; `total` whether what is counted is to be added up.
    """

    language: str
    rest: str
    total: bool

    operation: Operation
    at: int
    concept: str
    limit: int
    amounts: tuple[Amount, ...]
    days: tuple[Day, ...]
    every: Mapping[int, str]
    left: Mapping[int, str]


def read(question: str, language: str, words: Mapping[str, Any]) -> Asked | None:
    """None when nothing is to be reckoned, or when it is asked in a way that rows cannot answer."""
    text = " ".join(fold(question).replace("’", "'").split()).strip(" ?!.¿¡")
    text = re.sub(r"^(?:please|por favor|hi|hello|hola|and|y)[,:]?\s+¿?", "", text)
    if len(text.split()) > LONGEST or not _any(words).search(text) or re.match(words["yes_or_no"], text):
        return None
    rest = _Rest(text)
    days = _days(rest, words)
    amounts = _amounts(rest, language, words)
    found = _operation(rest, words)
    if found is None:
        return None
    operation, concept, at, total = found
    limit = _limit(rest) if operation in ("min", "max") else 1
    every = {match.start(): match.group() for match in _WORD.finditer(text)}
    left = {at: word for at, word in every.items() if rest.text[at] != " "}
    return Asked(language, rest.text, total, operation, at, concept, limit, tuple(amounts), tuple(days), every, left)


class _Rest:
    """The question; what is taken out of it leaves blanks, so that everything stays at its place."""

    def __init__(self, text: str) -> None:
        self.text = self.asked = text

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.search(self.text)
        if found:
            self.text = self.text[: found.start()] + " " * len(found.group()) + self.text[found.end() :]
        return found

    def give_back(self, word: str) -> bool:
        """Put a word that was taken out back in; whether it is one of the question's."""
        at = self.asked.find(word)
        if at >= 0:
            self.text = self.text[:at] + word + self.text[at + len(word) :]
        return at >= 0


def _amounts(rest: _Rest, language: str, words: Mapping[str, Any]) -> list[Amount]:
    found: list[Amount] = []
    for pattern in _between(tuple(words["between"])):
        while match := rest.take(pattern):
            unit = _unit(match["sign2"] or match["unit2"] or match["sign1"] or match["unit1"])
            low, high = _value(match["n1"], language), _value(match["n2"], language)
            found.append(Amount(">=", min(low, high), max(low, high), unit, ""))
    for sign, pattern in _comparisons(_frozen(words["comparisons"])):
        while match := rest.take(pattern):
            concept = "price" if _PRICED.match(match.group()) else ""
            found.append(
                Amount(sign, _value(match["n0"], language), None, _unit(match["sign0"] or match["unit0"]), concept)
            )
    return found


def _days(rest: _Rest, words: Mapping[str, Any]) -> list[Day]:
    found: list[Day] = []
    for sign, pattern in _day_patterns(_frozen(words["days"])):
        while match := rest.take(pattern):
            period = _period(match)
            if period is None:
                return found
            found.append(Day(sign, *period))
    return found


def _operation(rest: _Rest, words: Mapping[str, Any]) -> tuple[Operation, str, int, bool] | None:
    """The operation, what a superlative is about, where it stands, and whether there is a total; None when there is no
    operation, or two that fight.
    """
    found: list[tuple[Operation, str, int]] = []
    for name, concept, patterns in words["superlatives"]:
        if match := rest.take(_either(tuple(patterns))):
            found.append((name, concept, match.start()))
    for name, patterns in words["operators"].items():
        if match := rest.take(_either(tuple(patterns))):
            found.append((name, "", match.start()))
    names = {name for name, _, _ in found}
    if names == {"count", "sum"}:
        return *next(each for each in found if each[0] == "count"), True
    if "sum" in names and len(names) == 2 and rest.give_back("total"):  # a column may be called so
        found = [each for each in found if each[0] != "sum"]
        names.discard("sum")
    if len(found) != 1 and not (len(names) == 1 and len({concept for _, concept, _ in found if concept}) <= 1):
        return None
    return *max(found, key=lambda each: bool(each[1])), names == {"sum"}


def _limit(rest: _Rest) -> int:
    """How many rows: "the three cheapest", "los dos más caros", "top 5"."""
    match = rest.take(_TOP)
    if not match:
        rest.take(re.compile(r"\btop\b"))
        return 1
    return int(SPELT[match["n"]] if match["n"] in SPELT else match["n"])


def _value(written: str, language: str) -> float:
    sign = cells.decimal_sign(written) or ("," if language == "es" else ".")
    value = cells.number(written, sign)
    return value if value is not None else float(re.sub(r"\D", "", written))


def _unit(written: str | None) -> str:
    if not written:
        return ""
    return cells.SIGNS.get(written, "") or terms.stem(written)


def _period(match: re.Match[str]) -> tuple[str, str] | None:
    if match["y3"]:
        return f"{match['y3']}-01-01", f"{match['y3']}-12-31"
    if match["m2"] and not match["d2"]:
        month = MONTHS[match["m2"]]
        if not match["y2"]:
            return f"{month:02d}", f"{month:02d}"
        last = calendar.monthrange(int(match["y2"]), month)[1]
        return f"{match['y2']}-{month:02d}-01", f"{match['y2']}-{month:02d}-{last:02d}"
    if match["m2"]:
        year, month, day = match["y2"] or "", MONTHS[match["m2"]], int(match["d2"])
    elif match["iso"]:
        year, month, day = (int(part) for part in match["iso"].split("-"))
    else:
        year, month, day = match["y"], int(match["m"]), int(match["d"])
    if not year or not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return (f"{int(year):04d}-{month:02d}-{day:02d}",) * 2


def _frozen(patterns: Mapping[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((sign, tuple(each)) for sign, each in patterns.items())


@cache
def _comparisons(signs: tuple[tuple[str, tuple[str, ...]], ...]) -> list[tuple[Any, re.Pattern[str]]]:
    number = _N.format(0, _UNITS)
    return [(sign, re.compile(rf"\b(?:{'|'.join(each)}) {number}(?![\w/-])")) for sign, each in signs]


@cache
def _between(patterns: tuple[str, ...]) -> list[re.Pattern[str]]:
    made = []
    for pattern in patterns:
        one, _, other = pattern.partition("{n}")
        middle = other.replace("{n}", "")
        made.append(re.compile(rf"\b{one}{_N.format(1, _UNITS)}{middle}{_N.format(2, _UNITS)}(?![\w/-])"))
    return made


@cache
def _day_patterns(signs: tuple[tuple[str, tuple[str, ...]], ...]) -> list[tuple[Any, re.Pattern[str]]]:
    return [(sign, re.compile(rf"\b(?:{'|'.join(each)}) {_DAY}")) for sign, each in signs]


@cache
def _either(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(patterns)})\b")


def _any(words: Mapping[str, Any]) -> re.Pattern[str]:
    every = [pattern for patterns in words["operators"].values() for pattern in patterns]
    every += [pattern for _, _, patterns in words["superlatives"] for pattern in patterns]
    return _either(tuple(every))


def refused(words: Mapping[str, Any]) -> re.Pattern[str]:
    """What rows cannot answer: whose, why, without, for each."""
    return _one_of(tuple(words["refusals"]))


@cache
def _one_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns))
