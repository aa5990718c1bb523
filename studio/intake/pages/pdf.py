"""PDF: every page a section (more where headings are seen), tables kept as tables, lines joined back into sentences.

Text that a reader of the page would not see is left out by the library, and rightly so. Pages that are only pictures
go to text recognition (`ocr`); what is found on a page and where is the work of `pdf_pages` and `pdf_tables`.
"""

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.errors import Unreadable
from studio.base.records import Finding, Level
from studio.intake.pages import ocr, pdf_aligned, pdf_furniture, pdf_pages, pdf_rules, pdf_tables
from studio.intake.pages.pdf_pages import Line, clean
from studio.intake.reading import SHOWN_ROWS, Draft, Origin, Reading

__all__ = ["Line", "clean", "flow", "read"]

SCANNED_BELOW = 20  # characters on a page that has a picture
FULL_LINE = 0.85  # of the usual longest line: a line this long was broken by the page, not by the writer
SHORTEST_FULL_LINE = 55
HEADING_SIZE = 1.12  # times the size of most letters
LONGEST_HEADING = 120
SENTENCE_END = tuple('.!?:;…»”"')
NUMBERED = re.compile(
    r"^(\d{1,2}(\.\d{1,2}){0,3}\.?|[IVX]{1,5}\.|[A-Z]\.|(Art[íi]culo|Article|Section|Sección|Anexo|Annex)\s+\w+\.?)\s+\S"
)
BULLET = re.compile(r"^([-–—•·▪◦‣*○●■]|\d{1,3}[.)]|[a-z]\))\s")
LEADER_WITHIN = 24  # letters from the end of a line
PAGE_NUMBER = re.compile(r"\d+")


