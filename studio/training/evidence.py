"""What a training brought, measured on the answers kept back: scores, segments, and what is worth saying about them.

Knows marks, and somebody who writes answers out; it changes no weight.
"""

from collections.abc import Sequence
from typing import NamedTuple

from studio.base.events import Emit, Note
from studio.base.records import Example, Score, SegmentScore
from studio.training import checking, piloting, tasks
from studio.training.checking import Check, Marks
from studio.training.course import Course
from studio.training.tasks import Say

Crossed = tuple[list[Example], list[Marks], list[Marks]]
"""Every example checked in turn, with its marks before and after (see `piloting.cross`)."""


class Evidence(NamedTuple):
    scores: tuple[Score, ...] = ()
    segments: tuple[SegmentScore, ...] = ()


def of_rounds(crossed: Crossed) -> Evidence:
    examples, before, after = crossed
    return Evidence(checking.scores(before, after), checking.segments(examples, after))


def of_course(
    examples: Sequence[Example], learnt: int, done: Course, best: Check, points: list[piloting.Point], say: Say, emit: Emit
) -> Evidence:  # fmt: skip
    """Of the weights that are kept, which `say` must be written by. Tells what more examples would bring (`piloting`) and
    which task paid (`tasks`)."""
    segments = checking.segments(examples, best.marks) + tasks.scores(examples, best.marks, say)
    piloting.compare(points, piloting.Point(learnt, tuple(mark.right for mark in best.marks)), emit)
    for note in tasks.notes(examples, done.before, done.checks, best):
        emit(note)
    return Evidence(checking.scores(done.before.marks if done.before else (), best.marks), segments)


def ended(done: Course) -> list[Note]:
    """Why it ended before its last step."""
    told: dict[str, str | int | float] = {"step": done.step, "of": done.of}
    return [Note(code=f"training_ended_{done.ended}", parameters=told)] if done.ended in ("early", "rival") else []
