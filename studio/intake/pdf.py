"""PDF through pypdfium2: every page a section (more where headings are seen), lines joined back into sentences.

Text that a reader of the page would not see is left out by the library, and rightly so. A page that is only a picture
is recognised and named; reading it needs a text recogniser, which is not this importer's work.
"""

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.errors import Unreadable
from studio.intake.reading import Draft, Origin, Reading, rows_finding

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
PAGE_NUMBER = re.compile(r"\d+")


class Line(NamedTuple):
    text: str
    size: float


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: pdf_locked, file_damaged, pdf_no_pages, pdf_scanned (not one page has text)."""
    pages, broken, scanned = _pages(file, origin)
    pages = without_furniture(pages)
    letters: Counter[float] = Counter()
    for page in pages:
        for line in page:
            letters[line.size] += len(line.text)
    body = letters.most_common(1)[0][0] if letters else 0.0
    full = _full(line.text for page in pages for line in page)
    draft, above = Draft(), ""
    for number, page in enumerate(pages, start=1):
        for heading, lines in _stretches(page, body, above):
            draft.add("\n".join(flow(lines, full)), page=number, heading=heading)
            above = heading
    documents = draft.documents(origin, "pdf")
    if not documents:
        if broken and not scanned:
            raise Unreadable("file_damaged", name=origin.name)
        raise Unreadable("pdf_scanned" if scanned else "file_no_text", name=origin.name)
    return Reading(
        documents=documents,
        findings=(
            *rows_finding("pages_scanned", origin, scanned),
            *rows_finding("pages_unreadable", origin, broken),
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


def without_furniture(pages: list[list[Line]]) -> list[list[Line]]:
    """Pages without the running title and the page number that stand first or last on most of them.

    Page one keeps the title, which may be the document's own.
    """
    if len(pages) < 3:
        return pages
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_anonymous(line.text) for line in (*page[:2], *page[-2:])})
    repeated = {text for text, count in seen.items() if count >= 3 and count >= 0.6 * len(pages)}
    kept = []
    for number, page in enumerate(pages):
        lines = list(page)
        gone = {text for text in repeated if "#" in text} if number == 0 else repeated
        for end in (0, -1):
            while lines and _anonymous(lines[end].text) in gone:
                lines.pop(end)
        kept.append(lines)
    return kept


def _pages(file: Path, origin: Origin) -> tuple[list[list[Line]], list[int], list[int]]:
    """Lines of each page, and the numbers of pages that cannot be read and of those that are only a picture."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(file)
        count = len(pdf)
    except pypdfium2.PdfiumError as error:
        code = "pdf_locked" if "password" in str(error).lower() else "file_damaged"
        raise Unreadable(code, name=origin.name) from error
    if count == 0:
        raise Unreadable("pdf_no_pages", name=origin.name)
    pages: list[list[Line]] = []
    broken: list[int] = []
    scanned: list[int] = []
    with pdf:
        for index in range(count):
            lines: list[Line] = []
            try:
                page = pdf[index]
                lines = _lines(page)
                if sum(len(line.text) for line in lines) < SCANNED_BELOW and _has_picture(page):
                    scanned.append(index + 1)
                page.close()
            except pypdfium2.PdfiumError:
                broken.append(index + 1)
            pages.append(lines)
    return pages, broken, scanned


def _lines(page: Any) -> list[Line]:
    import pypdfium2.raw as pdfium

    text_page = page.get_textpage()
    raw = text_page.get_text_range()
    lines, at = [], 0
    for piece in raw.split("\n"):
        text = clean(piece)
        if text:
            middle = at + len(piece) // 2  # the first letter may be a bullet or a number in another size
            index = pdfium.FPDFText_GetCharIndexFromTextIndex(text_page, middle)
            lines.append(Line(text, round(pdfium.FPDFText_GetFontSize(text_page, max(index, 0)), 1)))
        at += len(piece) + 1
    text_page.close()
    return lines


def clean(text: str) -> str:
    """NFC, one space between words, no soft hyphens; the library's mark for a hyphen at a line's end becomes one."""
    text = text.replace("\ufffe", "-").replace("\u00ad", "").replace("\x00", "")
    return " ".join(unicodedata.normalize("NFC", text).split())


def _has_picture(page: Any) -> bool:
    import pypdfium2.raw as pdfium

    return next(page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3), None) is not None


def _stretches(page: Sequence[Line], body: float, heading: str) -> Iterable[tuple[str, list[str]]]:
    """The page cut where a heading begins; what stands above the first one still belongs to the heading before."""
    lines: list[str] = []
    size = 0.0  # of the heading directly above this line; headings that follow each other share a stretch
    for line in page:
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
        lines.append(line.text)
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
    if BULLET.match(line):
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


def _anonymous(text: str) -> str:
    return PAGE_NUMBER.sub("#", text)
