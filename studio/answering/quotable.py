"""What of a passage can be said as an answer, word for word: its sentences, its rows, and what a label announces.

Never a heading alone, a label without its value, or a question without what follows it. A row is said with the titles of
its columns; a sentence that points back ("There you find …") with the one it points to. Knows nothing of questions.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from studio.base.folding import fold
from studio.base.records import Chunk
from studio.retrieval import sentences

WORDS = Path(__file__).parent / "quotable.json"
LONGEST = 400  # characters of a statement put together from several lines
TITLE_WORDS = 8  # a line without a full stop and without a figure that is no longer than this is a title
_ITEM = re.compile(r"^\s*(?:[-*•·–▪◦]|\d{1,3}\)|\d{1,2}\.(?=\s+[^\W\d_][^\n]*[.;,]$))\s+")
_MARK = re.compile(r"^\s*(?:[-*•·–▪◦]|\d{1,3}[.)]|#{1,6})\s+")
_NUMBERED = re.compile(r"^\s*(?:#{1,6}\s|\d{1,2}(?:\.\d{1,2})*\.?\s+[^\W\d_])")
_NAMED = re.compile(r"[^:;|\n]{1,60}: [^;\n]+(?:; [^:;|\n]{1,60}: [^;\n]*)+")
_SPEAKER = re.compile(r"^[^\W\d_][^:\n]{1,40}: (?=\S)")


def statements(chunk: Chunk) -> list[str]:
    """In reading order. A passage of nothing but titles has none."""
    found: list[str] = []
    prose: list[str] = []
    rows: list[str] = []
    for line in [*chunk.text.split("\n"), ""]:
        barred, named = _cells(line), bool(_NAMED.fullmatch(line.strip()))
        if rows and len(barred) < 2:
            found += _table(rows, led=_led(chunk, rows[0]))
            rows = []
        if prose and (named or len(barred) > 1):
            found += _said("\n".join(prose))
            prose = []
        if named:
            found.append(_row([_named(part) for part in line.strip().split("; ")]))
        elif len(barred) > 1:
            rows.append(line)
        else:
            prose.append(line)
    return [*found, *_said("\n".join(prose))]


def _said(text: str) -> Iterator[str]:
    """The sentences of a stretch of prose, each alone or with what it cannot be understood without."""
    units = [" ".join(text[start:end].split()) for start, end in sentences.spans(text)]
    items = [bool(_ITEM.match(unit)) for unit in units]
    for n, unit in enumerate(units):
        plain = _MARK.sub("", unit)
        if _is_title(unit, items[n]):
            continue
        if unit.endswith(":"):
            if announced := _announced(units, items, n):
                yield announced
        elif unit.endswith("?"):
            if (
                n + 1 < len(units)
                and not units[n + 1].endswith(("?", ":"))
                and not _is_title(units[n + 1], items[n + 1])
            ):
                yield f"{plain} {_MARK.sub('', units[n + 1])}"
        elif n and _points_back(plain) and sentences.finished(units[n - 1]) and units[n - 1][-1] not in ":?":
            yield f"{_MARK.sub('', units[n - 1])} {plain}"
        else:
            yield plain


def _is_title(unit: str, item: bool) -> bool:
    """A line that names what follows. A list's item says something itself, and so does a line with a figure in it."""
    if item or sentences.finished(unit):
        return False
    bare = _MARK.sub("", unit)
    short = len(bare.split()) <= TITLE_WORDS
    return short and (bool(_NUMBERED.match(unit)) or not any(map(str.isdigit, bare)))


def _announced(units: Sequence[str], items: Sequence[bool], at: int) -> str:
    """A label with what stands under it: the items of its list, or the next sentence; nothing where nothing follows."""
    told = [_MARK.sub("", units[at])]
    for unit, item in zip(units[at + 1 :], items[at + 1 :], strict=True):
        if (len(told) > 1 and not item) or sum(map(len, told)) + len(unit) > LONGEST:
            break
        told.append(_MARK.sub("", unit))
        if not item:
            break
    return " ".join(told) if len(told) > 1 else ""


def _points_back(sentence: str) -> bool:
    return bool(_back().match(fold(_SPEAKER.sub("", sentence))))


def _table(lines: Sequence[str], *, led: bool) -> Iterator[str]:
    """The rows below a header, each with its titles; of a table without one the rows that have a label and a value."""
    table = [_cells(line) for line in lines if set(line) - set("|:-=+ \t")]
    named = len(table) > 1 and sum(map(bool, table[0])) > 1 and not any(map(str.isdigit, "".join(table[0])))
    led = led or named
    titles = table[0] if led else []
    for cells in table[1:] if led else table:
        pairs = [(titles[n] if n < len(titles) else "", cell) for n, cell in enumerate(cells) if cell]
        if len(pairs) > 1:
            yield _row(pairs)


def _row(pairs: Sequence[tuple[str, str]]) -> str:
    """ "Delivery: Express; Price: €8.50". A question in the first of two cells needs no titles."""
    if len(pairs) == 2 and pairs[0][1].endswith("?"):
        return f"{pairs[0][1]} {pairs[1][1]}"
    return "; ".join(f"{title}: {cell}" if title and cell else title or cell for title, cell in pairs)


def _named(part: str) -> tuple[str, str]:
    title, _, cell = part.partition(": ")
    return title, cell


def _led(chunk: Chunk, line: str) -> bool:
    """Whether the table's first line is a header that was put in front of the passage."""
    ahead = len(chunk.text) - (chunk.end - chunk.start)
    return ahead > 0 and line in chunk.text[:ahead]


def _cells(line: str) -> list[str]:
    parts = line.strip().strip("|").split("|") if " | " in line or "\t" not in line else line.strip().split("\t")
    return [" ".join(part.split()) for part in parts]


@cache
def _back() -> re.Pattern[str]:
    written = json.loads(WORDS.read_text(encoding="utf-8"))
    return re.compile(rf"(?:{'|'.join([*written['en'], *written['es']])})\b")
