"""The process in which a run works: `python -m studio.work RUN_DIR`.

It reads what was asked (`run.json`), calls the rooms in their order, says what it does (`events.jsonl`) and, last of all
and atomically, how it ended (`exit.json`). It decides nothing about the queue and words nothing.
"""

import errno
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NamedTuple

from studio.base import events, files, machine, runs, settings
from studio.base.errors import NotEnough, NotFound, OutOfMemory, Stopped, StudioError
from studio.base.project import Project
from studio.base.recipes import (
    AttuneRequest,
    BuildRequest,
    CalibrateRequest,
    CharacterRequest,
    CheckRequest,
    DraftRequest,
    EvaluateRequest,
    ExplainRequest,
    ExportRequest,
    FetchRequest,
    IntakeRequest,
    PreferRequest,
    PushRequest,
    RehearseRequest,
    SeekRequest,
)
from studio.base.records import (
    APPROACHES_THAT_SEARCH,
    APPROACHES_THAT_TRAIN,
    Answer,
    Example,
    Explanation,
    Exported,
    Fault,
    Finding,
    Outcome,
    Question,
    Trained,
)

if TYPE_CHECKING:
    from studio.engines import Engine
    from studio.training import Given

SMALLER = 4  # after memory ran out, so much less goes through the model at once

DIAL_QUESTIONS = 60  # by which the dial is measured at the end of a build; the dial's own run asks more


class Work(NamedTuple):
    """All a kind of run gets: whose project, which folder, how to speak, when to end, and what happened before."""

    project: Project
    folder: Path
    settings: settings.Settings
    emit: events.Emit
    should_stop: events.ShouldStop
    after: str | None = None


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
    secret = runs.take_secret(work.settings.private, work.folder.name)
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


def prefer(work: Work, request: PreferRequest) -> Outcome:
    """Learn from what people like better, on top of the adapter that is there, and keep it only where it is the better for
    it and has forgotten nothing.

    The judgements of the moment the run began count, however often it is interrupted.
    """
    from studio import engines, improvement, training
    from studio.training import preferring

    project, emit = work.project, work.emit
    emit(events.Planned(stages=("prepare", "prefer", "check", "package", "guard")))
    engines.prepare(request.model, work.settings, emit, train=True)
    kept = work.folder / "pairs.json"
    told = files.read_json(kept) or [pair.model_dump() for pair in improvement.preferences(project).pairs]
    files.write_json(kept, told)
    trained = next((each for each in project.store.all(Trained) if each.id == request.start), None)
    place = engines.weights(request.model, work.settings, emit)
    start = training.Start(request.model, place, project.path(trained.adapter) if trained else None, trained)
    found, made = training.prefer(
        [training.Pair.model_validate(each) for each in told],
        project.store.examples(),
        start,
        request,
        work.folder,
        emit,
        work.should_stop,
        machine.threads_for_heavy_work(work.settings.threads),
        SMALLER if work.after == "memory" else 1,
    )
    if made is None:
        return Outcome(preferred=found)
    project.take(Outcome(moves={"adapter": made.adapter}), work.folder)  # a new folder, which nobody reads yet
    made = _guarded(work, made, engines.Engine(work.settings))
    before = trained.general if trained else None
    if made.general and made.general.verdict == "lost" and not (before and before.verdict == "lost"):
        shutil.rmtree(project.path(made.adapter), ignore_errors=True)
        found = found.model_copy(update={"reason": "forgets"})
        emit(preferring.note(found))
        return Outcome(preferred=found)
    return Outcome(preferred=found, trained=(made,))


def fetch(work: Work, request: FetchRequest) -> Outcome:
    """Bring a reranker here; from then on the project's best passages are read a second time."""
    from studio import engines

    work.emit(events.Planned(stages=("download_model",)))
    engines.prepare_reranker(request.reranker, work.settings, work.emit, work.should_stop)
    work.project.change(reranker=request.reranker)
    return Outcome()


