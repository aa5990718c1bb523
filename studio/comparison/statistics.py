"""How many choices prove something, and how many more would be needed. Arithmetic on counts: no order of votes matters.

Ties ("equal", "neither") say nothing about who is better: the sign test leaves them out, and whoever calls it says how
many there were.
"""

import math
from functools import cache

from studio.base.chance import LEVEL, wilson
from studio.base.records import Record

POWER = 0.8
LOOK_AHEAD = 1000  # votes; a difference that needs more is no difference to a person


class Interval(Record):
    """A share and what it may as well be, with 95 % confidence."""

    value: float
    low: float
    high: float


def interval(wins: int, n: int) -> Interval:
    """A share of choices with Wilson's interval; one half, and as wide as can be, for nothing asked."""
    low, high = wilson(wins, n)
    return Interval(value=wins / n if n else 0.5, low=low, high=high)


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
