"""Shapley values of a game from as few evaluations as they need.

A first look at one end: what is lost when a player alone is taken out, or what it brings alone. Then the other end of those
that the first look says most of, and the mean of both; and where its errors are not small beside the largest value, exactly
for up to five players, for up to eight when there is time, and by permutations forwards and backwards otherwise, until they
are or the time is over.
Methods: Shapley values (Lundberg & Lee, NeurIPS 2017), of whose kernel regression the two ends alone are taken first, as
they weigh most; antithetic permutations (Mitchell et al., JMLR 2022).

Tried on 2026-11-22 with the starter model. Five complete games of nine phrases, the last two after everything was chosen,
r with the exact values: what is lost 0.89-0.99, what is brought alone 0.88-0.98 for a quarter fewer tokens, with the loss
of the half that brings most 0.979-0.997, of all the same. Of words, beside ten random orders: what is lost 0.77-0.93,
with what the largest third brings alone 0.83-0.95, with what all bring 0.85-0.95; what is brought alone 0.16-0.77. Two
errors held 44 of 45 values of phrases and 135 of 147 of words, whose reference errs too. Pairs of orders: one 0.81-0.89
of words, two 0.86-0.92, one with the ends 0.87-0.95. Of phrases behind passages (two questions) the loss is better first:
0.84 and 0.99, alone 0.56 and 0.96. Not better: the loss first of phrases alone too (mean 0.97 beside 0.99), neighbours
taken out or put in as pairs (0.89-0.99), the natural order forwards and backwards (0.90-0.99), the other end shifted or
scaled instead of `REST`, equal weights of both ends of words (0.80-0.93), a Gaussian process over sets and additive log
odds for each token (both within 0.01 of the ends); earlier, on other games, kernel regression on the same sets and on
random ones, and orders balanced by position.
"""

import math
import os
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Array: TypeAlias = "npt.NDArray[np.float64]"
Mask: TypeAlias = tuple[bool, ...]  # True: the player is in the prompt

ENDS_EXACT = 3  # the two ends of so few are all sets there are
SURELY_EXACT = 5  # 32 evaluations are no dearer than three pairs of permutations
PERHAPS_EXACT = 8
MANY = 12  # players; of more, the other end is asked for a smaller share
SHARES = (0.5, 0.35)
REST = 0.5  # what the others count, of what their one end says
MOST_PAIRS = 8
ENDS = 3  # how many pairs the two ends are worth
LOST = 0.6  # what the loss counts beside what is brought alone, which parts of one sense bring several times over
HALF = 0.5  # how far off the two ends are, of half their difference
PRECISE = 0.08  # of the largest value: errors below it move no unit by more than a step of strength


class Asked(Protocol):
    """What `games.Values` is: rows of 0 and 1 -> [rows, 1 + sentences]."""

    @property
    def evaluations(self) -> int: ...

    @property
    def seconds_each(self) -> float: ...

    def __call__(self, rows: "npt.NDArray[Any]") -> Array: ...


class Worth(NamedTuple):
    values: Array  # [players, 1 + sentences]
    errors: Array
    exact: bool = False
    first: bool = False  # a first look, which does not add up


def refined(values: Asked, players: int, seconds: float, alone: bool = False) -> Iterator[Worth]:
    """One estimate after the other, each better than the one before; at least one. `alone`: the first look is what each
    brings alone, instead of what is lost without it."""
    import numpy as np

    started = time.monotonic()
    each = np.eye(players, dtype=bool)
    sets = (each, ~each) if alone else (~each, each)
    nobody, everybody, *seen = values(np.vstack([each[:1] * 0, each[:1] * 0 + 1, sets[0]]))
    first = seen - nobody if alone else everybody - seen
    if players > 1:
        yield Worth(first, np.zeros_like(first), first=True)
    few = players <= SURELY_EXACT
    half = math.ceil(SHARES[players > MANY] * players)
    rank, weight = np.argsort(-abs(first[:, 0])), 1 - LOST if alone else LOST
    other = first * ((REST - weight) / (1 - weight))
    for most in (rank,) if few else (rank[:half], rank) if alone else (rank[:half],):
        if half < len(most) and not few and time.monotonic() - started + half * values.seconds_each > seconds:
            return
        asked = values(sets[1][most])
        other[most] = everybody - asked if alone else asked - nobody
        ends = two_ended(*((other, first) if alone else (first, other)), everybody - nobody)
        yield ends
    if ends.exact or precise(ends):
        return
    left = seconds - (time.monotonic() - started)
    affordable = (2**players - values.evaluations) * values.seconds_each <= left
    if few or (players <= PERHAPS_EXACT and affordable):
        yield exactly(values, players)
        return
    pairs: list[tuple[Array, Array]] = []
    worth, took = ends, 2 * players * values.seconds_each
    while len(pairs) < MOST_PAIRS and not precise(worth) and time.monotonic() - started + took <= seconds:
        before = time.monotonic()
        pairs.append(pair(values, players, seed=len(pairs)))
        took = time.monotonic() - before
        yield (worth := blended(ends, pairs))


