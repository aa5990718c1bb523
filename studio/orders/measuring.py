"""Assistants are asked the test questions, their character is tested, or a model judges between two of them."""

from studio import engines
from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.project import Project
from studio.base.recipes import CharacterRequest, EvaluateRequest
from studio.base.records import Run, Variant
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.evaluation import character as testing
from studio.evaluation import judging, probes
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


def judges(settings: Settings) -> list[engines.Model]:
    """The models that could judge: those whose weights lie here, the largest first. None where another server answers."""
    if settings.remote_url:
        return []
    here = [each for each in engines.catalogue() if engines.is_here(each.name, settings, train=True)]
    return sorted(here, key=lambda each: -each.parameters)


def judge(project: Project, runs: Runs, model: str, pair: tuple[str, ...] = ()) -> Run:
    """Let a model judge between two assistants of the last test (by their ids; the best two where none are named), as far as
    it judges like people. Raises NotPossibleHere("judge_needs_local_model", "model_not_here") and
    NotEnough("judge_untested", "judge_votes_few").
    """
    if runs.settings.remote_url:
        raise NotPossibleHere("judge_needs_local_model")
    if model not in {each.name for each in judges(runs.settings)}:
        raise NotPossibleHere("model_not_here", name=engines.model(model).title)
    known = judging.pairs(project)
    if not known:
        raise NotEnough("judge_untested")
    asked = next((each for each in known if tuple(variant.id for variant in each) == pair), known[0])
    return runs.start(project, "judge", judging.request(project, model, asked), again=True)
