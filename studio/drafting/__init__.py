"""Questions and answers drafted from the documents, for a person to approve; nothing drafted is used before that.

`draft` proposes, `review` takes in or turns down, `forget` drops what rests on documents that are gone, `withdraw` what
nobody has spoken about yet when they change. A draft keeps the
passage it rests on; what speaks against it is said as a doubt rather than hidden.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio import engines, retrieval
from studio.answering import quoting
from studio.base.errors import BadInput, NotEnough, NotFound, Stopped
from studio.base.events import Emit, Progress, ShouldStop
from studio.base.project import Project
from studio.base.recipes import DraftRequest
from studio.base.records import Chunk, Document, Example, Message, Proposal
from studio.drafting import asking
from studio.health import documents as texts
from studio.retrieval import chunking, sentences, terms

if TYPE_CHECKING:
    from studio.engines import Engine

SOURCE = "drafts:"  # in front of a source's path: what was drafted from it
SEED = 7
FEWEST_WORDS, MOST_WORDS = 7, 45
OTHERS = 40  # sentences of the same document a question must tell its own from
FOUND_AGAIN = 3
WRITES_ANSWERS = 1_000_000_000  # parameters from which a model puts an answer into its own words

__all__ = ["SOURCE", "draft", "forget", "review", "withdraw"]


class _Fact(NamedTuple):
    """A sentence worth asking about: its passage and document, and its place in the document's text."""

    document: Document
    chunk: Chunk
    text: str
    start: int
    end: int


def draft(
    project: Project, request: DraftRequest, engine: "Engine", emit: Emit, should_stop: ShouldStop
) -> list[Proposal]:
    """Up to `request.count` proposals, spread over documents and sections.

    1. Choose sentences that state a fact and can stand alone. 2. Have the model ask for each of them, several ways; a model
    that does not speak the document's language is helped by patterns. 3. Keep the question that finds its sentence again
    best among the document's others. 4. Answer with the sentence, or, from a billion parameters on, in the model's words.
    Raises NotEnough("nothing_to_draft") and Stopped.
    """
    documents = [d for d in project.store.documents() if not request.documents or d.id in request.documents]
    asked = _asked(project)
    facts = list(_facts(documents, {(p.document_id, p.start) for p in project.store.all(Proposal)}, request.count * 2))
    if not facts:
        raise NotEnough("nothing_to_draft")
    model = engines.model(request.model)
    made: list[Proposal] = []
    for number, fact in enumerate(facts):
        if len(made) == request.count:
            break
        if should_stop():
            raise Stopped
        emit(Progress(done=max(len(made), number / 2), of=request.count))
        language = terms.language(fact.text, fact.document.language or project.card.language)
        topic = asking.topic(fact.text, fact.chunk.heading)
        offered = asking.questions(fact.text, topic, language, model, engine)
        offered = [each for each in offered if terms.fold(each.text) not in asked]
        chosen = _best(fact, offered, engine)
        if chosen is None:
            continue
        asked.add(terms.fold(chosen.text))
        answer = fact.text
        if model.parameters >= WRITES_ANSWERS:
            answer = asking.answer(chosen.text, fact.chunk.text, language, model, engine) or fact.text
        made.append(
            Proposal(
                question=chosen.text,
                answer=answer,
                document_id=fact.document.id,
                document=fact.document.name,
                source=fact.document.source,
                start=fact.start,
                end=fact.end,
                passage=fact.document.text[fact.start : fact.end],
                page=fact.chunk.page,
                heading=fact.chunk.heading,
                model=model.name,
                checks=tuple(_doubts(chosen, answer, fact)),
            )
        )
    emit(Progress(done=len(made), of=len(made)))
    return made


def review(project: Project, id: str, approve: bool, question: str = "", answer: str = "") -> Proposal:
    """What a person says of a proposal: approved, with their own words if they gave any, it becomes an example that knows
    where it comes from; turned down, it never comes back. May be said again. Raises NotFound and BadInput.
    """
    found = project.store.get(Proposal, id)
    if found is None:
        raise NotFound("proposal_missing", name=id)
    said = found.model_copy(
        update={
            "question": question.strip() or found.question,
            "answer": answer.strip() or found.answer,
            "state": "approved" if approve else "rejected",
        }
    )
    if approve and not (terms.content(said.question) and terms.content(said.answer)):
        raise BadInput("proposal_empty")
    project.store.put(said)
    if approve:
        project.store.put_examples([_example(said)])
    else:
        project.store.remove_examples([_example(said).id])
    project.store.remember("proposal_approved" if approve else "proposal_rejected", name=said.document)
    return said


