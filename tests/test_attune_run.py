"""Learning a project's words as a run: from what is ordered to the index that is searched."""

import shutil
from pathlib import Path

import pytest

from studio import engines, retrieval
from studio.base import project as projects
from studio.base.events import Event, Planned, Stage
from studio.base.recipes import AttuneRequest
from studio.base.settings import Settings
from studio.work import Work
from studio.work.kinds import do
from tests.engines.test_embedder_models import tiny
from tests.retrieval.fakes import go_on, put
from tests.retrieval.test_domain import PARTS, approved

__all__ = ["tiny"]  # the fixture


@pytest.mark.slow
def test_a_model_from_a_folder_learns_and_is_judged_and_the_index_fits_whoever_searches(
    tiny: Path, tmp_path: Path
) -> None:
    settings = Settings(projects=tmp_path / "projects", threads=1)
    project = projects.create(settings.projects, "Almacén", "es")
    shutil.copytree(tiny, project.models / "tiny")
    project.change(embedder="models/tiny")
    for at, part in enumerate(PARTS):
        put(project, f"d{at}", f"Se guarda en la nave {part} todo lo que se vende.")
    project.store.put(*[approved(f"¿Qué hay, caso {n}, en {PARTS[n % 30]}?", f"d{n % 30}") for n in range(150)])
    engine, events = engines.Engine(settings), list[Event]()
    try:
        project.store.put_fact("indexed", retrieval.build(project, engine, lambda event: None, go_on))
        folder = project.runs / "run"
        folder.mkdir()
        request = AttuneRequest(base=retrieval.domain.base_of(project), whole=True, epochs=1)
        outcome = do(Work(project, folder, settings, events.append, go_on), "attune", request.model_dump())
        assert [event.stages for event in events if isinstance(event, Planned)] == [("attune", "prove", "index")]
        assert [event.name for event in events if isinstance(event, Stage)] == ["attune", "prove", "index"]
        made = outcome.attuned
        assert made is not None
        assert (made == project.attuned(), made.base, made.pairs > 40) == (True, request.base, True)
        assert project.card.embedder == (made.embedder or "models/tiny")
        assert (project.models / "tiny").is_dir()  # a person's own model is never tidied away
        assert outcome.indexed is not None
        assert outcome.indexed.embedder == engine.embedder(engines.embedder_of(project)).name
        assert retrieval.search(project, f"¿Qué hay en {PARTS[3]}?", engine).passages
    finally:
        engine.stop()
