"""In which order examples are learnt: shuffled anew every epoch, like lengths side by side, so that little is padded.

A batch is a step and decides what is learnt. How much of it goes through the model at once is a matter of memory alone:
the gradients of the portions are added, so that any split of a batch gives the same step.
"""

import random
from collections.abc import Sequence
from math import ceil

SORTED_TOGETHER = 8  # batches; more saves no padding worth having and makes batches alike


def batches(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """Every index once, `batch` a step. Depends on seed and epoch alone.

    Sorting within a window of shuffled examples is what speech and translation training does (for example fairseq's and
    transformers' length-grouped samplers); here the batches are shuffled again, so that no epoch runs from long to short.
    """
    dice = random.Random(f"{seed}/{epoch}")
    indices = list(range(len(lengths)))
    dice.shuffle(indices)
    size = batch * SORTED_TOGETHER
    windows = (indices[at : at + size] for at in range(0, len(indices), size))
    alike = [index for window in windows for index in sorted(window, key=lengths.__getitem__)]
    found = [alike[at : at + batch] for at in range(0, len(alike), batch)]
    dice.shuffle(found)
    return found


def steps(count: int, batch: int, epochs: float) -> int:
    """How many batches `epochs` rounds over `count` examples are."""
    return max(ceil(ceil(count / batch) * epochs), 1)


def portions(batch: Sequence[int], lengths: Sequence[int], tokens: int) -> list[list[int]]:
    """A batch in parts of at most `tokens` tokens each, padding included; an example longer than that goes alone."""
    found: list[list[int]] = []
    for index in sorted(batch, key=lengths.__getitem__):
        if found and (len(found[-1]) + 1) * lengths[index] <= tokens:
            found[-1].append(index)
        else:
            found.append([index])
    return found
