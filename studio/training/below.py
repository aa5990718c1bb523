"""What the layers below the lowest one that learns make of rows: they never change, so every row goes through them once.

Where an adapter sits in the upper half of a model, half of the way forth is the same in every round. Rows are read in the
same company each time, so that a training that was interrupted finds the same to the last bit.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from studio.training import packing
from studio.training.rendering import Row

if TYPE_CHECKING:
    import torch

    from studio.training.loading import Learner

TOLD = 256  # rows
MOST = 500_000_000  # bytes that are kept; rows behind these go all the way every time


class Below:
    """Kept for what was read, and for nothing else."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, ...], torch.Tensor] = {}  # (tokens, width)

    def of(self, rows: Sequence[Row]) -> "torch.Tensor | None":
        """(rows, longest, width), filled up behind with zeros; None where some of the rows are not kept."""
        from torch.nn.utils.rnn import pad_sequence

        found = [self._kept.get(tuple(row.input_ids)) for row in rows]
        known = [each for each in found if each is not None]
        return pad_sequence(known, batch_first=True) if len(known) == len(rows) else None

    def read(self, learner: "Learner", rows: Sequence[Row]) -> None:
        """At most as many rows as may go through together."""
        import torch

        fed = packing.packed(learner, rows)
        assert fed.packed is not None
        with torch.no_grad():
            hidden = learner.hidden(fed, lowest=True)[0]
        for row, places in zip(rows, fed.packed.rows, strict=True):
            self._kept[tuple(row.input_ids)] = hidden[places[: len(row.input_ids)]]


def keep(
    learner: "Learner", rows: Sequence[Row], told: Callable[[int, int], None] = lambda done, of: None
) -> None:  # fmt: skip
    """Read the rows and their wordings, and begin above what does not move from now on, if the model answers so as it does
    all the way. `told` hears how many of them are done, and may raise to end it.
    """
    learner.below = None
    if not learner.packs or not learner.still or not rows:
        return
    try:
        learner.below = _proven(learner, packing.telling(rows))
    except (TypeError, ValueError, RuntimeError, NotImplementedError, LookupError, AttributeError) as error:
        logging.getLogger(__name__).info("This model cannot begin half-way: %s", error)
    if learner.below is None:
        return
    room = MOST // (learner.model.config.hidden_size * learner.model.dtype.itemsize)
    every = {tuple(row.input_ids): row for taught in rows for row in (taught, *taught.wordings)}
    sizes = accumulate(map(len, every))
    left = [row for row, size in zip(every.values(), sizes, strict=True) if size <= room]
    for at in range(0, len(left), TOLD):
        if at:
            told(at, len(left))
        some = left[at : at + TOLD]
        for portion in packing.portions(learner, some):
            learner.below.read(learner, [some[each] for each in portion])


def _proven(learner: "Learner", rows: Sequence[Row]) -> Below | None:
    tried = Below()
    tried.read(learner, rows)
    learner.below = tried
    fed = packing.feed(learner, rows)
    learner.below = None
    return Below() if packing.alike(learner, fed, packing.padded(learner, rows)) else None