def two_ended(lost: Array, brought: Array, together: Array) -> Worth:
    """The mean of what is lost without a player and what it brings alone, the rest of `together` shared evenly: of few the
    kernel regression on these sets; of more what is lost counts more. Its error was calibrated, not derived: a part of half
    the difference, its own and that of all, and what was shared."""
    import numpy as np

    exact = len(lost) <= ENDS_EXACT
    share = 0.5 if exact else LOST
    mean = share * lost + (1 - share) * brought
    rest = (together - mean.sum(axis=0)) / len(mean)
    apart = (lost - brought) ** 2
    errors = np.maximum(HALF / 2 * np.sqrt((apart + apart.mean(axis=0)) / 2), abs(rest))
    return Worth(mean + rest, errors * (not exact), exact)


def precise(worth: Worth) -> bool:
    """Whether more pairs would change nothing that is shown."""
    return float(worth.errors[:, 0].max()) <= PRECISE * float(abs(worth.values[:, 0]).max())


def exactly(values: Asked, players: int) -> Worth:
    """By definition: what a player adds to every set of others, weighed by how many orders put it there."""
    import numpy as np

    rows = np.arange(2**players)[:, None] >> np.arange(players) & 1 == 1
    known, size = values(rows), rows.sum(axis=1)
    orders = np.array([1 / (players * math.comb(players - 1, n)) for n in range(players)])
    worth = np.empty((players, known.shape[1]))
    for player in range(players):
        there = rows[:, player]  # in the order of the numbers the same others stand at the same place in both parts
        worth[player] = orders[size[~there]] @ (known[there] - known[~there])
    return Worth(worth, np.zeros_like(worth), exact=True)


def pair(values: Asked, players: int, seed: int) -> tuple[Array, Array]:
    """One random order, forwards and backwards: the mean of both, and half their difference."""
    import numpy as np

    order = np.random.default_rng(seed).permutation(players)
    place = np.argsort(order)
    rows = np.tril(np.ones((players + 1, players), dtype=bool), -1)
    known = values(np.vstack([rows[:, place], ~rows[:, place]]))
    forwards, backwards = np.diff(known[: players + 1], axis=0), -np.diff(known[players + 1 :], axis=0)
    return ((forwards + backwards) / 2)[place], (abs(forwards - backwards) / 2)[place]


def blended(ends: Worth, pairs: Sequence[tuple[Array, Array]]) -> Worth:
    """The mean of the pairs and the two ends, which count as `ENDS` of them, with its standard error. A single pair is
    judged by its two halves, which errs on the safe side, as they pull in opposite directions."""
    import numpy as np

    means = np.stack([mean for mean, _ in pairs])
    errors = means.std(axis=0, ddof=1) / len(pairs) ** 0.5 if len(pairs) > 1 else pairs[0][1]
    share = ENDS / (ENDS + len(pairs))
    values = share * ends.values + (1 - share) * means.mean(axis=0)
    return Worth(values, np.hypot(share * ends.errors, (1 - share) * errors))


def library() -> Any:
    """shap itself, for its record and its plots."""
    # Compiling shap's loops takes nine seconds in every process, and nothing here needs them compiled.
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    import shap

    return shap
