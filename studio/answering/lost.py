"""Why a document that should have answered a question did not: the step at which it was lost, and what can be done.

Follows the way of a question: was the document read, is it searchable, do its words meet those of the question, where does
its best passage come, is it among those given, was the question thought answerable, was it used? The first step that
fails is the reason. Knows no sentence; a reason is a code.
"""

import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from studio.answering.figures import WORDS as MEANINGS
from studio.answering.prompting import small
from studio.answering.variants import variants
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Answer, Document, Filter, Lost, Passage
from studio.retrieval import chunks, search, terms

if TYPE_CHECKING:
    from studio.engines import Engine

LOOKED_AT = 100  # passages among which the document's best one is looked for
MOST_GIVEN = 20  # passages a variant may be given
USUALLY_GIVEN = 4
UNREAD = 40  # characters a page; with fewer it was a picture
ALIKE = 5  # letters that two forms of a word share
TOGETHER = 0.8  # of the question's words that several passages hold which no one does
ONE = 0.6


def why(project: Project, question: str, document_id: str, engine: "Engine", answer: Answer | None = None) -> Lost:
    """Where the document was lost on the way to the answer (or to any answer, when none is given).

    Raises NotFound("document_missing") for a document the project does not have, and what `search` raises.
    """
    document = project.store.document(document_id)
    if document is None:
        raise NotFound("document_missing", name=document_id)
    limit = _limit(project, answer)
    seen = Lost(
        code="used",
        document_id=document.id,
        document=document.name,
        question=question,
        limit=limit,
        parameters={"document": document.name, "limit": limit},
    )
    if _unread(document):
        return seen.model_copy(update={"code": "not_read", "repair": "read_again"})
    asked = answer.understood or question if answer else question
    own = search(project, asked, engine, MOST_GIVEN, Filter(documents=(document_id,)))
    if not own.passages:
        return seen.model_copy(update={"code": "not_searchable", "repair": "build_again"})
    every = search(project, asked, engine, LOOKED_AT)
    rank = next((n for n, each in enumerate(every.passages, start=1) if each.chunk.document_id == document_id), None)
    best = every.passages[rank - 1] if rank else own.passages[0]
    missing, alike = _words(asked, document)
    seen = seen.model_copy(
        update={
            "passage": best,
            "rank": rank,
            "score": every.score,
            "similarity": best.similarity,
            "cover": every.cover,
            "threshold": every.threshold if math.isfinite(every.threshold) else 0.0,
            "missing": missing,
            "alike": alike,
            "parameters": seen.parameters
            | {
                "rank": rank or f"> {LOOKED_AT}",
                "missing": ", ".join(missing),
                "alike": ", ".join(alike),
                "score": round(every.score, 2),
                "threshold": round(every.threshold, 2) if math.isfinite(every.threshold) else "∞",
            },
        }
    )
    given = answer.passages if answer else every.passages[:limit]
    if any(each.chunk.document_id == document_id for each in given):
        return seen.model_copy(update=_after_search(project, answer, document_id, every.answerable))
    return seen.model_copy(update=_before(asked, document, missing, alike, own.passages, rank, limit))


def _after_search(project: Project, answer: Answer | None, document_id: str, answerable: bool) -> dict[str, object]:
    """Given to the model: kept back as unanswerable, ignored, or used after all."""
    if not answerable and (answer is None or (answer.refused and not answer.text)):
        return {"code": "below_threshold", "repair": "lower_caution"}
    if answer is None:
        return {"code": "used", "repair": ""}
    cited = {answer.passages[each.passage].chunk.document_id for each in answer.citations}
    if document_id in cited and not answer.refused:
        return {"code": "used", "repair": ""}
    variant = next((each for each in variants(project) if each.id == answer.variant), None)
    model = variant.model if variant else project.card.model
    return {"code": "ignored", "repair": "use_larger_model" if small(model) else "add_question"}


def _before(
    question: str,
    document: Document,
    missing: Sequence[str],
    alike: Sequence[str],
    own: Sequence[Passage],
    rank: int | None,
    limit: int,
) -> dict[str, object]:
    """Not among those given: for want of words, or because others came first."""
    asked = set(terms.content(question))
    shared = asked & set(terms.content(document.text))
    if asked and not shared and not alike:
        return {"code": "no_words", "repair": "read_again"}
    if alike and len(missing) * 2 >= len(asked):
        return {"code": "word_form", "repair": "add_question"}
    within = [shared & set(terms.content(passage.chunk.text)) for passage in own]
    most = max(map(len, within), default=0)
    if shared and most < ONE * len(asked) and len(set().union(*within)) >= TOGETHER * len(asked):
        return {"code": "split", "repair": "raise_passages"}
    if rank is not None and rank <= min(2 * limit, MOST_GIVEN):
        return {"code": "cut_by_limit", "repair": "raise_passages"}
    return {"code": "ranked", "repair": "add_question"}


def _unread(document: Document) -> bool:
    """No text to speak of: a scan that nobody recognised, an empty file."""
    pages = {section.page for section in document.sections if section.page is not None}
    return len("".join(document.text.split())) < UNREAD * max(len(pages), 1) or not chunks(document)


def _words(question: str, document: Document) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The question's words that stand nowhere in the document, and those of them that stand there in another form."""
    there = {terms.stem(word): word for word in _plain(document.text)}
    asked = {terms.stem(word): word for word in _plain(question)}
    meant = [stem for stem in dict.fromkeys(terms.content(question)) if stem not in there]
    missing = tuple(asked.get(stem, stem) for stem in meant)
    alike = []
    for stem in meant:
        word = asked.get(stem, stem)
        found = next((there[same] for same in _same().get(stem, ()) if same in there), None) or next(
            (other for key, other in there.items() if _near(stem, key)), None
        )
        if found:
            alike.append(f"{word} → {found}")
    return missing, tuple(alike)


def _plain(text: str) -> list[str]:
    found = ("".join(c for c in word if c.isalnum()) for word in terms.fold(text).split())
    return [word for word in found if word]


def _near(one: str, other: str) -> bool:
    """Forms of one word ("cancelled", "cancellation"), or one letter mistyped."""
    if min(len(one), len(other)) >= ALIKE and one[:ALIKE] == other[:ALIKE]:
        return True
    if len(one) != len(other) or len(one) < ALIKE:
        return False
    return sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _limit(project: Project, answer: Answer | None) -> int:
    if answer is None:
        return project.card.passages or USUALLY_GIVEN
    variant = next((each for each in variants(project) if each.id == answer.variant), None)
    return variant.passages if variant else max(len(answer.passages), 1)


@cache
def _same() -> dict[str, tuple[str, ...]]:
    """A stem -> those of words that mean the same, in both languages."""
    made: dict[str, tuple[str, ...]] = {}
    for line in MEANINGS["same"]:
        stems = tuple(terms.stem(word) for word in line.split("|") if " " not in word)
        for stem in stems:
            made[stem] = (*made.get(stem, ()), *stems)
    return made
