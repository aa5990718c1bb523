"""Shapley values of a game from as few evaluations as they need, by shap's own explainers.

A first look: what is lost when a player alone is taken out. Then the mean of that and of what each brings alone, with the
rest shared evenly; where its errors are not small beside the largest value, exactly for up to five players, for up to
eight when there is time, and by permutations forwards and backwards otherwise, until they are or the time is over.
Methods: Shapley values (Lundberg & Lee, NeurIPS 2017), of whose kernel regression the two ends alone are taken first, as
they weigh most; antithetic permutations (Mitchell et al., JMLR 2022).

Tried on four complete games of 6 to 9 phrases (starter model, float32, 2026-11-22): root mean square error as a share of the
values' own, 80 draws. One pair (2n evaluations) 0.16-0.49, two pairs 0.11-0.33; the two ends (2n + 2) 0.08-0.23, with one
pair more 0.08-0.22, with four 0.06-0.17. Not better: kernel regression on all these sets (0.08-0.21 and 0.06-0.16), on the
pairs alone, on random antithetic sets, and orders balanced by position.
Later that day, beside ten (words: six and eight) random orders in bfloat16, three questions by phrases and two by words: r
of the first look 0.82-0.98 and 0.80-0.93, of the two ends 0.97-0.99 and 0.87-0.91 (0.96-0.99 and 0.83-0.88 where both count
the same); two errors held 86-100 of 100 values. Not better: first what each brings alone (0.86-0.97, and 0.21-0.73 of words,
which say little alone), and one of the two ends for half of the players only (0.88-0.99, and 0.59-0.87).
"""

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
MOST_PAIRS = 8
ENDS = 3  # how many pairs the two ends are worth
LOST = 0.6  # what the loss counts beside what is brought alone, which parts of one sense bring several times over
HALF = 0.4  # how far off the two ends are, of half their difference
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


class PlayerMasker:
    """shap's masker for players: what is "masked" is the set itself; `Values` turns it into prompts, so that many are
    scored together."""

    immutable_outputs = True
    fixed_background = True
    default_batch_size = 2**PERHAPS_EXACT  # all sets of an explainer's round at once

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(self, mask: "npt.NDArray[Any]", _row: Any) -> "tuple[npt.NDArray[Any]]":
        return (mask.astype(bool).reshape(1, -1),)

    def mask_shapes(self, _row: Any) -> list[tuple[int]]:
        return [(self.shape[1],)]


def refined(values: Asked, names: Sequence[str], seconds: float) -> Iterator[Worth]:
    """One estimate after the other, each better than the one before; at least one."""
    import numpy as np

    players, started = len(names), time.monotonic()
    each = np.eye(players, dtype=bool)
    nobody, everybody, *without = values(np.vstack([each[:1] * 0, each[:1] * 0 + 1, ~each]))
    lost = everybody - np.array(without)
    if players > 1:
        yield Worth(lost, np.zeros_like(lost), first=True)
    ends = two_ended(lost, values(each) - nobody, everybody - nobody)
    yield ends
    if ends.exact or precise(ends):
        return
    left = seconds - (time.monotonic() - started)
    affordable = (2**players - values.evaluations) * values.seconds_each <= left
    if players <= SURELY_EXACT or (players <= PERHAPS_EXACT and affordable):
        yield exactly(values, names)
        return
    library()  # loading it takes longer than a pair
    pairs: list[tuple[Array, Array]] = []
    worth, took = ends, 2 * players * values.seconds_each
    while len(pairs) < MOST_PAIRS and not precise(worth) and time.monotonic() - started + took <= seconds:
        before = time.monotonic()
        pairs.append(pair(values, names, seed=len(pairs)))
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


def exactly(values: Asked, names: Sequence[str]) -> Worth:
    import numpy as np

    explainer = library().explainers.ExactExplainer(values, PlayerMasker(len(names)))
    worth = explainer(_row(names), max_evals=2 ** len(names) + 1, silent=True).values[0]
    return Worth(worth, np.zeros_like(worth), exact=True)


def pair(values: Asked, names: Sequence[str], seed: int) -> tuple[Array, Array]:
    """One random order, forwards and backwards: the mean of both, and half their difference."""
    explainer = library().explainers.PermutationExplainer(values, PlayerMasker(len(names)), seed=seed)
    made = explainer(_row(names), max_evals=2 * len(names) + 1, error_bounds=True, silent=True)
    return made.values[0], made.error_std[0]


def blended(ends: Worth, pairs: Sequence[tuple[Array, Array]]) -> Worth:
    """The mean of the pairs and the two ends, which count as `ENDS` of them, with its standard error. A single pair is
    judged by its two halves, which errs on the safe side, as they pull in opposite directions."""
    import numpy as np

    means = np.stack([mean for mean, _ in pairs])
    errors = means.std(axis=0, ddof=1) / len(pairs) ** 0.5 if len(pairs) > 1 else pairs[0][1]
    share = ENDS / (ENDS + len(pairs))
    values = share * ends.values + (1 - share) * means.mean(axis=0)
    return Worth(values, np.hypot(share * ends.errors, (1 - share) * errors))


def _row(names: Sequence[str]) -> "npt.NDArray[Any]":
    import numpy as np

    return np.array([names], dtype=object)


def library() -> Any:
    """shap itself."""
    # Compiling shap's loops takes nine seconds in every process, and our few hundred sets take milliseconds uncompiled.
    os.environ.setdefault("NUMBA_DISABLE_JIT", "1")
    import shap

    return shap
