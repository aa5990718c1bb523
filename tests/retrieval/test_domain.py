"""An embedder learns a project's words, and is kept only where it finds more."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from studio.base import project as projects
from studio.base.errors import NotEnough, NotFound, Stopped
from studio.base.events import Event
from studio.base.project import Project
from studio.base.recipes import AttuneRequest
from studio.base.records import Proposal, Question
from studio.base.settings import Settings
from studio.engines import attuning
from studio.retrieval import build, domain, search
from tests.retrieval.fakes import Named, WordEmbedder, found, go_on, put

pytestmark = pytest.mark.usefixtures("few_probes")

PARTS = [f"{a}{b}{a}" for a in "bcdfgl" for b in "aeiou"]


class Learning(WordEmbedder):
    """The customers' word for a place is its name with a q behind it. What was learnt (a folder) knows that, or it was known
    before and is forgotten (`worse`).
    """

    def __init__(self, worse: bool = False) -> None:
        super().__init__("blunt")
        self._worse = worse
        self._knows = False

    def embedder(self, name: str = "") -> Named:
        return Named(name=f"learnt@{Path(name).name}" if self._learnt(name) else "blunt", dim=48)

    def embed(self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = "") -> np.ndarray:
        self._knows = self._learnt(embedder) != self._worse
        return super().embed(texts, kind, embedder)

    def _vector(self, text: str) -> np.ndarray:
        return super()._vector(re.sub(r"\b([a-z]{3})q\b", r"\1", text) if self._knows else text)

    @staticmethod
    def _learnt(name: str) -> bool:
        return name.rpartition("/")[0].endswith(("models", "run"))


def silent(event: Event) -> None: ...


def approved(question: str, document: str) -> Proposal:
    return Proposal(
        question=question,
        answer="x",
        document_id=document,
        document=document,
        source=f"sources/{document}",
        start=0,
        end=20,
        passage="",
        state="approved",
    )


def shop(folder: Path, drafts: int, tests: int) -> Project:
    project = projects.create(folder, "Almacén", "es")
    for at, part in enumerate(PARTS):
        put(project, f"d{at}", f"Se guarda en la nave {part} todo lo que se vende.")
    project.store.put(*[approved(f"¿Qué hay, caso {n}, en {PARTS[n % 30]}q?", f"d{n % 30}") for n in range(drafts)])
    project.store.replace_questions(
        Question(question=f"¿Y {n}, {PARTS[n % 30]}q, dónde?", expected_source=f"d{n % 30}") for n in range(tests)
    )
    return project


def test_tests_and_a_quarter_of_the_drafts_judge_and_teach_nothing(tmp_path: Path) -> None:
    split = domain.divided(shop(tmp_path, 120, 20))
    assert len(split.taught) + len(split.held) == 140
    assert not {pair.question for pair in split.taught} & {pair.question for pair in split.held}
    assert not [pair for pair in split.taught if pair.test]
    learnt = {pair.passage for pair in split.taught}
    strange = [pair for pair in split.held if not pair.test and pair.passage not in learnt]
    assert len({pair.passage for pair in strange}) == 4  # every eighth of thirty passages
    assert len([pair for pair in split.held if not pair.test]) > len(strange)


@pytest.mark.parametrize(("drafts", "tests"), [(0, 40), (40, 40), (60, 3)])
def test_too_few_pairs_are_refused_with_both_numbers(tmp_path: Path, drafts: int, tests: int) -> None:
    with pytest.raises(NotEnough) as refused:
        domain.divided(shop(tmp_path, drafts, tests))
    assert refused.value.code == "attune_too_few"
    assert refused.value.parameters.keys() == {"taught", "held", "wanted", "wanted_held"}


@pytest.fixture
def mechanics(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learning itself has its own tests (engines); here a folder stands where its model would."""

    def attune(name: str, pairs: object, request: object, folder: Path, *rest: object) -> Path:
        (folder / "model").mkdir(parents=True)
        (folder / "model" / attuning.MARKER).write_text("{}")
        return folder / "model"

    monkeypatch.setattr(attuning, "attune", attune)


def attuned(project: Project, engine: Learning, stop: bool = False) -> object:
    folder = project.runs / "run"
    folder.mkdir(exist_ok=True)
    settings = Settings(projects=project.folder.parent)
    return domain.attune(project, AttuneRequest(), engine, folder, settings, silent, lambda: stop, 1)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.usefixtures("mechanics")
def test_what_finds_more_moves_into_the_project_and_makes_an_index_of_its_own(tmp_path: Path) -> None:
    project, engine = shop(tmp_path, 120, 20), Learning()
    with pytest.raises(NotFound):
        attuned(project, engine)
    build(project, engine, silent, go_on)
    made = attuned(project, engine)
    kept = project.attuned()
    assert kept == made
    assert kept is not None
    assert (kept.reason, kept.embedder, project.card.embedder) == ("kept", f"models/{kept.id}", f"models/{kept.id}")
    assert (kept.proof.first_after > kept.proof.first_before, kept.pairs) == (True, len(domain.divided(project).taught))
    assert [path.name for path in project.models.iterdir()] == [kept.id]
    assert not (project.runs / "run" / "held").exists()
    assert domain.base_of(project) == ""
    assert build(project, engine, silent, go_on).embedder == f"learnt@{kept.id}"
    assert found(search(project, f"¿Qué hay en {PARTS[7]}q?", engine))[0] == "d7"
    assert attuned(project, engine) == kept  # a predecessor's word stands


@pytest.mark.slow
@pytest.mark.usefixtures("mechanics")
def test_what_does_not_find_more_is_deleted_and_nothing_changes(tmp_path: Path) -> None:
    project, engine = shop(tmp_path, 120, 20), Learning(worse=True)
    build(project, engine, silent, go_on)
    with pytest.raises(Stopped):
        attuned(project, Learning(), stop=True)
    assert (project.attuned(), list(project.models.iterdir())) == (None, [])
    import shutil

    shutil.rmtree(project.runs / "run")
    attuned(project, engine)
    left = project.attuned()
    assert left is not None
    assert (left.embedder, left.proof.kept, project.card.embedder) == ("", False, "")
    assert left.reason in ("not_proven", "forgets")
    assert (list(project.models.iterdir()), (project.runs / "run" / "model").exists()) == ([], False)
