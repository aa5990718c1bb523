"""Several tasks in one model: how well each does on answers it was never taught, and whether one paid for another.

Knows marks and texts, no tensors. That one task pays is said only where it is measured: its answers are worse than before
anything was learnt, or worse in the weights that are kept than they were at another check of the same course. What it
would have reached alone is not known from this, and not claimed.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from math import sqrt
from statistics import fmean, stdev

from studio.base.events import Note
from studio.base.records import TASKS, Example, SegmentScore
from studio.training.checking import ENOUGH_FOR_A_SEGMENT, Check, Marks, mean, share

SPOKEN = 12  # answers of a task that are written out to be compared
SURE = 0.025  # on either side
ORDERS, RECALL = 6, 2  # chrF: characters in a row, and how much more what is left out counts than what is added

Say = Callable[[Sequence[Example]], Sequence[str]]


def notes(examples: Sequence[Example], before: Check | None, checks: Sequence[Check], kept: Check) -> list[Note]:
    """`task_lost_<task>` where its words came right more often before anything was learnt, `task_pays_<task>` where its
    loss is lower at another check than in the weights kept; both by more than chance (paired, t; for the best of several
    checks the level is divided by their number). Nothing for a single task.
    """
    found = []
    for task, places in _by_task(examples).items():
        ours = [kept.marks[at] for at in places]
        told: dict[str, str | int | float] = {"count": len(places), "after": round(100 * fmean(m.right for m in ours))}
        first = [before.marks[at] for at in places] if before else []
        if first and _surely([was.right - now.right for was, now in zip(first, ours, strict=True)], SURE):
            told["before"] = round(100 * fmean(mark.right for mark in first))
            found.append(Note(code=f"task_lost_{task}", parameters=told))
            continue
        others = [each for each in checks if each.step != kept.step]
        if not others:
            continue
        best = min(others, key=lambda each: fmean(each.marks[at].loss for at in places))
        gains = [now.loss - best.marks[at].loss for at, now in zip(places, ours, strict=True)]
        if _surely(gains, SURE / len(others)):
            told["before"] = round(100 * fmean(best.marks[at].right for at in places))
            found.append(Note(code=f"task_pays_{task}", parameters=told))
    return found


def scores(examples: Sequence[Example], marks: Sequence[Marks], say: Say) -> tuple[SegmentScore, ...]:
    """What suits each task but answering: classes given exactly, and for free texts how alike they are to the person's
    own (chrF, 0 to 1). Written out are the first SPOKEN of a task.
    """
    found = []
    for task, places in _by_task(examples, alone=True).items():
        if task == "answer":
            continue
        if task == "sort":
            score = share("said_exactly", [marks[at].exact for at in places])
        else:
            given = [examples[at] for at in places[:SPOKEN]]
            score = mean("chrf", [chrf(text, e.answer) for text, e in zip(say(given), given, strict=True)])
        found.append(SegmentScore(by="task", name=task, score=score))
    return tuple(found)


def chrf(said: str, reference: str) -> float:
    """How alike two texts are, 0 to 1: precision and recall of the characters in a row, from one to six, without spaces,
    recall counting double (chrF2; Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation").
    """
    one, other = "".join(said.split()), "".join(reference.split())
    precisions, recalls = [], []
    for order in range(1, ORDERS + 1):
        ours, theirs = _rows(one, order), _rows(other, order)
        if not ours or not theirs:
            continue
        shared = (ours & theirs).total()
        precisions.append(shared / ours.total())
        recalls.append(shared / theirs.total())
    if not precisions or not sum(precisions) + sum(recalls):
        return float(one == other)
    precision, recall = fmean(precisions), fmean(recalls)
    return (1 + RECALL**2) * precision * recall / (RECALL**2 * precision + recall)


def _rows(text: str, order: int) -> Counter[str]:
    return Counter(text[at : at + order] for at in range(len(text) - order + 1))


def _by_task(examples: Sequence[Example], alone: bool = False) -> dict[str, list[int]]:
    """Where the examples of each task stand, for those with enough; nothing where there is one task, unless `alone`."""
    tasks = {example.task for example in examples}
    places = {task: [at for at, e in enumerate(examples) if e.task == task] for task in TASKS if task in tasks}
    if len(tasks) < 2 and not alone:
        return {}
    return {task: found for task, found in places.items() if len(found) >= ENOUGH_FOR_A_SEGMENT}


def _surely(differences: Sequence[float], level: float) -> bool:
    """Whether the mean of these is above 0 by more than chance."""
    from scipy.stats import t

    error = stdev(differences) / sqrt(len(differences))
    return fmean(differences) > max(float(t.ppf(1 - level, len(differences) - 1)) * error, 1e-6)