def forget(project: Project, documents: Collection[str]) -> None:
    """Drop the proposals, and the examples made of them, that rest on these documents."""
    gone = [proposal for proposal in project.store.all(Proposal) if proposal.document_id in documents]
    for proposal in gone:
        project.store.remove(Proposal, proposal.id)
    project.store.remove_examples([_example(proposal).id for proposal in gone])


def withdraw(project: Project, documents: Collection[str]) -> None:
    """Drop the proposals nobody has spoken about yet that rest on these documents: their text has changed."""
    for proposal in project.store.all(Proposal):
        if proposal.state == "waiting" and proposal.document_id in documents:
            project.store.remove(Proposal, proposal.id)


def _example(proposal: Proposal) -> Example:
    return Example(
        id=f"draft-{proposal.id}",
        messages=(
            Message(role="user", content=proposal.question),
            Message(role="assistant", content=proposal.answer),
        ),
        topic=proposal.heading,
        source=f"{SOURCE}{proposal.source}",
    )


def _asked(project: Project) -> set[str]:
    """Every question that exists already, in whatever form; none is drafted twice, and no test question is given away."""
    known = [example.question for example in project.store.examples()]
    known += [question.question for question in project.store.questions()]
    known += [proposal.question for proposal in project.store.all(Proposal)]
    return {terms.fold(question) for question in known}


def _facts(documents: Sequence[Document], drafted: Collection[tuple[str, int]], count: int) -> Iterator[_Fact]:
    """Sentences that state something, from all documents and sections in turn, the same ones each time."""
    shuffled = random.Random(SEED)
    piles: list[list[_Fact]] = []
    for document in documents:
        pile: dict[int, _Fact] = {}
        for chunk in retrieval.chunks(document):
            for start, end in sentences.spans(document.text, chunk.start, chunk.end):
                text = " ".join(document.text[start:end].split()).lstrip("-*•· ")
                if (document.id, start) not in drafted and _worth_asking(text):
                    pile.setdefault(start, _Fact(document, chunk, text, start, end))
        facts = list(pile.values())
        shuffled.shuffle(facts)
        piles.append(facts)
    given = 0
    while given < count and any(piles):
        for facts in piles:
            if facts:
                yield facts.pop()
                given += 1


def _worth_asking(text: str) -> bool:
    words = text.split()
    return (
        FEWEST_WORDS <= len(words) <= MOST_WORDS
        and sentences.finished(text)
        and not text.endswith(("?", ":"))
        and not asking.leans(text)
        and not texts.ORDERS.search(text)
        and not texts.TEMPLATE_TOKEN.search(text)
        and len(terms.content(text)) >= FEWEST_WORDS // 2
    )


def _best(fact: _Fact, offered: Sequence[asking.Asked], engine: "Engine") -> asking.Asked | None:
    """The question that finds its sentence again with the clearest lead; None when none finds it among the first three."""
    if not offered:
        return None
    text = fact.document.text
    near = [
        " ".join(text[start:end].split())
        for start, end in sentences.spans(text)
        if start != fact.start and terms.content(text[start:end])
    ]
    others = random.Random(SEED).sample(near, min(OTHERS, len(near)))
    field = [quoting.Candidate(each, 0) for each in (fact.text, *others)]
    fits = quoting.fit([each.text for each in offered], field, quoting.vectors(field, engine), engine)
    led = [
        (each.own, fit[0] - max(fit[1:], default=0.0), each)
        for each, fit in zip(offered, fits, strict=True)
        if sum(other > fit[0] for other in fit[1:]) < FOUND_AGAIN
    ]
    return max(led, key=lambda each: (each[0], each[1]))[2] if led else None


def _doubts(chosen: asking.Asked, answer: str, fact: _Fact) -> Iterator[str]:
    if not chosen.own:
        yield "pattern_question"
    if terms.numbers(answer) - terms.numbers(chunking.headed(fact.chunk)):
        yield "number_not_in_text"
    if terms.numbers(chosen.text) & terms.numbers(answer):
        yield "answer_in_question"
