"""CSV and its relatives: any encoding, any of four delimiters, a header in English or Spanish or none at all.

Every record is accounted for: read, or named by the line it begins on. An open quote costs one line, not the rest of
the file.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from studio.base.errors import Unreadable
from studio.base.records import Finding
from studio.intake import rows, text
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.rows import Row

DELIMITERS = ",;\t|"
SAMPLE = 200
LARGEST_CELL = 32 << 20


def read(file: Path, origin: Origin) -> Reading:
    """Examples when two columns are clearly question and answer; otherwise a document with a section a row.

    Raises Unreadable("file_no_text") when not one cell is filled.
    """
    content = text.text_of(file, origin)
    found = of_text(content, origin)
    if found is None:
        raise Unreadable("file_no_text", name=origin.name)
    return found


def questions_in(content: str, origin: Origin) -> Reading | None:
    """The examples in a text that happens to be a table of questions and answers; None when it is something else."""
    delimiter = sniff(content)
    first = next((row for row in records(content, delimiter) if any(row.cells)), None) if delimiter else None
    return of_text(content, origin) if first and rows.roles(first.cells) else None


def of_text(content: str, origin: Origin) -> Reading | None:
    if not content.strip(DELIMITERS + '" \n'):
        return None
    delimiter = sniff(content)
    filled = (row for row in records(content, delimiter or ",") if any(cell.strip() for cell in row.cells))
    start = list(islice(filled, SAMPLE))
    if not start:
        return None

    def rest() -> Iterator[Row]:
        yield from start
        yield from filled

    header = [cell.strip() for cell in start[0].cells]
    while header and not header[-1]:
        header.pop()
    if found := rows.roles(header):
        return rows.examples(header, found, islice(rest(), 1, None), origin)
    if rows.looks_like_questions(start):
        reading = rows.examples(["1", "2"], rows.Roles(0, 1), rest(), origin)
        guessed = Finding(code="header_missing", level="note", names=(origin.name,))
        return reading.model_copy(update={"findings": (*reading.findings, guessed)})
    draft = Draft()
    if rows.looks_like_header(header) and len(start) > 1:
        findings = rows.table(header, islice(rest(), 1, None), draft, origin)
    else:
        findings = rows.table([""] * _usual_width(start), rest(), draft, origin)
    documents = draft.documents(origin, "csv")
    if not documents:
        return None
    read = Finding(
        code="rows_read",
        level="good",
        count=len(documents[0].sections),
        names=(origin.name,),
        parameters={"columns": len(header)},
    )
    return Reading(documents=documents, findings=(read, *findings))


def sniff(content: str) -> str:
    """The delimiter that cuts most of the first records into the same number of cells, at least two; "" for none."""
    sample = "".join(islice(io.StringIO(content), SAMPLE))
    best, best_score = "", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        widths = [len(row.cells) for row in records(sample, delimiter, guard=False) if any(row.cells)]
        if not widths:
            continue
        width, alike = Counter(width for width in widths if width > 1).most_common(1)[0] if max(widths) > 1 else (1, 0)
        header_fits = widths[0] == width
        score = alike / len(widths) + 0.3 * header_fits + 0.01 * min(width, 20)
        if width > 1 and score > best_score and (alike >= 0.5 * len(widths) or (header_fits and alike > 1)):
            best, best_score = delimiter, score
    return best


def records(content: str, delimiter: str, guard: bool = True) -> Iterator[Row]:
    """Every record with the number of the line it begins on.

    With `guard`, a record that runs over several lines and then does not have the header's number of cells, or never
    closes its quote, gives up only its first line; reading goes on with the next.
    """
    csv.field_size_limit(LARGEST_CELL)
    lines = list(io.StringIO(content))  # split at line ends only, not at every separator Unicode knows
    width, at = 0, 0
    while at < len(lines):
        begin = at
        reader = csv.reader(islice(lines, begin, None), delimiter=delimiter)
        try:
            for cells in reader:
                end = begin + reader.line_num
                width = width or len(cells)
                torn = guard and end - at > 1 and (len(cells) != width or _open(lines[at:end], delimiter))
                if torn:
                    yield Row(at + 1, _naive(lines[at], delimiter), whole=False)
                    at += 1
                    break
                yield Row(at + 1, cells)
                at = end
            else:
                return
        except csv.Error:  # a cell beyond the limit
            yield Row(at + 1, _naive(lines[at][:1000], delimiter), whole=False)
            at += 1


def _open(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the quote that makes these lines one record is never closed."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _naive(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.strip("\n").split(delimiter)]


def _usual_width(start: Sequence[Row]) -> int:
    return Counter(len(row.cells) for row in start).most_common(1)[0][0]
