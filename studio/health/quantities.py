"""Quantities in a text: how much of what, in one form whatever the way of writing, and what the sentence says they are of.

Prices, percentages, spans of time, dates, times of day and measures, in English and Spanish. Knows sentences and rows of
tables; decides nothing about who is right.
"""

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from studio.base.folding import fold, number, plain
from studio.health import wording

LISTS = json.loads((Path(__file__).parent / "quantities.json").read_text(encoding="utf-8"))
SENTENCE = re.compile(r"(?:[^.!?;\n]|\.(?=\w)|(?<=\d)\.(?=\d))+[.!?;]?")
YEAR = re.compile(r"(?<![\d.,])(?:19|20)\d\d(?![\d.,]*\d)")
NAMED = re.compile(r"^\s*([^:;\n]{2,60}):\s*(.+?)\s*;?$")


def _words(key: str) -> dict[str, str]:
    return {fold(word): name for name, words in LISTS[key].items() for word in words}


def _either(words: list[str]) -> str:
    return "|".join(sorted((re.escape(fold(word)) for word in words), key=len, reverse=True))


CURRENCY = _words("currencies")
UNIT = {
    fold(word): (kind, name)
    for kind, names in LISTS["units"].items()
    for name, words in names.items()
    for word in words
}
SPELT = {
    fold(word): value for name in ("en", "es") for value, word in enumerate(LISTS["numbers"][name].split(), start=1)
} | {fold(word): value for word, value in LISTS["numbers"]["tens"].items()}
MONTHS = {fold(word): n for line in LISTS["months"] for n, word in enumerate(line.split(), start=1)}
STEM = 6  # letters: "cancelled" and "cancellation" are one
GENERIC = frozenset(wording.content(" ".join(LISTS["generic"])))
CONTRAST = frozenset(word[:STEM] for word in wording.content(" ".join(LISTS["contrast"])))
N = r"\d+(?:[.,\u00a0\u202f]\d+)*"
SPELT_OR_N = rf"(?:{N}|{'|'.join(sorted(SPELT, key=len, reverse=True))})"
RANGE = rf"(?:\s*(?:-|–|—|to|a|and|y)\s*(?P<to>{N}))?"
SIGNS = r"€|\$|£"
MONEY = re.compile(
    rf"(?<![\w.,])(?:(?P<before>{SIGNS})\s?(?P<first>{N})(?:\s*(?:-|–|to|a)\s*(?:{SIGNS})?\s?(?P<first_to>{N}))?"
    rf"|(?P<n>{N}){RANGE}\s?(?P<after>{SIGNS}|(?:{_either([word for word in CURRENCY if word.isalpha()])})\b))"
)
PERCENT = re.compile(rf"(?<![\w.,])(?P<n>{N}){RANGE}\s?(?:%|per ?cent\b|por ciento\b)")
MEASURE = re.compile(
    rf"(?<![\w.,€$£])(?P<n>{SPELT_OR_N}){RANGE}\s?-?(?:(?P<business>{_either(LISTS['business'])})\s+)?"
    rf"(?P<unit>{_either([*UNIT])})(?!\w)(?:\s+(?P<behind>{_either(LISTS['business'])})\b)?"
)
DATE = re.compile(
    rf"(?<![\w./-])(?:(?P<y>\d{{4}})-(?P<m>\d\d)-(?P<d>\d\d)|(?P<d2>\d{{1,2}})[/.](?P<m2>\d{{1,2}})[/.](?P<y2>\d{{4}}|\d\d(?!\d))"
    rf"|(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?(?:\s+of|\s+de)?\s+(?P<m3>{'|'.join(MONTHS)})(?:,?\s+(?:of\s+|de\s+|del\s+)?(?P<y3>\d{{4}}))?"
    rf"|(?P<m4>{'|'.join(MONTHS)})\s+(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s*(?:{_either([*UNIT])})\b)"
    r"(?:,?\s+(?P<y4>\d{4}))?)(?![\w/])"
)
CLOCK = re.compile(
    r"(?<![\w.,:])(?P<h>[01]?\d|2[0-3])(?::(?P<min>[0-5]\d)(?:\s?(?P<ap1>[ap]\.?m\b\.?))?|\s?(?P<ap>[ap]\.?m\b\.?))"
)
BARE = re.compile(rf"^\s*(?P<n>{N})\s*$")
BOUNDS = {
    bound: re.compile(
        rf"(?:^|\W)(?:{_either(LISTS[bound])})(?:\s+(?:a|an|the|de|of|un|una|los|las|el|la))?\s*(?:{SIGNS})?$"
    )
    for bound in ("least", "most")
}
EXTREMES = {"least": re.compile(r"\bm[ií]nim(?:um|al|[oa]s?)\b"), "most": re.compile(r"\bm[aá]xim(?:um|al|[oa]s?)\b")}


