"""Where a passage stands on its page, and the page as a picture. Runs inside the reading process; see `highlights`.

A passage is a text that `pdf` made of the page: its hyphens joined, its accents composed, its cells parted by bars.
Only letters and digits count, without case and accents, so that all of that does not matter.
"""

import base64
import io
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from studio.base.errors import Unreadable
from studio.base.records import Record
from studio.intake.pages import ocr, pdf_pages
from studio.intake.pages.pdf_pages import Box, around

SHORTEST = 6  # letters that must agree to be taken for a part of the passage
FEWEST_LETTERS = 20  # of a page: with fewer it is a picture
MOST_PIXELS = 30_000_000
WORD_GAP = 1.5  # times the height of a line: farther apart, the marker is lifted


class Look(Record):
    """A question about a page: where a text stands, or what the page looks like `width` pixels wide."""

    verb: Literal["find", "picture"]
    name: str
    page: int
    text: str = ""
    width: int = 0
    password: str = ""


class Highlight(Record):
    """The size of a page as a reader sees it, in points, and the rectangles (left, top, right, bottom, from its upper
    left corner) that cover a text, one for each line; none where the text is not on the page.
    """

    page: int
    width: float
    height: float
    rectangles: tuple[tuple[float, float, float, float], ...] = ()


class Letters(NamedTuple):
    """The letters and digits of a page as one string, to which sign each belongs, and where a sign is."""

    folded: str
    owners: Sequence[int]
    box: Callable[[int], Box]
    visible: Callable[[int], bool]


def answer(file: Path, asked: bytes) -> str:
    """A Highlight as JSON, or a PNG in base 64. Raises Unreadable: page_missing, and what `pdf_pages.opened` raises."""
    import pypdfium2

    look = Look.model_validate_json(asked)
    with pdf_pages.opened(file, look.name, look.password) as pdf:
        if not 1 <= look.page <= len(pdf):
            raise Unreadable("page_missing", name=look.name, page=look.page, pages=len(pdf))
        try:
            with pdf_pages.page_of(pdf, look.page - 1) as page:
                return _picture(page, look.width) if look.verb == "picture" else _found(page, look).model_dump_json()
        except pypdfium2.PdfiumError as error:
            raise Unreadable("page_damaged", name=look.name, page=look.page) from error


def folded(text: str) -> str:
    """Letters and digits only, without case and accents: "Cláu-\u00adsula ﬁnal" -> "clausulafinal"."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text.casefold())))


def stretches(wanted: str, page: str) -> list[tuple[int, int]]:
    """Where the parts of a passage stand on the page, each as long as can be: all of it at once if it is there so."""
    found: list[tuple[int, int]] = []
    at = after = 0
    while at < len(wanted):
        longest, low, high = 0, 1, len(wanted) - at
        while low <= high:
            middle = (low + high) // 2
            if wanted[at : at + middle] in page:
                longest, low = middle, middle + 1
            else:
                high = middle - 1
        if longest < min(SHORTEST, len(wanted)):
            at += 1
            continue
        part = wanted[at : at + longest]
        place = page.find(part, after)
        place = page.find(part) if place < 0 else place
        found.append((place, place + longest))
        at, after = at + longest, place + longest
    return found


def _found(page: Any, look: Look) -> Highlight:
    width, height = page.get_size()
    text = pdf_pages.Text(page)
    try:
        letters = _written(text)
        if len(letters.folded) < FEWEST_LETTERS and pdf_pages.pictures(page):
            letters = _recognised(page) or letters
        boxes = []
        for start, end in stretches(folded(look.text), letters.folded):
            first, last = letters.owners[start], letters.owners[end - 1]
            boxes += [letters.box(sign) for sign in range(first, last + 1) if letters.visible(sign)]
        rectangles = tuple((*(round(edge, 2) for edge in box),) for box in _lines(boxes))
    finally:
        text.close()
    return Highlight.model_validate(
        {"page": look.page, "width": round(width, 2), "height": round(height, 2), "rectangles": rectangles}
    )


def _written(text: pdf_pages.Text) -> Letters:
    return _letters((text.letter(at) for at in range(text.count())), text.tall_box, lambda at: text.letter(at) > " ")


def _recognised(page: Any) -> Letters | None:
    """The words that text recognition sees on a scanned page."""
    with ocr.Reader() as reader:
        promise = reader.page(page)
        seen = promise() if promise else ()
    width, height = page.get_size()
    boxes = [Box(one.left * width, one.top * height, one.right * width, one.bottom * height) for one in seen]
    return _letters((one.text for one in seen), boxes.__getitem__, lambda at: True) if seen else None


def _letters(signs: Iterable[str], box: Callable[[int], Box], visible: Callable[[int], bool]) -> Letters:
    parts: list[str] = []
    owners: list[int] = []
    for at, sign in enumerate(signs):
        part = folded(sign)
        parts.append(part)
        owners += [at] * len(part)
    return Letters("".join(parts), owners, box, visible)


def _lines(boxes: Iterable[Box]) -> list[Box]:
    """Boxes of letters as one box a line."""
    lines: list[Box] = []
    for box in boxes:
        if box.right <= box.left or box.bottom <= box.top:
            continue
        last = lines[-1] if lines else None
        if last and _same_line(last, box):
            lines[-1] = around([last, box])
        else:
            lines.append(box)
    return lines


def _same_line(line: Box, box: Box) -> bool:
    high = min(line.bottom - line.top, box.bottom - box.top)
    shared = min(line.bottom, box.bottom) - max(line.top, box.top)
    return shared > 0.5 * high and -high < box.left - line.right < WORD_GAP * high


def _picture(page: Any, width: int) -> str:
    across, down = page.get_size()
    scale = min(width / max(across, 1.0), (MOST_PIXELS / max(across * down, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale, may_draw_forms=False)
    try:
        written = io.BytesIO()
        bitmap.to_pil().save(written, "PNG")
    finally:
        bitmap.close()
    return base64.b64encode(written.getvalue()).decode("ascii")
