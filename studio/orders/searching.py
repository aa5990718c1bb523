"""What searches, and how: embedder, reranker, the weighing and the dial."""

import re

from studio import engines, retrieval
from studio.base.errors import BadInput, NotFound
from studio.base.project import Project
from studio.base.recipes import AttuneRequest, CalibrateRequest, FetchRequest
from studio.base.records import Run
from studio.base.runs import Runs
from studio.orders import chosen

ON_HUB = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}(@[\w./-]{1,80})?")


def choose_embedder(project: Project, name: str) -> None:
    """Who compares meanings from the next build on: a name of the catalogue, a model's id on the Hub, a folder of the
    project; empty is the studio's own. Raises BadInput.
    """
    known = {card.name for card in engines.embedders()}
    if name and name not in known and not name.startswith("models/") and not ON_HUB.fullmatch(name):
        raise BadInput("embedder_unknown", name=name[:80])
    project.change(embedder=name)


def choose_reranker(project: Project, runs: Runs, name: str) -> Run | None:
    """Who reads the best passages a second time, a name of the catalogue; empty is nobody. One that is here counts from the
    next question on; any other is fetched by a run first, and nothing changes until it is here. Raises NotFound.
    """
    if not name or engines.reranker_is_here(name, runs.settings):
        project.change(reranker=name)
        return None
    return runs.start(project, "fetch", FetchRequest(reranker=name), again=True)


def attune(project: Project, runs: Runs, *, whole: bool = False) -> Run:
    """Teach the embedder the project's own words, all its layers if `whole`. Raises NotFound where nothing is searchable
    yet, NotEnough where too few questions were approved, NotPossibleHere for an embedder that cannot learn.
    """
    if project.indexed() is None:
        raise NotFound("index_missing")
    base = retrieval.domain.base_of(project)
    engines.refuse_untunable(base, runs.settings)
    retrieval.domain.divided(project)
    told = f"{project.fingerprint}-{project.store.counts()['proposals']}"
    return runs.start(project, "attune", AttuneRequest(base=base, whole=whole, material=told), again=True)


def calibrate(project: Project, runs: Runs) -> Run:
    """Measure how many answers would be wrong, and how many questions go to a person, at each setting of the dial.

    Raises NotFound where nothing is searchable yet.
    """
    if project.indexed() is None:
        raise NotFound("index_missing")
    counted = project.store.counts()
    told = f"{project.fingerprint}-{counted['questions']}-{counted['proposals']}"
    return runs.start(
        project, "calibrate", CalibrateRequest(model=chosen.model_of(project, runs), material=told), again=True
    )
