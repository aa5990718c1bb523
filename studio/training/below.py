"""What the layers below the lowest one that learns make of rows: they never change, so every row goes through them once.

Where an adapter sits in the upper half of a model, half of the way forth is the same in every round. Rows are read in the
same company each time, so that a training that was interrupted finds the same to the last bit.
"""

import time
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from studio.base.events import Told
from studio.training import packing
from studio.training.attention import Fed
from studio.training.rendering import Row

if TYPE_CHECKING:
    import torch

    from studio.training.loading import Learner

TOGETHER = 256  # rows
TOLD_SECONDS = 1.0
MOST = 500_000_000  # bytes that are kept; rows behind these go all the way every time


def keep(learner: "Learner", rows: Sequence[Row], told: Told = lambda done, of: None) -> None:
    """Read the rows and their wordings, and begin above what does not move from now on, if the model answers so as it does
    all the way. `told` hears every second how many of them are done, and may raise to end it.
    """
    learner.below = None
    if not (learner.packs and learner.still and rows and packing.agrees(learner, packing.telling(rows), _half_way)):
        return
    kept: dict[tuple[int, ...], torch.Tensor] = {}
    room = MOST // (learner.model.config.hidden_size * learner.model.dtype.itemsize)
    every = {tuple(row.input_ids): row for taught in rows for row in (taught, *taught.wordings)}
    sizes = accumulate(map(len, every))
    left = [row for row, size in zip(every.values(), sizes, strict=True) if size <= room]
    heard, done = time.monotonic(), 0
    for at in range(0, len(left), TOGETHER):
        some = left[at : at + TOGETHER]
        for portion in packing.portions(learner, some):
            if time.monotonic() - heard > TOLD_SECONDS:
                told(done, len(left))
                heard = time.monotonic()
            kept |= _read(learner, [some[each] for each in portion])
            done += len(portion)
    learner.below = kept


def _half_way(learner: "Learner", rows: Sequence[Row]) -> Fed:
    learner.below = _read(learner, rows)
    try:
        return packing.feed(learner, rows)
    finally:
        learner.below = None


def _read(learner: "Learner", rows: Sequence[Row]) -> "dict[tuple[int, ...], torch.Tensor]":
    import torch

    fed = packing.packed(learner, rows)
    assert fed.packed is not None
    with torch.no_grad():
        hidden = learner.hidden(fed, lowest=True)[0]
    return {
        tuple(row.input_ids): hidden[places[: len(row.input_ids)]]
        for row, places in zip(rows, fed.packed.rows, strict=True)
    }
