"""How good are the answers? Test questions are asked, what comes back is held against the facts a right answer states.

No big judge model: a fact is there or it is not, a question without an answer in the material must be declined. Every
share comes with its 95 % interval, every comparison is paired by question.
"""

import itertools
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import mean, stdev

from studio import answering
from studio.base import events
from studio.base.errors import BadInput, NotEnough, Stopped
from studio.base.project import Project
from studio.base.records import Answer, Difference, Example, Graded, Question, Score, Scorecard, Variant, VariantScores
from studio.engines import Engine
from studio.evaluation import grading
from studio.evaluation.grading import grade

__all__ = ["better_than", "evaluate", "fair", "grade", "hold_out", "score"]

LEVEL = 0.05
FEWEST_WORDINGS, FEWEST_HELD_OUT, MOST_HELD_OUT = 3, 10, 40
FEWEST_DISCORDANT = 6  # the exact test cannot reach the level with fewer: 2 * 0.5**5 > 0.05


def evaluate(
    project: Project,
    variants: Sequence[Variant],
    questions: Sequence[Question],
    engine: Engine,
    emit: events.Emit,
    should_stop: events.ShouldStop,
) -> Scorecard:
    """Ask every variant every question, grade the answers, compare the variants.

    1. all variants answer one question at the same time (they share one set of weights)
    2. each answer is graded; one that could not be given counts as wrong and is not repeated
    3. shares with Wilson intervals, pairs with the exact McNemar test
    Raises NotEnough without questions, Stopped between two questions.
    """
    if not questions:
        raise NotEnough("questions_none")
    graded: dict[str, list[Graded]] = {variant.id: [] for variant in variants}
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=max(len(variants), 1)) as pool:
        for number, question in enumerate(questions, start=1):
            if should_stop():
                raise Stopped
            answers = pool.map(lambda variant, q=question: _answer(project, variant, q, engine), variants)
            for variant, answer in zip(variants, answers, strict=True):
                graded[variant.id].append(grade(question, answer))
            left = (time.monotonic() - began) / number * (len(questions) - number)
            emit(events.Progress(done=number, of=len(questions), seconds_left=round(left, 1)))
    by_id = {question.id: question for question in questions}
    scored = tuple(
        VariantScores(variant=id, scores=score(by_id, items), graded=tuple(items)) for id, items in graded.items()
    )
    return Scorecard(variants=scored, differences=_differences(scored))


def fair(questions: Sequence[Question], examples: Sequence[Example]) -> list[Question]:
    """The questions nobody has learnt by heart: those that are also an example's question measure memory, not skill."""
    learnt = {grading.normal(example.question) for example in examples if example.split != "test"}
    return [question for question in questions if grading.normal(question.question) not in learnt]


def hold_out(examples: Sequence[Example]) -> list[Example]:
    """Examples to test with instead of learning from: one wording each of answers that have at least three.

    At most MOST_HELD_OUT, and none when there are fewer than FEWEST_HELD_OUT such answers: too few would measure nothing.
    Chosen by their id, so that the same examples always give the same test.
    """
    wordings: dict[str, list[Example]] = {}
    for example in examples:
        if example.task == "answer" and example.split == "train" and example.question:
            wordings.setdefault(grading.normal(example.answer), []).append(example)
    chosen = [min(same, key=lambda e: e.id) for same in wordings.values() if len(same) >= FEWEST_WORDINGS]
    return sorted(chosen, key=lambda e: e.id)[:MOST_HELD_OUT] if len(chosen) >= FEWEST_HELD_OUT else []


def score(questions: dict[str, Question], graded: Sequence[Graded]) -> tuple[Score, ...]:
    """Shares of right answers: over all questions, over those with an answer in the material, and over those without."""
    known = [g.right for g in graded if questions[g.question_id].answerable]
    unknown = [g.right for g in graded if not questions[g.question_id].answerable]
    seconds = [g.answer.seconds for g in graded]
    shares = {"right": [g.right for g in graded], "right_known": known, "right_declined": unknown}
    return (*(_share(metric, hits) for metric, hits in shares.items() if hits), _mean("seconds", seconds))


def better_than(first: VariantScores, second: VariantScores) -> Difference:
    """Which of two variants answers more questions right, on the same questions.

    Exact McNemar test, two-sided: under "no difference" the questions that only one of them got right split like coin
    tosses (McNemar 1947; exact binomial form, Fay 2010).
    """
    from scipy.stats import binomtest

    right = {g.question_id: g.right for g in second.graded}
    pairs = [(g.right, right[g.question_id]) for g in first.graded if g.question_id in right]
    wins = sum(a and not b for a, b in pairs)
    losses = sum(b and not a for a, b in pairs)
    if losses > wins:
        first, second, wins, losses = second, first, losses, wins
    p_value = float(binomtest(wins, wins + losses, 0.5).pvalue) if wins + losses else 1.0
    verdict = "better" if p_value < LEVEL else "too_few" if wins + losses < FEWEST_DISCORDANT else "none_found"
    return Difference(
        better=first.variant, worse=second.variant, wins=wins, losses=losses, p_value=p_value, verdict=verdict
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927), inside 0..1 also for very few questions."""
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def _answer(project: Project, variant: Variant, question: Question, engine: Engine) -> Answer:
    try:
        for piece in answering.ask(project, variant, question.question, engine):
            match piece:
                case answering.Done(answer=answer) | answering.Declined(answer=answer):
                    return answer
    except BadInput:  # this question is too long or empty; anything else is no fault of the assistant and ends the run
        pass
    return Answer(variant=variant.id, question=question.question, text="")


def _share(metric: str, hits: Sequence[bool]) -> Score:
    low, high = wilson(sum(hits), len(hits))
    return Score(metric=metric, value=sum(hits) / len(hits), low=low, high=high, n=len(hits))


def _mean(metric: str, values: Sequence[float]) -> Score:
    from scipy.stats import t

    middle = mean(values)
    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Score(metric=metric, value=middle, low=middle - half, high=middle + half, n=len(values))


def _differences(scored: Sequence[VariantScores]) -> tuple[Difference, ...]:
    return tuple(better_than(a, b) for a, b in itertools.combinations(scored, 2))
