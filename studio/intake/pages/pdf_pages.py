"""What stands on the pages of a PDF and where, through pypdfium2: lines, words, pictures, attachments.

Positions are those a reader sees: points from the upper left corner of the page as it is shown, turned pages
included. Nothing in a file is run, followed or opened: no script, no link, no attachment.
"""

import ctypes
import math
import mmap
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.errors import Unreadable

FORM_FIELDS = frozenset({3, 20})  # FPDF_ANNOT_FREETEXT, FPDF_ANNOT_WIDGET: text that people typed onto the page
ATTACHED_FILE = 17  # FPDF_ANNOT_FILEATTACHMENT
WORD = re.compile(r"[^\s\x00]+")
WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD


class Box(NamedTuple):
    left: float
    top: float
    right: float
    bottom: float


class Word(NamedTuple):
    text: str
    box: Box


class Line(NamedTuple):
    """A line of a page, or, with `rows`, a table."""

    text: str
    size: float
    rows: tuple[tuple[str, ...], ...] = ()


class Placed(NamedTuple):
    """A line and where it is: its box, the boxes of its runs of letters, how the file spells it and where that begins.

    `first` is its first letter when no letter between its ends is left out of the text, otherwise -1.
    """

    text: str
    size: float
    box: Box
    runs: tuple[Box, ...]
    letters: str
    start: int
    first: int


def opened(file: Path, name: str, password: str = "") -> Any:
    """The document. Raises Unreadable: pdf_password_needed, pdf_password_wrong, file_damaged, pdf_no_pages."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(file, password=password or None)
        count = len(pdf)
    except pypdfium2.PdfiumError as error:
        if error.err_code == WRONG_PASSWORD and not _encrypted(file):  # what the library says of a file without pages
            raise Unreadable("pdf_no_pages", name=name) from error
        if error.err_code == WRONG_PASSWORD:
            raise Unreadable("pdf_password_wrong" if password else "pdf_password_needed", name=name) from error
        raise Unreadable("file_damaged", name=name) from error
    if count == 0:
        pdf.close()
        raise Unreadable("pdf_no_pages", name=name)
    return pdf


@contextmanager
def page_of(pdf: Any, index: int) -> Iterator[Any]:
    """A page, with what people typed into its forms as part of its text. Raises PdfiumError for a damaged one."""
    import pypdfium2.raw as pdfium

    page = pdf[index]
    try:
        kinds = {pdfium.FPDFAnnot_GetSubtype(note) for note in _notes(page)}
        if kinds & FORM_FIELDS and pdfium.FPDFPage_Flatten(page, pdfium.FLAT_NORMALDISPLAY) == pdfium.FLATTEN_SUCCESS:
            page.close()
            page = pdf[index]
        yield page
    finally:
        page.close()


class Text:
    """The letters of a page while it is open."""

    def __init__(self, page: Any) -> None:
        import pypdfium2.raw as pdfium

        self._pdfium = pdfium
        self._text = page.get_textpage()
        self._raw = self._text.raw
        self.shown = shown(page)
        self._values = [ctypes.c_double() for _ in range(4)]
        self._places = [ctypes.byref(value) for value in self._values]
        self._matrix = pdfium.FS_MATRIX()

    def close(self) -> None:
        self._text.close()

    def lines(self) -> list[Placed]:
        """In the order in which the file holds them."""
        found, at = [], 0
        for letters in self._text.get_text_range().split("\n"):
            text = clean(letters)
            if text:
                first, units = self._letter_at(at), _units(letters.rstrip("\r"))
                count = self._letter_at(at + units - 1) - first + 1
                runs = tuple(self._runs(first, count))
                size = self._size(at + _middle(letters))
                found.append(Placed(text, size, around(runs), runs, letters, at, first if count == units else -1))
            at += _units(letters) + 1
        return found

    def words(self, line: Placed) -> list[Word]:
        """The words of a line, each with its box."""
        words = []
        for found in WORD.finditer(line.letters):
            if text := clean(found[0]):
                start = _units(line.letters[: found.start()])
                ends = (start, start + _units(found[0]) - 1)
                if line.first >= 0:
                    first, last = (line.first + end for end in ends)
                else:
                    first, last = (self._letter_at(line.start + end) for end in ends)
                words.append(Word(text, self._between(first, last)))
        return words

    def count(self) -> int:
        return int(self._pdfium.FPDFText_CountChars(self._raw))

    def letter(self, index: int) -> str:
        return chr(self._pdfium.FPDFText_GetUnicode(self._raw, index))

    def _between(self, first: int, last: int) -> Box:
        """The box around two letters and what stands between them."""
        left, right, bottom, top = self._values
        self._pdfium.FPDFText_GetCharBox(self._raw, first, *self._places)
        x0, x1, y0, y1 = left.value, right.value, bottom.value, top.value
        if last != first:
            self._pdfium.FPDFText_GetCharBox(self._raw, last, *self._places)
            x0, x1, y0, y1 = min(x0, left.value), max(x1, right.value), min(y0, bottom.value), max(y1, top.value)
        return self.shown(x0, y1, x1, y0)

    def tall_box(self, index: int) -> Box:
        """The letter with the room above and below it: what a highlighter would cover."""
        rect = self._pdfium.FS_RECTF()
        self._pdfium.FPDFText_GetLooseCharBox(self._raw, index, ctypes.byref(rect))
        return self.shown(rect.left, rect.top, rect.right, rect.bottom)

    def _letter_at(self, place: int) -> int:
        """The letter at a place of the text, which leaves some letters out."""
        return max(int(self._pdfium.FPDFText_GetCharIndexFromTextIndex(self._raw, place)), 0)

    def _size(self, place: int) -> float:
        """As printed: some programs set every letter in size 1 and enlarge it."""
        index = self._letter_at(place)
        size = float(self._pdfium.FPDFText_GetFontSize(self._raw, index))
        if self._pdfium.FPDFText_GetMatrix(self._raw, index, self._matrix):
            size *= math.hypot(self._matrix.c, self._matrix.d) or 1.0
        return round(size, 1)

    def _runs(self, first: int, count: int) -> Iterator[Box]:
        for number in range(self._pdfium.FPDFText_CountRects(self._raw, first, count)):
            self._pdfium.FPDFText_GetRect(self._raw, number, *self._places)
            left, top, right, bottom = (value.value for value in self._values)
            yield self.shown(left, top, right, bottom)


def _units(text: str) -> int:
    """How long the library takes a text to be."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _middle(line: str) -> int:
    """A letter near the middle, for its size: the first may be a bullet or a footnote's number in another size, and
    spaces between words are not always the writer's.
    """
    middle = len(line) // 2
    return next((at for at in (*range(middle, len(line)), *range(middle)) if not line[at].isspace()), 0)


