"""Documents are cut into passages: whole sentences of one page and heading, turns of one talk, rows with their header.

Knows the document's blocks and nothing about search. `Chunk.start` and `.end` refer to the document's text, and
`Chunk.text` is exactly that stretch, but for what stands in front of it: a table's header, a mail's people and date.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from studio.base.records import Chunk, Document
from studio.retrieval import blocks, sentences
from studio.retrieval.blocks import Block
from studio.retrieval.sentences import Span

# Small local models have room for about 2,000 characters of passages. In that room, passages of up to 600 hold the
# answer more often (.975) than sentences packed to 900 (.964) or 1,200 (.935) and whole paragraphs (.950); on XQuAD-es,
# tests/benchmarks/bench_chunking.py.
LIMIT = 600
ROW_BY_ROW = 400  # tables of up to so many rows get a passage for every row; longer ones a passage for a few rows
LABEL = 100  # characters of its first cell that name the rest of a row too long for one passage


class Passage(NamedTuple):
    """Where a passage stands, what is said in front of it, and the row it is."""

    span: Span
    header: str = ""
    row: int | None = None


def chunks(document: Document) -> list[Chunk]:
    """The passages of a document in reading order; none for a document without text."""
    cut = ((block, passage) for block in blocks.blocks(document) for passage in _cut(document.text, block))
    return [_chunk(document, block, passage) for block, passage in cut]


def title(document: str) -> str:
    """A document's name as a reader would say it: "Home-Policy-2026.pdf" becomes "Home Policy 2026"."""
    return " ".join(re.split(r"[\s_-]+", PurePosixPath(document).stem)).strip() or document


def headed(chunk: Chunk) -> str:
    """The passage with its document's title, sheet and heading in front: what is embedded and searched."""
    above = dict.fromkeys((title(chunk.document), chunk.sheet, chunk.heading))
    return ". ".join([*(part for part in above if part), chunk.text])


def _cut(text: str, block: Block) -> Iterator[Passage]:
    match block.kind:
        case "table":
            yield from _table(text, block)
        case "turns":
            units = [piece for span in block.units for piece in _short_enough(text, span)]
            yield from (Passage(span) for span in _pack(units, [0] * len(units), 1))
        case "prose":
            units = [piece for span in block.units for piece in _short_enough(text, span)]
            yield from (Passage(span, block.header) for span in _pack(units, _breaks(text, units), 1))


def _table(text: str, block: Block) -> Iterator[Passage]:
    """A small table whole, and each of its rows; a long one a few rows at a time."""
    first, last = block.units[0][0], block.units[-1][1]
    if len(block.units) > 1 and last - first <= LIMIT:
        yield Passage((first, last), block.header)
    if len(block.units) > ROW_BY_ROW:
        packed = [
            piece for span in _pack(block.units, [0] * len(block.units), 0) for piece in _short_enough(text, span)
        ]
        yield from (Passage(span, block.header) for span in packed)
        return
    for span, row in zip(block.units, block.numbers, strict=True):
        for n, piece in enumerate(_short_enough(text, span)):
            named = text[span[0] : span[1]].partition(";")[0][:LABEL] if n else ""
            yield Passage(piece, "\n".join(filter(None, (block.header, named))), row)


def _breaks(text: str, units: Sequence[Span]) -> list[int]:
    """How good a place each unit is to begin a passage: 3 a question with its answer under it, 2 a paragraph, 1 a line,
    0 a sentence, -1 what was just announced with a colon.
    """
    found = []
    for n, (start, end) in enumerate(units):
        before = units[n - 1][1] if n else start
        between, last = text[before:start], text[before - 1 : before]
        lines = between.count("\n")
        asks = text[end - 1 : end] == "?" and "\n" in text[end : units[n + 1][0] if n + 1 < len(units) else end]
        if (
            asks
            and lines
            and (n == 0 or sentences.finished(text[units[n - 1][0] : before]))
            and text[units[n + 1][1] - 1 : units[n + 1][1]] != "?"
        ):
            found.append(3)
        else:
            found.append(-1 if last == ":" else min(lines, 2))
    return found


def _pack(units: Sequence[Span], breaks: Sequence[int], overlap: int) -> list[Span]:
    """Neighbouring units together as long as they fit, cut where a reader would; after a cut within a paragraph the next
    passage begins with the last `overlap` units of this one.
    """
    packed: list[Span] = []
    first = 0
    while first < len(units):
        last = first
        while last + 1 < len(units) and units[last + 1][1] - units[first][0] <= LIMIT and breaks[last + 1] < 3:
            last += 1
        if last + 1 < len(units) and breaks[last + 1] < 3:
            last = _better(units, breaks, first, last)
        packed.append((units[first][0], units[last][1]))
        if last + 1 == len(units):
            break
        following = last + 1
        back = following - overlap
        fits = back > first and units[following][1] - units[back][0] <= LIMIT
        first = back if fits and breaks[following] < 1 else following
    return packed


def _better(units: Sequence[Span], breaks: Sequence[int], first: int, last: int) -> int:
    """The last unit before the best break in the second half of the passage."""
    half = units[first][0] + LIMIT // 2
    ends = [n for n in range(first, last + 1) if units[n][1] >= half] or [last]
    return max(ends, key=lambda n: (breaks[n + 1], n))


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


def _chunk(document: Document, block: Block, passage: Passage) -> Chunk:
    place, (start, end) = block.place, passage.span
    text = document.text[start:end]
    made = Chunk(
        id="",
        document_id=document.id,
        document=document.name,
        text=f"{passage.header}\n{text}" if passage.header else text,
        start=start,
        end=end,
        page=place.page,
        heading=place.heading,
        sheet=place.sheet,
        row=passage.row,
        language=document.language,
        date=document.date,
    )
    return made.model_copy(update={"id": hashlib.sha256(made.model_dump_json().encode()).hexdigest()[:16]})
