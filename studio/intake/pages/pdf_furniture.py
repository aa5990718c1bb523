"""Which lines of a PDF's pages are furniture: the running title and the page number that stand first or last on most.

Lines that are alike but for their numbers may as well be what the pages are about (forms, invoices, lists): those stay.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from itertools import pairwise

from studio.intake.pages.pdf_pages import Line

TALLEST_TABLE = 3  # rows: a running title may be set as a small table
ENDS = 2  # lines at the top, and at the bottom
FRONT = 50  # pages that may stand before page one, or be missing; the number of an invoice is further from its page's
MOST, SOME = 0.6, 0.5  # of the pages
SAYS_SOMETHING = 20  # letters on a page
NUMBER = re.compile(r"\d+")
PAGE = re.compile(r"[\s\W#]*(?:(?:p|pp|pg|page|pages|pág|página|páginas|hoja|folio|sheet|of|de|/)\b[\s\W#]*)*", re.I)


def without(pages: list[list[Line]]) -> list[list[Line]]:
    """The pages without it. Page one keeps the title, which may be the document's own.

    Numbers are those of pages when they stay or rise with the pages; others, such as the total of each invoice, make a
    line content. So does standing more than once at an end of the page, or in its middle as well. A file whose pages
    would have nothing left is left alone.
    """
    if len(pages) < 3:
        return pages
    seen = _running(pages)
    counting = {text for text, found in seen.items() if len(set(map(tuple, found.values()))) > 1}
    kept = [_cut(page, seen.keys() if at else counting) for at, page in enumerate(pages)]
    saying = [at for at, page in enumerate(pages) if sum(len(line.text) for line in page) >= SAYS_SOMETHING]
    emptied = sum(not kept[at] for at in saying)
    return pages if emptied > SOME * len(saying) else kept


def _running(pages: Sequence[Sequence[Line]]) -> dict[str, dict[int, list[int]]]:
    """The lines that are furniture, without their numbers; and their numbers by page."""
    seen: dict[str, dict[int, list[int]]] = {}
    for number, page in enumerate(pages):
        for line in (*page[:ENDS], *page[-ENDS:]):
            if len(line.rows) <= TALLEST_TABLE:
                numbers = [int(digits[-9:]) for digits in NUMBER.findall(line.text)]
                seen.setdefault(_anonymous(line), {})[number] = numbers
    often = {text for text, found in seen.items() if len(found) >= 3 and len(found) >= MOST * len(pages)}
    listed = Counter(text for page in pages for text in _listed(page, often))
    return {t: seen[t] for t in often if listed[t] <= SOME * len(seen[t]) and _counts_pages(t, seen[t])}


def _listed(page: Sequence[Line], often: set[str]) -> set[str]:
    """Which of them stand on the page as lines of its text do: among others of their kind, or in the middle."""
    places: dict[str, list[int]] = {}
    for at, line in enumerate(page):
        if (text := _anonymous(line)) in often:
            places.setdefault(text, []).append(at)
    last = len(page) - 1
    return {
        text
        for text, found in places.items()
        if any(ENDS <= at <= last - ENDS for at in found) or any(two - one == 1 for one, two in pairwise(found))
    }


def _cut(page: Sequence[Line], running: Set[str]) -> list[Line]:
    lines = list(page)
    for end in (0, -1):
        for _ in range(ENDS):
            if lines and _anonymous(lines[end]) in running:
                lines.pop(end)
    return lines


def _anonymous(line: Line) -> str:
    return NUMBER.sub("#", line.text)


def _counts_pages(text: str, found: Mapping[int, Sequence[int]]) -> bool:
    """Whether every number of a line stays the same or rises with the pages it stands on."""
    bare = PAGE.fullmatch(text) is not None
    for place in range(min(map(len, found.values()))):
        same = Counter(numbers[place] for numbers in found.values())
        rising = Counter(numbers[place] - page for page, numbers in found.items())
        (before, pages), (_, alike) = rising.most_common(1)[0], same.most_common(1)[0]
        if max(alike, pages if bare or abs(before) <= FRONT else 0) < 0.8 * len(found):
            return False
    return True
