"""What counts and means prove: the intervals and tests that every room reads alike; no order of what is given matters.

Knows neither what was counted nor what follows from it.
"""

import math
from collections.abc import Sequence
from statistics import stdev

LEVEL = 0.05
FEWEST = 6  # that differ: with fewer the exact test cannot reach the level, 2 * 0.5**5 > 0.05
Z = 1.959963984540054  # of a two-sided 95 % interval


def wilson(hits: float, n: float, z: float = Z) -> tuple[float, float]:
    """The score interval of a share: Wilson (1927), J. Amer. Statist. Assoc. 22, 209-212. Stays within 0..1, and is as wide
    as can be for nothing asked.
    """
    if not n:
        return 0.0, 1.0
    share, square = hits / n, z * z
    middle = (share + square / (2 * n)) / (1 + square / n)
    half = z / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    return 0.0 if hits == 0 else max(middle - half, 0.0), 1.0 if hits == n else min(middle + half, 1.0)


def sign_test(wins: int, n: int) -> float:
    """Two-sided exact p-value of `wins` among `n` that differ, when both are equally good; with none at all it is 1.

    Dixon & Mood (1946), J. Amer. Statist. Assoc. 41, 557-566: twice the smaller tail of the binomial distribution with one
    half, at most 1. On the questions that only one of two got right it is McNemar's test (1947), exact.
    """
    tail = sum(math.comb(n, k) for k in range(min(wins, n - wins) + 1))
    return float(min(1.0, 2 * tail / (1 << n)))


def paired(gained: int, lost: int, n: int) -> tuple[float, float]:
    """95 % interval for the difference of two shares of the same `n` questions, of which so many were gained and lost: half
    a question is added to each of the four cells first (Agresti & Min 2005, Statistics in Medicine 24, 729-740).
    """
    more, less, every = gained + 0.5, lost + 0.5, n + 2
    middle = (more - less) / every
    half = Z * math.sqrt((more + less) - (more - less) ** 2 / every) / every
    return max(middle - half, -1.0), min(middle + half, 1.0)


def student(values: Sequence[float]) -> float:
    """Half of the 95 % interval of a mean: Student (1908), Biometrika 6, 1-25. One value alone says nothing of it."""
    from scipy.special import stdtrit

    n = len(values)
    return float(stdtrit(n - 1, 0.975)) * stdev(values) / math.sqrt(n) if n > 1 else math.inf


def holm(p_values: Sequence[float]) -> list[float]:
    """The same p-values looked at together: under each level the chance of even one wrong claim stays (Holm 1979,
    Scandinavian Journal of Statistics 6, 65-70).
    """
    adjusted, highest = [1.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        highest = max(highest, min((len(p_values) - rank) * p_values[at], 1.0))
        adjusted[at] = highest
    return adjusted