class Quantity(NamedTuple):
    """`low` to `high` of `unit`; `bound` tells a limit from below or above from the thing itself."""

    kind: str
    unit: str
    low: float
    high: float
    bound: str
    start: int
    end: int


class Statement(NamedTuple):
    """A quantity and the words that say of what: `about` in the sentence, `under` in the heading; years that are named."""

    quantity: Quantity
    about: frozenset[str]
    under: frozenset[str]
    years: frozenset[str]
    start: int
    end: int


def statements(text: str, start: int = 0, end: int | None = None, heading: str = "") -> Iterator[Statement]:
    """What `text[start:end]` says in figures, sentence by sentence. Where a sentence has several of one kind it is left
    alone: which belongs to what cannot be told.
    """
    under = frozenset(core(heading))
    end = len(text) if end is None else end
    for sentence in SENTENCE.finditer(text, start, end):
        if not any(map(str.isdigit, sentence[0])) and not _spelt(sentence[0]):
            continue
        found = [q for q in quantities(sentence[0]) if q.kind != "clock"]
        for quantity in found:
            others = [other for other in found if other is not quantity]
            if any((other.kind, other.unit) == (quantity.kind, quantity.unit) for other in others):
                continue
            bare = _without(sentence[0], found)
            about = frozenset(core(bare))
            years = frozenset(YEAR.findall(f"{bare} {heading}"))
            if about or under:
                yield Statement(
                    quantity, about, under, years, sentence.start() + quantity.start, sentence.start() + quantity.end
                )


def quantities(text: str) -> list[Quantity]:
    """Every quantity in order; where two readings overlap, the longer."""
    folded = _folded(text)
    found = [*_dates(folded), *_money(folded), *_percent(folded), *_measures(folded), *_clock(folded)]
    found.sort(key=lambda each: (each.start - each.end, each.start))
    taken: list[Quantity] = []
    for each in found:
        if not any(each.start < other.end and other.start < each.end for other in taken):
            taken.append(each)
    return sorted(taken, key=lambda each: each.start)


def row(text: str) -> tuple[list[tuple[str, str]], list[tuple[str, float, int, int]]]:
    """A row of a table, "Plan: Cove; Home: Flat; Price: 138": what names it, and its figures (label, value, start, end)."""
    named: list[tuple[str, str]] = []
    figures: list[tuple[str, float, int, int]] = []
    at = 0
    for part in text.split("; "):
        if match := NAMED.match(part):
            label, value = match[1].strip(), match[2]
            bare = re.sub(r"[€$£%]|\b(?:eur|euros?)\b", "", fold(value)).strip()
            if BARE.match(bare):
                figures.append((label, float(number(bare)), at + match.start(2), at + match.end(2)))
            else:
                named.append((label, value))
        at += len(part) + 2
    return named, figures


def day(match: re.Match[str]) -> date | None:
    """The date a DATE stands for, when it names a year and is one."""
    groups = match.groupdict()
    for suffix in ("", "2", "3", "4"):
        y, m, d = (groups.get(f"{part}{suffix}") for part in "ymd")
        if y and m and d:
            month = MONTHS.get(m) or int(m)
            year = int(y) + (2000 if len(y) == 2 else 0)
            try:
                return date(year, month, int(d))
            except ValueError:
                return None
    return None


