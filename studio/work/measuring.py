"""Runs that measure assistants: their answers to the test questions, their character, and by a model as judge."""

from studio.base import events
from studio.base.recipes import CharacterRequest, EvaluateRequest, JudgeRequest
from studio.base.records import Outcome, Question, Trained
from studio.work import Work


def evaluate(work: Work, request: EvaluateRequest) -> Outcome:
    """Ask assistants the project's test questions and grade what they say."""
    from studio import engines, evaluation

    work.emit(events.Planned(stages=("test",)))
    work.emit(events.Stage(name="test"))
    variants = [work.project.variant(id) for id in request.variants] or work.project.variants()
    questions = fair_questions(work)[: request.questions or None]
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


def judge(work: Work, request: JudgeRequest) -> Outcome:
    """Let a model judge as far as it judges like people; what it says is kept by the judging itself."""
    from studio import engines
    from studio.evaluation import judging

    work.emit(events.Planned(stages=("prepare_model", "judge_votes", "judge_test")))
    engines.prepare(request.model, work.settings, work.emit, train=True)
    judging.measure(work.project, engines.Engine(work.settings), request, work.emit, work.should_stop)
    return Outcome()


def fair_questions(work: Work, trains: bool = False) -> list[Question]:
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
