"""Whole documents: what fits, what is refused, how they are cited."""

from pathlib import Path

import pytest

from studio.answering import Declined, Done, ask, variants, whole
from studio.base import project as projects
from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.project import Project
from studio.base.records import Document, Filter, Variant
from tests.answering.fakes import Parrot

TEXT = "Water. The excess for water damage is €250.\n\nGlass. Broken windows are paid without any excess."
STARTER = "smollm2-135m-instruct"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = projects.create(tmp_path, "Harbour", "en")
    made.change(model=STARTER, chosen=("whole",))
    document = Document(
        id="d", name="Policy.txt", kind="txt", text=TEXT, source="sources/Policy.txt", sha256="d", language="en"
    )
    made.store.put_source(document.source, "d", [document], [], [])
    return made


def variant(**more: object) -> Variant:
    return Variant.model_validate({"id": "w", "approach": "whole", "model": STARTER} | more)


@pytest.mark.parametrize(("characters", "fit"), [(0, False), (1, True), (11_059, True), (11_060, False)])
def test_documents_fit_when_they_leave_half_of_the_context(characters: int, fit: bool) -> None:
    assert whole.fits(characters, 8192) == fit


def test_what_does_not_fit_is_refused_with_both_numbers_and_what_is_not_there_too(project: Project) -> None:
    big = Document(id="b", name="b.txt", kind="txt", text="word " * 3000, source="sources/b", sha256="b")
    project.store.put_source("sources/b", "b", [big], [], [])
    with pytest.raises(NotPossibleHere) as caught:
        whole.documents(project, variant())
    assert (caught.value.code, caught.value.parameters) == (
        "too_long_for_whole",
        {"characters": 15_000 + len(TEXT), "limit": 11_059},
    )
    assert [each.id for each in whole.documents(project, variant(), Filter(documents=("d",)))] == ["d"]
    with pytest.raises(NotEnough, match="nothing_to_search"):
        whole.documents(project, variant(), Filter(languages=("es",)))


def test_a_larger_model_reads_everything_and_its_paragraph_is_cited(project: Project) -> None:
    engine = Parrot("Broken windows are paid without any excess.")
    *_, last = ask(project, variant(model="qwen3-1.7b"), "Is there an excess for windows?", engine)  # type: ignore[arg-type]
    assert isinstance(last, Done)
    assert TEXT in engine.asked[0][-1].content
    assert last.answer.text == "Broken windows are paid without any excess [1]."
    assert "Broken windows" in last.answer.passages[0].chunk.text


def test_a_small_model_quotes_the_document_without_an_index_and_without_being_asked(project: Project) -> None:
    [made] = [each for each in variants(project) if each.approach == "whole"]
    assert made.quotes
    engine = Parrot()
    *_, last = ask(project, made, "How high is the excess for water damage?", engine)  # type: ignore[arg-type]
    assert isinstance(last, Done)
    assert last.answer.text == "The excess for water damage is €250 [1]."
    assert (last.answer.quoted, engine.asked) == (True, [])


def test_a_small_model_declines_what_the_document_does_not_speak_of_at_all(project: Project) -> None:
    [made] = [each for each in variants(project) if each.approach == "whole"]
    *_, last = ask(project, made, "Which comet passes near Saturn tonight?", Parrot())  # type: ignore[arg-type]
    assert isinstance(last, Declined)
