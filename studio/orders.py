"""What a person orders, turned into a run: one place for the web and the command line, so that both ask for the same.

It gathers what a request needs (model, recipe, fingerprint of the material) and puts it into the queue; it does no work.
"""

from collections.abc import Sequence
from typing import Literal

from studio import advice, answering, engines, evaluation, training
from studio.base.errors import NotEnough, NotFound, StudioError
from studio.base.machine import look
from studio.base.project import Project
from studio.base.recipes import (
    BuildRequest,
    EvaluateRequest,
    ExplainRequest,
    ExportRequest,
    PushRequest,
    TrainingRecipe,
)
from studio.base.records import (
    APPROACHES_THAT_SEARCH,
    APPROACHES_THAT_TRAIN,
    Advice,
    Answer,
    Approach,
    Exported,
    Question,
    Run,
    Variant,
)
from studio.base.runs import Runs

Effort = Literal["quick", "balanced", "thorough"]


def model_of(project: Project, runs: Runs) -> str:
    """The catalogue name of the project's model."""
    return project.card.model or runs.settings.model


def plan(project: Project, runs: Runs) -> training.Plan | None:
    """How the learning would go, or None when there is too little to learn from or it does not fit here."""
    model = engines.model(model_of(project, runs))
    try:
        return training.plan(project.store.examples(), model, look(project.folder), project.card.effort)
    except StudioError:
        return None


def advise(project: Project, runs: Runs, planned: training.Plan | None) -> Advice:
    """What fits this project's goal, material and machine; `planned` is its `plan`."""
    facts = advice.material(project.store.documents(), project.store.examples(), planned.minutes if planned else None)
    return advice.advise(project.card.goal, facts, look(project.folder), engines.model(model_of(project, runs)))


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
    recipe, model = TrainingRecipe(), model_of(project, runs)
    if APPROACHES_THAT_TRAIN & set(approaches):
        recipe = training.plan(project.store.examples(), engines.model(model), look(project.folder), effort).recipe
    project.change(chosen=tuple(approaches), effort=effort, model=model)
    request = BuildRequest(approaches=tuple(approaches), recipe=recipe, model=model, material=project.fingerprint)
    return runs.start(project, "build", request, again=True)


def assistants(project: Project) -> list[Variant]:
    """Who can answer now, kept in the project: instructions may have changed since the build, and runs look them up."""
    made = answering.variants(project)
    known = {variant.id for variant in project.variants()}
    project.store.put(*[variant for variant in made if variant.id not in known])
    return made


def evaluate(project: Project, runs: Runs, questions: int = 0) -> Run:
    """Ask every assistant the test questions (all of them, or the first few)."""
    if not project.store.counts()["questions"]:
        raise NotEnough("questions_none")
    variants = tuple(variant.id for variant in assistants(project))
    request = EvaluateRequest(variants=variants, questions=max(questions, 0), material=project.fingerprint)
    return runs.start(project, "evaluate", request, again=True)


def explain(project: Project, runs: Runs, answer: Answer) -> Run:
    """Say what an answer rests on. The answer is kept first, so that the run finds it."""
    assistants(project)
    project.store.put(answer)
    return runs.start(project, "explain", ExplainRequest(answer=answer.id))


def export(project: Project, runs: Runs, variant: Variant, form: Literal["adapter", "merged"]) -> Run:
    """Write an assistant into a folder. Untrained assistants have no adapter of their own: they are exported whole."""
    project.store.put(variant)
    request = ExportRequest(variant=variant.id, form=form if variant.adapter else "merged")
    return runs.start(project, "export", request, again=True)


def push(project: Project, runs: Runs, exported: Exported, repository: str, token: str, *, private: bool = True) -> Run:
    """Upload an export to the Hub; the token goes to the run alone."""
    if project.store.get(Exported, exported.id) is None:
        raise NotFound("export_missing", name=exported.id)
    request = PushRequest(export=exported.id, repository=repository, private=private)
    return runs.start(project, "push", request, again=True, secret=token)


def _hold_out(project: Project) -> None:
    """Make test questions of examples: of answers with several wordings, one wording each, so that no fact is lost."""
    held = evaluation.hold_out(project.store.examples())
    if held:
        project.store.put_examples([example.model_copy(update={"split": "test"}) for example in held])
        project.store.replace_questions(
            Question(id=e.id, question=e.question, reference=e.answer, segment=e.topic) for e in held
        )
        project.store.remember("questions_held_out", count=len(held))