def build(work: Work, request: BuildRequest) -> Outcome:
    """Fetch the model, index the documents, train on the examples, see what that cost the model, ask all assistants the test
    questions, measure the dial: as was ordered.

    What is built counts even when the questions at the end could not be asked, or were stopped, or the dial not measured.
    """
    from studio import answering, engines, evaluation, retrieval, training

    project, emit = work.project, work.emit
    searches = bool(APPROACHES_THAT_SEARCH & set(request.approaches)) and bool(project.store.counts()["documents"])
    trains = bool(APPROACHES_THAT_TRAIN & set(request.approaches))
    questions = _questions(work, trains)
    stages = ["index"] * searches + [*training.stages(request.recipe)] * trains
    stages += ["guard"] * (trains and request.guard) + ["test"] * bool(questions)
    stages += ["calibrate"] * searches
    fetches = not engines.is_here(request.model, work.settings, train=trains)
    emit(events.Planned(stages=("prepare_model",) * fetches + tuple(stages)))

    engine = engines.Engine(work.settings)
    engines.prepare(request.model, work.settings, emit, train=trains)
    indexed = project.indexed()
    trained = None
    if searches:
        engines.prepare_embedder(engines.embedder_of(project), work.settings, emit, work.should_stop)
        emit(events.Stage(name="index"))
        indexed = retrieval.build(project, engine, emit, work.should_stop)
    if "examples" in request.approaches:
        answering.nearest.prepare(project, engine, emit, work.should_stop)
    if trains:
        engine.stop()  # its memory and its threads are needed now
        trained = training.train(
            project.store.examples(),
            request.model,
            engines.weights(request.model, work.settings, emit),
            request.recipe,
            work.folder,
            emit,
            work.should_stop,
            machine.threads_for_heavy_work(work.settings.threads),
            _given(work, engine),
        )
        project.take(Outcome(moves={"adapter": trained.adapter}), work.folder)  # a new folder, which nobody reads yet
        if request.guard:
            trained = _guarded(work, trained, engine)
    variants = tuple(answering.variants(project, indexed, trained))
    made = Outcome(variants=variants, trained=(trained,) if trained else (), indexed=indexed)
    if questions:
        emit(events.Stage(name="test"))
        try:
            card = evaluation.evaluate(project, variants, questions, engine, emit, work.should_stop)
            made = made.model_copy(update={"scorecards": (card,)})
        except StudioError as error:
            emit(events.Note(code="check_left_out", parameters={"reason": error.code}))
    if indexed is not None and searches and not work.should_stop():
        emit(events.Stage(name="calibrate"))
        try:
            answering.calibrate(project, engine, emit, work.should_stop, indexed=indexed, most=DIAL_QUESTIONS)
        except NotEnough:
            pass  # the dial says itself that it has not been measured, and offers to draft questions
        except StudioError as error:
            emit(events.Note(code="dial_left_out", parameters={"reason": error.code}))
    return made


def rehearse(work: Work, request: RehearseRequest) -> Outcome:
    """Time a few steps of a training and show its first batch. Nothing is learnt; the pace is kept for the next estimate."""
    from studio import engines, training

    fetches = not engines.is_here(request.model, work.settings, train=True)
    work.emit(events.Planned(stages=("prepare_model",) * fetches + ("prepare", "rehearse")))
    engine = engines.Engine(work.settings)
    engines.prepare(request.model, work.settings, work.emit, train=True)
    engine.stop()
    training.rehearse(
        work.project.store.examples(),
        request.model,
        engines.weights(request.model, work.settings, work.emit),
        request.recipe,
        work.folder,
        work.emit,
        work.should_stop,
        machine.threads_for_heavy_work(work.settings.threads),
        training.Given(paces=work.settings.private / training.PACES),
    )
    return Outcome()


def seek(work: Work, request: SeekRequest) -> Outcome:
    """Try settings of the training within the minutes given; what is proven better counts from the next build on."""
    from studio import engines, training

    fetches = not engines.is_here(request.model, work.settings, train=True)
    work.emit(events.Planned(stages=("prepare_model",) * fetches + ("prepare", "seek", "confirm")))
    engine = engines.Engine(work.settings)
    engines.prepare(request.model, work.settings, work.emit, train=True)
    engine.stop()
    found = training.seek(
        work.project.store.examples(),
        request.model,
        engines.weights(request.model, work.settings, work.emit),
        request.recipe,
        request.own,
        request.minutes,
        work.folder,
        work.emit,
        work.should_stop,
        machine.threads_for_heavy_work(work.settings.threads),
        _given(work, engine),
    )
    return Outcome(sought=found)


