"""What a search for settings would take on this machine, before anything is loaded."""

from collections.abc import Sequence
from pathlib import Path

from studio.base.machine import Machine
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Record
from studio.training import asides, everyday, pacing, planning, trials
from studio.training.planning import START_SECONDS, estimated_tokens

EVERYDAY = 32  # questions that tell how far a trial moved from what the untrained model expects; never learnt
SAFETY = 1.1  # a trial is taken to last a little longer than those before it did


class Outlook(Record):
    """What a search would take here: `least` minutes say anything, `enough` give a verdict, `whole` is one training."""

    answers: int
    least: float
    enough: float
    whole: float


def outlook(examples: Sequence[Example], recipe: TrainingRecipe, seconds_a_token: float) -> Outlook:
    """What a search around this recipe would take. Raises as `asides.turns` does."""
    turns = asides.turns(examples)
    tokens: float = sum(map(estimated_tokens, turns[0].learnt))
    tokens = (tokens + planning.REPLAY_TOKENS * recipe.replay * len(turns[0].learnt)) * recipe.epochs
    whole, share = tokens * seconds_a_token * SAFETY, asides.share(len(turns[0].learnt))
    first = whole * share
    asked = heard(recipe, len(turns[0].learnt))
    once = planning.REPLAY_HEARD * asked + planning.READ * (len(turns[0].learnt) + asked)
    start = START_SECONDS + once * seconds_a_token
    enough = first * 3 + whole * (4 if share < 1 else 2)  # three settings; then the own and the best, twice
    return Outlook(
        answers=len(turns[0].outer),
        least=round((start + first) / 60, 1),
        enough=round((start + enough) / 60, 1),
        whole=round(whole / 60, 1),
    )


def heard(recipe: TrainingRecipe, learnt: int) -> int:
    """Everyday questions that are asked for a search: as many as its longest training has, and some to judge by."""
    most = everyday.asked(recipe.replay, learnt, recipe.epochs * trials.ROUNDS)
    return min(most + EVERYDAY, everyday.known()) if most else 0


def pace(model: str, parameters: int, recipe: TrainingRecipe, here: Machine, paces: Path) -> float:
    """Seconds an estimated token takes to be learnt: as measured on this machine, else by the rule of `planning`."""
    known = pacing.known(paces, model, recipe, here)
    if known is not None:
        return pacing.CHECKING / known.tokens_per_second / known.estimated_share
    return planning.seconds(100_000, 100, parameters, here) / 100_000
