"""Whether people chose an answer or merely the longer one.

Longer answers win votes whatever they say (Chiang et al. 2024, arXiv:2403.04132, and the "style control" after it). This
shows how often the longer side won, and who leads once the length is taken out.
"""

import math
from collections.abc import Sequence

from studio.base.chance import LEVEL, sign_test
from studio.base.records import Record
from studio.comparison.statistics import Interval, interval

FEWEST = 10  # choices between answers of different length, before anything is said about length
WEAK = 2.5  # log-odds; prior standard deviation of both effects: a handful of votes cannot make them infinite


class Side(Record):
    """One choice between two answers: whether the first was chosen, and how many words each has."""

    won: bool
    words: int
    other_words: int


class Length(Record):
    """`longer` is how often the longer answer was chosen, of `n` choices between answers of different length; `noticed`
    says that this is more than luck. `adjusted` is how probably the first variant would be chosen over the other if both
    were equally long; `plain` is the same without looking at length.
    """

    n: int
    longer: Interval
    p_value: float
    noticed: bool
    plain: float
    adjusted: Interval


def length(sides: Sequence[Side]) -> Length | None:
    """None for fewer than FEWEST choices. Both effects are found at once: logit P(first chosen) = a + b * log(words /
    other words), by Newton's method with weak normal priors around 0: standard deviation 2.5 for a, and for b 2.5 where the
    logarithms spread by one half (Gelman et al. 2008, Ann. Appl. Stat. 2, 1360-1383). The interval is that of the normal
    approximation.
    """
    different = [side for side in sides if side.words != side.other_words]
    if len(different) < FEWEST:
        return None
    longer = sum(side.won == (side.words > side.other_words) for side in different)
    rows = [(math.log((side.words + 1) / (side.other_words + 1)), float(side.won)) for side in sides]
    own, error = _fit(rows)
    plain, _ = _fit([(0.0, won) for _, won in rows])
    p_value = sign_test(longer, len(different))
    return Length(
        n=len(different),
        longer=interval(longer, len(different)),
        p_value=p_value,
        noticed=p_value < LEVEL,
        plain=_logistic(plain),
        adjusted=Interval(value=_logistic(own), low=_logistic(own - 1.96 * error), high=_logistic(own + 1.96 * error)),
    )


def _fit(rows: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The intercept and its standard error; the slope is fitted beside it."""
    a = b = hab = 0.0
    hbb = det = 1.0
    spread = math.sqrt(sum(x * x for x, _ in rows) / len(rows)) or 0.5
    weak_a, weak_b = WEAK**2, (WEAK * 0.5 / spread) ** 2
    for _ in range(100):
        ga, gb = -a / weak_a, -b / weak_b
        haa, hbb, hab = 1 / weak_a, 1 / weak_b, 0.0
        for x, won in rows:
            chance = _logistic(a + b * x)
            weight = chance * (1 - chance)
            ga, gb = ga + won - chance, gb + (won - chance) * x
            haa, hab, hbb = haa + weight, hab + weight * x, hbb + weight * x * x
        det = haa * hbb - hab * hab
        da, db = (hbb * ga - hab * gb) / det, (haa * gb - hab * ga) / det
        a, b = a + da, b + db
        if abs(da) + abs(db) < 1e-10:
            break
    return a, math.sqrt(hbb / det)


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-max(min(x, 50.0), -50.0)))
