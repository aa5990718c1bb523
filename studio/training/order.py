"""In which order examples are learnt: shuffled anew every epoch, like lengths side by side, so that little is padded."""

import random
from collections.abc import Iterator, Sequence

SORTED_TOGETHER = 8  # batches; more saves no padding worth having and makes batches alike


class ByLength:
    """A sampler for torch's DataLoader: indices, `batch` of which make a batch. Depends on seed and epoch alone.

    Sorting within a window of shuffled examples is what speech and translation training does (for example fairseq's and
    transformers' length-grouped samplers); here the batches are shuffled again, so that no epoch runs from long to short.
    """

    def __init__(self, lengths: Sequence[int], batch: int, seed: int) -> None:
        self.lengths, self.batch, self.seed, self.epoch = lengths, batch, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the trainer, also when it resumes in the middle of an epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.lengths)

    def __iter__(self) -> Iterator[int]:
        dice = random.Random(f"{self.seed}/{self.epoch}")
        indices = list(range(len(self.lengths)))
        dice.shuffle(indices)
        size = self.batch * SORTED_TOGETHER
        windows = (indices[at : at + size] for at in range(0, len(indices), size))
        alike = [index for window in windows for index in sorted(window, key=self.lengths.__getitem__)]
        batches = [alike[at : at + self.batch] for at in range(0, len(alike), self.batch)]
        short = [batches.pop()] if len(batches[-1]) < self.batch else []
        dice.shuffle(batches)
        return (index for batch in batches + short for index in batch)  # the short one last: batches must stay aligned
