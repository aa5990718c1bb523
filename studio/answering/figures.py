"""The figures and names a text states, in one form whatever the language and the way of writing.

Prices, shares, dates, times, spans, measures, numbers in figures or words ("1.800 €", "€1,800", "mil ochocientos euros"),
days of the week, names and codes. Knows nothing of answers and decides nothing.
"""

import json
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.folding import NUMBER, fold, number
from studio.health import quantities
from studio.health.quantities import UNIT
from studio.retrieval import terms

WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "support.json").read_text(encoding="utf-8"))
HOURS = {"hours": 1.0, "minutes": 1 / 60, "days": 24.0}  # so that a day is 24 hours
_SCALE = re.compile(
    r"(?P<n>\d+(?:[.,\u00a0\u202f]\d+)*)\s?(?P<scale>mil|thousand|millions?|mill[oó]n(?:es)?)\b(?:\s+(?:de|of)\b)?"
)
_CODE = re.compile(r"(?<![\w.,])\+?\d{2,4}(?:[ \u00a0-]\d{2,4}){2,5}(?![\w])|(?<![\w.,/-])\+?\d{7,15}(?![\w.,/-])")
_WORD = re.compile(r"[^\W_]+(?:['’.@&+-][^\W_]+)*", re.UNICODE)
_NAME = re.compile(r"(?:https?://|www\.)\S+[\w/]|[\w.+-]+@[\w-]+\.[\w.]*\w|[^\W_]+(?:['’@&+-][^\W_]+)*")
_OPENING = re.compile(r"(?:^|[.!?:;\n|«\"“(\[]\s*|^\s*(?:[-*•]|\d{1,3}[.)])\s+)$")
_MONTH = re.compile(rf"\b(?P<m>{'|'.join(quantities.MONTHS)})\s+(?:de\s+|del\s+|of\s+)?(?P<y>(?:19|20)\d\d)\b")


class Figure(NamedTuple):
    """A value of a kind, `low` to `high`; `raw` is its number alone, as written; `text[start:end]` is where it stands.

    `of` is the stem of the word right behind a bare number: what is counted. "form 303" counts nothing.
    """

    kind: str
    low: float
    high: float
    raw: frozenset[str]
    start: int
    end: int
    of: str = ""


class Name(NamedTuple):
    """A name, code or address as written, and as it is compared."""

    text: str
    folded: str


def figures(text: str) -> tuple[Figure, ...]:
    """Every figure in order; numbers that are no price, date or measure have the kind "number"."""
    return _figures(text, terms.language(text, "en"))


def blanked(text: str, found: Iterable[Figure]) -> str:
    """The text with spaces where these figures stand."""
    for each in found:
        text = text[: each.start] + " " * (each.end - each.start) + text[each.end :]
    return text


def names(text: str) -> tuple[Name, ...]:
    """What is written like a name: with a capital inside a sentence, codes, addresses. The first word of a sentence may
    have its capital from there and is left out.
    """
    found: dict[str, Name] = {}
    for each in _NAME.finditer(text):
        word = each.group()
        folded = fold(word)
        if folded in _no_names() or folded in _weekdays() or word.isdigit():
            continue
        if not _is_address(word) and not _is_code(word):
            if len(word) < 2 or not word[0].isupper():
                continue
            if word[1:].islower() and _OPENING.search(text[max(each.start() - 12, 0) : each.start()]):
                continue
        found.setdefault(folded, Name(word, folded.removesuffix("'s").removesuffix("’s")))
    return tuple(found.values())


@lru_cache(maxsize=2_000)
def _figures(text: str, language: str) -> tuple[Figure, ...]:
    written = _in_digits(quantities._folded(text), language)
    plain, found = written.text, list[Figure]()
    taken: list[tuple[int, int]] = []

    def add(kind: str, low: float, high: float, start: int, end: int) -> None:
        if not any(start < other_end and other_start < end for other_start, other_end in taken):
            taken.append((start, end))
            raw = frozenset(number(each) for each in NUMBER.findall(plain[start:end]))
            behind = _WORD.match(plain, end + 1) if kind == "number" and plain[end : end + 1] in " -" else None
            of = next(iter(terms.content(behind.group())), "") if behind else ""
            found.append(Figure(kind, low, high, raw, written.place(start), written.place(end), of))

    for each in quantities.quantities(plain):
        factor = HOURS.get(each.unit)
        kind = "hours" if factor else each.kind if each.kind in ("date", "clock") else f"{each.kind} {each.unit}"
        add(kind, each.low * (factor or 1), each.high * (factor or 1), each.start, each.end)
    for match in _CODE.finditer(plain):
        if len(digits := re.sub(r"\D", "", match.group())) >= 7:
            add("code", float(digits[-9:]), float(digits[-9:]), match.start(), match.end())
    for match in _MONTH.finditer(plain):
        value = int(match["y"]) * 10_000 + quantities.MONTHS[match["m"]] * 100
        add("month", value, value, match.start(), match.end())
    for match in _WORD.finditer(plain):
        if (day := _weekdays().get(match.group())) is not None:
            add("weekday", day, day, match.start(), match.end())
    for match in NUMBER.finditer(plain):
        letters = plain[max(match.start() - 1, 0) : match.start()] + plain[match.end() : match.end() + 1]
        try:
            amount = float(number(match.group()))
        except ValueError:  # 1.2.3
            continue
        if not any(letter.isalpha() for letter in letters):
            add("number", amount, amount, match.start(), match.end())
    return tuple(sorted(found, key=lambda each: each.start))


