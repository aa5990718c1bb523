"""How good are the answers? Test questions are asked, what comes back is held against the facts a right answer states.

No big judge model: a fact is there or it is not, a question without an answer in the material must be declined. What else
is measured, `metrics` names; `cards` reads a scorecard as a table. Every figure comes with its 95 % interval, every
comparison is paired by question.
"""

import itertools
import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from studio.base import chance, events
from studio.base.errors import NotEnough, Stopped, StudioError
from studio.base.machine import look
from studio.base.project import Project
from studio.base.records import Difference, Example, Graded, Question, Score, Scorecard, Variant, VariantScores
from studio.engines import Engine
from studio.evaluation import cards, declining, lookup, modelled, style
from studio.evaluation.grading import grade
from studio.evaluation.metrics import BY_CODE
from studio.evaluation.replies import Asked, given
from studio.training import pacing

__all__ = ["better_than", "evaluate", "fair", "filled", "grade", "hold_out", "score"]

log = logging.getLogger(__name__)

FEWEST_WORDINGS, FEWEST_HELD_OUT, MOST_HELD_OUT = 3, 10, 40
MOST_OWN, DRAWS, SEED = 400, 200, 7


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
    2. each answer is graded, by rule and by what it sounds like; one that could not be given counts as wrong
    3. what else can be said of the answers is measured, by rule and, for a quarter of the time, by models
    4. shares with Wilson intervals, pairs with the exact McNemar test
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
            answers = pool.map(lambda each, q=question.question: given(project, Asked(each, q), engine), variants)
            for variant, answer in zip(variants, answers, strict=True):
                graded[variant.id].append(grade(question, answer))
            left = (time.monotonic() - began) / number * (len(questions) - number)
            emit(events.Progress(done=number, of=len(questions), seconds_left=round(left, 1)))
    by_id = {question.id: question for question in questions}
    graded = _by_meaning(graded, by_id, engine)
    own = _own(project)
    answered = tuple(VariantScores(variant=id, scores=(), graded=tuple(items)) for id, items in graded.items())
    measured = cards.measure(answered, by_id, own)
    took = time.monotonic() - began
    measured = modelled.add(project, measured, variants, by_id, engine, should_stop, took)
    scored = tuple(
        each.model_copy(update={"scores": (*score(by_id, each.graded), *_told_apart(each, own))}) for each in measured
    )
    return Scorecard(
        variants=scored,
        differences=tuple(better_than(a, b) for a, b in itertools.combinations(scored, 2)),
        watts=pacing.draw(look(project.folder)),
        price_hour=project.card.price_hour,
    )


def filled(project: Project, card: Scorecard) -> Scorecard:
    """The card with what is measured by rule of answers that lack it: those given before it could be measured."""
    if all(graded.measured for scores in card.variants for graded in scores.graded):
        return card
    return cards.filled(card, project.store.questions(), _own(project))


def fair(questions: Sequence[Question], examples: Sequence[Example], preferred: Sequence[str] = ()) -> list[Question]:
    """The questions nobody has learnt by heart: those that are also an example's question, or that people's preferences were
    learnt from, measure memory, not skill."""
    learnt = {lookup.normal(example.question) for example in examples if example.split != "test"}
    learnt |= set(map(lookup.normal, preferred))
    return [question for question in questions if lookup.normal(question.question) not in learnt]


def hold_out(examples: Sequence[Example]) -> list[Example]:
    """Examples to test with instead of learning from: one wording each of answers that have at least three.

    At most MOST_HELD_OUT, and none when there are fewer than FEWEST_HELD_OUT such answers: too few would measure nothing.
    Chosen by their id, so that the same examples always give the same test.
    """
    wordings: dict[str, list[Example]] = {}
    for example in examples:
        if example.task == "answer" and example.split == "train" and example.question:
            wordings.setdefault(lookup.normal(example.answer), []).append(example)
    chosen = [min(same, key=lambda e: e.id) for same in wordings.values() if len(same) >= FEWEST_WORDINGS]
    return sorted(chosen, key=lambda e: e.id)[:MOST_HELD_OUT] if len(chosen) >= FEWEST_HELD_OUT else []


