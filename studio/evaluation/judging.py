"""A model as a judge, and only as far as it has been seen to judge as people here do.

`judge` has a model choose between two answers, in both orders, so that the first place wins nothing. `agreement` holds its
choices against the votes of people: Cohen's kappa (1960) with its interval. `trusted` refuses a judge who was compared on
too few votes, or who agrees too little; nobody's scorecard rests on one that it refuses. The starter model is none: of 12
pairs of a right and a wrong answer it chose in none the same one in both orders.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from studio.base.errors import NotEnough, Refused
from studio.base.project import Project
from studio.base.records import Answer, Message, Question, Record, Vote

if TYPE_CHECKING:
    from studio.engines import Engine

FEWEST_VOTES = 30
LEAST = 0.4  # the lower end of the interval: "moderate" begins there (Landis and Koch 1977)
DRAWS, SEED = 2_000, 7

Choice = Literal["first", "second", "equal"]

PROMPTS = json.loads((Path(__file__).parent / "judging.json").read_text(encoding="utf-8"))


class Agreement(Record):
    """How a judge and people chose in the same `n` pairs: the share alike, and kappa with its 95 % interval."""

    model: str
    n: int
    alike: float
    kappa: float
    low: float
    high: float


def judge(
    engine: "Engine", model: str, question: str, first: str, second: str, reference: str = "", language: str = "en"
) -> Choice | None:
    """Which of two answers the model finds better: the letter it finds likelier in both orders, else "equal"; None for
    answers too long for it. Raises what `Engine.score` does.
    """
    code = language if language in PROMPTS["asked"] else "en"
    told = PROMPTS["reference"][code].format(reference=reference) if reference.strip() else ""
    prompts = [
        (Message(role="user", content=PROMPTS["asked"][code].format(question=question, reference=told, a=a, b=b)),)
        for a, b in ((first, second), (second, first))
    ]
    scores = engine.score_each([(prompt, letter) for prompt in prompts for letter in "AB"], model=model)
    if not all(each.logprobs for each in scores):
        return None
    likely = [sum(each.logprobs[0]) for each in scores]
    leads = likely[0] - likely[1], likely[2] - likely[3]
    if leads[0] > 0 > leads[1]:
        return "first"
    return "second" if leads[0] < 0 < leads[1] else "equal"


def agreement(project: Project, engine: "Engine", model: str, most: int = 100) -> Agreement:
    """The judge's choices beside people's, in the latest votes between two answers. Raises NotEnough("judge_votes_few")."""
    known = {question.question: question for question in project.store.questions()}
    pairs: list[tuple[Choice, Choice]] = []
    for vote in project.store.latest(Vote, most):
        answers = [answer for id in vote.answers if (answer := project.store.get(Answer, id)) is not None]
        if len(answers) != 2:
            continue
        first, second = answers
        of_person: Choice = (
            "first" if vote.winner == first.variant else "second" if vote.winner == second.variant else "equal"
        )
        question = known.get(vote.question, Question(question=vote.question))
        of_judge = judge(
            engine, model, vote.question, first.text, second.text, question.reference, project.card.language
        )
        if of_judge is not None:
            pairs.append((of_person, of_judge))
    if len(pairs) < FEWEST_VOTES:
        raise NotEnough("judge_votes_few", votes=len(pairs), needed=FEWEST_VOTES)
    low, high = _interval(pairs)
    return Agreement(
        model=model,
        n=len(pairs),
        alike=sum(a == b for a, b in pairs) / len(pairs),
        kappa=kappa(pairs),
        low=low,
        high=high,
    )


def trusted(found: Agreement) -> Agreement:
    """The agreement of a judge that may be used. Raises NotEnough("judge_votes_few") and Refused("judge_disagrees")."""
    if found.n < FEWEST_VOTES:
        raise NotEnough("judge_votes_few", votes=found.n, needed=FEWEST_VOTES)
    if found.low < LEAST:
        raise Refused(
            "judge_disagrees", name=found.model, kappa=round(found.kappa, 2), low=round(found.low, 2), least=LEAST
        )
    return found


def kappa(pairs: Sequence[tuple[str, str]]) -> float:
    """Agreement beyond chance: 1 always alike, 0 as often as by chance."""
    n = len(pairs)
    alike = sum(a == b for a, b in pairs) / n
    chance = sum(
        sum(a == name for a, _ in pairs) * sum(b == name for _, b in pairs) for name in {a for a, _ in pairs}
    ) / (n * n)
    return (alike - chance) / (1 - chance) if chance < 1 else 1.0


def _interval(pairs: Sequence[tuple[str, str]]) -> tuple[float, float]:
    """95 % by drawing the pairs again."""
    drawn = random.Random(SEED)
    found = sorted(kappa(drawn.choices(pairs, k=len(pairs))) for _ in range(DRAWS))
    return found[round(0.025 * DRAWS)], found[round(0.975 * DRAWS) - 1]
