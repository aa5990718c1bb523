"""Which way to build, and the build."""

from collections.abc import Sequence

from studio import advice, engines, evaluation, training
from studio.base.errors import NotEnough
from studio.base.machine import look
from studio.base.project import Project
from studio.base.recipes import BuildRequest, TrainingRecipe
from studio.base.records import APPROACHES_THAT_SEARCH, APPROACHES_THAT_TRAIN, Advice, Approach, Question, Run
from studio.base.runs import Runs
from studio.orders import chosen, learning
from studio.orders.chosen import Effort


def advise(project: Project, runs: Runs, planned: training.Plan | None) -> Advice:
    """What fits this project's goal, material and machine; `planned` is its `plan`."""
    model = chosen.model_of(project, runs)
    trained = chosen.last_training(project, model)
    facts = advice.material(
        project.store.documents(),
        project.store.examples(),
        planned.minutes if planned else None,
        trained.general if trained else None,
    )
    return advice.advise(project.card.goal, facts, look(project.folder), engines.model(model))


def build(project: Project, runs: Runs, approaches: Sequence[Approach], effort: Effort) -> Run:
    """Index and train as far as the approaches need it. A build that is finished is done again when it is asked for again.

    A project that brings no test questions gets some: a few of its examples, which are then not learnt from.
    Raises NotEnough when there is nothing to build from.
    """
    if not approaches:
        raise NotEnough("approaches_none")
    if APPROACHES_THAT_SEARCH & set(approaches) and not project.store.counts()["documents"]:
        raise NotEnough("documents_none")
    if not project.store.counts()["questions"]:
        _hold_out(project)
    recipe, model = TrainingRecipe(), chosen.model_of(project, runs)
    if APPROACHES_THAT_TRAIN & set(approaches):
        recipe = learning.offered_recipe(project, runs, effort)
    project.change(chosen=tuple(approaches), effort=effort, model=model)
    request = BuildRequest(
        approaches=tuple(approaches),
        recipe=recipe,
        model=model,
        material=project.fingerprint,
        guard=effort != "quick",
    )
    return runs.start(project, "build", request, again=True)


def _hold_out(project: Project) -> None:
    """Make test questions of examples: of answers with several wordings, one wording each, so that no fact is lost."""
    held = evaluation.hold_out(project.store.examples())
    if held:
        project.store.put_examples([example.model_copy(update={"split": "test"}) for example in held])
        project.store.replace_questions(
            Question(id=e.id, question=e.question, reference=e.answer, segment=e.topic) for e in held
        )
        project.store.remember("questions_held_out", count=len(held))
