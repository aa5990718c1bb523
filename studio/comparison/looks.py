"""Looking at a vote before it is over without fooling oneself.

Who looks again and again until a lead is "significant" finds one in the end where there is none. So the looks are planned
(after every 15 votes), and the error of 5 % is shared out among them: a group-sequential test. Knows counts only.
"""

import math
from collections.abc import Sequence
from functools import cache

from studio.base.chance import LEVEL
from studio.comparison.statistics import POWER

EVERY = 15  # votes between two looks
PLANS = (15, 30, 60)  # votes one may plan
EARLY = 0.25  # the exponent of the error spending: the smaller, the more of the error may be used at the first look


def looks(planned: int) -> tuple[int, ...]:
    """After how many votes it is looked: every 15, and at the end."""
    return (*range(EVERY, planned, EVERY), planned)


def allowed(fraction: float, level: float = LEVEL) -> float:
    """How much of the error may be used by the time this fraction of the planned votes is in.

    Kim & DeMets (1987), Biometrika 74, 149-154: level * fraction ** rho, here with rho = 1/4. With 60 votes planned, 71 %
    of the error is for the first look: people stop early where they can, and 12 of 15 is enough at the first of four looks.
    """
    return float(level * min(max(fraction, 0.0), 1.0) ** EARLY)


@cache
def boundaries(sizes: tuple[int, ...], fractions: tuple[float, ...], level: float = LEVEL) -> tuple[int | None, ...]:
    """The wins needed at each look, of `sizes` choices so far; None where none would be enough.

    Lan & DeMets (1983), Biometrika 70, 659-663, with exact binomial probabilities (no normal approximation): those of all
    paths that have crossed no earlier boundary. What a look could not use, for wins are whole, the next ones may.
    """
    paths, before, used, found = [1.0], 0, 0.0, []
    for size, fraction in zip(sizes, fractions, strict=True):
        paths = _further(paths, size - before)
        before = size
        budget, needed = allowed(fraction, level) - used, None
        for wins in range(size, size // 2, -1):
            crossed = paths[wins] + paths[size - wins]
            if crossed > budget + 1e-12:
                break
            budget, used, needed = budget - crossed, used + crossed, wins
        if needed is not None:
            for wins in range(needed, size + 1):
                paths[wins] = paths[size - wins] = 0.0
        found.append(needed)
    return tuple(found)


def bar(decided: int, seen_at: Sequence[int], planned: int, level: float = LEVEL) -> int | None:
    """The wins needed at the last of these looks, of so many choices (the other votes were ties).

    Ties are taken to have come evenly, so that the counts decide and not the order of the votes; rounded up, so that the
    looks before have rather used up too much: the error of all looks then stays under the level however many ties there
    are (0.049 at most, counted for every hundredth of ties).
    """
    sizes = tuple(-(-decided * look // seen_at[-1]) for look in seen_at)
    return boundaries(sizes, tuple(min(look / planned, 1.0) for look in seen_at), level)[-1]


def crossing(sizes: Sequence[int], needed: Sequence[int | None], share: float = 0.5) -> float:
    """The exact probability of reaching a boundary, on either side, at any look, when this share truly prefers one.

    With one half it is the error of the whole plan, with more its power.
    """
    paths, before, crossed = [1.0], 0, 0.0
    for size, wins in zip(sizes, needed, strict=True):
        paths, before = _further(paths, size - before, share), size
        for count in range(size + 1):
            if wins is not None and max(count, size - count) >= wins:
                crossed += paths[count]
                paths[count] = 0.0
    return crossed


@cache
def shows(planned: int) -> float:
    """The preference (share of those who choose) that a plan of so many votes finds four times of five, to a whole
    percent.
    """
    sizes = looks(planned)
    needed = boundaries(sizes, tuple(size / planned for size in sizes))
    return next(share / 100 for share in range(51, 100) if crossing(sizes, needed, share / 100) >= POWER)


def _further(paths: Sequence[float], more: int, share: float = 0.5) -> list[float]:
    """How probable each number of wins is after `more` choices, from how probable each was before."""
    step = [math.comb(more, k) * share**k * (1 - share) ** (more - k) for k in range(more + 1)]
    made = [0.0] * (len(paths) + more)
    for wins, probability in enumerate(paths):
        if probability:
            for k, chance in enumerate(step):
                made[wins + k] += probability * chance
    return made