class Pages(NamedTuple):
    """Lines of each page, the numbers of pages of each fate, and the names of files that the document carries."""

    lines: list[list[Line]]
    broken: list[int]
    recognised: list[int]
    scanned: list[int]
    late: list[int]  # scanned pages for which there was no time left
    blank: list[int]
    attached: list[str]


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: pdf_password_needed, pdf_password_wrong, file_damaged, pdf_no_pages, file_no_text, and
    pdf_scanned or pdf_nothing_recognised when all there is are pictures of pages.
    """
    pages = _pages(file, origin)
    documents = _written(pdf_furniture.without(pages.lines)).documents(origin, "pdf")
    reader = ocr.program() is not None
    if not documents:
        raise Unreadable(_why_nothing(pages, reader), name=origin.name)
    return Reading(
        documents=documents,
        findings=(
            *_pages_finding("pages_nothing_recognised" if reader else "pages_scanned", "warn", origin, pages.scanned),
            *_pages_finding("pages_too_many_scans", "warn", origin, pages.late),
            *_pages_finding("pages_unreadable", "warn", origin, pages.broken),
            *_pages_finding("pages_recognised", "note", origin, pages.recognised),
            *_pages_finding("pages_without_text", "note", origin, pages.blank),
            *_attached(origin, pages.attached),
        ),
    )


def flow(lines: Sequence[str], full: float) -> list[str]:
    """Lines of a page as paragraphs: a word cut by a hyphen and a sentence cut by the margin are whole again.

    `full` is the length from which a line counts as broken by the margin; shorter ones (cells, list items) stand alone
    unless the next one goes on in lower case.
    """
    whole: list[str] = []
    last = 0  # length of the last physical line of the paragraph
    for line in lines:
        if whole and _goes_on(whole[-1], last, line, full):
            cut = whole[-1].endswith("-") and len(whole[-1]) > 1 and whole[-1][-2].isalpha() and line[:1].islower()
            whole[-1] = whole[-1][:-1] + line if cut else f"{whole[-1]} {line}"
        else:
            whole.append(line)
        last = len(line)
    return whole


def _pages(file: Path, origin: Origin) -> Pages:
    import pypdfium2

    pages = Pages([], [], [], [], [], [], [])
    pdf = pdf_pages.opened(file, origin.name, origin.password)
    with pdf, ocr.Reader() as reader:
        pages.attached.extend(pdf_pages.attachments(pdf))
        waiting: dict[int, ocr.Promise] = {}
        for index in range(len(pdf)):
            lines: list[Line] = []
            try:
                with pdf_pages.page_of(pdf, index) as page:
                    lines = _lines(page)
                    pages.attached.extend(pdf_pages.attached_to(page))
                    if sum(len(line.text) for line in lines) < SCANNED_BELOW:
                        _without_text(page, index, bool(lines), reader, waiting, pages)
            except pypdfium2.PdfiumError:
                pages.broken.append(index + 1)
            pages.lines.append(lines)
        for index, promise in waiting.items():
            found = [Line(text, 0.0) for text in ocr.lines(promise())]
            if sum(len(line.text) for line in found) > sum(len(line.text) for line in pages.lines[index]):
                pages.lines[index] = found
                pages.recognised.append(index + 1)
            else:
                pages.scanned.append(index + 1)
    return pages


def _lines(page: Any) -> list[Line]:
    text = pdf_pages.Text(page)
    try:
        return pdf_tables.laid_out(text.lines(), pdf_rules.rules(page), text.words)
    finally:
        text.close()


def _without_text(
    page: Any, index: int, something: bool, reader: ocr.Reader, waiting: dict[int, ocr.Promise], pages: Pages
) -> None:
    """A page with next to no text is a scan when there is a picture on it, and blank otherwise."""
    pictures = pdf_pages.pictures(page)
    if not pictures:
        if not something:
            pages.blank.append(index + 1)
    elif max(width * height for width, height in pictures) > ocr.MOST_PIXELS:
        pages.broken.append(index + 1)
    elif promise := reader.page(page):
        waiting[index] = promise
    else:
        (pages.late if reader.works else pages.scanned).append(index + 1)


def _written(pages: list[list[Line]]) -> Draft:
    """The document: paragraphs under their headings, tables in sections of their own with their header repeated."""
    letters: Counter[float] = Counter()
    for page in pages:
        for line in page:
            if line.size:  # tables and recognised text have none
                letters[line.size] += len(line.text)
    body = letters.most_common(1)[0][0] if letters else 0.0
    full = _full(line.text for page in pages for line in page if not line.rows)
    draft, heading = Draft(), ""
    header: Sequence[str] = ()  # of the table that ended the page before
    for number, page in enumerate(pages, start=1):
        for above, stretch in _stretches(page, body, heading):
            heading = above
            if not stretch[0].rows:
                draft.add("\n".join(flow([line.text for line in stretch], full)), page=number, heading=heading)
                continue
            rows = stretch[0].rows
            goes_on = stretch[0] is page[0] and len(header) == len(rows[0]) and not pdf_tables.is_header(rows[0])
            header = header if goes_on else rows[0] if pdf_tables.is_header(rows[0]) else ()
            for first, text in pdf_tables.sections(rows, header if goes_on else ()):
                draft.add(text, page=number, heading=heading, row=first)
        if page and not page[-1].rows:
            header = ()
    return draft


def _stretches(page: Sequence[Line], body: float, heading: str) -> Iterator[tuple[str, list[Line]]]:
    """The page cut at tables and where a heading begins; what stands above the first one still belongs to the
    heading before.
    """
    lines: list[Line] = []
    size = 0.0  # of the heading directly above this line; headings that follow each other share a stretch
    for line in page:
        if line.rows:
            if lines:
                yield heading, lines
            yield heading, [line]
            lines, size = [], 0.0
            continue
        if not _is_heading(line, body):
            size = 0.0
        else:
            if lines and not size:
                yield heading, lines
                lines = []
            goes_on = (
                size == line.size and not NUMBERED.match(line.text) and len(heading) + len(line.text) < LONGEST_HEADING
            )
            heading, size = f"{heading} {line.text}" if goes_on else line.text, line.size
        lines.append(line)
    if lines:
        yield heading, lines


def _is_heading(line: Line, body: float) -> bool:
    text = line.text
    if len(text) > LONGEST_HEADING or not any(letter.isalpha() for letter in text):
        return False
    if text.endswith((".", ",", ";")) and not text.isupper():
        return False
    larger = line.size > body * HEADING_SIZE
    numbered = bool(NUMBERED.match(text)) and len(text) < 70 and line.size > body
    shouted = (
        text.isupper() and 8 < len(text) < 70 and " " in text and line.size >= body and not PAGE_NUMBER.search(text)
    )
    return larger or numbered or shouted


def _goes_on(before: str, length: int, line: str, full: float) -> bool:
    if BULLET.match(line) or pdf_aligned.LEADER.search(before[-LEADER_WITHIN:]):
        return False
    if line[:1].islower():
        return not before.endswith((".", "!", "?", ":")) or before.endswith("-")
    return length >= full and not before.endswith(SENTENCE_END) and not NUMBERED.match(line)


def _full(lines: Iterable[str]) -> float:
    lengths = sorted(len(line) for line in lines)
    if len(lengths) < 3:
        return float("inf")
    usual = statistics.quantiles(lengths, n=20)[-1] if len(lengths) >= 20 else lengths[-1]
    return max(FULL_LINE * usual, SHORTEST_FULL_LINE)


def _why_nothing(pages: Pages, reader: bool) -> str:
    if pages.scanned:
        return "pdf_nothing_recognised" if reader else "pdf_scanned"
    return "file_damaged" if pages.broken else "file_no_text"


def _pages_finding(code: str, level: Level, origin: Origin, pages: Sequence[int]) -> tuple[Finding, ...]:
    """All of these pages by number, neighbours as "3-9"; nothing when there are none."""
    if not pages:
        return ()
    ranges: list[list[int]] = []
    for page in sorted(set(pages)):
        if ranges and page == ranges[-1][-1] + 1:
            ranges[-1][1:] = [page]
        else:
            ranges.append([page])
    listed = ", ".join("-".join(map(str, each)) for each in ranges)
    return (Finding(code=code, level=level, count=len(set(pages)), names=(origin.name,), parameters={"rows": listed}),)


def _attached(origin: Origin, names: Sequence[str]) -> tuple[Finding, ...]:
    """Files inside the file are named and not opened."""
    names = list(dict.fromkeys(names))  # one that is pinned to a page may be in the list of the document too
    if not names:
        return ()
    listed = ", ".join(names[:SHOWN_ROWS]) + (" …" if len(names) > SHOWN_ROWS else "")
    return (
        Finding(
            code="attachments_left", level="note", count=len(names), names=(origin.name,), parameters={"files": listed}
        ),
    )
