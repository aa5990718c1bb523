"""The same questions asked twice, under two conditions: by how much they differ, how sure that is, and for how many
comparisons at once. Knows neither what was asked nor what the conditions are.
"""

from collections.abc import Sequence
from statistics import mean
from typing import Literal

from studio.base import chance
from studio.base.records import Record

Verdict = Literal["more", "less", "none_found", "too_few"]


class Change(Record):
    """What was measured with something (`on`) and without it (`off`) on the same `n` questions: two shares or means, and
    their difference with its 95 % interval. `gained` and `lost` count the questions with a higher and a lower value;
    `p_value` is corrected where several were looked at together (`holm`)."""

    name: str
    kind: Literal["share", "mean"]
    n: int
    on: float
    off: float
    change: float
    low: float
    high: float
    gained: int
    lost: int
    p_value: float
    verdict: Verdict


def shares(name: str, on: Sequence[bool], off: Sequence[bool]) -> Change:
    """Two shares: exact McNemar test, Agresti and Min's interval (2005) for the paired difference."""
    n = len(on)
    gained = sum(a and not b for a, b in zip(on, off, strict=True))
    lost = sum(b and not a for a, b in zip(on, off, strict=True))
    low, high = chance.paired(gained, lost, n)
    return _judged(
        Change(
            name=name, kind="share", n=n, on=sum(on) / n, off=sum(off) / n, change=(gained - lost) / n,
            low=low, high=high, gained=gained, lost=lost, p_value=chance.sign_test(gained, gained + lost),
            verdict="too_few",
        )
    )  # fmt: skip


def means(name: str, on: Sequence[float], off: Sequence[float]) -> Change:
    """Two means: Wilcoxon's signed-rank test, t interval of the paired difference."""
    from scipy.stats import wilcoxon

    n = len(on)
    each = [a - b for a, b in zip(on, off, strict=True)]
    half = chance.student(each) if n > 1 else 0.0
    p_value = float(wilcoxon(each).pvalue) if any(each) else 1.0
    return _judged(
        Change(
            name=name, kind="mean", n=n, on=mean(on), off=mean(off), change=mean(each), low=mean(each) - half,
            high=mean(each) + half, gained=sum(d > 0 for d in each), lost=sum(d < 0 for d in each), p_value=p_value,
            verdict="too_few",
        )
    )  # fmt: skip


def holm(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The same changes judged together: the chance of even one wrong claim among them stays under the level (Holm 1979)."""
    adjusted = chance.holm([change.p_value for change in changes])
    return tuple(_judged(each.model_copy(update={"p_value": p})) for each, p in zip(changes, adjusted, strict=True))


def _judged(change: Change) -> Change:
    sure = change.p_value < chance.LEVEL and change.change != 0
    verdict: Verdict = (
        "more" if sure and change.change > 0
        else "less" if sure
        else "too_few" if change.gained + change.lost < chance.FEWEST
        else "none_found"
    )  # fmt: skip
    return change.model_copy(update={"verdict": verdict})