def evaluate(work: Work, request: EvaluateRequest) -> Outcome:
    """Ask assistants the project's test questions and grade what they say."""
    from studio import engines, evaluation

    work.emit(events.Planned(stages=("test",)))
    work.emit(events.Stage(name="test"))
    variants = [work.project.variant(id) for id in request.variants] or work.project.variants()
    questions = _questions(work)[: request.questions or None]
    engine = engines.Engine(work.settings)
    return Outcome(
        scorecards=(evaluation.evaluate(work.project, variants, questions, engine, work.emit, work.should_stop),)
    )


def character(work: Work, request: CharacterRequest) -> Outcome:
    """Test an assistant's character; what is found is kept by the testing itself."""
    from studio import engines
    from studio.evaluation import character as room

    variant, engine = work.project.variant(request.variant), engines.Engine(work.settings)
    room.test(work.project, variant, engine, work.folder, request.questions, work.emit, work.should_stop)
    return Outcome()


def explain(work: Work, request: ExplainRequest) -> Outcome:
    """Which words of the question and which passages one stored answer rests on; more closely when it was asked before."""
    from studio import engines, explanation

    answer = work.project.store.get(Answer, request.answer)
    if answer is None:
        raise NotFound("answer_missing", name=request.answer)
    variant = work.project.variant(answer.variant)
    adapter = work.project.path(variant.adapter) if variant.adapter else None
    if not answer.quoted:  # a quote is explained by the embedder, everything else by the model's own weights
        engines.prepare(variant.model, work.settings, work.emit, train=True)
    engine = engines.Engine(work.settings)
    before = next((e for e in reversed(work.project.store.all(Explanation)) if e.answer_id == answer.id), None)
    closer = before if request.inside is not None or request.detail == "words" else None
    alike = explanation.lessons(work.project, answer, engine) if adapter and not closer else ()
    made = explanation.explain(
        answer, variant, adapter, engine, work.emit, work.should_stop,
        detail=request.detail, inside=request.inside, before=closer, alike=alike,
    )  # fmt: skip
    return Outcome(explanations=(made,))


def export(work: Work, request: ExportRequest) -> Outcome:
    """Write an assistant into a folder that works without the studio, and zip it."""
    from studio import export as room

    variant = work.project.variant(request.variant)
    return room.folder(work.project, variant, request, work.folder, work.settings, work.emit, work.should_stop)


def push(work: Work, request: PushRequest) -> Outcome:
    """Upload an export to the Hub with the token that was handed over for this run alone."""
    from studio import export as room

    exported = work.project.store.get(Exported, request.export)
    if exported is None:
        raise NotFound("export_missing", name=request.export)
    token = runs.take_secret(work.settings.private, work.folder.name)
    pushed = room.push(work.project, exported, request, token, work.emit, work.should_stop)
    return Outcome(exports=(pushed,))


def _given(work: Work, engine: "Engine") -> "Given":
    """What a training gets beside its recipe. After an attempt that ran out of memory, less goes through the model at once;
    what is learnt stays the same, so it goes on where it was.
    """
    from studio import answering, training
    from studio.answering import untrained

    if work.after == "memory":
        work.emit(events.Note(code="smaller_portions"))

    def rivals(kept: Sequence[Example]) -> list[list[Example]]:
        try:
            return untrained.asked(work.project, kept, engine, answering.EXAMPLES)
        finally:
            engine.stop()  # its memory is needed

    return training.Given(
        enough=lambda: (work.folder / runs.ENOUGH).exists(),
        smaller=SMALLER if work.after == "memory" else 1,
        paces=work.settings.private / training.PACES,
        rivals=rivals,
    )


def _guarded(work: Work, trained: Trained, engine: "Engine") -> Trained:
    """The training with what it did to everyday questions; without, where they could not be asked."""
    from studio import engines
    from studio.evaluation import general

    work.emit(events.Stage(name="guard"))
    try:
        place = engines.weights(trained.model, work.settings)
        before = general.untrained(engine, trained.model, place, work.emit, work.should_stop)
        adapter = work.project.path(trained.adapter)
        after = general.check(engine, trained.model, adapter, work.emit, work.should_stop)
    except StudioError as error:
        work.emit(events.Note(code="general_left_out", parameters={"reason": error.code}))
        return trained
    found = general.compare(before, after)
    work.emit(general.note(found))
    return trained.model_copy(update={"general": found})


