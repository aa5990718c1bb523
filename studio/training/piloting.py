"""Learning from a part of the examples first, and from all but a part in turn: what that says before all are learnt.

A pilot tells whether more examples would help; rounds of cross-validation tell how well few examples teach. Both begin at
the same first weights as the real training and leave none behind. The statistics are honest about how little they rest on.
"""

from collections.abc import Callable, Sequence
from math import log2, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from studio.base.events import Emit, Note, Piloted, Progress
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example
from studio.training import course
from studio.training.checking import Marks
from studio.training.course import Lesson, Watch
from studio.training.lessons import Lessons, part, rounds
from studio.training.loading import Learner
from studio.training.rendering import Row

SHARES = (0.05, 0.25)
FEWEST = 12  # examples a pilot learns from, or it says nothing
CHECKED = 8  # answers kept back, fewer prove nothing

Render = Callable[[Sequence[Example]], list[Row]]


class Point(NamedTuple):
    """After learning from so many examples: the share of its words right in each answer kept back."""

    examples: int
    right: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.right)


def shares(learnt: int, kept_back: int, recipe: TrainingRecipe) -> tuple[float, ...]:
    """Which parts are tried first: none without enough examples to learn from or to check with."""
    if not recipe.pilot or kept_back < CHECKED:
        return ()
    return tuple(share for share in SHARES if learnt * share >= FEWEST)


def pilot(
    learner: Learner, lessons: Lessons, recipe: TrainingRecipe, folder: Path, identity: str, render: Render, mixed: Render,
    watch: Watch, emit: Emit,
) -> list[Point]:  # fmt: skip
    """Learn from the parts, the smallest first; each is done once, however often this is interrupted. Raises Stopped.

    `render` makes the rows that are checked, `mixed` those that are learnt, with what joins them in the real training.
    """
    points, checks = [], render(lessons.kept_back)
    tried = shares(len(lessons.learnt), len(checks), recipe)
    for share in tried:
        place = folder / f"pilot-{round(share * 100)}"
        marks = course.remembered(place, identity)
        learnt = part(lessons.learnt, share)
        if marks is None:
            learner.forget()
            told = _telling(emit, tried.index(share), len(tried), watch)
            done = course.run(learner, Lesson(mixed(learnt), checks, recipe, place, identity), told)
            best = done.best_check or done.checks[-1]
            marks = [mark.right for mark in best.marks]
            course.remember(place, identity, marks)
        points.append(Point(len(learnt), tuple(marks)))
        emit(_piloted(points[-1], len(lessons.learnt)))
    return points


def compare(points: Sequence[Point], whole: Point, emit: Emit) -> None:
    """Say what all examples brought beside a part of them, and what twice as many would."""
    if points:
        emit(_piloted(whole, whole.examples))
        emit(verdict([*points, whole]))


def verdict(points: Sequence[Point]) -> Note:
    """Whether more examples would help, from the last two points; a third one says whether it is slowing down.

    The gain of the last growth, by doubling, with its 95 % interval over the same answers. Learning curves flatten: the
    next doubling is taken to bring at most what the last did, and less when that brought less than the one before.
    """
    before, now = points[-2], points[-1]
    gains = [after - earlier for earlier, after in zip(before.right, now.right, strict=True)]
    doublings = log2(now.examples / before.examples)
    gain = fmean(gains) / doublings
    error = 1.96 * stdev(gains) / sqrt(len(gains)) / doublings if len(gains) > 1 else 1.0
    told: dict[str, str | int | float] = {"count": now.examples, "checked": len(gains), "now": round(now.mean * 100)}
    if gain - error <= 0:
        return Note(code="more_examples_unproven" if gain + error > 0.02 else "more_examples_little", parameters=told)
    slowing = 1.0
    if len(points) > 2:
        first = points[-3]
        earlier = (before.mean - first.mean) / log2(before.examples / first.examples)
        slowing = min(max(gain / earlier, 0.0), 1.0) if earlier > 0 else 1.0
    low, high = (min(now.mean + each * slowing, 1.0) for each in (gain - error, gain + error))
    told |= {"double": 2 * now.examples, "low": round(low * 100), "high": round(high * 100)}
    return Note(code="more_examples_help", parameters=told)


def cross(
    learner: Learner, examples: Sequence[Example], recipe: TrainingRecipe, folder: Path, identity: str, render: Render,
    mixed: Render, watch: Watch, emit: Emit,
) -> tuple[list[Example], list[Marks], list[Marks]]:  # fmt: skip
    """Check every example in turn while the others are learnt: the examples, and their marks before and after.

    The last weights of a round are measured, not the best: choosing by the same answers would flatter.
    """
    kept: list[Example] = []
    before: list[Marks] = []
    after: list[Marks] = []
    divided = rounds(examples, recipe.folds)
    for number, lessons in enumerate(divided):
        place = folder / f"round-{number + 1}"
        known = course.remembered(place, identity)
        if known is None:
            learner.forget()
            blind = recipe.model_copy(update={"patience": 0})
            lesson = Lesson(mixed(lessons.learnt), render(lessons.kept_back), blind, place, identity)
            done = course.run(learner, lesson, _telling(emit, number, len(divided), watch))
            first = done.before.marks if done.before else ()
            known = [[list(mark) for mark in first], [list(mark) for mark in done.checks[-1].marks]]
            course.remember(place, identity, known)
        kept += lessons.kept_back
        before += [Marks(*mark) for mark in known[0]]
        after += [Marks(*mark) for mark in known[1]]
    return kept, before, after


def _telling(emit: Emit, number: int, of: int, watch: Watch) -> Watch:
    """Progress over all parts; what a pilot's own curve looks like is nobody's business."""

    def stepped(now: course.Course, left: float) -> None:
        emit(Progress(done=number * now.of + now.step, of=of * now.of, seconds_left=round(left, 1)))

    return Watch(stop=watch.stop, stepped=stepped, timed=watch.timed)


def _piloted(point: Point, of: int) -> Piloted:
    return Piloted(examples=point.examples, of=of, words_right=round(point.mean, 4), checked=len(point.right))
