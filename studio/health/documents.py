"""Checks of the documents: nothing to read, garbled letters, the same one twice, and what can be searched."""

import re
from collections import defaultdict
from collections.abc import Sequence

from studio.base.folding import numbers
from studio.base.records import PLACES, Document, Example, Finding, Goal, Level, Place
from studio.health import near, places, wording
from studio.health.steering import ORDERS, TEMPLATE_TOKEN

__all__ = ["MOJIBAKE", "ORDERS", "TEMPLATE_TOKEN", "is_garbled"]

GARBLED_SHARE = 0.02
FEWEST_LETTERS = 0.45
FEWEST_SEEN = 20
NEARLY = 0.7
WORDS_A_PAGE = 400
LONGEST_LOOK = 200_000
MOJIBAKE = re.compile(r"Ã[\u0080-\u00bf¡-ÿ‚-›]|â€|Â[\u00a0-\u00bf]|[\ufffd\ue000-\uf8ff\u0080-\u009f]|\(cid:\d+\)")
LETTERS = re.compile(r"[^\W_]+")


def nothing(documents: Sequence[Document], examples: Sequence[Example], goal: Goal) -> list[Finding]:
    """No material at all stops everything; facts without documents are only half a plan."""
    if not documents and not examples:
        return [Finding(code="nothing_yet", level="stop", count=0)]
    if not documents and goal.facts_or_style != "style":
        return [Finding(code="documents_none", level="note", count=0)]
    return []


def unreadable(documents: Sequence[Document]) -> list[Finding]:
    """Documents without a word, and texts whose letters came out wrong."""
    found = []
    if without := empty(documents):
        level: Level = "stop" if len(without) == len(documents) else "warn"
        found.append(_about("documents_empty", level, without, ("drop_empty",)))
    if bad := [document for document in documents if document not in without and is_garbled(document.text)]:
        shown = places.first(places.of_document(d, *_first_garbled(d.text)) for d in bad)
        found.append(_about("documents_garbled", "warn", bad, ("fix_garbled",)).model_copy(update={"places": shown}))
    return found


def empty(documents: Sequence[Document]) -> list[Document]:
    return [document for document in documents if not any(map(str.isalnum, document.text))]


def is_garbled(text: str) -> bool:
    """Whether so many letters are wrong that a reader would stumble."""
    looked = text[:LONGEST_LOOK]
    visible = len(looked) - sum(map(str.isspace, looked))
    wrong = sum(len(each[0]) for each in MOJIBAKE.finditer(looked))
    letters = sum(map(len, LETTERS.findall(looked)))
    return wrong > GARBLED_SHARE * visible or (visible > 200 and letters < FEWEST_LETTERS * visible)


def repeated(documents: Sequence[Document]) -> list[Finding]:
    """The same document under two names, and versions of one document that differ here and there."""
    found = []
    if again := copies(documents):
        shown = places.first(places.of_document(each) for pair in again for each in pair[::-1])
        twice = [copy for _, copy in again]
        parameters = {"example": twice[0].name, "first": again[0][0].name}
        found.append(
            _about("documents_duplicate", "warn", twice, ("drop_duplicates",)).model_copy(
                update={"places": shown, "parameters": parameters}
            )
        )
    if versions := near_copies(documents):
        one, other = versions[0]
        mine, theirs = numbers(one.text), numbers(other.text)
        differ = sorted(mine ^ theirs, key=lambda each: (len(each), each))
        found.append(
            Finding(
                code="documents_near" if not differ else "documents_near_numbers",
                level="note" if not differ else "warn",
                count=len(versions),
                names=tuple(dict.fromkeys(each.name for pair in versions for each in pair)),
                parameters={"first": one.name, "example": other.name}
                | ({"only_first": _few(mine - theirs), "only_other": _few(theirs - mine)} if differ else {}),
                places=places.first(_where_unlike(a, b) for pair in versions for a, b in (pair, pair[::-1])),
            )
        )
    return found


def copies(documents: Sequence[Document]) -> list[tuple[Document, Document]]:
    """(the first one, a later one with the same words)."""
    same: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        same[wording.same(document.text)].append(document)
    same.pop("", None)
    return [(first, copy) for first, *later in same.values() for copy in later]


def near_copies(documents: Sequence[Document]) -> list[tuple[Document, Document]]:
    """(the first one, a later one that is nearly the same): versions of one text. Nothing takes those out by itself."""
    later = {document.id for _, document in copies(documents)}
    left = [
        document for document in documents if document.id not in later and len(document.text.split()) >= FEWEST_SEEN
    ]
    found = near.copies([document.text for document in left], NEARLY, longest=LONGEST_LOOK)
    return [(left[first], left[copy]) for copy, first in found.items()]


def ready(documents: Sequence[Document]) -> list[Finding]:
    """Good news: what can be searched, in documents, pages and words."""
    filled = [document for document in documents if document.text.strip()]
    if not filled:
        return []
    words = sum(len(document.text.split()) for document in filled)
    pages = sum(_pages(document) for document in filled)
    return [
        Finding(code="documents_ready", level="good", count=len(filled), parameters={"pages": pages, "words": words})
    ]


def _about(code: str, level: Level, documents: Sequence[Document], repairs: tuple[str, ...]) -> Finding:
    names = tuple(document.name for document in documents)
    shown = places.of_documents(documents[:PLACES])
    return Finding(code=code, level=level, count=len(documents), names=names, places=shown, repairs=repairs)


def _pages(document: Document) -> int:
    """Real pages where the file has them, otherwise what its words would fill."""
    numbered = {section.page for section in document.sections if section.page is not None}
    return len(numbered) or max(round(len(document.text.split()) / WORDS_A_PAGE), 1)


def _first_garbled(text: str) -> tuple[int, int]:
    each = MOJIBAKE.search(text)
    return each.span() if each else (0, 0)


def _few(different: frozenset[str]) -> str:
    ordered = sorted(different, key=lambda each: (len(each), each))
    return ", ".join(ordered[:5]) + (" …" if len(ordered) > 5 else "") if ordered else "–"


def _where_unlike(document: Document, other: Document) -> Place:
    """The first line of the one that the other does not have."""
    theirs = {wording.same(line) for line in other.text.splitlines()}
    at = 0
    for line in document.text.splitlines(keepends=True):
        if line.strip() and wording.same(line) not in theirs:
            return places.of_document(document, at, at)
        at += len(line)
    return places.of_document(document)
