"""Questions whose answer's place is known."""

from pathlib import Path

import pytest

from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Example, Message, Proposal, Question
from studio.retrieval import pairs
from studio.retrieval.pairs import Pair
from tests.retrieval.fakes import put

RETURNS = "Las devoluciones se admiten durante 30 días naturales desde la entrega."
WARRANTY = "La garantía cubre las averías de fábrica de las palas durante 3 años enteros."


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = projects.create(tmp_path, "Tienda", "es")
    put(made, "a.md", RETURNS)
    put(made, "b.md", WARRANTY)
    return made


def draft(question: str, document: str, start: int, end: int, state: str = "approved") -> Proposal:
    return Proposal(
        question=question,
        answer="x",
        document_id=document,
        document=document,
        source=f"sources/{document}",
        start=start,
        end=end,
        passage="",
        state=state,
    )


def told(project: Project) -> list[tuple[str, str, bool]]:
    return [(pair.question, pair.passage, pair.test) for pair in pairs.known(project)]


def test_a_test_question_measures_and_an_approved_draft_teaches(project: Project) -> None:
    project.store.replace_questions(
        [
            Question(question="¿Cuántos días?", expected_source="a.md", must_contain=("30 días|treinta días",)),
            Question(question="¿Quién responde?", expected_source="no such.md"),
            Question(question="¿Y esto?", reference="30 días"),
            Question(question="¿Nada?", expected_source="a.md", answerable=False),
        ]
    )
    project.store.put(draft("¿Qué cubre?", "b.md", 0, 30), draft("¿Esperando?", "b.md", 0, 30, "waiting"))
    assert told(project) == [("¿Cuántos días?", f"a. {RETURNS}", True), ("¿Qué cubre?", f"b. {WARRANTY}", False)]


def test_a_draft_that_became_a_test_question_teaches_nothing(project: Project) -> None:
    project.store.put(draft("¿Qué cubre la garantía?", "b.md", 0, 30))
    project.store.replace_questions([Question(question="¿que cubre la GARANTIA?", reference="averías")])
    assert [pair.test for pair in pairs.known(project)] == [True]


def test_an_example_counts_where_its_answer_stands_in_the_document_it_came_with(project: Project) -> None:
    def example(id: str, answer: str, source: str) -> Example:
        said = (Message(role="user", content=f"¿{id}?"), Message(role="assistant", content=answer))
        return Example(id=id, messages=said, source=source)

    project.store.put_examples(
        [
            example("stands", "Las averías de fábrica de las palas, durante 3 años.", "sources/b.md"),
            example("elsewhere", "Las averías de fábrica de las palas, durante 3 años.", "sources/a.md"),
            example("short", "3 años", "sources/b.md"),
        ]
    )
    assert told(project) == [("¿stands?", f"b. {WARRANTY}", False)]


def test_where_only_the_document_is_known_any_of_its_passages_is_right_and_none_is_learnt_from(
    project: Project,
) -> None:
    put(
        project, "long.md", "# Uno\n\n" + "Primera parte del texto largo. " * 60 + "\n\n# Dos\n\n" + "Otra cosa. " * 150
    )
    project.store.replace_questions([Question(question="¿Qué?", expected_source="long.md")])
    [pair] = pairs.known(project)
    assert (len(pair.answers) > 1, pair.passage) == (True, "")
    assert isinstance(pair, Pair)
