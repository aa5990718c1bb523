"""Documents are cut into passages: whole sentences of one page and one heading, table rows with their header.

Knows the text and its sections and nothing about search. `Chunk.start` and `.end` refer to the document's
text, and `Chunk.text` is exactly that stretch, but for a table row, which gets the header line of its table
in front.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from studio.base.records import Chunk, Document, Section
from studio.retrieval import sentences
from studio.retrieval.sentences import Span

# Small local models have room for about 2,000 characters of passages. In that room, sentences packed to 600
# with one of overlap hold the answer more often (.976) than 300 (.955), 900 (.950) or 1,200 (.945); measured
# on XQuAD-es.
LIMIT = 600
ROW_BY_ROW = 400  # sheets of up to so many rows get a passage for every row; longer ones a passage for a few rows


def chunks(document: Document) -> list[Chunk]:
    """The passages of a document in reading order; none for a document without text."""
    found: list[Chunk] = []
    for block in _blocks(document):
        row_at = dict(zip((start for start, _ in block.rows), block.numbers, strict=True))
        found.extend(_chunk(document, block, span, row_at.get(span[0])) for span in _packed(document.text, block))
    return found


def title(document: str) -> str:
    """A document's name as a reader would say it: "Home-Policy-2026.pdf" becomes "Home Policy 2026"."""
    return " ".join(re.split(r"[\s_-]+", PurePosixPath(document).stem)).strip() or document


def headed(chunk: Chunk) -> str:
    """The passage with its document's title, sheet and heading in front: what is embedded and searched."""
    above = dict.fromkeys((title(chunk.document), chunk.sheet, chunk.heading))
    return ". ".join([*(part for part in above if part), chunk.text])


class _Block(NamedTuple):
    """A stretch within which sentences may share a passage."""

    start: int
    end: int
    place: Section
    rows: tuple[Span, ...] = ()
    numbers: tuple[int | None, ...] = ()
    header: str = ""


def _blocks(document: Document) -> Iterator[_Block]:
    sections = _covering(document)
    at = 0
    while at < len(sections):
        first = sections[at]
        upto = at + 1
        while upto < len(sections) and _same_place(first, sections[upto]):
            upto += 1
        group = sections[at:upto]
        filled = [part for part in group if part.row is not None and document.text[part.start : part.end].strip()]
        rows = tuple(sentences.trimmed(document.text, part.start, part.end) for part in filled)
        header = ""
        if filled and at and _is_header(document.text, sections[at - 1], first):
            header = document.text[sections[at - 1].start : sections[at - 1].end].strip()
        yield _Block(first.start, group[-1].end, first, rows, tuple(part.row for part in filled), header)
        at = upto


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
        covered.append(section.model_copy(update={"start": start, "end": end}))
        at = end
    if document.text[at:].strip():
        covered.append(Section(start=at, end=len(document.text)))
    return covered


def _same_place(one: Section, other: Section) -> bool:
    return (one.page, one.heading, one.sheet, one.row is None) == (
        other.page,
        other.heading,
        other.sheet,
        other.row is None,
    )


def _is_header(text: str, before: Section, row: Section) -> bool:
    """A single line of the same sheet right above its rows, in columns like theirs."""
    line = text[before.start : before.end].strip()
    return before.row is None and before.sheet == row.sheet and "\n" not in line and ("|" in line or "\t" in line)


def _packed(text: str, block: _Block) -> list[Span]:
    if block.rows:
        return list(block.rows) if len(block.rows) <= ROW_BY_ROW else _pack(block.rows, 0)
    body = _after_heading(text, block)
    units = [piece for span in sentences.spans(text, body, block.end) for piece in _short_enough(text, span)]
    return _pack(units, 1)


def _pack(units: Sequence[Span], overlap: int) -> list[Span]:
    """Neighbouring units together as long as they fit; the next passage begins with the last `overlap` units
    of this one.
    """
    packed: list[Span] = []
    first = 0
    while first < len(units):
        last = first
        while last + 1 < len(units) and units[last + 1][1] - units[first][0] <= LIMIT:
            last += 1
        packed.append((units[first][0], units[last][1]))
        if last + 1 == len(units):
            break
        following = last + 1
        back = following - overlap
        fits = back > first and units[following][1] - units[back][0] <= LIMIT
        first = back if fits else following
    return packed


def _short_enough(text: str, span: Span) -> Iterator[Span]:
    """A sentence, or its parts where it is longer than a passage may be: cut at the last space that fits."""
    start, end = span
    while end - start > LIMIT:
        space = text.rfind(" ", start + LIMIT // 2, start + LIMIT)
        cut = space if space > 0 else start + LIMIT
        yield start, cut
        start = cut + (space > 0)
    if start < end:
        yield start, end


def _after_heading(text: str, block: _Block) -> int:
    """Where the text under the heading begins: a passage carries its heading as a field, and small models
    that find it in the text copy it for an answer.
    """
    heading = r"\s+".join(map(re.escape, block.place.heading.split()))
    found = re.compile(rf"[\s#]*{heading}[ \t]*(?=\n|$)").match(text, block.start, block.end) if heading else None
    return found.end() if found else block.start


def _chunk(document: Document, block: _Block, span: Span, row: int | None) -> Chunk:
    place, (start, end) = block.place, span
    text = document.text[start:end]
    return Chunk(
        id=hashlib.sha256(f"{document.id}:{start}:{end}:{text}".encode()).hexdigest()[:16],
        document_id=document.id,
        document=document.name,
        text=f"{block.header}\n{text}" if block.header else text,
        start=start,
        end=end,
        page=place.page,
        heading=place.heading,
        sheet=place.sheet,
        row=row,
        language=document.language,
    )
