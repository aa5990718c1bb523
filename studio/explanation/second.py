"""A second opinion from the sets of players that were evaluated anyway: no more of them are asked for.

LIME: a straight line through the recorded values, sets near the whole prompt counting more, shrunk a little (ridge).
Method: Ribeiro, Singh & Guestrin, KDD 2016, with the kernel of its text explainer (cosine distance to the whole prompt,
width 0.25) and its ridge of 1; the sets are those the Shapley values chose, not drawn at random. And leaving one out.
"""

import math
from collections.abc import Mapping

from studio.explanation.estimating import Mask

WIDTH = 0.25  # of the kernel, in cosine distance
RIDGE = 1.0


def lime(known: Mapping[Mask, float], players: int) -> tuple[float, ...]:
    """Each player's weight in the local line, in nats; `known` are values of sets of players."""
    import numpy as np

    rows = np.array(list(known), dtype=float)
    values = np.array([known[mask] for mask in known])
    near = np.array([closeness(sum(mask), players) for mask in known])
    centre, mean = near @ rows / near.sum(), near @ values / near.sum()
    spread = rows - centre
    weighed = spread * near[:, None]
    line = np.linalg.solve(weighed.T @ spread + RIDGE * np.eye(players), weighed.T @ (values - mean))
    return tuple(map(float, line))


def closeness(kept: int, players: int) -> float:
    """The kernel: 1 for the whole prompt, less the more is taken out."""
    distance = 1 - math.sqrt(kept / players)
    return math.sqrt(math.exp(-((distance / WIDTH) ** 2)))


def without(known: Mapping[Mask, float], players: int) -> tuple[float | None, ...]:
    """What the answer loses, in nats, when a player alone is taken out; None where nobody asked."""
    whole = known[(True,) * players]
    alone = [known.get(tuple(n != out for n in range(players))) for out in range(players)]
    return tuple(None if left is None else whole - left for left in alone)
