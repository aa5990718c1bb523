"""Runs in which a model learns, or is tried out for it; and what a build's training shares with them."""

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.base import events, files, machine, runs
from studio.base.errors import StudioError
from studio.base.recipes import PreferRequest, RehearseRequest, SeekRequest
from studio.base.records import Example, Outcome, Trained

if TYPE_CHECKING:
    from studio.engines import Engine
    from studio.training import Given
from studio.work import Work

SMALLER = 4  # after memory ran out, so much less goes through the model at once


def prefer(work: Work, request: PreferRequest) -> Outcome:
    """Learn from what people like better, on top of the adapter that is there, and keep it only where it is the better for
    it and has forgotten nothing.

    The judgements of the moment the run began count, however often it is interrupted.
    """
    from studio import engines, improvement, training
    from studio.training import weighing

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
    made = guarded(work, made, engines.Engine(work.settings))
    before = trained.general if trained else None
    if made.general and made.general.verdict == "lost" and not (before and before.verdict == "lost"):
        shutil.rmtree(project.path(made.adapter), ignore_errors=True)
        found = found.model_copy(update={"reason": "forgets"})
        emit(weighing.note(found))
        return Outcome(preferred=found)
    return Outcome(preferred=found, trained=(made,))


def rehearse(work: Work, request: RehearseRequest) -> Outcome:
    """Time a few steps of a training and show its first batch. Nothing is learnt; the pace is kept for the next estimate."""
    from studio import engines, training

    _ready(work, request.model, "prepare", "rehearse")
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

    engine = _ready(work, request.model, "prepare", "seek", "confirm")
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
        given(work, engine),
    )
    return Outcome(sought=found)


def given(work: Work, engine: "Engine") -> "Given":
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


def guarded(work: Work, trained: Trained, engine: "Engine") -> Trained:
    """The training with what it did to everyday questions; without, where they could not be asked."""
    from studio import engines
    from studio.evaluation import general

    work.emit(events.Stage(name="guard"))
    try:
        place = engines.weights(trained.model, work.settings)
        before = general.untrained(engine, trained.model, place, work.emit, work.should_stop, trained.frame)
        adapter = work.project.path(trained.adapter)
        after = general.check(engine, trained.model, adapter, work.emit, work.should_stop, trained.frame)
    except StudioError as error:
        work.emit(events.Note(code="general_left_out", parameters={"reason": error.code}))
        return trained
    found = general.compare(before, after)
    work.emit(general.note(found))
    return trained.model_copy(update={"general": found})


def _ready(work: Work, model: str, *stages: str) -> "Engine":
    """The model is here, and no engine that answers holds memory any more."""
    from studio import engines

    fetches = not engines.is_here(model, work.settings, train=True)
    work.emit(events.Planned(stages=("prepare_model",) * fetches + stages))
    engine = engines.Engine(work.settings)
    engines.prepare(model, work.settings, work.emit, train=True)
    engine.stop()
    return engine
