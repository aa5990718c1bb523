"""Is an answer right? The facts its question asks for are looked up in it, as people read them (`facts`).

A question the material cannot answer must be declined; an answer that states what must not be stated is wrong.
"""

import re

from studio.answering.declining import declines
from studio.base.records import Answer, Graded, Question
from studio.evaluation import facts
from studio.evaluation.lookup import NUMBER

_WORD = re.compile(r"[^\W_]+(?:[.,/-][^\W_]+)*")


def grade(question: Question, answer: Answer, sounds_declining: bool = False) -> Graded:
    """Right means: every fact is stated and no forbidden one; or, for a question the material cannot answer, that it was
    declined. Who only sounds like declining and yet states the facts has not.
    """
    known = f"{question.reference}\n{question.question}"
    wanted = facts_asked(question)
    found = tuple(fact for fact in wanted if facts.stated(answer.text, fact, known))
    missing = tuple(fact for fact in wanted if fact not in found)
    forbidden = tuple(fact for fact in question.must_not_contain if facts.stated(answer.text, fact, fact))
    stated = question.answerable and bool(wanted) and not missing
    refused = answer.refused or declines(answer.text) or (sounds_declining and not stated)
    right = refused if not question.answerable else bool(answer.text.strip() and wanted) and not refused and not missing
    return Graded(
        question_id=question.id,
        answer=answer,
        right=right and not forbidden,
        declined=refused,
        found=found,
        missing=missing,
        forbidden=forbidden,
    )


def facts_asked(question: Question) -> tuple[str, ...]:
    """The facts a right answer states."""
    return question.must_contain or facts_of(question.reference)


def facts_of(reference: str) -> tuple[str, ...]:
    """The facts of a reference answer nobody marked up: its numbers; without any, its capitalised names and long words."""
    numbers = tuple(dict.fromkeys(NUMBER.findall(reference)))
    if numbers:
        return numbers
    words = _WORD.findall(reference)
    names = tuple(dict.fromkeys(word for word in words[1:] if word[0].isupper()))
    return names or tuple(dict.fromkeys(sorted((word for word in words if len(word) > 5), key=len, reverse=True)[:3]))
