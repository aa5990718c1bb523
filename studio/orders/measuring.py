"""Assistants are asked the test questions, or their character is tested."""

from studio.base.errors import NotEnough
from studio.base.project import Project
from studio.base.recipes import CharacterRequest, EvaluateRequest
from studio.base.records import Run, Variant
from studio.base.runs import Runs
from studio.evaluation import character as testing
from studio.evaluation import probes
from studio.orders import chosen


def evaluate(project: Project, runs: Runs, questions: int = 0) -> Run:
    """Ask every assistant the test questions (all of them, or the first few)."""
    if not project.store.counts()["questions"]:
        raise NotEnough("questions_none")
    variants = tuple(variant.id for variant in chosen.assistants(project))
    request = EvaluateRequest(variants=variants, questions=max(questions, 0), material=project.fingerprint)
    return runs.start(project, "evaluate", request, again=True)


def character(project: Project, runs: Runs, variant: Variant, questions: int = probes.QUESTIONS) -> Run:
    """Test what an assistant's profile gained and cost, and whether it treats everybody alike. The same is not asked twice.

    Raises NotEnough("character_none") for an assistant that has none.
    """
    testing.cost(project, variant, questions)
    project.store.put(variant)
    request = CharacterRequest(
        variant=variant.id, questions=questions, made_for=testing.made_for(project, variant, questions)
    )
    return runs.start(project, "character", request)
