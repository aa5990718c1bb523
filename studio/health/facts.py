"""Facts that cannot both be right: two prices, dates, shares or limits for one thing; and facts whose time is over.

Only what is plain is told: the same quantity of the same thing, said in the same words of meaning or all but one of
them, with another figure, in two sources. Other products, other years, ranges that include each other and limits from
the other side are not conflicts. Documents are compared with each other and with the examples.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations
from typing import NamedTuple

from studio.base.folding import fold
from studio.base.records import Document, Example, Finding, Parameter, Place
from studio.health import places, quantities, wording
from studio.health.quantities import LISTS, YEAR, Statement

MOST_WORDS = 14  # of a thing's description
ENOUGH_WORDS = 3  # shared ones, for one more on either side to be allowed
MOST_SOURCES = 100  # that speak of one thing
EXPIRED_DAYS = 60
STALE_YEARS = 2
LOOKED_AT = 40  # characters before a date
UNTIL = re.compile(rf"(?:{quantities._either(LISTS['until'])})\s*:?\s*(?:the\s+|el\s+|dia\s+)*$")
AS_OF = re.compile(
    rf"(?<!\w)(?:{quantities._either(LISTS['as_of'])})\s*:?\s*(?:the\s+|year\s+|el\s+|ano\s+|en\s+|de\s+)*$"
)
NAME = re.compile(r"(?<=[\w,] )[A-ZÁÉÍÓÚÑ][\w-]*|\w*\d\w*")


class Said(NamedTuple):
    """A statement, who makes it and where."""

    statement: Statement
    piece: Document | Example
    text: str
    home: str
    years: frozenset[str]


class Conflict(NamedTuple):
    first: Said
    second: Said


def conflicts(documents: Sequence[Document], examples: Sequence[Example] = ()) -> list[Finding]:
    """Two figures for one thing, in different documents or in a document and an example."""
    found = conflicting(documents, examples)
    if not found:
        return []
    one, other = found[0]
    names = dict.fromkeys(_name(said.piece) for conflict in found for said in conflict)
    parameters: dict[str, Parameter] = {
        "first": _figure(one),
        "first_name": _name(one.piece),
        "second": _figure(other),
        "second_name": _name(other.piece),
    }
    shown = places.first(_place(said) for conflict in found for said in conflict)
    return [
        Finding(
            code="facts_conflict",
            level="warn",
            count=len(found),
            names=tuple(names),
            parameters=parameters,
            places=shown,
        )
    ]


def conflicting(documents: Sequence[Document], examples: Sequence[Example] = ()) -> list[Conflict]:
    """Every pair of statements that cannot both be right; of the same thing in the same two sources one pair."""
    if not documents:
        return []
    by_thing: dict[tuple[object, ...], list[Said]] = defaultdict(list)
    every = list(_said(documents, examples))
    for said in every:
        for words in _keys(said.statement):
            by_thing[(said.statement.quantity.kind, said.statement.quantity.unit, words)].append(said)
    found: dict[tuple[object, ...], Conflict] = {}
    for same in by_thing.values():
        for one, other in combinations(_settled(same), 2):
            if isinstance(one.piece, Example) and isinstance(other.piece, Example):
                continue
            if one.home != other.home and _clash(one, other):
                thing = frozenset((one.home, other.home)), one.statement.about & other.statement.about
                found.setdefault((thing, one.statement.quantity.kind), Conflict(one, other))
    return list(found.values())


def stale(documents: Sequence[Document], today: date | None = None) -> list[Finding]:
    """Statements whose time is over: "valid until" a day long past, "as of" a year long past."""
    today = today or date.today()  # noqa: DTZ011 - the person's own calendar
    found: list[tuple[Document, int, int, str]] = []
    for document in documents:
        text = quantities._folded(document.text)
        dated = []
        for each in quantities.DATE.finditer(text):
            dated.append(each.span())
            before = text[max(each.start() - LOOKED_AT, 0) : each.start()]
            then = quantities.day(each)
            if then is None:
                continue
            expired = UNTIL.search(before) and (today - then).days > EXPIRED_DAYS
            if expired or (AS_OF.search(before) and today.year - then.year >= STALE_YEARS):
                found.append((document, each.start(), each.end(), document.text[each.start() : each.end()]))
        for each in YEAR.finditer(text):
            if any(start <= each.start() < end for start, end in dated):
                continue
            before = text[max(each.start() - LOOKED_AT, 0) : each.start()]
            over = today.year - int(each[0])
            if (over >= STALE_YEARS and AS_OF.search(before)) or (over >= 1 and UNTIL.search(before)):
                found.append((document, each.start(), each.end(), each[0]))
    if not found:
        return []
    shown = places.first(
        places.of_document(d, max(d.text.rfind("\n", 0, s) + 1, s - LOOKED_AT), e) for d, s, e, _ in found
    )
    names = tuple(dict.fromkeys(document.name for document, *_ in found))
    parameters: dict[str, Parameter] = {"example": shown[0].text, "date": found[0][3]}
    return [
        Finding(code="facts_stale", level="note", count=len(found), names=names, parameters=parameters, places=shown)
    ]


def _said(documents: Sequence[Document], examples: Sequence[Example]) -> Iterator[Said]:
    for document in documents:
        titled = _years(f"{document.name} {document.text[:300].splitlines()[0] if document.text.strip() else ''}")
        for start, end, heading in _stretches(document):
            stretch = document.text[start:end]
            if ": " in stretch and "; " in stretch and len(stretch) < 2_000:
                yield from _row(document, stretch, start, titled)
            else:
                for statement in quantities.statements(document.text, start, end, heading):
                    yield Said(statement, document, document.text, document.id, titled | statement.years)
    for example in examples:
        if any(map(str.isdigit, example.answer)) or quantities._spelt(example.answer):
            for statement in quantities.statements(example.answer, heading=example.question):
                yield Said(statement, example, example.answer, f"example {example.id}", statement.years)


def _stretches(document: Document) -> Iterator[tuple[int, int, str]]:
    """Sections with their headings, and what lies between them."""
    at = 0
    for section in sorted(document.sections, key=lambda each: each.start):
        if section.start > at:
            yield at, section.start, ""
        if section.end > at:
            yield max(section.start, at), section.end, section.heading
            at = section.end
    if at < len(document.text):
        yield at, len(document.text), ""


def _row(document: Document, text: str, start: int, years: frozenset[str]) -> Iterator[Said]:
    """Figures of a table: what they are of is said by the row's other cells and by their own column."""
    named, figures = quantities.row(text)
    about = frozenset(word for _, value in named for word in wording.content(value))
    for label, value, begin, end in figures:
        column = " ".join(wording.content(YEAR.sub(" ", label))) or fold(label)
        if about:
            figure = quantities.Quantity("cell", column, value, value, "", begin, end)
            statement = Statement(figure, about, frozenset(), _years(text), start + begin, start + end)
            yield Said(statement, document, document.text, document.id, years | _years(label))