def _folded(text: str) -> str:
    """Lower case and without accents, letter for letter, so that places stay."""
    return (
        "".join(folded if len(folded := fold(letter)) == 1 else letter for letter in text.lower())
        if not text.isascii()
        else text.lower()
    )


def core(text: str) -> tuple[str, ...]:
    """The words that tell one thing from another, by their first letters; no years."""
    words = wording.content(YEAR.sub(" ", text))
    return tuple(word[:STEM] for word in words if word not in GENERIC and not (word.isdigit() and len(word) > 3))


def _spelt(text: str) -> bool:
    return not SPELT.keys().isdisjoint(plain(text).split())


def _without(text: str, found: list[Quantity]) -> str:
    for each in sorted(found, key=lambda each: -each.start):
        text = f"{text[: each.start]} {text[each.end :]}"
    return text


def _bound(text: str, start: int) -> str:
    """What stands right before the figure; otherwise what the whole sentence says ("the maximum weight is 20 kg")."""
    before = text[max(start - 30, 0) : start]
    if near := next((bound for bound, pattern in BOUNDS.items() if pattern.search(before)), ""):
        return near
    said = {bound for bound, pattern in EXTREMES.items() if pattern.search(text)}
    return said.pop() if len(said) == 1 else ""


def _value(written: str) -> float:
    return float(SPELT[written]) if written in SPELT else float(number(written))


def _made(
    kind: str, unit: str, each: re.Match[str], low: str, high: str | None, factor: float = 1
) -> Iterator[Quantity]:
    try:
        values = sorted((_value(low) * factor, _value(high or low) * factor))
    except ValueError:  # 1.2.3
        return
    yield Quantity(kind, unit, values[0], values[1], _bound(each.string, each.start()), each.start(), each.end())


def _money(text: str) -> Iterator[Quantity]:
    for each in MONEY.finditer(text):
        unit = CURRENCY[each["before"] or each["after"]]
        yield from _made("money", unit, each, each["first"] or each["n"], each["first_to"] or each["to"])


def _percent(text: str) -> Iterator[Quantity]:
    for each in PERCENT.finditer(text):
        yield from _made("percent", "%", each, each["n"], each["to"])


def _measures(text: str) -> Iterator[Quantity]:
    for each in MEASURE.finditer(text):
        if each["unit"] in ("m", "g", "h") and each["n"] in SPELT:
            continue
        kind, name = UNIT[each["unit"]]
        business = "business " if each["business"] or each["behind"] else ""
        yield from _made(kind, f"{business}{kind}", each, each["n"], each["to"], LISTS["factors"][name])


def _dates(text: str) -> Iterator[Quantity]:
    for each in DATE.finditer(text):
        groups = each.groupdict()
        found = next(
            ((groups[f"d{s}"], groups[f"m{s}"], groups[f"y{s}"]) for s in ("", "2", "3", "4") if groups[f"d{s}"]), None
        )
        if found is None:
            continue
        d, m, y = found
        month = MONTHS.get(m) or int(m)
        if not 1 <= month <= 12 or not 1 <= int(d) <= 31:
            continue
        value = (int(y) + (2000 if len(y) == 2 else 0)) * 10_000 if y else 0
        value += month * 100 + int(d)
        yield Quantity(
            "date", "full" if y else "day", value, value, _bound(text, each.start()), each.start(), each.end()
        )


def _clock(text: str) -> Iterator[Quantity]:
    for each in CLOCK.finditer(text):
        hour = int(each["h"]) + (12 if (each["ap"] or each["ap1"] or "").startswith("p") and int(each["h"]) < 12 else 0)
        value = hour * 60 + int(each["min"] or 0)
        yield Quantity("clock", "time", value, value, "", each.start(), each.end())
