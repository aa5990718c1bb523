"""Which training examples an answer of a trained assistant is like: the nearest by meaning of question and answer.

A proxy, and shown as one: alike, not proven to be the cause. (What a training step changed could only be told with the
gradients of every example; the embedder tells likeness for the price of a search.)
"""

from studio.base.project import Project
from studio.base.records import Answer, Lesson
from studio.engines import Engine

LOOKED_AT = 24  # the nearest by their question; these are read with their answers
SHOWN = 3
LEAST = 0.3  # less alike is not alike


def lessons(project: Project, answer: Answer, engine: Engine) -> tuple[Lesson, ...]:
    """The examples learnt from that are most like this question with this answer, the nearest first. Raises Unavailable."""
    from studio.answering import nearest  # the room of answers is half of what an explanation takes to load

    asked = answer.understood or answer.question
    found = [each for each in nearest.examples(project, asked, engine, LOOKED_AT) if each.split == "train"]
    if not found:
        return ()
    texts = [f"{asked}\n{answer.text}", *(f"{each.question}\n{each.answer}" for each in found)]
    said, *learnt = engine.embed(texts, "query")
    likeness = [(float(vector @ said), each) for vector, each in zip(learnt, found, strict=True)]
    nearest_first = sorted(likeness, key=lambda pair: -pair[0])[:SHOWN]
    return tuple(
        Lesson(example=each.id, question=each.question, answer=each.answer, similarity=min(similarity, 1.0))
        for similarity, each in nearest_first
        if similarity >= LEAST
    )
