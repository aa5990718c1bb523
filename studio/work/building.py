"""The run that builds the assistants."""

from studio.base import events, machine
from studio.base.errors import NotEnough, StudioError
from studio.base.recipes import BuildRequest
from studio.base.records import APPROACHES_THAT_SEARCH, APPROACHES_THAT_TRAIN, Outcome
from studio.work import Work, learning, measuring

DIAL_QUESTIONS = 60  # by which the dial is measured at the end of a build; the dial's own run asks more


def build(work: Work, request: BuildRequest) -> Outcome:
    """Fetch the model, index the documents, train on the examples, see what that cost the model, ask all assistants the test
    questions, measure the dial: as was ordered.

    What is built counts even when the questions at the end could not be asked, or were stopped, or the dial not measured.
    """
    from studio import answering, engines, evaluation, retrieval, training

    project, emit = work.project, work.emit
    searches = bool(APPROACHES_THAT_SEARCH & set(request.approaches)) and bool(project.store.counts()["documents"])
    trains = bool(APPROACHES_THAT_TRAIN & set(request.approaches))
    questions = measuring.fair_questions(work, trains)
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
            learning.given(work, engine),
        )
        project.take(Outcome(moves={"adapter": trained.adapter}), work.folder)  # a new folder, which nobody reads yet
        if request.guard:
            trained = learning.guarded(work, trained, engine)
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
