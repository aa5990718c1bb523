"""Where test questions come from beside the template: written by a person, or set aside from examples.

Examples are mined from chats and mails, or drafted from documents and approved; what is set aside is no longer learnt from.
A question nobody could be graded on is refused.
"""

import hashlib
from collections.abc import Sequence

from studio.base.errors import BadInput, NotEnough, NotFound
from studio.base.project import Project
from studio.base.records import Example, Question
from studio.evaluation.grading import facts_of
from studio.evaluation.lookup import normal

AT_ONCE = 20
MOST_WORDS, MOST_FACTS = 60, 4  # of an answer set aside: of a longer one nobody states every figure
DRAFTED = "drafts:"  # in front of a source's path, as `drafting` writes it


def write(
    project: Project,
    question: str,
    reference: str = "",
    must: Sequence[str] = (),
    must_not: Sequence[str] = (),
    source: str = "",
    segment: str = "",
) -> Question:
    """Keep a question. Without a right answer and facts, the material is taken not to answer it.

    Raises BadInput("question_empty", "question_twice", "question_without_facts").
    """
    asked, told = " ".join(question.split()), reference.strip()
    if not normal(asked):
        raise BadInput("question_empty")
    if normal(asked) in {normal(known.question) for known in project.store.questions()}:
        raise BadInput("question_twice", name=asked[:80])
    facts = tuple(fact.strip() for fact in must if normal(fact))
    if told and not facts and not facts_of(told):
        raise BadInput("question_without_facts", name=asked[:80])
    made = Question(
        question=asked,
        reference=told,
        expected_source=source.strip() or None,
        answerable=bool(told or facts),
        segment=segment.strip(),
        must_contain=facts,
        must_not_contain=tuple(fact.strip() for fact in must_not if normal(fact)),
    )
    project.store.put(made)
    return made


def remove(project: Project, id: str) -> None:
    """Take a question out. What was measured with it stays in its scorecards. Raises NotFound."""
    found = project.store.get(Question, id)
    if found is None:
        raise NotFound("question_missing", name=id[:40])
    project.store.remove(Question, id)


def set_aside(project: Project, count: int = AT_ONCE) -> list[Question]:
    """Make test questions of up to `count` examples, drafts first, a few of every topic; the same ones each time.

    Raises NotEnough("set_aside_none").
    """
    chosen = candidates(project)[:count]
    if not chosen:
        raise NotEnough("set_aside_none")
    project.store.put_examples([example.model_copy(update={"split": "test"}) for example in chosen])
    made = [
        Question(
            id=example.id,
            question=example.question,
            reference=example.answer,
            segment=example.topic,
            expected_source=example.source.removeprefix(DRAFTED).rpartition("/")[2]
            if example.source.startswith(DRAFTED)
            else None,
        )
        for example in chosen
    ]
    project.store.put(*made)
    project.store.remember("questions_held_out", count=len(made))
    return made


def candidates(project: Project) -> list[Example]:
    """Examples that would make a test question: short, with facts to grade by, asked once, and not a test already."""
    known = {normal(question.question) for question in project.store.questions()}
    found: dict[str, Example] = {}
    for example in project.store.examples("train"):
        asked = normal(example.question)
        fit = example.task == "answer" and len(example.answer.split()) <= MOST_WORDS and asked and asked not in known
        if fit and 0 < len(facts_of(example.answer)) <= MOST_FACTS:
            found.setdefault(asked, example)
    turns: dict[str, int] = {}
    ranked = []
    for example in sorted(found.values(), key=lambda each: hashlib.sha256(each.id.encode()).digest()):
        turns[example.topic] = turns.get(example.topic, 0) + 1
        ranked.append((not example.source.startswith(DRAFTED), turns[example.topic], example))
    return [example for _, _, example in sorted(ranked, key=lambda each: each[:2])]
