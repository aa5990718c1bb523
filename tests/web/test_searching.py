"""The fold that says how documents are searched, and what is ordered from it."""

from pathlib import Path

import pytest

from studio import engines, orders
from studio.base import files
from studio.base import project as projects
from studio.base.errors import NotEnough, NotFound, NotPossibleHere
from studio.base.events import Said
from studio.base.records import Attuned, Fault, Indexed, Proof, Run, Tuned
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.engines.rerankers import IDENTITY, folder_of
from studio.web.views import searching as views
from studio.web.voice import Voice
from tests.web.conftest import text

VOICES = [Voice("en"), Voice("es")]
PROOF = Proof(
    n=80,
    limit=4,
    first_before=0.5,
    first_after=0.7,
    given_before=0.9,
    given_after=0.95,
    wins=18,
    losses=2,
    p_value=0.0,
    kept=True,
)


def tuned(reason: str, proof: Proof | None = None) -> Tuned:
    return Tuned(weight=0.3, default=0.6, embedder="e", reason=reason, questions=80, proof=proof)  # type: ignore[arg-type]


@pytest.mark.parametrize("voice", VOICES, ids=["en", "es"])
@pytest.mark.parametrize("reason", ["kept", "same", "not_proven", "too_few", "unfinished"])
def test_what_was_measured_is_said_with_before_after_and_how_many(voice: Voice, reason: str) -> None:
    said = views.tuned(tuned(reason, PROOF), voice)
    assert all(part in said for part in ("30", "80", "50", "90", "95"))
    assert "{" not in said


@pytest.mark.parametrize("voice", VOICES, ids=["en", "es"])
@pytest.mark.parametrize("reason", ["kept", "not_proven", "forgets"])
def test_what_was_learnt_and_what_is_under_way_stand_in_the_fold(voice: Voice, reason: str) -> None:
    learnt = Attuned(id="a", base="", embedder="", reason=reason, pairs=61, proof=PROOF)  # type: ignore[arg-type]
    working = Run(id="r", kind="attune", project="p", folder="/", state="running")
    fault = Fault(code="reranker_not_here", parameters={"name": "X"})
    failed = Run(id="f", kind="fetch", project="p", folder="/", state="failed", fault=fault)
    shown = text(views.state(views.Searching(None, learnt, ((working, Said()), (failed, Said()))), voice))
    assert all(part in shown for part in ("61", "80", "X"))
    assert views.tuned(None, voice) in shown


def test_the_one_that_learnt_is_offered_behind_the_studios_own() -> None:
    learnt = Attuned(id="a", base="", embedder="models/a", reason="kept", pairs=61, proof=PROOF)
    offered = [name for _, name in views.choices(engines.embedders(), learnt, VOICES[0])]
    assert offered[:2] == ["", "models/a"]
    assert [name for _, name in views.rerankers(engines.rerankers(), VOICES[0])][:2] == ["", "mmarco-minilm"]


def test_a_reranker_counts_once_it_is_here_and_learning_is_refused_before_it_is_queued(tmp_path: Path) -> None:
    settings = Settings(projects=tmp_path / "projects")
    runs = Runs(settings)
    project = projects.create(settings.projects, "Tienda", "es")
    run = orders.choose_reranker(project, runs, "mmarco-minilm")
    assert run is not None
    assert (run.kind, project.card.reranker) == ("fetch", "")
    folder_of("ms-marco-minilm", settings).mkdir(parents=True)
    files.write_json(folder_of("ms-marco-minilm", settings) / IDENTITY, {})
    assert orders.choose_reranker(project, runs, "ms-marco-minilm") is None
    assert project.card.reranker == "ms-marco-minilm"
    assert orders.choose_reranker(project, runs, "") is None
    assert project.card.reranker == ""
    with pytest.raises(NotFound):
        orders.choose_reranker(project, runs, "jina")
    with pytest.raises(NotFound):
        orders.attune(project, runs)
    project.store.put_fact("indexed", Indexed(documents=1, chunks=1, embedder="e", threshold=0.0))
    with pytest.raises(NotEnough):
        orders.attune(project, runs)
    project.change(embedder="use")
    with pytest.raises(NotPossibleHere):
        orders.attune(project, runs)