def _keys(statement: Statement) -> set[frozenset[str]]:
    """What this is said of, and the same without any one word: statements that share a key may speak of one thing."""
    words = statement.about
    if statement.quantity.kind == "cell":
        return {words}
    everything = words | statement.under
    if not everything or len(everything) > MOST_WORDS:
        return set()
    keys = {frozenset(each) for each in (words, everything) if each}
    return keys | {each - {word} for each in list(keys) if len(each) > ENOUGH_WORDS for word in each}


def _settled(same: Sequence[Said]) -> list[Said]:
    """One statement a source. A source that gives several figures in these words speaks of several things."""
    by_home: dict[str, dict[tuple[float, float], Said]] = defaultdict(dict)
    for said in same:
        by_home[said.home].setdefault((said.statement.quantity.low, said.statement.quantity.high), said)
    return [next(iter(figures.values())) for figures in by_home.values() if len(figures) == 1][:MOST_SOURCES]


def _clash(one: Said, other: Said) -> bool:
    a, b = one.statement.quantity, other.statement.quantity
    if a.bound != b.bound or (a.low <= b.low and b.high <= a.high) or (b.low <= a.low and a.high <= b.high):
        return False
    if one.years and other.years and one.years != other.years:
        return False
    if a.kind == "cell":
        return True
    mine, theirs = one.statement.about, other.statement.about
    wide, wider = mine | one.statement.under, theirs | other.statement.under
    extra = (mine - wider) | (theirs - wide)  # words that the other does not say, nor its heading
    shared = wide & wider
    if extra & quantities.CONTRAST or (wide ^ wider) & quantities.CONTRAST:
        return False
    if extra and (_named(one, extra) or _named(other, extra)):
        return False
    return bool(shared) and (not extra or (len(extra) == 1 and len(shared) >= ENOUGH_WORDS))


def _named(said: Said, extra: frozenset[str]) -> bool:
    """Whether one of the words is written as a name or a code where it stands: then it is another thing."""
    line = said.text[max(said.statement.start - 200, 0) : said.statement.end + 200]
    return any(extra & set(quantities.core(word)) for word in NAME.findall(line))


def _years(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", text))


def _name(piece: Document | Example) -> str:
    return piece.name if isinstance(piece, Document) else places.name_of(piece)


def _figure(said: Said) -> str:
    return " ".join(said.text[said.statement.start : said.statement.end].split())


def _place(said: Said) -> Place:
    start, end = said.statement.start, said.statement.end
    begin = max(said.text.rfind("\n", 0, start) + 1, said.text.rfind(". ", 0, start) + 1, start - 80)
    if isinstance(said.piece, Document):
        return places.of_document(said.piece, begin, end)
    return places.of_example(said.piece, said.text, begin, end)
