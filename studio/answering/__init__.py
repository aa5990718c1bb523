"""An assistant answers a question: `variants` says which assistants a project has, `compose` what a model is
sent, `ask` lets one answer, piece by piece; `prepare` does ahead what the first question would have to wait
for.

Knows no sentence for people: an answer that is not given is a code (`Declined`), the web words it. Stores
nothing; the caller does.
"""

import time
from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from studio.answering import computing, following, nearest, quoting, streaming, support, whole
from studio.answering.citing import cite, without_markers
from studio.answering.declining import declines
from studio.answering.dial import calibrate
from studio.answering.nearest import prepare
from studio.answering.prompting import compose, searches
from studio.answering.variants import variants
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Filter, Message, Passage, Record, Variant
from studio.base.records import Declined as Reason
from studio.engines import Text, Usage
from studio.retrieval import search

if TYPE_CHECKING:
    from studio.engines import Engine

LONGEST_QUESTION = 400  # words; a longer one is a document, and a small model loses its thread
EXAMPLES = 3
CAUTIOUS = 0.75  # a setting of the dial from which an answer against its source is not given
EVERYWHERE = Filter()

__all__ = [
    "Declined",
    "Done",
    "Piece",
    "Sources",
    "Token",
    "ask",
    "calibrate",
    "compose",
    "prepare",
    "variants",
    "without_markers",
]


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
    project: Project,
    variant: Variant,
    question: str,
    engine: "Engine",
    history: Sequence[Message] = (),
    only: Filter = EVERYWHERE,
) -> Iterator[Piece]:
    """Let a variant answer.

    Check the question, and read it with the conversation before it where it leans on that. One over a table is reckoned.
    Otherwise find its passages (`Sources`), decline when they do not fit it, quote them or send the prompt and pass on what
    the model says (`Token`) until it is done or repeats itself, then credit its sentences to the passages. Closing
    the iterator stops the model. Raises BadInput for an empty or too long question, NotFound without an index,
    NotPossibleHere when the documents do not fit whole, and what the engine raises.
    """
    began = time.perf_counter()
    question = _checked(question)
    passages: tuple[Passage, ...] = ()
    citable: tuple[Passage, ...] = ()
    understood = question
    if history and (searches(variant) or variant.quotes):
        understood = following.understood(question, history, engine, variant.model)
    sought = following.searched(question, understood)
    if searches(variant):
        reckoned = computing.reckon(project, understood, max(variant.passages, 1)) if only == EVERYWHERE else None
        if reckoned is not None:
            yield Sources(passages=reckoned.passages)
            yield Done(answer=_computed(variant, question, understood, reckoned, began))
            return
        hits = search(project, sought, engine, variant.passages, only)
        yield Sources(passages=hits.passages)
        if not hits.answerable:
            refused = _answer(
                variant, question, began, passages=hits.passages, declined="unsure" if hits.passages else "nothing"
            )
            yield _leaning(Declined(answer=refused), question, understood)
            return
        passages = citable = hits.passages
    elif variant.approach == "whole":
        documents = whole.documents(project, variant, only)
        passages, citable = whole.passages(documents), whole.paragraphs(documents)
        if variant.quotes and not whole.speaks_of(understood, citable):
            yield Declined(answer=_answer(variant, question, began, declined="nothing"))
            return
    if variant.quotes:
        for made in _quoted(variant, question, sought, citable, engine, began):
            yield _leaning(made, question, understood)
        return
    examples = nearest.examples(project, question, engine, EXAMPLES) if variant.approach == "examples" else ()
    messages = compose(variant, question, passages, examples, history)

    said, who, first, usage, repeated = "", "", 0.0, None, None
    adapter = project.path(variant.adapter) if variant.adapter else None
    stream = engine.chat(messages, model=variant.model, adapter=adapter, max_tokens=variant.max_tokens)
    try:
        for piece in stream:
            match piece:
                case Text(text=text):
                    first, who = first or time.perf_counter() - began, who or piece.spoken_by
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
        citable = tuple(citable[citation.passage] for citation in cited.citations)[: whole.CITED]
        cited = cite(said, citable)
    answer = _answer(
        variant, question, began, passages=citable, declined="unknown" if declines(said) else ""
    ).model_copy(
        update={
            "text": cited.text if cited else said,
            "messages": messages,
            "citations": cited.citations if cited else (),
            "spoken_by": who,
            "first_token_seconds": round(first, 3),
            "prompt_tokens": usage.prompt_tokens if usage else 0,
            "tokens": usage.tokens if usage else 0,
        }
    )
    answer = _supported(answer, project.card.caution)
    yield _leaning(Declined(answer=answer) if answer.refused else Done(answer=answer), question, understood)


def _computed(variant: Variant, question: str, understood: str, reckoned: computing.Reckoned, began: float) -> Answer:
    """An answer that no model wrote. Only the row that a superlative names is cited: no row holds a sum."""
    computed = reckoned.computed
    cited = cite(computed.text, reckoned.passages)
    return _answer(variant, question, began, passages=reckoned.passages).model_copy(
        update={
            "text": cited.text,
            "citations": cited.citations,
            "computed": computed,
            "understood": "" if understood == question else understood,
        }
    )


def _leaning(piece: Piece, question: str, understood: str) -> Piece:
    """The piece with the question as it was understood, where that is not how it was asked."""
    if understood == question or not isinstance(piece, Done | Declined):
        return piece
    answer = piece.answer.model_copy(update={"understood": understood})
    return piece.model_copy(update={"answer": answer})


def _quoted(
    variant: Variant, question: str, sought: str, passages: Sequence[Passage], engine: "Engine", began: float
) -> Iterator[Piece]:
    said = " ".join(candidate.text for candidate in quoting.quote(variant, sought, passages, engine))
    if not said:  # nothing but titles was found
        yield Declined(answer=_answer(variant, question, began, passages=tuple(passages), declined="nothing"))
        return
    yield Token(text=said)
    cited = cite(said, passages)
    if variant.approach == "whole":
        passages = tuple(passages[citation.passage] for citation in cited.citations)[: whole.CITED]
        cited = cite(said, passages)
    answer = _answer(variant, question, began, passages=tuple(passages)).model_copy(
        update={
            "text": cited.text,
            "messages": (Message(role="user", content=question),),
            "citations": cited.citations,
            "quoted": True,
        }
    )
    marks = support.check(answer)
    yield Done(answer=answer.model_copy(update={"first_token_seconds": answer.seconds, "support": marks}))


def _supported(answer: Answer, caution: float) -> Answer:
    """The answer with what stands behind each of its sentences. What its source does not say is marked and stays; an answer
    whose main fact is against its source goes to a person where the dial is set to caution.
    """
    if answer.refused:
        return answer
    marked = answer.model_copy(update={"support": support.check(answer)})
    if caution >= CAUTIOUS and support.contradicted(marked):
        return answer.model_copy(update={"text": "", "citations": (), "refused": True, "declined": "against"})
    return marked


def _checked(question: str) -> str:
    question = question.strip()
    words = max(len(question.split()), len(question) // 12)  # a "word" of ten thousand letters counts as many
    if not question:
        raise BadInput("question_empty")
    if words > LONGEST_QUESTION:
        raise BadInput("question_too_long", words=words, limit=LONGEST_QUESTION)
    return question


def _answer(
    variant: Variant, question: str, began: float, *, passages: tuple[Passage, ...] = (), declined: Reason = ""
) -> Answer:
    return Answer(
        variant=variant.id,
        question=question,
        text="",
        passages=passages,
        refused=bool(declined),
        declined=declined,
        seconds=round(time.perf_counter() - began, 3),
    )
