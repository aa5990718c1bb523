"""An assistant answers a question: `variants` says which assistants a project has, `compose` what a model is
sent, `ask` lets one answer, piece by piece; `prepare` does ahead what the first question would have to wait
for.

Knows no sentence for people: an answer that is not given is a code (`Declined`), the web words it. Stores
nothing; the caller does.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from studio.answering import nearest, quoting, streaming
from studio.answering.citing import cite, without_markers
from studio.answering.declining import declines
from studio.answering.nearest import prepare
from studio.answering.prompting import compose, searches
from studio.answering.variants import variants
from studio.base.errors import BadInput, NotEnough, NotPossibleHere
from studio.base.project import Project
from studio.base.records import Answer, Chunk, Document, Message, Passage, Record, Variant
from studio.engines import Text, Usage
from studio.engines import model as model_named
from studio.retrieval import chunks, search, terms

if TYPE_CHECKING:
    from studio.engines import Engine

LONGEST_QUESTION = 400  # words; a longer one is a document, and a small model loses its thread
CHARACTERS_PER_TOKEN = 2.7  # Spanish through the starter's tokenizer, which was made for English
EXAMPLES = 3
CITED_FROM_WHOLE = 6
FEW_WORDS = 3  # a follow-up with fewer content words is searched together with the question before it

__all__ = ["Declined", "Done", "Piece", "Sources", "Token", "ask", "compose", "prepare", "variants", "without_markers"]


class Token(Record):
    """Some more text of the answer."""

    text: str


class Sources(Record):
    """What was found for the question, best first; said before the first token."""

    passages: tuple[Passage, ...]


class Done(Record):
    """The whole answer, with its citations. Its text replaces the tokens: repetitions are gone, `[n]` are
    in.
    """

    answer: Answer


class Declined(Record):
    """Nothing in the documents answers this (empty text: the web says so), or the model said it does not
    know.
    """

    answer: Answer


Piece = Token | Sources | Done | Declined


def ask(
    project: Project, variant: Variant, question: str, engine: "Engine", history: Sequence[Message] = ()
) -> Iterator[Piece]:
    """Let a variant answer.

    Check the question, find its passages (`Sources`), decline when they do not fit it, quote them or send the
    prompt and pass on what the model says (`Token`) until it is done or repeats itself, then credit its sentences to
    the passages. Closing the iterator stops the model. Raises BadInput for an empty or too long question,
    NotFound without an index, NotPossibleHere when the documents do not fit whole, and what the engine
    raises.
    """
    began = time.perf_counter()
    question = _checked(question)
    if searches(variant):
        hits = search(project, _search_text(question, history), engine, variant.passages)
        yield Sources(passages=hits.passages)
        if not hits.answerable:
            yield Declined(answer=_answer(variant, question, began, passages=hits.passages, refused=True))
            return
        passages = citable = hits.passages
    elif variant.approach == "whole":
        documents = _fitting(project.store.documents(), variant)
        passages = tuple(_passage(_as_chunk(document)) for document in documents)
        citable = tuple(_passage(chunk) for document in documents for chunk in chunks(document))
    else:
        passages = citable = ()
    if variant.quotes:
        yield from _quoted(variant, question, passages, engine, began)
        return
    examples = nearest.examples(project, question, engine, EXAMPLES) if variant.approach == "examples" else ()
    messages = compose(variant, question, passages, examples, history)

    said, first, usage, repeated = "", 0.0, None, None
    adapter = project.path(variant.adapter) if variant.adapter else None
    stream = engine.chat(messages, model=variant.model, adapter=adapter, max_tokens=variant.max_tokens)
    try:
        for piece in stream:
            match piece:
                case Text(text=text):
                    first = first or time.perf_counter() - began
                    said += text
                    repeated = streaming.repeats(said)
                    if repeated is not None:
                        break
                    yield Token(text=text)
                case Usage():
                    usage = piece
    finally:
        if isinstance(stream, Generator):
            stream.close()  # stops the model, also when nobody listens to the end
    if repeated is not None:
        said = said[:repeated]
    said = streaming.tidy(said, cut_off=usage is not None and usage.tokens >= variant.max_tokens)
    cited = cite(said, citable) if citable else None
    if cited is not None and variant.approach == "whole":
        citable = tuple(citable[citation.passage] for citation in cited.citations)[:CITED_FROM_WHOLE]
        cited = cite(said, citable)
    answer = _answer(variant, question, began, passages=citable, refused=declines(said)).model_copy(
        update={
            "text": cited.text if cited else said,
            "messages": messages,
            "citations": cited.citations if cited else (),
            "first_token_seconds": round(first, 3),
            "prompt_tokens": usage.prompt_tokens if usage else 0,
            "tokens": usage.tokens if usage else 0,
        }
    )
    yield Declined(answer=answer) if answer.refused else Done(answer=answer)


def _quoted(
    variant: Variant, question: str, passages: Sequence[Passage], engine: "Engine", began: float
) -> Iterator[Piece]:
    said = " ".join(candidate.text for candidate in quoting.quote(variant, question, passages, engine))
    yield Token(text=said)
    cited = cite(said, passages)
    answer = _answer(variant, question, began, passages=tuple(passages)).model_copy(
        update={
            "text": cited.text,
            "messages": (Message(role="user", content=question),),
            "citations": cited.citations,
            "quoted": True,
        }
    )
    yield Done(answer=answer.model_copy(update={"first_token_seconds": answer.seconds}))


def _checked(question: str) -> str:
    question = question.strip()
    words = max(len(question.split()), len(question) // 12)  # a "word" of ten thousand letters counts as many
    if not question:
        raise BadInput("question_empty")
    if words > LONGEST_QUESTION:
        raise BadInput("question_too_long", words=words, limit=LONGEST_QUESTION)
    return question


def _search_text(question: str, history: Sequence[Message]) -> str:
    """The question, and the one before it when it cannot stand alone: "And for a flat?"."""
    asked = [message.content for message in history if message.role == "user"]
    return f"{asked[-1]} {question}" if asked and len(set(terms.content(question))) < FEW_WORDS else question


def _fitting(documents: Sequence[Document], variant: Variant) -> Sequence[Document]:
    """All documents, which must leave half of the model's context to everything else."""
    if not documents:
        raise NotEnough("nothing_to_search")
    characters = sum(len(document.text) for document in documents)
    limit = int(model_named(variant.model).context / 2 * CHARACTERS_PER_TOKEN)
    if characters > limit:
        raise NotPossibleHere("too_long_for_whole", characters=characters, limit=limit)
    return documents


def _as_chunk(document: Document) -> Chunk:
    return Chunk(
        id=document.id,
        document_id=document.id,
        document=document.name,
        text=document.text,
        start=0,
        end=len(document.text),
        language=document.language,
    )


def _passage(chunk: Chunk) -> Passage:
    return Passage(chunk=chunk, score=0.0, similarity=0.0)


def _answer(
    variant: Variant, question: str, began: float, *, passages: tuple[Passage, ...] = (), refused: bool = False
) -> Answer:
    seconds = round(time.perf_counter() - began, 3)
    return Answer(variant=variant.id, question=question, text="", passages=passages, refused=refused, seconds=seconds)