def shown(page: Any) -> Callable[[float, float, float, float], Box]:
    """From the page's own coordinates (left, top, right, bottom; upwards) to what a reader sees (downwards)."""
    left, bottom, right, top = page.get_bbox()
    match page.get_rotation():
        case 90:
            return lambda x0, y1, x1, y0: Box(y0 - bottom, x0 - left, y1 - bottom, x1 - left)
        case 180:
            return lambda x0, y1, x1, y0: Box(right - x1, y0 - bottom, right - x0, y1 - bottom)
        case 270:
            return lambda x0, y1, x1, y0: Box(top - y1, right - x1, top - y0, right - x0)
        case _:
            return lambda x0, y1, x1, y0: Box(x0 - left, top - y1, x1 - left, top - y0)


def around(boxes: Sequence[Box]) -> Box:
    """The box around all of them."""
    if not boxes:
        return Box(0.0, 0.0, 0.0, 0.0)
    if len(boxes) == 1:
        return boxes[0]
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def table(rows: tuple[tuple[str, ...], ...]) -> Line:
    """A table as a line of its page."""
    return Line("\n".join(map(written, rows)), 0.0, rows)


def written(cells: Iterable[str]) -> str:
    """A row of a table: "Plan | Price | Excess"."""
    return " | ".join(cells).strip()


def clean(text: str) -> str:
    """NFC, one space between words, no soft hyphens; the library's mark for a hyphen at a line's end becomes one."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.replace("\ufffe", "-").replace("\u00ad", ""))
    return " ".join(text.replace("\x00", "").split())


def pictures(page: Any) -> list[tuple[int, int]]:
    """Width and height in pixels of the pictures on a page; nothing is decoded."""
    import pypdfium2.raw as pdfium

    width, height = ctypes.c_uint(), ctypes.c_uint()
    sizes = []
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3):
        known = pdfium.FPDFImageObj_GetImagePixelSize(item, ctypes.byref(width), ctypes.byref(height))
        sizes.append((width.value, height.value) if known else (0, 0))
    return sizes


def attachments(pdf: Any) -> list[str]:
    """Names of the files that the document carries."""
    import pypdfium2

    names = []
    for number in range(pdf.count_attachments()):
        try:
            names.append(pdf.get_attachment(number).get_name())
        except pypdfium2.PdfiumError:
            names.append("?")
    return names


def attached_to(page: Any) -> list[str]:
    """Names of the files that are pinned to a page."""
    import pypdfium2
    import pypdfium2.raw as pdfium

    names = []
    for note in _notes(page):
        if pdfium.FPDFAnnot_GetSubtype(note) == ATTACHED_FILE and (held := pdfium.FPDFAnnot_GetFileAttachment(note)):
            names.append(pypdfium2.PdfAttachment(held, page.pdf).get_name())
    return names


def _encrypted(file: Path) -> bool:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"/Encrypt") >= 0


def _notes(page: Any) -> Iterator[Any]:
    import pypdfium2.raw as pdfium

    for number in range(pdfium.FPDFPage_GetAnnotCount(page)):
        note = pdfium.FPDFPage_GetAnnot(page, number)
        if note:
            yield note
            pdfium.FPDFPage_CloseAnnot(note)