class _Written(NamedTuple):
    """A text whose number words are digits, and where each of its changed stretches stood before."""

    text: str
    changed: tuple[tuple[int, int, int, int], ...]

    def place(self, position: int) -> int:
        shift = 0
        for start, end, old_start, old_end in self.changed:
            if position >= end:
                shift = old_end - end
            elif position > start:
                return old_start
        return position + shift


def _in_digits(text: str, language: str) -> _Written:
    """The text with its number words, and with "6 million" written out, in digits."""
    spelt = _spelt(language)
    edits: list[tuple[int, int, str]] = []
    words = list(re.finditer(r"[^\W\d_]+", text))
    at = 0
    while at < len(words):
        used, value = _read(text, words, at, spelt)
        share = at > 0 and words[at - 1].group() == "por"  # "cinco por ciento"
        if used and not share and (value != 1 or _before_unit(text, words[at + used - 1].end())):
            edits.append((words[at].start(), words[at + used - 1].end(), str(value)))
        at += max(used, 1)
    for match in _SCALE.finditer(text):
        try:
            scaled = float(number(match["n"])) * (1e3 if match["scale"] in ("mil", "thousand") else 1e6)
        except ValueError:
            continue
        edits = [each for each in edits if each[1] <= match.start() or each[0] >= match.end()]
        edits.append((match.start(), match.end(), f"{scaled:.2f}".removesuffix(".00")))
    made, changed, at = "", [], 0
    for start, end, digits in sorted(edits):
        made += text[at:start]
        changed.append((len(made), len(made) + len(digits), start, end))
        made += digits
        at = end
    return _Written(made + text[at:], tuple(changed))


def _read(text: str, words: "list[re.Match[str]]", at: int, spelt: dict[str, tuple[str, int]]) -> tuple[int, int]:
    """How many words from `at` on are one number, and which; (0, 0) when none is."""
    total = current = used = 0
    last, step = "", at
    while step < len(words):
        kind, value = spelt.get(words[step].group(), ("", 0))
        between = text[words[step - 1].end() : words[step].start()] if step > at else ""
        if not kind or between.strip(" -\u00a0\n") or (step == at and kind == "and"):
            break
        if kind == "and":
            following = spelt.get(words[step + 1].group(), ("", 0))[0] if step + 1 < len(words) else ""
            allowed = ("ten",) if value else ("hundred", "thousand")  # "treinta y cinco", "two hundred and five"
            if last not in allowed or following not in ("unit", "ten"):
                break
            step += 1
            continue
        if kind == "unit" and last not in ("", "hundred", "thousand", "million", "ten"):
            break
        if kind == "unit" and last == "ten" and value > 9:
            break
        if kind == "ten" and last not in ("", "hundred", "thousand", "million"):
            break
        if kind == "plus hundred" and last not in ("", "thousand", "million"):
            break
        if kind in ("hundred", "million") and not used:
            break
        match kind:
            case "hundred":
                current = max(current, 1) * 100
            case "thousand":
                if not used and not value:
                    break
                total, current = total + max(current, 1) * 1_000, 0
            case "million":
                total, current = (total + current) * 1_000_000, 0
            case _:
                current += value
        last, used, step = ("hundred" if kind == "plus hundred" else kind), step - at + 1, step + 1
    return used, total + current


def _before_unit(text: str, end: int) -> bool:
    following = re.match(r"\s?-?([^\W\d_]+)", text[end:])
    return bool(following) and UNIT.get(following[1], ("",))[0] in ("hours", "minutes", "days", "months")  # type: ignore[index]


@cache
def _spelt(language: str) -> dict[str, tuple[str, int]]:
    """Number words of both languages; "once" is eleven in Spanish alone."""
    found: dict[str, tuple[str, int]] = {}
    for lists in WORDS["spelt"].values():
        for value, same in enumerate(lists["units"].split(), start=1):
            found.update(dict.fromkeys(same.split("|"), ("unit", value)))
        found.update({word: ("ten", 20 + 10 * n) for n, word in enumerate(lists["tens"].split()) if word != "-"})
        for n, same in enumerate(lists["hundreds"].split(), start=1):
            found.update(dict.fromkeys(same.split("|"), ("plus hundred", 100 * n)))
        found.update(dict.fromkeys(lists["hundred"].split(), ("hundred", 100)))
        found.update(dict.fromkeys(lists["thousand"].split(), ("thousand", lists["alone"])))
        found.update(dict.fromkeys(lists["million"].split(), ("million", 1000000)))
        found[lists["and"]] = ("and", lists["alone"])
    if language != "es":
        del found["once"]
    return found


def _is_address(word: str) -> bool:
    return "@" in word or "/" in word or word.lower().startswith("www.")


def _is_code(word: str) -> bool:
    """Letters and digits in one: "ES-4711", "A4"."""
    return any(map(str.isdigit, word)) and any(letter.isupper() for letter in word)


@cache
def _weekdays() -> dict[str, int]:
    return {word: n for n, line in enumerate(WORDS["weekdays"], start=1) for word in line.split("|")}


@cache
def _no_names() -> frozenset[str]:
    return frozenset(WORDS["no_names"].split())
