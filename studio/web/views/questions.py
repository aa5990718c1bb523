"""The project's test questions with the form for another one."""

from collections.abc import Sequence

from studio.base.records import Question
from studio.web.voice import Voice


def named(facts: Sequence[str]) -> str:
    """Facts by the first of their spellings."""
    return ", ".join(fact.split("|")[0] for fact in facts)


def questions(known: Sequence[Question], documents: Sequence[str], voice: Voice, *, can_set_aside: bool) -> str:
    """`can_set_aside`: there are examples that would do as questions. The form is emptied once a question is kept."""
    return voice.html(
        "questions.html",
        rows=list(reversed(known)),
        count=voice.count("question.count", len(known)),
        documents=documents,
        segments=sorted({question.segment for question in known if question.segment}),
        can_set_aside=can_set_aside,
        stamp=f"{len(known)}-{known[-1].id if known else ''}",
    )
