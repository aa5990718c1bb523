"""What a count of choices proves, and how many more would be needed. Arithmetic on counts: no order of votes matters.

Ties ("equal", "neither") say nothing about who is better: the sign test leaves them out, and whoever calls it says how
many there were.
"""

import math
from functools import cache

from studio.base.records import Record

LEVEL = 0.05
POWER = 0.8
LOOK_AHEAD = 1000  # votes; a difference that needs more is no difference to a person
Z = 1.959963984540054  # of a two-sided 95 % interval


class Interval(Record):
    """A share and what it may as well be, with 95 % confidence."""

    value: float
    low: float
    high: float


def sign_test(wins: int, n: int) -> float:
    """Two-sided exact p-value of `wins` among `n` choices when both are equally good.

    Dixon & Mood (1946), "The statistical sign test", J. Amer. Statist. Assoc. 41, 557-566: twice the smaller tail of the
    binomial distribution with one half, at most 1. With no choice at all it is 1.
    """
    tail = sum(math.comb(n, k) for k in range(min(wins, n - wins) + 1))
    return float(min(1.0, 2 * tail / (1 << n)))


def wilson(wins: int, n: int, z: float = Z) -> Interval:
    """A share with its score interval: Wilson (1927), J. Amer. Statist. Assoc. 22, 209-212. Stays within 0..1, and is as
    wide as can be (0 to 1) for nothing asked.
    """
    if n == 0:
        return Interval(value=0.5, low=0.0, high=1.0)
    share, square = wins / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    low, high = (0.0 if wins == 0 else middle - half), (1.0 if wins == n else middle + half)
    return Interval(value=share, low=max(low, 0.0), high=min(high, 1.0))


@cache
def wins_needed(n: int, level: float = LEVEL) -> int | None:
    """The fewest wins of `n` that the sign test calls more than luck; None where even all would be too few."""
    tail, ways, needed = 0, 1, None
    for wins in range(n, n // 2, -1):
        tail += ways
        if 2 * tail / (1 << n) > level:
            break
        needed, ways = wins, ways * wins // (n - wins + 1)
    return needed


def chance(n: int, share: float, level: float = LEVEL) -> float:
    """How probably `n` choices show that one is better, if it is truly preferred in this share (below 1) of choices."""
    wins = wins_needed(n, level)
    if wins is None:
        return 0.0
    logs = math.lgamma(n + 1), math.log(share), math.log1p(-share)
    return sum(
        math.exp(logs[0] - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * logs[1] + (n - k) * logs[2])
        for k in range(wins, n + 1)
    )


@cache
def needed(share: float, level: float = LEVEL, power: float = POWER) -> int | None:
    """From how many choices on (ties not counted) a preference of this share is found four times of five.

    The exact test's power rises in a saw-tooth, so the first number that reaches it is not the one: from this number on
    it stays above. None for a share so near to one half that more than LOOK_AHEAD would be needed.
    """
    share = min(max(share, 1 - share), 0.99)
    distance = (share - 0.5) ** 2
    if distance * LOOK_AHEAD < 2.0:  # the normal approximation asks for 7.85 / (4 distance) or a few more
        return None
    n = last = 1 + int(1 / distance)
    while n < 1.25 * last + 12:
        if chance(n, share, level) < power:
            last = n + 1
        n += 1
    return last
