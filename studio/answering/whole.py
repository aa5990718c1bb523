"""The documents themselves, whole, for a model that can read all of them at once; cited by paragraph.

They must leave half of the model's context to everything else. What does not fit is refused, never cut.
"""

from collections.abc import Sequence

from studio.answering.prompting import CHARACTERS_PER_TOKEN
from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.project import Project
from studio.base.records import Chunk, Document, Filter, Passage, Variant
from studio.engines import model as model_named
from studio.retrieval import chunks, terms

CITED = 6  # paragraphs shown beside an answer


def room(context: int) -> int:
    """How many characters of documents a model with this context (in tokens) reads at once."""
    return int(context / 2 * CHARACTERS_PER_TOKEN)


def fits(characters: int, context: int) -> bool:
    return 0 < characters <= room(context)


def documents(project: Project, variant: Variant, only: Filter | None = None) -> list[Document]:
    """All documents (those that `only` lets through). Raises NotEnough("nothing_to_search") without any,
    NotPossibleHere("too_long_for_whole", characters=, limit=), NotFound("model_unknown").
    """
    found = [document for document in project.store.documents() if only is None or _through(document, only)]
    if not found:
        raise NotEnough("nothing_to_search")
    characters = sum(len(document.text) for document in found)
    limit = room(model_named(variant.model).context)
    if characters > limit:
        raise NotPossibleHere("too_long_for_whole", characters=characters, limit=limit)
    return found


def passages(found: Sequence[Document]) -> tuple[Passage, ...]:
    """Each document as one passage: what the model reads."""
    return tuple(
        _passage(
            Chunk(
                id=document.id,
                document_id=document.id,
                document=document.name,
                text=document.text,
                start=0,
                end=len(document.text),
                language=document.language,
                date=document.date,
            )
        )
        for document in found
    )


def paragraphs(found: Sequence[Document]) -> tuple[Passage, ...]:
    """The same cut into what can be cited."""
    return tuple(_passage(chunk) for document in found for chunk in chunks(document))


def speaks_of(question: str, found: Sequence[Passage]) -> bool:
    """Whether any word of the question stands in the documents at all."""
    words = set(terms.content(question))
    return not words or any(words & set(terms.content(passage.chunk.text)) for passage in found)


def _through(document: Document, only: Filter) -> bool:
    dated = not (only.since or only.until) or bool(
        document.date and only.since <= document.date <= (only.until or document.date)
    )
    among = not only.documents or document.id in only.documents
    return dated and among and (not only.languages or document.language in only.languages)


def _passage(chunk: Chunk) -> Passage:
    return Passage(chunk=chunk, score=0.0, similarity=0.0)
