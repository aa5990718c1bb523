"""How strong each of several variants is, from choices among two or more of them, ties included.

Pure arithmetic on counts: a vote more or less, never an order of votes (Elo depends on it, and calls the same 32 to 18
anything from -129 to +309).
"""

import math
from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from studio.base.chance import Z
from studio.base.records import Record

HALF_VOTE = 0.5  # given to each of those who stood together, where someone always or never won
Weighted = dict[tuple[tuple[str, ...], str], float]  # who stood together, and who was best ("" for nobody): how often


class Choice(Record):
    """Who stood together, and which of them was best (None: no one more than the others)."""

    among: tuple[str, ...]
    best: str | None


class Strength(Record):
    """`share`: how probably it is chosen over an average of the others, with its 95 % interval; `log` on the model's own
    scale, where the mean of all is 0.
    """

    variant: str
    log: float
    error: float
    share: float
    low: float
    high: float


class Strengths(Record):
    """The strongest first. `ties` is the tie parameter for each number of sides; `helped` says that half a vote was added to
    each side, because without it somebody's strength would have been infinite. `covariance` goes by
    `order`.
    """

    places: tuple[Strength, ...]
    ties: dict[int, float] = Field(default_factory=dict)
    helped: bool = False
    order: tuple[str, ...] = ()
    covariance: tuple[tuple[float, ...], ...] = ()


def strengths(choices: Sequence[Choice]) -> Strengths:
    """Maximum likelihood under Luce's choice axiom with ties.

    Of the variants S, i is chosen with probability proportional to a_i, and none with d * (product of a over S) ** (1/|S|).
    For two this is Bradley & Terry (1952), Biometrika 39, 324-345, with ties as Davidson (1970), J. Amer. Statist. Assoc.
    65, 317-328, has them; for more it is Firth, Kosmidis & Turner (2019), arXiv:1909.07123, with ties of all. The best of
    four is thus one choice and not three that depend on each other. Errors come from the observed information.

    The estimate exists when no group always beats or ties with the rest (Ford 1957), and not everything was a tie: else
    half a vote goes to each of those who stood together.
    """
    names = sorted({name for choice in choices for name in choice.among})
    counts = Counter((tuple(sorted(choice.among)), choice.best or "") for choice in choices if len(choice.among) > 1)
    weighted = {key: float(n) for key, n in sorted(counts.items())}  # in an order of its own, so that sums are the same
    if len(names) < 2 or not weighted:
        return Strengths(places=tuple(_place(name, 0.0, 0.0) for name in names), order=tuple(names))
    helped = not _determined(names, weighted)
    if helped:
        for among in sorted({among for among, _ in weighted}):
            for name in among:
                weighted[among, name] = weighted.get((among, name), 0.0) + HALF_VOTE
    logs, covariance, ties = _fit(names, weighted)
    places = [_place(name, logs[at], _error(at, len(names), covariance)) for at, name in enumerate(names)]
    return Strengths(
        places=tuple(sorted(places, key=lambda place: (-place.log, place.variant))),
        ties=ties,
        helped=helped,
        order=tuple(names),
        covariance=tuple(tuple(row) for row in covariance),
    )


def difference(found: Strengths, a: str, b: str) -> tuple[float, float]:
    """How much stronger a is than b on the log scale, and its standard error."""
    logs, at = {place.variant: place.log for place in found.places}, found.order.index
    i, j = at(a), at(b)
    variance = found.covariance[i][i] + found.covariance[j][j] - 2 * found.covariance[i][j]
    return logs[a] - logs[b], math.sqrt(max(variance, 0.0))


def _fit(names: Sequence[str], weighted: Weighted) -> tuple[list[float], list[list[float]], dict[int, float]]:
    """Newton's method on the concave likelihood: the log strengths (mean 0), their covariance, and the tie parameters."""
    import numpy as np

    sizes = sorted({len(among) for (among, best) in weighted if not best})
    n, tie_at = len(names), {size: len(names) + at for at, size in enumerate(sizes)}
    at = {name: number for number, name in enumerate(names)}

    def rows(among: tuple[str, ...]) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        """What each outcome of a choice rests on: a variant's own strength, or the mean of all and the tie parameter."""
        made = np.zeros((len(among) + (len(among) in tie_at), n + len(sizes)))
        for row, name in enumerate(among):
            made[row, at[name]] = 1.0
        if len(among) in tie_at:
            made[-1, [at[name] for name in among]] = 1.0 / len(among)
            made[-1, tie_at[len(among)]] = 1.0
        return made

    sets = {among: rows(among) for among, _ in weighted}
    anchor = np.zeros((n + len(sizes), n + len(sizes)))
    anchor[:n, :n] = 1.0 / n  # only differences are determined; their mean stays 0
    beta = np.zeros(n + len(sizes))
    for _ in range(200):
        gradient, information = np.zeros_like(beta), np.zeros_like(anchor)
        for among, design in sets.items():
            odds = np.exp(design @ beta - (design @ beta).max())
            chances = odds / odds.sum()
            total = sum(count for (shown, _), count in weighted.items() if shown == among)
            for (shown, best), count in weighted.items():
                if shown == among:
                    gradient += count * design[among.index(best) if best else len(among)]
            mean = chances @ design
            gradient -= total * mean
            information += total * ((design * chances[:, None]).T @ design - np.outer(mean, mean))
        step = np.linalg.solve(information + anchor, gradient)
        longest = float(np.abs(step).max())
        beta = beta + step * min(1.0, 2.0 / longest if longest else 1.0)
        if longest < 1e-10:
            break
    covariance = np.linalg.inv(information + anchor)
    centred = np.eye(n) - 1.0 / n
    own = centred @ covariance[:n, :n] @ centred
    logs = beta[:n] - beta[:n].mean()
    ties = {size: float(np.exp(beta[column])) for size, column in tie_at.items()}
    return [float(each) for each in logs], [[float(x) for x in row] for row in own], ties


def _determined(names: Sequence[str], weighted: Weighted) -> bool:
    """Whether everybody has, over others, lost to everybody, and there are winners wherever there are ties."""
    decided = [(among, best) for among, best in weighted if best]
    if not {len(among) for among, _ in weighted} <= {len(among) for among, _ in decided}:
        return False
    lost: dict[str, set[str]] = {name: set() for name in names}
    for among, best in decided:
        for name in among:
            lost[name] |= {best} - {name}
    for start in names:
        reached, waiting = {start}, [start]
        while waiting:
            new = lost[waiting.pop()] - reached
            reached |= new
            waiting += new
        if len(reached) < len(names):
            return False
    return True


def _error(at: int, n: int, covariance: list[list[float]]) -> float:
    """Of a variant against the mean of the others."""
    return math.sqrt(max(covariance[at][at], 0.0)) * n / (n - 1)


def _place(variant: str, log: float, error: float) -> Strength:
    return Strength(
        variant=variant,
        log=log,
        error=error,
        share=_share(log),
        low=_share(log - Z * error),
        high=_share(log + Z * error),
    )


def _share(log: float) -> float:
    return 1 / (1 + math.exp(-max(min(log, 50.0), -50.0)))
