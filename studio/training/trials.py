"""Settings on trial: which training comes next, and what all of them prove. Knows numbers; no model, no clock.

Everything follows from the trials that are over and the seconds that are left, so an interrupted search goes on as it would
have. Settings are tried on a part of the examples, the best third of them on all (successive halving: Jamieson and Talwalkar
2016), proposed by a tree of Parzen estimators (Bergstra et al. 2011, in Optuna). Then the best and the studio's own learn
again from other examples in another order and answer what no choice rests on.
"""

from collections.abc import Callable, Sequence
from math import ceil, sqrt
from statistics import fmean, stdev, variance
from typing import Literal, NamedTuple

from pydantic import Field

from studio.base.records import Record, Score, Trial

FEWER = 3  # of so many settings one goes on from a part to all examples
MOST = 15  # settings beside the studio's own; a rate and a number of rounds are known well enough then
AROUND, ROUNDS = 8.0, 2.0  # times smaller and larger than the studio's own: rate and rounds
HIGHEST_RATE, MOST_ROUNDS = 0.1, 50.0
FORGETS = 1.25, 0.02  # settings that move everyday answers more than so many times as far, and so much, are not chosen


class Dials(NamedTuple):
    learning_rate: float
    epochs: float


class Task(NamedTuple):
    """A training to be done: settings `number`, learnt from a share of the examples of a turn."""

    number: int
    dials: Dials
    share: float = 1.0
    turn: int = 0


class Setup(NamedTuple):
    """What is looked for: around the studio's own dials, the person's own tried too, on `share` first, over `turns`."""

    base: Dials
    own: Dials | None = None
    share: float = 0.25
    turns: int = 3
    seed: int = 7


class Attempt(Record):
    """A trial with what only the verdict needs: the share of words right in every outer answer, and what it took."""

    trial: Trial
    answers: dict[str, float] = Field(default={})
    tokens: int = 0
    learning: float = 0.0  # seconds in steps alone, however often it was interrupted


class Verdict(NamedTuple):
    reason: Literal["kept", "as_good", "unproven", "unconfirmed", "short"]
    number: int = 0
    gain: Score | None = None
    turns: int = 0


Cost = Callable[[Task], float]
"""Seconds a training is estimated to take."""


def following(setup: Setup, tried: Sequence[Attempt], left: float, cost: Cost) -> Task | None:
    """The next training, or None when nothing that would say something more fits into the `left` seconds.

    1. the studio's own on a part  2. others on the part, while what must follow still fits  3. the own and the best third on
    all  4. the own and the best again, turn by turn, while the best is ahead
    """
    over = {(each.trial.number, each.trial.share, each.trial.turn) for each in tried}

    def todo(*tasks: Task) -> list[Task]:
        return [each for each in tasks if (each.number, each.share, each.turn) not in over]

    def fits(*tasks: Task) -> bool:
        return sum(cost(each) for each in tasks) <= left

    own = Task(0, setup.base, setup.share)
    if todo(own):
        return own if fits(own) else None
    whole = Task(0, setup.base)
    others = {each.trial.number for each in tried} - {0}
    promoted = setup.share < 1 and any(each.trial.share == 1 for each in tried)
    if not promoted and len(others) < MOST:
        proposed = _proposed(setup, tried)
        leader = next((_dials(tried, each) for each in _ranked(setup, tried, setup.share) if each), setup.base)
        longer = max(proposed.dials, leader, key=lambda dials: dials.epochs)
        for before, after in zip(_reserves(setup, longer), _reserves(setup, leader), strict=True):
            if fits(proposed, *before):
                return proposed
            if others and fits(*after):
                break  # rather prove what was found than look on
    if setup.share < 1:
        ranked = _ranked(setup, tried, setup.share)
        several = [Task(each, _dials(tried, each)) for each in ranked if each][: ceil(len(ranked) / FEWER)]
        if pending := todo(whole, *several[:1]):
            return pending[0] if several and fits(*pending) else None
        for task in todo(*several[1:]):
            longest = max(several, key=lambda each: each.dials.epochs)
            if fits(task, whole._replace(turn=1), longest._replace(turn=1)):
                return task
    best = chosen(setup, tried)
    if best is None or best == 0:
        return None
    for turn in range(1, setup.turns):
        gain = _gain(_pairs(tried, best))
        if gain is None or gain.value <= 0:
            return None  # there is nothing to confirm
        both = todo(Task(0, setup.base, turn=turn), Task(best, _dials(tried, best), turn=turn))
        if both:
            return both[0] if fits(*both) else None
    return None


def chosen(setup: Setup, tried: Sequence[Attempt]) -> int | None:
    """The settings with the lowest loss on the inner answers after all examples; None before there are several."""
    ranked = _ranked(setup, tried, 1.0)
    return ranked[0] if len(ranked) > 1 and 0 in ranked else None


def verdict(setup: Setup, tried: Sequence[Attempt]) -> Verdict:
    """Whether the best settings are better than the studio's own, on answers nothing was chosen by.

    Kept are only those whose gain has its whole 95 % interval above zero in trainings of later turns: of many trainings the
    best one was also a lucky one, and its luck is in every answer it gives.
    """
    best = chosen(setup, tried)
    if best is None:
        return Verdict("short")
    if best == 0:
        return Verdict("as_good")
    pairs = _pairs(tried, best)
    gain, again = _gain(pairs), len(pairs) - 1
    if gain is None or gain.low <= 0:
        return Verdict("unproven", best, gain, again)
    return Verdict("kept" if again else "unconfirmed", best, gain, again)


