"""How well a model in training does on examples it is never taught. It changes no weight.

An answer counts word by word as the model would write it: where every token is the most likely one after those before
it, greedy answering says exactly this. So one pass tells the loss, the share of words right, and which answers are given
word for word.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from studio.base import chance
from studio.base.errors import Stopped
from studio.base.events import ShouldStop
from studio.base.records import Example, Score, SegmentScore
from studio.intake import language
from studio.training import packing
from studio.training.loading import Learner
from studio.training.rendering import Row

SPOKEN = 3  # answers kept back that are also written out
WORDS = 40  # tokens of such an answer
ENOUGH_FOR_A_SEGMENT = 5
By = Literal["topic", "language", "source", "task"]


class Marks(NamedTuple):
    """One answer: its loss a token, the share of its tokens that come right, whether all do, and how many they are."""

    loss: float
    right: float
    exact: bool
    tokens: int


class Check(NamedTuple):
    """The examples kept back, measured after `step` steps."""

    step: int
    marks: tuple[Marks, ...]

    @property
    def loss(self) -> float:
        """A token's mean loss over all answers: what is learnt to make smaller."""
        return sum(mark.loss * mark.tokens for mark in self.marks) / sum(mark.tokens for mark in self.marks)

    @property
    def right(self) -> float:
        return fmean(mark.right for mark in self.marks)


Measure = Callable[[Learner, Sequence[Row]], list[Marks]]


def check(
    learner: Learner, rows: Sequence[Row], step: int, should_stop: ShouldStop, measure: Measure | None = None
) -> Check:
    """Measure the answers of `rows`, by their words where nothing else is asked for. Raises Stopped."""
    import torch

    learner.model.eval()
    marked = measure or _marks
    found: dict[int, Marks] = {}
    try:
        with torch.no_grad():
            for portion in packing.portions(learner, rows):
                if should_stop():
                    raise Stopped
                found |= dict(zip(portion, marked(learner, [rows[index] for index in portion]), strict=True))
    finally:
        learner.model.train()
    return Check(step, tuple(found[index] for index in range(len(rows))))


def spoken(examples: Sequence[Example]) -> list[int]:
    """Which of the examples kept back are written out as they change: of different topics and short enough to read."""
    ordered = sorted(range(len(examples)), key=lambda at: (len(examples[at].answer) > 200, at))
    by_topic = {examples[at].topic or str(at): at for at in reversed(ordered)}
    return sorted(by_topic.values(), key=ordered.index)[:SPOKEN]


def scores(before: Sequence[Marks], after: Sequence[Marks]) -> tuple[Score, ...]:
    """What learning brought, with 95 % intervals over the answers kept back. Empty without any."""
    if not after:
        return ()
    found = [mean("words_right", [mark.right for mark in after])]
    if before:
        found.insert(0, mean("words_right_before", [mark.right for mark in before]))
    return (*found, share("said_exactly", [mark.exact for mark in after]))


def segments(examples: Sequence[Example], marks: Sequence[Marks]) -> tuple[SegmentScore, ...]:
    """The words right by topic, language, source and task: where there are several kinds with enough answers each."""
    ways: tuple[tuple[By, Callable[[Example], str]], ...] = (
        ("topic", lambda example: example.topic),
        ("language", lambda example: language.of(f"{example.question} {example.answer}")),
        ("source", lambda example: example.source.rpartition("/")[2]),
        ("task", lambda example: example.task),
    )
    found = []
    for by, kind in ways:
        groups: dict[str, list[float]] = {}
        for example, mark in zip(examples, marks, strict=True):
            groups.setdefault(kind(example), []).append(mark.right)
        if len(groups) > 1:
            large = {name: each for name, each in sorted(groups.items()) if name and len(each) >= ENOUGH_FOR_A_SEGMENT}
            found += [SegmentScore(by=by, name=name, score=mean("words_right", each)) for name, each in large.items()]
    return tuple(found)


def _marks(learner: Learner, rows: Sequence[Row]) -> list[Marks]:
    from torch.nn.functional import cross_entropy

    fed = packing.feed(learner, rows)
    logits = learner.logits(fed)
    losses, right = cross_entropy(logits, fed.wanted, reduction="none"), logits.argmax(-1) == fed.wanted
    losses, right, of = losses.cpu(), right.cpu(), fed.of.cpu()  # a card is waited for once, not for every row
    found = []
    for number in range(len(rows)):
        mine = of == number
        hits = right[mine]
        found.append(Marks(float(losses[mine].mean()), float(hits.float().mean()), bool(hits.all()), int(mine.sum())))
    return found


def mean(metric: str, values: Sequence[float]) -> Score:
    """A mean of shares. Two answers nobody gave, one all wrong and one all right, keep the interval from being too sure of
    few answers that agree (as Agresti and Coull do for proportions).
    """
    mean = fmean(values)
    error = 1.96 * stdev([*values, 0.0, 1.0]) / sqrt(len(values) + 2)
    low, high = max(mean - error, 0.0), min(mean + error, 1.0)
    return Score(metric=metric, value=round(mean, 4), low=round(low, 4), high=round(high, 4), n=len(values))


def share(metric: str, hits: Sequence[bool]) -> Score:
    """Wilson's interval, which stays honest near none and all."""
    n, (low, high) = len(hits), chance.wilson(sum(hits), len(hits))
    return Score(metric=metric, value=round(sum(hits) / n, 4), low=round(low, 4), high=round(high, 4), n=n)
