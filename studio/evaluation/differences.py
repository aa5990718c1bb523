"""Whether two assistants differ in a metric, on the same questions, and by how much.

Yes or no: exact McNemar test, Agresti and Min's interval (2005). Amounts: the mean difference with its BCa bootstrap
interval (Efron 1987, by `scipy.stats.bootstrap`), tested by flipping the signs of the differences at random. Where many are
looked at together, levels are corrected by Holm (1979). The seed is fixed: the same answers always give the same verdict.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from studio.base import chance
from studio.base.records import Record

if TYPE_CHECKING:
    import numpy as np

RESAMPLES, FLIPS, SEED = 2_000, 19_999, 7
FEW = 15  # differences, of which every way of signing is tried: 32,768

Verdict = Literal["better", "none_found", "too_few"]


class Compared(Record):
    """`difference` is the first's mean less the second's, `low` to `high` its 95 % interval, over `n` questions that both
    have; they differ on `differing`. `adjusted` is the p-value after Holm, `better` who is, "" unless that is shown: then it
    is the first.
    """

    metric: str
    first: str
    second: str
    difference: float
    low: float
    high: float
    n: int
    differing: int
    p_value: float
    adjusted: float
    verdict: Verdict
    better: str = ""


def compare(
    metric: str,
    better: Literal["more", "less", ""],
    first: tuple[str, Mapping[str, float]],
    second: tuple[str, Mapping[str, float]],
) -> Compared | None:
    """Two assistants' values by question; None where they share none. Not corrected yet: see `corrected`."""
    shared = [id for id in first[1] if id in second[1]]
    if not shared:
        return None
    pairs = [(first[1][id], second[1][id]) for id in shared]
    if all(value in (0.0, 1.0) for pair in pairs for value in pair):
        difference, low, high, p_value = _shares(pairs)
    else:
        difference, low, high, p_value = _amounts(pairs)
    ahead = first[0] if (difference > 0) == (better != "less") else second[0]
    return Compared(
        metric=metric,
        first=first[0],
        second=second[0],
        difference=difference,
        low=low,
        high=high,
        n=len(pairs),
        differing=sum(a != b for a, b in pairs),
        p_value=p_value,
        adjusted=p_value,
        verdict="none_found",
        better=ahead if difference and better else "",
    )


def corrected(compared: Sequence[Compared]) -> tuple[Compared, ...]:
    """All that is looked at together, with Holm's p-values and the verdicts that follow from them."""
    adjusted = chance.holm([each.p_value for each in compared])
    return tuple(_judged(each, p) for each, p in zip(compared, adjusted, strict=True))


def _judged(compared: Compared, adjusted: float) -> Compared:
    sure = adjusted < chance.LEVEL
    verdict: Verdict = "better" if sure else "too_few" if compared.differing < chance.FEWEST else "none_found"
    judged = compared.model_copy(
        update={"adjusted": adjusted, "verdict": verdict, "better": compared.better if sure else ""}
    )
    return _turned(judged) if judged.better == judged.second else judged


def _turned(compared: Compared) -> Compared:
    """The second before the first."""
    difference, low, high = -compared.difference, -compared.high, -compared.low
    turned = {"first": compared.second, "second": compared.first, "difference": difference, "low": low, "high": high}
    return compared.model_copy(update=turned)


def _shares(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    n, wins, losses = len(pairs), sum(a > b for a, b in pairs), sum(b > a for a, b in pairs)
    return (wins - losses) / n, *chance.paired(wins, losses, n), chance.sign_test(wins, wins + losses)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % for a mean, by BCa bootstrap; percentiles where there are too few to correct by."""
    import numpy as np
    from scipy.stats import bootstrap

    kept = np.array(values)
    if not np.ptp(kept):  # all alike: nothing to draw from
        return float(kept[0]), float(kept[0])
    method = "BCa" if len(kept) > 2 else "percentile"
    rng = np.random.default_rng(SEED)
    drawn = bootstrap((kept,), np.mean, vectorized=True, n_resamples=RESAMPLES, method=method, rng=rng)
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def _amounts(pairs: Sequence[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Drawing questions again with both their values is drawing their differences again."""
    import numpy as np

    gaps = np.array([first - second for first, second in pairs])
    return float(gaps.mean()), *interval(gaps.tolist()), _flipped(gaps)


def _flipped(gaps: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> float:
    """Two-sided: how often differences of random sign have a mean as far from nought (Fisher's randomisation test); every
    way of signing where there are few, otherwise FLIPS drawn ones and the observed.
    """
    import numpy as np

    gaps = gaps[gaps != 0]
    if not len(gaps):
        return 1.0
    if len(gaps) <= FEW:
        every = np.arange(2 ** len(gaps))[:, None] >> np.arange(len(gaps)) & 1
        return float((np.abs((2 * every - 1) @ gaps) >= abs(gaps.sum()) * (1 - 1e-9)).mean())
    signs = np.random.default_rng(SEED).integers(0, 2, (FLIPS, len(gaps)), dtype=np.int8) * 2 - 1
    as_far = int((np.abs(signs @ gaps) >= abs(gaps.sum()) * (1 - 1e-9)).sum())
    return (as_far + 1) / (FLIPS + 1)
