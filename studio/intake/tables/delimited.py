"""CSV and its relatives: any encoding, any of four delimiters, a header in English or Spanish or none at all.

Every record is accounted for: read, mended, or refused by the line it begins on. An open quote costs one line, not the
rest of the file.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from studio.base.errors import Unreadable
from studio.base.records import Finding
from studio.intake import encoding
from studio.intake.chats import helpdesk
from studio.intake.encoding import Decoded
from studio.intake.reading import Draft, Origin, Reading
from studio.intake.tables import grid, header, mending, rows
from studio.intake.tables.account import Account
from studio.intake.tables.grid import Plan
from studio.intake.tables.rows import Row

DELIMITERS = ",;\t|"
SAMPLE = 200
LARGEST_CELL = 32 << 20
NONE = "\x1f"  # between cells of a file that has a single column
SAID = re.compile(r'"?sep=(.)"?\n')  # what Excel writes into the first line


def read(file: Path, origin: Origin) -> Reading:
    """Examples when two columns are question and answer; otherwise a document with a section a row.

    Raises Unreadable: file_damaged when the bytes are no text, file_no_text when not one cell is filled,
    columns_ignored.
    """
    decoded = encoding.lines_of(file.read_bytes())
    if decoded is None:
        raise Unreadable("file_damaged", name=origin.name)
    found = _read(decoded, origin)
    if found is None:
        raise Unreadable("file_no_text", name=origin.name)
    return found


def questions_in(content: str, origin: Origin) -> Reading | None:
    """The examples in a text that happens to be a table of questions and answers; None when it is something else."""
    delimiter = sniff(content)
    first = next((row for row in records(content, delimiter) if any(row.cells)), None) if delimiter else None
    return of_text(content, origin) if first and rows.roles(first.cells) else None


def of_text(content: str, origin: Origin) -> Reading | None:
    return _read(Decoded(content, "", {}), origin)


def sniff(content: str) -> str:
    """The delimiter that cuts most of the first records into the same number of cells, at least two; "" for none."""
    sample = "".join(islice(io.StringIO(content), SAMPLE))
    best, best_score = "", 0.0
    for delimiter in DELIMITERS:
        if delimiter not in sample:
            continue
        found = [row.cells for row in records(sample, delimiter, 0) if any(row.cells)]
        if not found:
            continue
        if rows.roles(found[0]):  # names of columns we know: no table of another delimiter begins with them
            return delimiter
        widths = list(map(len, found))
        width, alike = Counter(width for width in widths if width > 1).most_common(1)[0] if max(widths) > 1 else (1, 0)
        header_fits = widths[0] == width
        score = alike / len(widths) + 0.3 * header_fits + 0.01 * min(width, 20)
        if width > 1 and score > best_score and (alike >= 0.5 * len(widths) or (header_fits and alike > 1)):
            best, best_score = delimiter, score
    return best


def records(content: str, delimiter: str, width: int | None = None, skip: int = 0) -> Iterator[Row]:
    """Every record with the number of the line it begins on, from the line after `skip`.

    A record that runs over several lines and then does not have `width` cells (the first record's by default), or never
    closes its quote, gives up only its first line; reading goes on with the next. A width of 0 lets everything pass.
    """
    csv.field_size_limit(LARGEST_CELL)
    lines = list(io.StringIO(content))  # split at line ends only, not at every separator Unicode knows
    at = skip
    while at < len(lines):
        begin = at
        reader = csv.reader(islice(lines, begin, None), delimiter=delimiter)
        try:
            for cells in reader:
                end = begin + reader.line_num
                width = len(cells) if width is None else width
                torn = width and end - at > 1 and (len(cells) != width or _open(lines[at:end], delimiter))
                if torn or (width and end == len(lines) and _open(lines[at:end], delimiter)):
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


def _read(decoded: Decoded, origin: Origin) -> Reading | None:
    content = decoded.text
    if not content.strip(DELIMITERS + '" \n'):
        return None
    said = SAID.match(content)
    delimiter = said[1] if said else sniff(content)
    skip = 1 if said else 0
    usual = _usual_width(_filled(records(content, delimiter or NONE, 0, skip)))
    found = _marked(_filled(records(content, delimiter or NONE, usual, skip)), decoded.mended)
    start = list(islice(found, SAMPLE))
    if not start:
        return None
    top = header.find(start)
    titles, below = (start[: top.start], start[top.end :]) if top else ([], start)
    if top and rows.roles(top.names) is None:  # columns beyond the last name have none
        top = top._replace(names=top.names + ("",) * (_usual_width(below) - len(top.names)))
    if top and helpdesk.looks_like(top.names):
        below += found
        if (tickets := helpdesk.of_rows(top.names, below, origin)) and tickets.layout:
            written = {"encoding": decoded.encoding, "delimiter": delimiter}
            return tickets.model_copy(update={"layout": tickets.layout.model_copy(update=written)})
    plan = grid.plan(top, start, usual, origin)
    reckoning, draft = Account(), Draft()
    for row in titles if not plan.teaches else ():
        reckoning.rows += 1
        draft.add("; ".join(cell.strip() for cell in row.cells if cell.strip()), row=row.number, gap="\n")
    fit = _fitted(chain(below, found), plan, below, delimiter, reckoning)
    together = 1 + content.count("\n") // grid.MOST_SECTIONS
    examples = [
        each
        for numbers, cells in grid.blocks(fit)
        for each in grid.take(plan, numbers, cells, origin, draft, reckoning, together=together)
    ]
    documents = draft.documents(origin, "csv")
    if not documents and not examples and not plan.teaches:
        return None
    columns = grid.shown(plan, below)
    findings: list[Finding] = []
    if plan.teaches:
        findings.append(grid.examples_read(plan, columns, len(examples), reckoning.rows, origin))
    if documents:
        parameters: dict[str, str | int | float] = {"columns": len(columns)}
        findings.append(
            Finding(code="rows_read", level="good", count=reckoning.read, names=(origin.name,), parameters=parameters)
        )
    findings += reckoning.findings(origin)
    findings += _about_header(plan, titles, origin)
    return Reading(
        documents=documents,
        examples=tuple(examples),
        findings=tuple(findings),
        layout=reckoning.layout(columns, decoded.encoding, delimiter),
    )


def _fitted(
    found: Iterable[Row], plan: Plan, sample: Sequence[Row], delimiter: str, reckoning: Account
) -> Iterator[Row]:
    """The rows with exactly as many cells as there are columns; what was mended or refused is put on account.

    In a table to look things up in, a row that fits nowhere is kept as it stands, without the columns' names.
    """
    width = len(plan.names)
    needed = plan.of("question", "answer") if plan.teaches else []
    usual = [row.cells[-1] for row in sample if row.whole and len(row.cells) == width]
    prose = bool(width) and plan.roles[-1] in ("answer", "text", "more") and mending.is_prose(usual)
    for row in found:
        fit = mending.fitted(row.cells, width, delimiter, needed, prose and row.whole)
        code = row.fault or ("" if row.whole else "quote")
        if fit and (row.whole or not fit[1]):
            if code or fit[1]:
                reckoning.mend(row.number, fit[1] or code)
            yield Row(row.number, fit[0])
        elif plan.teaches:
            reckoning.rows += 1
            reckoning.refuse(row.number, "cells" if row.whole else "open_quote")
        else:
            reckoning.mend(row.number, "unnamed")
            as_it_stands = "; ".join(cell.strip() for cell in row.cells if cell.strip())
            yield Row(row.number, [as_it_stands] + [""] * (width - 1))


def _about_header(plan: Plan, titles: Sequence[Row], origin: Origin) -> list[Finding]:
    if not plan.named:
        return [Finding(code="header_missing" if plan.teaches else "header_none", level="note", names=(origin.name,))]
    return [*grid.titles_skipped(titles, origin)] if plan.teaches else []


def _filled(found: Iterable[Row]) -> Iterator[Row]:
    return (row for row in found if any(cell.strip() for cell in row.cells))


def _marked(found: Iterator[Row], mended: dict[int, str]) -> Iterator[Row]:
    """The rows with what was mended in their letters, by the lines they run over."""
    if not mended:
        yield from found
        return
    marks = sorted(mended)
    at = 0
    before = next(found, None)
    while before is not None:
        after = next(found, None)
        while at < len(marks) and marks[at] < before.number:
            at += 1
        hit = at < len(marks) and (after is None or marks[at] < after.number)
        yield before._replace(fault=mended[marks[at]]) if hit else before
        before = after


def _open(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the quote that makes these lines one record is never closed."""
    try:
        list(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _naive(line: str, delimiter: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.strip("\n").split(delimiter)]


def _usual_width(found: Iterable[Row]) -> int:
    """How many cells most rows have, empty ones at their end left aside."""
    widths = Counter(len(header.cut(row.cells)) for row in islice(found, SAMPLE))
    return widths.most_common(1)[0][0] if widths else 0