def _questions(work: Work, trains: bool = False) -> list[Question]:
    """The test questions, without those a correction has made an example of or preferences were learnt from; how many that
    were is said."""
    from studio import evaluation

    every = work.project.store.questions()
    made = [] if trains else work.project.store.all(Trained)  # a new training has learnt no preferences
    preferred = made[-1].preferred if made else None
    fair = evaluation.fair(every, work.project.store.examples(), preferred.questions if preferred else ())
    if len(fair) < len(every):
        work.emit(events.Note(code="questions_left_out", parameters={"count": len(every) - len(fair)}))
    return fair


def do(work: Work, kind: str, asked: object) -> Outcome:
    """What was asked for, done. `asked` is the request as it stands in `run.json`."""
    match kind:
        case "intake":
            return intake(work, IntakeRequest.model_validate(asked))
        case "check":
            return check(work, CheckRequest.model_validate(asked))
        case "draft":
            return draft(work, DraftRequest.model_validate(asked))
        case "calibrate":
            return calibrate(work, CalibrateRequest.model_validate(asked))
        case "attune":
            return attune(work, AttuneRequest.model_validate(asked))
        case "prefer":
            return prefer(work, PreferRequest.model_validate(asked))
        case "fetch":
            return fetch(work, FetchRequest.model_validate(asked))
        case "build":
            return build(work, BuildRequest.model_validate(asked))
        case "rehearse":
            return rehearse(work, RehearseRequest.model_validate(asked))
        case "seek":
            return seek(work, SeekRequest.model_validate(asked))
        case "evaluate":
            return evaluate(work, EvaluateRequest.model_validate(asked))
        case "character":
            return character(work, CharacterRequest.model_validate(asked))
        case "explain":
            return explain(work, ExplainRequest.model_validate(asked))
        case "export":
            return export(work, ExportRequest.model_validate(asked))
        case "push":
            return push(work, PushRequest.model_validate(asked))
        case _:
            raise NotFound("run_missing", name=kind)


def main(folder: Path) -> int:
    """Work a run off and write how it ended. Returns the process's exit status."""
    settings.silence_libraries()
    stopped = _listen()
    try:
        outcome = _work(folder, lambda: bool(stopped) or (folder / "stop").exists())
    except BaseException as error:  # whatever it is, the reason must reach the person: the process ends here
        traceback.print_exc()
        files.write_json(folder / "exit.json", {"ok": False, "fault": _fault(error).model_dump()})
        return 1
    files.write_json(folder / "exit.json", {"ok": True, "outcome": outcome.model_dump(mode="json")})
    return 0


def _work(folder: Path, should_stop: events.ShouldStop) -> Outcome:
    asked = files.read_json(folder / "run.json") or {}
    attempt = files.read_json(folder / "attempt.json") or {}
    given = settings.load()
    work = Work(Project(folder.parent.parent), folder, given, events.write(folder), should_stop, attempt.get("after"))
    if asked.get("kind") in ("build", "rehearse", "seek", "prefer"):
        from studio.training import prepare_environment

        prepare_environment(machine.threads_for_heavy_work(given.threads), folder)
    return do(work, asked.get("kind", ""), asked.get("request"))


def _listen() -> list[int]:
    """Signals that ask us to end, collected; a second one ends the process at once."""
    got: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        got.append(number)
        if len(got) > 1:
            os._exit(128 + number)

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    return got


def _fault(error: BaseException) -> Fault:
    match error:
        case StudioError():
            return error.fault
        case MemoryError():
            return OutOfMemory("out_of_memory").fault
        case OSError() if error.errno == errno.ENOSPC:
            return Fault(code="disk_full")
        case KeyboardInterrupt():
            return Stopped().fault
        case _:
            return Fault(code="unexpected", parameters={"reason": f"{type(error).__name__}: {error}"[:300]})


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
