"""Runs that make what is searched for better: the reranker, the embedder, the weighing and the dial."""

from contextlib import suppress

from studio.base import events, machine
from studio.base.errors import NotEnough
from studio.base.recipes import AttuneRequest, CalibrateRequest, DraftRequest, FetchRequest
from studio.base.records import Outcome
from studio.work import Work


def fetch(work: Work, request: FetchRequest) -> Outcome:
    """Bring a reranker here; from then on the project's best passages are read a second time."""
    from studio import engines

    work.emit(events.Planned(stages=("download_model",)))
    engines.prepare_reranker(request.reranker, work.settings, work.emit, work.should_stop)
    work.project.change(reranker=request.reranker)
    return Outcome()


def attune(work: Work, request: AttuneRequest) -> Outcome:
    """Teach the embedder the project's words; where it finds more for it, the documents are made searchable with it."""
    from studio import engines, retrieval

    project, emit = work.project, work.emit
    emit(events.Planned(stages=("attune", "prove", "index")))
    engines.prepare_embedder(request.base, work.settings, emit, work.should_stop)
    engine = engines.Engine(work.settings)
    threads = machine.threads_for_heavy_work(work.settings.threads)
    attuned = retrieval.domain.attune(
        project, request, engine, work.folder, work.settings, emit, work.should_stop, threads
    )
    emit(events.Stage(name="index"))
    return Outcome(attuned=attuned, indexed=retrieval.build(project, engine, emit, work.should_stop))


def calibrate(work: Work, request: CalibrateRequest) -> Outcome:
    """Measure how meaning and words are best weighed, and then the dial's settings, on the project's questions; with drafted
    ones for the dial where a person has brought few.

    What is measured is kept by the measuring itself; the drafts wait for a person's word like all others.
    """
    from studio import drafting, engines, retrieval
    from studio.answering import dial

    project, emit = work.project, work.emit
    few = project.store.counts()["questions"] + project.store.counts()["proposals"] < request.drafts
    emit(events.Planned(stages=("prepare_model", "draft") * few + ("tune", "calibrate")))
    engine, proposals = engines.Engine(work.settings), []
    if few and request.drafts:
        emit(events.Stage(name="prepare_model"))
        engines.prepare(request.model, work.settings, emit)
        emit(events.Stage(name="draft"))
        wanted = DraftRequest(count=request.drafts, model=request.model)
        with suppress(NotEnough):  # then the studio's own questions must do
            proposals = drafting.draft(project, wanted, engine, emit, work.should_stop)
    emit(events.Stage(name="tune"))
    retrieval.tuning.tune(project, engine, emit, work.should_stop)
    emit(events.Stage(name="calibrate"))
    dial.calibrate(project, engine, emit, work.should_stop, proposals)
    return Outcome(proposals=tuple(proposals))
