"""In which order examples are learnt: shuffled anew every epoch, like lengths side by side, so that little is padded.

A batch is a step and decides what is learnt. How much of it goes through the model at once is a matter of memory alone:
the gradients of the portions are added, so that any split of a batch gives the same step.
"""

import random
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil

from studio.base.recipes import TrainingRecipe
from studio.training.rendering import Row

AS_IT_STANDS = 0.4  # how often a row with other wordings is learnt in its own
SORTED_TOGETHER = 8  # batches; more saves no padding worth having and makes batches alike


def batches(
    lengths: Sequence[int], batch: int, seed: int, epoch: int, tasks: Sequence[str] = (), temperature: float = 1.0
) -> list[list[int]]:
    """Every index once, `batch` a step; where there are several `tasks` (one an index, "" for none), small ones more often
    and large ones less, as `mixed` says. Depends on what is given alone.

    Sorting within a window of shuffled examples is what speech and translation training does (for example fairseq's and
    transformers' length-grouped samplers); here the batches are shuffled again, so that no epoch runs from long to short.
    """
    dice = random.Random(f"{seed}/{epoch}")
    indices = list(range(len(lengths))) if len({*tasks} - {""}) < 2 else mixed(tasks, temperature, seed, epoch)
    dice.shuffle(indices)
    size = batch * SORTED_TOGETHER
    windows = (indices[at : at + size] for at in range(0, len(indices), size))
    alike = [index for window in windows for index in sorted(window, key=lengths.__getitem__)]
    found = [alike[at : at + batch] for at in range(0, len(alike), batch)]
    dice.shuffle(found)
    return found


def mixed(tasks: Sequence[str], temperature: float, seed: int, epoch: int) -> list[int]:
    """The indices of one epoch, as many as there are examples: of each task so many as `places` says, in turn, so that over
    the epochs every example of a task comes equally often (once more at most). What has no task comes once.
    """
    groups: dict[str, list[int]] = {}
    for index, task in enumerate(tasks):
        groups.setdefault(task, []).append(index)
    found = groups.pop("", [])
    for task, count in places({task: len(group) for task, group in groups.items()}, temperature).items():
        group = groups[task]
        for at in range(epoch * count, (epoch + 1) * count):
            turn, place = divmod(at, len(group))
            found.append(group[_shuffled(len(group), f"{seed}/{task}/{turn}")[place]])
    return found


def places(counts: Mapping[str, int], temperature: float) -> dict[str, int]:
    """How many of all places each task gets: in proportion to n^(1/temperature), rounded so that none is lost.

    1 leaves every task its share, a large temperature gives all the same (temperature-scaled mixing; Raffel et al. 2020,
    "Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer", section 3.5.2).
    """
    total, weights = sum(counts.values()), {task: n ** (1 / temperature) for task, n in counts.items()}
    exact = {task: total * weight / sum(weights.values()) for task, weight in weights.items()}
    found = {task: int(value) for task, value in exact.items()}
    for task in sorted(exact, key=lambda each: (found[each] - exact[each], each))[: total - sum(found.values())]:
        found[task] += 1
    return found


@lru_cache(maxsize=2)
def _epoch(
    lengths: tuple[int, ...], batch: int, seed: int, epoch: int, tasks: tuple[str, ...], mixing: float
) -> list[list[int]]:
    return batches(lengths, batch, seed, epoch, tasks, mixing)


@lru_cache(maxsize=8)
def _shuffled(count: int, seed: str) -> tuple[int, ...]:
    indices = list(range(count))
    random.Random(seed).shuffle(indices)
    return tuple(indices)


class Order:
    """Which rows every step learns from: a batch of examples, and beside them what has no task, `share` for one example.

    What stands beside is gone through in an order of its own, whatever the epochs: so that each step has its part, and
    that there may be more of it than one epoch takes. Where nothing has a task, all rows are examples.
    """

    def __init__(
        self, lengths: Sequence[int], tasks: Sequence[str], batch: int, epochs: float, seed: int, mixing: float,
        share: float = 0.0,
    ) -> None:  # fmt: skip
        named = [index for index, task in enumerate(tasks) if task]
        self._examples = named or list(range(len(lengths)))
        self._beside = [index for index, task in enumerate(tasks) if not task] if named else []
        self._lengths, self._tasks = [lengths[at] for at in self._examples], [tasks[at] for at in self._examples]
        self._batch, self._seed, self._mixing = batch, seed, mixing
        self._share = (share or len(self._beside) / len(self._examples)) if self._beside else 0.0
        self.per_epoch = steps(len(self._examples), batch, 1)
        self.of = steps(len(self._examples), batch, epochs)
        beside = sum(lengths[at] for at in self._beside) / max(len(self._beside), 1) * self._share
        self.tokens = round((sum(self._lengths) + beside * len(self._examples)) * self.of / self.per_epoch)

    def step(self, number: int) -> list[int]:
        """Indices of the rows of a step, counted from 0; a step of fewer examples has as much fewer beside them."""
        epoch, at = divmod(number, self.per_epoch)
        found = [self._examples[index] for index in self._epoch(epoch)[at]]
        before = epoch * len(self._examples) + sum(map(len, self._epoch(epoch)[:at]))
        return [
            *found,
            *(self._next(place) for place in range(self._places(before), self._places(before + len(found)))),
        ]

    def _epoch(self, number: int) -> list[list[int]]:
        return _epoch(tuple(self._lengths), self._batch, self._seed, number, tuple(self._tasks), self._mixing)

    def _places(self, examples: int) -> int:
        return round(examples * self._share)

    def _next(self, place: int) -> int:
        turn, at = divmod(place, len(self._beside))
        return self._beside[_shuffled(len(self._beside), f"{self._seed}/beside/{turn}")[at]]


def of(rows: Sequence[Row], recipe: TrainingRecipe) -> Order:
    """The order in which a course learns these rows."""
    lengths, tasks = [len(row.input_ids) for row in rows], [row.task for row in rows]
    return Order(lengths, tasks, recipe.batch, recipe.epochs, recipe.seed, recipe.mixing, recipe.replay)


def worded(rows: Sequence[Row], indices: Sequence[int], seed: int, step: int) -> list[Row]:
    """The rows of a step as it learns them: as they stand, or in one of their other wordings."""
    found = []
    for index in indices:
        row, dice = rows[index], random.Random(f"{seed}/{step}/{index}")
        found.append(row if not row.wordings or dice.random() < AS_IT_STANDS else dice.choice(row.wordings))
    return found


def steps(count: int, batch: int, epochs: float) -> int:
    """How many batches `epochs` rounds over `count` examples are."""
    return max(ceil(ceil(count / batch) * epochs), 1)


def portions(batch: Sequence[int], lengths: Sequence[int], tokens: int, shared: int | None = None) -> list[list[int]]:
    """A batch in parts of at most `tokens` tokens each; an example longer than that goes alone.

    The examples of a part are padded to the longest, or, where `shared` tells with how many tokens all begin, packed.
    """
    found: list[list[int]] = []
    size = 0
    for index in sorted(batch, key=lengths.__getitem__):
        joined = (
            (len(found[-1]) + 1) * lengths[index] if found and shared is None else size + lengths[index] - (shared or 0)
        )
        if found and joined <= tokens:
            found[-1].append(index)
            size = joined
        else:
            found.append([index])
            size = lengths[index]
    return found
