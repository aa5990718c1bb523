"""A document as blocks, stretches of one place whose parts may share a passage: prose, a letter, a talk, a table.

Knows how the importers write these down (rows as "Plan: Cove; Price: 138" or between bars, a mail under its subject and
its people, a chat a line a turn) and finds tables inside text. Works on offsets and changes nothing.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from studio.base.records import Document, Section
from studio.retrieval import sentences
from studio.retrieval.sentences import Span

Kind = Literal["prose", "turns", "table"]
LETTERS = frozenset({"eml", "msg", "mbox"})  # their sections carry the mail's number as `row`
CHATS = frozenset({"whatsapp", "telegram"})
_LINE = re.compile(r"[^\n]+")
_RULE = re.compile(r"[\s|:=+-]*-[\s|:=+-]*")  # under a header: |---|---|
_NAMED = re.compile(r"([^:;|\n]{1,60}): [^;\n]+(?:; [^:;|\n]{1,60}: [^;\n]*)+")
_DIGIT = re.compile(r"\d")
_PEOPLE = re.compile(r"[^\n]*(?:@| → | · \d{4}-\d\d-\d\d)[^\n]*(?=\n\n|\s*$)")


class Block(NamedTuple):
    """`units` are the sentences, turns or rows; `header` stands in front of every passage; `numbers` are the rows'."""

    kind: Kind
    place: Section
    units: tuple[Span, ...]
    header: str = ""
    numbers: tuple[int | None, ...] = ()


def blocks(document: Document) -> Iterator[Block]:
    """The blocks in reading order."""
    text, sections = document.text, _covering(document)
    letters = document.kind in LETTERS
    at, people = 0, ""
    while at < len(sections):
        first, upto = sections[at], at + 1
        while upto < len(sections) and _same_place(first, sections[upto], letters):
            upto += 1
        group, end = sections[at:upto], sections[upto - 1].end
        begin = _after_heading(text, first)
        if letters:
            begin, people = _people(text, begin, end)
            yield Block("prose", first, tuple(sentences.spans(text, begin, end)), people)
        elif first.row is not None:
            yield from _sheet(text, group, _header_above(text, sections[at - 1], first) if at else "")
        elif document.kind in CHATS:
            yield Block("turns", first, tuple(_lines(text, begin, end)))
        else:
            yield from _mixed(text, first, begin, end)
        at = upto


def _mixed(text: str, place: Section, start: int, end: int) -> Iterator[Block]:
    """Text and the tables in it."""
    prose, lines, at = start, list(_lines(text, start, end)), 0
    while at < len(lines):
        upto = _table_end(text, lines, at)
        if upto - at < 2:
            at += 1
            continue
        if before := tuple(sentences.spans(text, prose, lines[at][0])):
            yield Block("prose", place, before)
        header, rows = _rows(text, lines[at:upto])
        yield Block("table", place, tuple(rows), header, (None,) * len(rows))
        prose, at = lines[upto - 1][1], upto
    if rest := tuple(sentences.spans(text, prose, end)):
        yield Block("prose", place, rest)


def _sheet(text: str, group: Sequence[Section], header: str) -> Iterator[Block]:
    """Rows that the importer has told apart; a section may hold several of them, with a header of their own."""
    units: list[Span] = []
    numbers: list[int | None] = []
    for part in group:
        lines = list(_lines(text, part.start, part.end))
        if len(lines) > 1 and _table_end(text, lines, 0) == len(lines):
            own, rows = _rows(text, lines)
            if own != header and units:
                yield Block("table", group[0], tuple(units), header, tuple(numbers))
                units, numbers = [], []
            header = own
        else:
            rows = [sentences.trimmed(text, part.start, part.end)] if lines else []
        units += rows
        numbers += [None if part.row is None else part.row + n for n in range(len(rows))]
    if units:
        yield Block("table", group[0], tuple(units), header, tuple(numbers))


def _rows(text: str, lines: Sequence[Span]) -> tuple[str, list[Span]]:
    """The header of a table (empty where rows name their cells) and its rows."""
    ruled = [n for n, (start, end) in enumerate(lines) if _RULE.fullmatch(text, start, end)]
    rows = [span for n, span in enumerate(lines) if n not in ruled]
    if _NAMED.fullmatch(text, *rows[0]) or len(rows) < 2:
        return "", rows
    first = text[slice(*rows[0])]
    titles = 1 in ruled or (not _DIGIT.search(first) and (len(rows) > 2 or bool(_DIGIT.search(text[slice(*rows[1])]))))
    return (first, rows[1:]) if titles else ("", rows)


def _table_end(text: str, lines: Sequence[Span], at: int) -> int:
    """The line after the table that begins at this one; this one itself where none does."""
    first = _NAMED.fullmatch(text, *lines[at])
    columns = _columns(text, lines[at])
    upto = at
    while upto < len(lines) and (upto == at or "\n\n" not in text[lines[upto - 1][1] : lines[upto][0]]):
        named = _NAMED.fullmatch(text, *lines[upto])
        if first is not None and (named is None or named[1] != first[1]):
            break
        if first is None and (columns < 2 or _columns(text, lines[upto]) != columns):
            break
        upto += 1
    return upto


def _columns(text: str, line: Span) -> int:
    """Cells between bars; bars at the ends close a row and open none."""
    return len(text[slice(*line)].strip().strip("|").split("|"))


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    for match in _LINE.finditer(text, start, end):
        left, right = sentences.trimmed(text, match.start(), match.end())
        if left < right:
            yield left, right


def _people(text: str, start: int, end: int) -> tuple[int, str]:
    """Where the text of a mail begins, and the line above it: whom from, whom to, when."""
    while start < end and text[start].isspace():
        start += 1
    found = _PEOPLE.match(text, start, end)
    return (found.end(), found.group().strip()) if found else (start, "")


def _covering(document: Document) -> list[Section]:
    """The sections in order, without overlaps, and the gaps between them as sections of their own."""
    covered: list[Section] = []
    at = 0
    for section in sorted(document.sections, key=lambda part: (part.start, part.end)):
        start, end = max(section.start, at), min(section.end, len(document.text))
        if start >= end:
            continue
        if document.text[at:start].strip():
            covered.append(Section(start=at, end=start))
        covered.append(section.model_copy(update={"start": start, "end": end}) if start != section.start else section)
        at = end
    if document.text[at:].strip():
        covered.append(Section(start=at, end=len(document.text)))
    return covered


def _same_place(one: Section, other: Section, letters: bool) -> bool:
    rows = one.row == other.row if letters else (one.row is None) == (other.row is None)
    return rows and (one.page, one.heading, one.sheet) == (other.page, other.heading, other.sheet)


def _header_above(text: str, before: Section, row: Section) -> str:
    """A single line of the same sheet right above its rows, in columns like theirs."""
    line = text[before.start : before.end].strip()
    alone = before.row is None and before.sheet == row.sheet and "\n" not in line
    return line if alone and ("|" in line or "\t" in line) else ""


def _after_heading(text: str, section: Section) -> int:
    """Where the text under the heading begins: a passage carries its heading as a field, and small models
    that find it in the text copy it for an answer.
    """
    heading = r"\s+".join(map(re.escape, section.heading.split()))
    found = re.compile(rf"[\s#]*{heading}[ \t]*(?=\n|$)").match(text, section.start, section.end) if heading else None
    return found.end() if found else section.start