def score(questions: dict[str, Question], graded: Sequence[Graded]) -> tuple[Score, ...]:
    """Shares of right answers: over all questions, over those with an answer in the material, and over those without."""
    known = [g.right for g in graded if questions[g.question_id].answerable]
    unknown = [g.right for g in graded if not questions[g.question_id].answerable]
    shares = {"right": [g.right for g in graded], "right_known": known, "right_declined": unknown}
    values = {metric: list(map(float, hits)) for metric, hits in shares.items() if hits}
    values["seconds"] = [g.answer.seconds for g in graded]
    return tuple(cards.score(BY_CODE[metric], each) for metric, each in values.items())


def better_than(first: VariantScores, second: VariantScores) -> Difference:
    """Which of two variants answers more questions right, on the same questions.

    Exact McNemar test, two-sided: under "no difference" the questions that only one of them got right split like coin
    tosses (McNemar 1947; exact binomial form, Fay 2010).
    """
    right = {g.question_id: g.right for g in second.graded}
    pairs = [(g.right, right[g.question_id]) for g in first.graded if g.question_id in right]
    wins = sum(a and not b for a, b in pairs)
    losses = sum(b and not a for a, b in pairs)
    if losses > wins:
        first, second, wins, losses = second, first, losses, wins
    p_value = chance.sign_test(wins, wins + losses)
    verdict = "better" if p_value < chance.LEVEL else "too_few" if wins + losses < chance.FEWEST else "none_found"
    return Difference(
        better=first.variant, worse=second.variant, wins=wins, losses=losses, p_value=p_value, verdict=verdict
    )


def _by_meaning(
    graded: Mapping[str, list[Graded]], questions: Mapping[str, Question], engine: Engine
) -> dict[str, list[Graded]]:
    """The same grades, and "declined" for answers that say so in words the rules do not know."""
    unsure = {
        g.answer.id: g.answer.text
        for items in graded.values()
        for g in items
        if g.answer.text.strip() and not g.declined and not g.answer.quoted
    }
    texts = list(dict.fromkeys(unsure.values()))
    try:
        likeness = dict(zip(texts, declining.likeness(texts, engine), strict=True)) if texts else {}
    except StudioError as error:  # no embedder here: the rules alone
        log.info("declining told by rules alone: %s", error.code)
        return dict(graded)
    sounding = {id for id, text in unsure.items() if likeness[text] >= declining.SURE}
    return {
        id: [grade(questions[g.question_id], g.answer, True) if g.answer.id in sounding else g for g in items]
        for id, items in graded.items()
    }


def _own(project: Project) -> style.Own | None:
    """How the company itself writes: the answers of its examples and of its test questions."""
    texts = [example.answer for example in project.store.examples() if example.task == "answer"][:MOST_OWN]
    return style.Own.from_texts([*texts, *(question.reference for question in project.store.questions())])


def _told_apart(scores: VariantScores, own: style.Own | None) -> tuple[Score, ...]:
    """How far the style of all answers lies from the company's; its interval by drawing answers again."""
    import numpy as np

    counted = [style.of(g.answer.text) for g in scores.graded if "style" in g.measured]
    if own is None or len(counted) < style.FEWEST:
        return ()
    draws = np.random.default_rng(SEED).integers(0, len(counted), (DRAWS, len(counted)))
    drawn = [style.distance([counted[at] for at in draw], own) for draw in draws]
    low, high = (float(each) for each in np.quantile(drawn, (0.025, 0.975)))
    value = style.distance(counted, own)
    return (Score(metric="style_distance", value=value, low=min(low, value), high=max(high, value), n=len(counted)),)
