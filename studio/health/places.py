"""Where a finding stands: the first of its places, each with a short excerpt in which nothing personal can be read."""

from collections.abc import Iterable, Sequence
from itertools import islice

from studio.base.records import PLACES, Document, Example, Place, Question
from studio.health import personal

EXCERPT = 120
AROUND = 200  # what is looked at on either side, so that no number is cut where it would not be known any more


def excerpt(text: str, start: int = 0, end: int = 0, language: str = "") -> str:
    """At most 120 characters around `text[start:end]`, or from `start` on, every personal value dotted out."""
    begin = max(start - AROUND, 0)
    window = text[begin : max(end, start + EXCERPT) + AROUND]
    for each in personal.find(window, language):
        window = window[: each.start] + "•" * (each.end - each.start) + window[each.end :]
    start, end = start - begin, end - begin
    spare = max(EXCERPT - 2 - max(end - start, 0), 0) // 3 if start else 0
    first = max(start - spare, 0)
    while first > 0 and first < start and not window[first - 1].isspace():
        first += 1
    shown = " ".join(window[first : first + 4 * EXCERPT].split())
    before = "…" if begin + first > 0 and first else ""
    room = EXCERPT - len(before)
    return before + (shown if len(shown) <= room else shown[: room - 1].rstrip() + "…")


def of_document(document: Document, start: int = 0, end: int = 0) -> Place:
    section = next((each for each in document.sections if each.start <= start < each.end), None)
    return Place(
        name=document.name,
        source=document.source,
        id=document.id,
        page=section.page if section else None,
        row=section.row if section else None,
        text=excerpt(document.text, start, end, document.language),
    )


def of_example(example: Example, text: str = "", start: int = 0, end: int = 0) -> Place:
    """`text` is what to show of it; its question, where nothing is said."""
    shown = excerpt(text or example.question or example.answer, start, end)
    return Place(name=name_of(example), source=example.source, id=example.id, row=example.row, text=shown)


def of_question(question: Question) -> Place:
    return Place(name=excerpt(question.question), id=question.id, text=excerpt(question.question))


def of_examples(examples: Iterable[Example]) -> tuple[Place, ...]:
    return tuple(map(of_example, islice(examples, PLACES)))


def of_documents(documents: Iterable[Document]) -> tuple[Place, ...]:
    return tuple(map(of_document, islice(documents, PLACES)))


def first(places: Iterable[Place]) -> tuple[Place, ...]:
    return tuple(islice(places, PLACES))


def name_of(example: Example) -> str:
    return example.source.rsplit("/", 1)[-1]


def rows(examples: Sequence[Example], shown: int = 10) -> str:
    """The rows of the first few, for a sentence."""
    numbered = [example.row for example in examples if example.row is not None]
    return ", ".join(map(str, numbered[:shown])) + (" …" if len(numbered) > shown else "") if numbered else "–"