def _proposed(setup: Setup, tried: Sequence[Attempt]) -> Task:
    """The next settings: the person's own, twice and half the rate, then what Optuna makes of all that were tried."""
    base, number = setup.base, len({each.trial.number for each in tried})
    first = [*([setup.own] if setup.own and setup.own != base else [])]
    first += [base._replace(learning_rate=min(base.learning_rate * by, HIGHEST_RATE)) for by in (2, 0.5)]
    known = {_dials(tried, each.trial.number) for each in tried}
    dials = next((each for each in first if each not in known), None)
    return Task(number, dials or _estimated(setup, tried, number), setup.share)


def _estimated(setup: Setup, tried: Sequence[Attempt], number: int) -> Dials:
    import optuna
    from optuna.distributions import FloatDistribution

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    base, own = setup.base, setup.own or setup.base
    rates = (base.learning_rate / AROUND, base.learning_rate * AROUND, own.learning_rate)
    rounds = (base.epochs / ROUNDS, base.epochs * ROUNDS, own.epochs)
    space = {
        "learning_rate": FloatDistribution(min(rates), min(max(rates), HIGHEST_RATE), log=True),
        "epochs": FloatDistribution(min(rounds), min(max(rounds), MOST_ROUNDS), log=True),
    }
    first = [each.trial for each in tried if each.trial.share == setup.share and not each.trial.turn]
    worst = max((each.loss for each in first if each.loss is not None), default=0.0) + 1
    sampler = optuna.samplers.TPESampler(n_startup_trials=0, seed=setup.seed * 1_000 + number)
    study = optuna.create_study(sampler=sampler)
    for each in first:
        value = worst if each.state == "diverged" or each.loss is None else each.loss
        told = {"learning_rate": each.learning_rate, "epochs": each.epochs}
        study.add_trial(optuna.trial.create_trial(params=told, distributions=space, value=value))
    asked = study.ask(space).params
    return Dials(float(f"{asked['learning_rate']:.2g}"), float(f"{asked['epochs']:.2g}"))


def _ranked(setup: Setup, tried: Sequence[Attempt], share: float) -> list[int]:
    """The settings that were tried on this share, the best first; without those that forget more than the studio's own."""
    found = [each.trial for each in tried if each.trial.share == share and not each.trial.turn]
    own = next((each.moved for each in found if each.number == 0), None)
    most = own * FORGETS[0] + FORGETS[1] if own is not None else None
    fair = [
        (each.loss, each.number)
        for each in found
        if each.state == "done" and each.loss is not None
        if each.number == 0 or most is None or each.moved is None or each.moved <= most
    ]
    return [number for _, number in sorted(fair)]


def _reserves(setup: Setup, best: Dials) -> list[list[Task]]:
    """What should still fit after a trial on the part, the most wanted first: both on all and again, on all, nothing."""
    again = [Task(0, setup.base, turn=1), Task(-1, best, turn=1)]
    pair = [each._replace(turn=0) for each in again] if setup.share < 1 else []
    return [[*pair, *again], pair, []]


def _dials(tried: Sequence[Attempt], number: int) -> Dials:
    found = next(each.trial for each in tried if each.trial.number == number)
    return Dials(found.learning_rate, found.epochs)


def _pairs(tried: Sequence[Attempt], best: int) -> list[dict[str, float]]:
    """For every turn in which both learnt from all examples: how much more of each outer answer comes right."""
    of = {
        (each.trial.number, each.trial.turn): each.answers
        for each in tried
        if each.trial.share == 1 and each.trial.state == "done"
    }
    turns = sorted(turn for number, turn in of if number == best and (0, turn) in of)
    return [{key: value - of[0, turn][key] for key, value in of[best, turn].items()} for turn in turns]


def _gain(pairs: Sequence[dict[str, float]]) -> Score | None:
    """The mean gain in the later turns (of the first where there is no other) with its 95 % interval: Student's over the
    answers, widened by how far all turns disagree.

    Simulated with trainings that differ by chance (200 searches, 30 to 100 answers; 3 and 6 words in 100 standard deviation)
    and settings that all teach the same, others than the studio's own were kept in 0.5 % to 6 % of searches; with the first
    turn counted in, in 2.5 % to 9 %.
    """
    from scipy.special import stdtrit

    counted, together = pairs[1:] or pairs, dict[str, list[float]]()
    for key, value in ((key, value) for pair in counted for key, value in pair.items()):
        together.setdefault(key, []).append(value)
    each = [fmean(values) for values in together.values()]
    if len(each) < 2:
        return None
    between = variance([fmean(pair.values()) for pair in pairs]) / len(counted) if len(pairs) > 1 else 0.0
    half = float(stdtrit(len(each) - 1, 0.975)) * sqrt(stdev(each) ** 2 / len(each) + between)
    mean = fmean(each)
    low, high = max(mean - half, -1.0), min(mean + half, 1.0)
    return Score(metric="words_right_gain", value=round(mean, 4), low=round(low, 4), high=round(high, 4), n=len(each))
