"""What is ordered is followed through: nothing goes on saying what was removed or masked."""

import shutil
from pathlib import Path

import pytest

from studio import drafting, intake, orders, retrieval
from studio.base import project as projects
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.recipes import DraftRequest
from studio.base.records import Answer, Proposal
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.intake import child
from tests.answering.fakes import Parrot
from tests.intake import inside

pytestmark = pytest.mark.usefixtures("read_here")

GUIDE = "La reparación la lleva Juan Pérez Gómez, con DNI 12345678Z y correo juan.perez.gomez@gmail.com, en nueve días."
OTHER = "La garantía de las herramientas de jardín dura tres años desde la compra."


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(Settings(projects=tmp_path / "projects"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents, searchable; an answer and a draft rest on the first. Made once; each test has a copy."""
    folder = tmp_path_factory.mktemp("built")
    project = projects.create(folder / "projects", "Tienda", "es")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(child, "read", inside.whole)
        for name, text in (("guia.md", GUIDE), ("garantia.md", OTHER)):
            (folder / name).write_text(text, encoding="utf-8")
            intake.add(project, folder / name)
    engine = Parrot()
    project.store.put_fact("indexed", retrieval.build(project, engine, lambda event: None, lambda: False))
    for question in ("¿Quién lleva la reparación?", "¿Cuánto dura la garantía?"):
        found = retrieval.search(project, question, engine, limit=1)
        project.store.put(Answer(variant="v", question=question, text="…", passages=found.passages))
    request = DraftRequest(model="smollm2-135m-instruct")
    project.store.put(*drafting.draft(project, request, engine, lambda event: None, lambda: False))
    return project.store.copy(project.folder / "copy.db").parent


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Project:
    folder = tmp_path / "projects" / built.name
    shutil.copytree(built, folder, ignore=shutil.ignore_patterns("studio.db*"))
    (folder / "copy.db").rename(folder / "studio.db")
    return Project(folder)


def test_a_removed_source_leaves_no_document_passage_draft_or_answer_behind(shop: Project) -> None:
    orders.remove(shop, "sources/guia.md")
    assert [document.name for document in shop.store.documents()] == ["garantia.md"]
    assert [answer.question for answer in shop.store.all(Answer)] == ["¿Cuánto dura la garantía?"]
    assert {proposal.document for proposal in shop.store.all(Proposal)} <= {"garantia.md"}
    assert holding(shop, b"12345678z") == set()


def test_what_was_masked_is_said_nowhere_any_more_and_the_search_follows(shop: Project, runs: Runs) -> None:
    orders.repair(shop, runs, "mask_everything")
    assert [answer.question for answer in shop.store.all(Answer)] == ["¿Cuánto dura la garantía?"]
    assert {proposal.document for proposal in shop.store.all(Proposal)} <= {"garantia.md"}
    assert holding(shop, b"12345678z") == set()
    assert [run.kind for run in runs.of(shop)] == ["intake"]


def test_a_repair_that_changes_no_document_leaves_the_search_alone(shop: Project, runs: Runs) -> None:
    orders.repair(shop, runs, "drop_duplicates")
    assert runs.of(shop) == []
    assert len(shop.store.all(Answer)) == 2


def holding(project: Project, words: bytes) -> set[str]:
    """The files of the index in which these bytes stand."""
    return {path.name for path in project.index.rglob("*") if path.is_file() and words in path.read_bytes().lower()}


def test_the_dial_is_measured_by_a_run_once_something_is_searchable(shop: Project, runs: Runs) -> None:
    assert orders.calibrate(shop, runs).kind == "calibrate"
    empty = projects.create(runs.settings.projects, "Empty")
    with pytest.raises(NotFound):
        orders.calibrate(empty, runs)


def test_a_document_lost_on_the_way_is_read_or_made_searchable_again(shop: Project, runs: Runs) -> None:
    answer, document = shop.store.all(Answer)[0], shop.store.documents()[0]
    orders.mend(shop, runs, "read_again", answer, document.id)
    orders.mend(shop, runs, "build_again", answer, document.id)
    assert "intake" in {run.kind for run in runs.of(shop)}
    with pytest.raises(NotFound):
        orders.mend(shop, runs, "read_again", answer, "forged")
