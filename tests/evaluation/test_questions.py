from pathlib import Path

import pytest

from studio.base import project as projects
from studio.base.errors import BadInput, NotEnough, NotFound
from studio.base.project import Project
from studio.base.records import Example, Message, Question
from studio.evaluation import questions


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return projects.create(tmp_path, "Shop", "en")


def an_example(number: int, answer: str = "", source: str = "sources/chat.txt") -> Example:
    said = (
        Message(role="user", content=f"Question {number}?"),
        Message(role="assistant", content=answer or f"It takes {number} days."),
    )
    return Example(id=f"e{number}", messages=said, source=source, topic="Delivery")


def test_a_written_question_is_kept_with_its_facts_source_and_topic(shop: Project) -> None:
    made = questions.write(
        shop, " How long?  ", "30 days.", ["30 days", " "], ["60 days"], source="terms.pdf", segment="Returns"
    )
    assert shop.store.questions() == [made]
    assert made == Question(
        id=made.id,
        question="How long?",
        reference="30 days.",
        expected_source="terms.pdf",
        segment="Returns",
        must_contain=("30 days",),
        must_not_contain=("60 days",),
    )
    assert not questions.write(shop, "Do you sell cars?").answerable
    questions.remove(shop, made.id)
    with pytest.raises(NotFound, match="question_missing"):
        questions.remove(shop, made.id)


@pytest.mark.parametrize(
    ("question", "reference", "code"),
    [
        ("  ", "x", "question_empty"),
        ("how LONG?", "30", "question_twice"),
        ("Is it?", "Yes.", "question_without_facts"),
    ],
)
def test_a_question_nobody_could_be_graded_on_is_refused(
    shop: Project, question: str, reference: str, code: str
) -> None:
    questions.write(shop, "How long?", "30 days.")
    with pytest.raises(BadInput, match=code):
        questions.write(shop, question, reference)


def test_examples_set_aside_are_no_longer_learnt_from_and_drafts_come_first(shop: Project) -> None:
    draft = an_example(9, source="drafts:sources/terms.pdf")
    shop.store.put_examples(
        [an_example(1), an_example(2), an_example(3, "Yes."), an_example(4, "Very long. 7 " * 40), draft]
    )
    made = questions.set_aside(shop, 2)
    assert (made[0].id, made[0].expected_source, made[0].segment) == ("e9", "terms.pdf", "Delivery")
    assert {example.id for example in shop.store.examples("test")} == {question.id for question in made}
    assert len(questions.set_aside(shop)) == 1
    with pytest.raises(NotEnough, match="set_aside_none"):
        questions.set_aside(shop)
