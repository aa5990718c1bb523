"""Runs that bring material, look it over and have questions drafted from it."""

from studio.base import events, files, handed
from studio.base.errors import Stopped, StudioError
from studio.base.recipes import CheckRequest, DraftRequest, IntakeRequest
from studio.base.records import Finding, Outcome
from studio.work import Work


def intake(work: Work, request: IntakeRequest) -> Outcome:
    """Fetch what was asked for, read every file of the batch, look everything over. One bad file never stops the rest.

    Unlike other runs this one writes into the project itself, a source a transaction: done again, it finds what it knows.
    """
    from studio import engines, health, retrieval
    from studio import intake as room
    from studio.intake import fetching

    project, emit = work.project, work.emit
    asked = {"fetch_web": request.web, "fetch_database": request.database, "fetch_dataset": request.dataset}
    fetches = tuple(stage for stage, wanted in asked.items() if wanted)
    indexed = project.indexed()
    emit(events.Planned(stages=(*fetches, "read", "look") + ("index",) * bool(indexed)))
    secret = handed.take(work.settings.private, work.folder.name)
    folder = work.folder / "fetched" if fetches else project.incoming / request.batch
    coming = [(files.inside(folder, name), name, "") for name in request.files]
    if fetches:
        folder.mkdir(exist_ok=True)
        if request.web:
            fetched = fetching.web(request.web, folder, emit, work.should_stop)
        elif request.database:
            fetched = fetching.database(request.database, secret, folder, emit, work.should_stop)
        else:
            assert request.dataset is not None
            fetched = fetching.dataset(request.dataset, folder, emit, work.should_stop, secret)
        coming = [(folder / each.file, each.name, each.origin) for each in fetched]
        for finding in (finding for each in fetched for finding in each.findings):
            emit(events.Found(finding=finding))
    emit(events.Stage(name="read"))
    if not coming:
        room.add_all(project, emit)
    for number, (file, name, origin) in enumerate(coming):
        if work.should_stop():
            raise Stopped
        emit(events.Progress(done=number, of=len(coming)))
        if not file.is_file():
            continue  # a predecessor of this run has read it already
        try:
            largest = work.settings.max_upload_mb
            room.add(
                project, file, name, origin=origin, password="" if fetches else secret, move=True, largest_mb=largest
            )
        except StudioError as error:
            refused = Finding(code=error.code, level="stop", names=(name,), parameters=error.parameters)
            emit(events.Found(finding=refused))
            if error.code not in room.LOCKED:  # those wait there for their password
                file.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    emit(events.Stage(name="look"))
    health.report(project)
    if indexed is None or not project.store.counts()["documents"]:
        return Outcome()
    engines.prepare_embedder(engines.embedder_of(project), work.settings, emit, work.should_stop)
    emit(events.Stage(name="index"))  # what is searched already goes on being searched, with the new material
    return Outcome(indexed=retrieval.build(project, engines.Engine(work.settings), emit, work.should_stop))


def check(work: Work, request: CheckRequest) -> Outcome:
    """Look the material over; the report is kept in the project."""
    from studio import health

    work.emit(events.Planned(stages=("look",)))
    work.emit(events.Stage(name="look"))
    health.report(work.project)
    return Outcome()


def draft(work: Work, request: DraftRequest) -> Outcome:
    """Draft questions and answers from passages of the documents, for a person to approve."""
    from studio import drafting, engines

    work.emit(events.Planned(stages=("prepare_model", "draft")))
    work.emit(events.Stage(name="prepare_model"))
    engines.prepare(request.model, work.settings, work.emit)
    work.emit(events.Stage(name="draft"))
    proposals = drafting.draft(work.project, request, engines.Engine(work.settings), work.emit, work.should_stop)
    return Outcome(proposals=tuple(proposals))
