"""The starter, the bundled embedder and a template, all real: what a person would see."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from studio import intake
from studio.answering import Declined, Done, Sources, ask, variants, without_markers
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Question
from studio.base.settings import Settings
from studio.engines import Engine
from studio.retrieval import build, search, terms
from studio.retrieval.chunking import headed

TEMPLATE = Path(__file__).parents[2] / "templates" / "insurance-claims"


@pytest.fixture(scope="module", params=["en", "es"])
def ready(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, starter: Callable[[Path], Settings]
) -> Iterator[tuple[Project, Engine]]:
    root = tmp_path_factory.mktemp("projects")
    engine = Engine(starter(root))
    project = projects.create(root, "Insurance", request.param, TEMPLATE / request.param)
    intake.add_all(project)
    project.change(chosen=("documents",))
    project.store.put_fact("indexed", build(project, engine, lambda event: None, lambda: False))
    try:
        yield project, engine
    finally:
        engine.stop()


@pytest.mark.slow
def test_the_right_document_is_found_for_every_test_question_and_what_is_off_the_subject_is_declined(
    ready: tuple[Project, Engine],
) -> None:
    project, engine = ready
    asked = [question for question in project.store.questions() if question.answerable]
    hits = [search(project, question.question, engine) for question in asked]
    sources = [{passage.chunk.document for passage in each.passages} for each in hits]
    texts = [" ".join(passage.chunk.text for passage in each.passages) for each in hits]
    lost = [
        question.question
        for question, found, text in zip(asked, sources, texts, strict=True)
        if question.expected_source not in found and not states(question, text)
    ]
    assert lost == []
    assert sum(each.answerable for each in hits) >= 0.95 * len(asked)
    for question in ("¿Qué cometa pasa esta noche cerca de Saturno?", "Which comet passes near Saturn tonight?"):
        assert not search(project, question, engine).answerable


def states(question: Question, text: str) -> bool:
    """Whether the text holds the facts of the right answer: another document may state them as well."""
    return bool(question.must_contain) and all(
        any(wording.lower() in text.lower() for wording in fact.split("|")) for fact in question.must_contain
    )


@pytest.mark.slow
def test_the_starter_answers_from_the_documents_with_a_citation_whose_numbers_stand_in_the_passage(
    ready: tuple[Project, Engine],
) -> None:
    project, engine = ready
    documents = next(each for each in variants(project) if each.approach == "documents")
    asked = [question for question in project.store.questions() if question.answerable][6:10]
    cited = 0
    for question in asked:
        first, *_, last = ask(project, documents, question.question, engine)
        assert isinstance(first, Sources)
        assert isinstance(last, Done | Declined)
        cited += bool(last.answer.citations)
        for citation in last.answer.citations:
            passage = last.answer.passages[citation.passage]
            sentence = next(part for part in last.answer.text.split("]") if part.endswith(f"[{citation.number}"))
            told = terms.numbers(without_markers(sentence + "]"))
            assert told <= terms.numbers(headed(passage.chunk))
    assert cited
