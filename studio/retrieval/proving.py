"""Whether a new way of searching is better than the old one, told from the same questions asked of both.

The rule: more questions find the right passage first, the exact one-sided McNemar test says that chance alone does so less
often than once in twenty, and no fewer find it among the passages an answer is made of. Whatever does not pass is not kept.
"""

from collections.abc import Sequence
from math import comb

from studio.base.records import Proof

CHANCE = 0.05


def prove(before: Sequence[int], after: Sequence[int], limit: int) -> Proof:
    """The right passage's place for each question, from 1 (0: not found), held against each other."""
    wins = sum(new == 1 != old for old, new in zip(before, after, strict=True))
    losses = sum(old == 1 != new for old, new in zip(before, after, strict=True))
    p_value = sum(comb(wins + losses, heads) for heads in range(wins, wins + losses + 1)) / 2 ** (wins + losses)
    given_before, given_after = (_share([0 < each <= limit for each in places]) for places in (before, after))
    return Proof(
        n=len(before),
        limit=limit,
        first_before=_share([each == 1 for each in before]),
        first_after=_share([each == 1 for each in after]),
        given_before=given_before,
        given_after=given_after,
        wins=wins,
        losses=losses,
        p_value=round(p_value, 4),
        kept=p_value < CHANCE and given_after >= given_before,
    )


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 4) if hits else 0.0
