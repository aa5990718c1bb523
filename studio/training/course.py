"""One course of learning: from first weights, or from the newest whole checkpoint, to the best weights it found.

The same rows, recipe and seed give the same weights, however often a course was interrupted and in whatever portions its
batches went through the model. A pilot, a round of cross-validation and the real training are all courses.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from math import cos, isfinite, pi, sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.base import files
from studio.base.errors import BadInput, Stopped
from studio.base.events import ShouldStop
from studio.base.recipes import TrainingRecipe
from studio.training import checking, checkpoints, order, packing, replay
from studio.training.checking import Check, Marks
from studio.training.loading import Learner
from studio.training.rendering import NOT_LEARNT, Row

if TYPE_CHECKING:
    import torch

SAVE_SECONDS = 60.0
SAVE_SHARE = 20  # a checkpoint that takes long to write is written so many times as seldom
CHECKS = 5  # how often the kept-back examples are measured, besides the beginning
TIMED = 4  # steps after which the pace is told for the first time
WARM_UP, CLIP = 0.1, 1.0


class Aim(NamedTuple):
    """Something else to learn than the words of rows: the losses of some rows, one each, and how the model stands to
    them."""

    losses: "Callable[[Learner, Sequence[Row]], torch.Tensor]"
    marks: Callable[[Learner, Sequence[Row]], list[Marks]]


class Lesson(NamedTuple):
    """What a course is given: rows to learn, rows to check with, and where its checkpoints and best weights lie.

    `rival` are the marks of the best untrained approach on the same checks: a course that is not ahead of it half-way ends.
    """

    rows: Sequence[Row]
    checks: Sequence[Row]
    recipe: TrainingRecipe
    place: Path
    identity: str
    rival: tuple[Marks, ...] = ()
    aim: Aim | None = None


@dataclass
class Course:
    """How far it has come. All of it stands in every checkpoint: what a resumed course would need is nowhere else."""

    step: int = 0
    of: int = 0
    losses: list[float | None] = field(default_factory=list)  # of the examples; None for a step that was all replay
    before: Check | None = None
    checks: list[Check] = field(default_factory=list)
    seconds: float = 0.0
    tokens: int = 0
    best: int = 0  # the step whose weights are kept; 0 before any
    ended: str = ""  # "", "early" (no better any more), "rival" (behind the untrained), "enough" (the person said so)

    @property
    def best_check(self) -> Check | None:
        return next((each for each in self.checks if each.step == self.best), None)


class Watch(NamedTuple):
    """Who looks on. `stop` interrupts (a checkpoint is kept), `enough` ends with what was learnt."""

    stop: ShouldStop
    enough: ShouldStop = lambda: False
    stepped: Callable[[Course, float], None] = lambda course, left: None  # after each step, with the seconds left
    checked: Callable[[Course, Check], None] = lambda course, check: None
    timed: Callable[[float], None] = lambda pace: None  # tokens a second, padding left out, once they are known


def run(learner: Learner, lesson: Lesson, watch: Watch) -> Course:
    """Learn, and leave the best weights in `lesson.place/best`; the learner holds the last ones.

    Raises Stopped (after a checkpoint), BadInput("training_diverged", rate=), and what disk and memory raise.
    """
    return _Run(learner, lesson, watch).go()


class _Run:
    def __init__(self, learner: Learner, lesson: Lesson, watch: Watch) -> None:
        import torch

        self.learner, self.lesson, self.watch, self.recipe = learner, lesson, watch, lesson.recipe
        self.order = order.of(lesson.rows, self.recipe)
        of = self.order.of
        self.course = Course(of=of)
        self.every = -(-of // max(CHECKS, min(round(self.recipe.epochs), 20)))
        self.optimizer = torch.optim.AdamW(
            list(learner.moving.values()), lr=self.recipe.learning_rate, weight_decay=0.0, fused=True
        )
        self.scaler = torch.amp.GradScaler(learner.device, enabled=learner.scaled)
        self.checkpoints = lesson.place / "checkpoints"
        self.saved, self.took, self.steps = time.monotonic(), 0.0, 0
        self.clocked: list[tuple[int, float]] = []

    def go(self) -> Course:
        self._resume()
        course = self.course
        if self.lesson.checks and course.before is None:
            course.before = self._check()  # where the model stands before it has learnt anything
            self._finite(course.before.loss)
            self.watch.checked(course, course.before)
        begun = course.tokens, course.seconds
        if course.step and not course.ended:
            self._after_step()  # a check that was due when it was interrupted
        while course.step < course.of and not course.ended:
            self._step()
            done, took = course.tokens - begun[0], course.seconds - begun[1]
            self.watch.stepped(course, took / max(done, 1) * max(self.order.tokens - course.tokens, 0))
            if self.clocked and (course.step == TIMED or course.step == course.of):
                self.watch.timed(sum(tokens for tokens, _ in self.clocked) / sum(took for _, took in self.clocked))
            self._after_step()
        return course

    # ---- a step

    def _step(self) -> None:
        import torch

        course, began = self.course, time.monotonic()
        torch.manual_seed(self.recipe.seed * 1_000_003 + course.step)  # for models that drop out
        rows = order.worded(self.lesson.rows, self.order.step(course.step), self.recipe.seed, course.step)
        rows = replay.weighed(rows, course.step / course.of)
        # The examples' loss is a mean over what they teach; what holds the model is added to it and takes nothing from it.
        shown = sum(_weight(row) for row in rows if row.expected is None)
        shared = shown or sum(map(_weight, rows))
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.learning_rate * _rate(course.step, course.of)
        loss = told = 0.0
        for portion in packing.portions(self.learner, rows):
            if self.watch.stop():
                self.optimizer.zero_grad(set_to_none=True)
                self._interrupt()
            found, of_examples = self._loss([rows[at] for at in portion])
            self.scaler.scale(found / shared).backward()
            loss += float(found.detach()) / shared
            told += of_examples
        self._finite(loss)
        self.scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(list(self.learner.moving.values()), CLIP)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        course.step += 1
        course.losses.append(round(told / shown, 6) if shown else None)
        tokens, took = sum(len(row.input_ids) for row in rows), time.monotonic() - began
        course.tokens += tokens
        course.seconds += took
        if self.steps:  # the first step of a process waits for kernels to be chosen and memory to be found
            self.clocked.append((tokens, took))
        self.steps += 1

    def _loss(self, rows: Sequence[Row]) -> "tuple[torch.Tensor, float]":
        """The weighted sum over the tokens that are learnt, and what of it comes from rows that teach words."""
        from studio.training import vocabulary

        if self.lesson.aim is not None:
            found = self.lesson.aim.losses(self.learner, rows).sum()
            return found, float(found.detach())
        return vocabulary.cost(self.learner, packing.feed(self.learner, rows), rows)

    # ---- what happens between steps

    def _after_step(self) -> None:
        course, last, enough = self.course, self.course.step == self.course.of, self.watch.enough()
        fresh = not course.checks or course.checks[-1].step != course.step
        measured = bool(self.lesson.checks) and fresh and (last or enough or course.step % self.every == 0)
        if measured:
            self._judge(self._check())
        if enough and not last:
            course.ended = "enough"
        if (
            measured
            or last
            or course.ended
            or time.monotonic() - self.saved > max(SAVE_SECONDS, self.took * SAVE_SHARE)
        ):
            if not self.lesson.checks and (last or course.ended):
                self._keep()
            self._save()
        if self.watch.stop() and not last and not course.ended:
            self._interrupt()

    def _judge(self, check: Check) -> None:
        course = self.course
        self._finite(check.loss)
        course.checks.append(check)
        best = min(course.checks, key=lambda each: each.loss)
        if best is check:
            self._keep()
        self.watch.checked(course, check)
        behind = len(course.checks) - 1 - course.checks.index(best)
        if course.step == course.of:
            return
        if self.recipe.patience and behind >= self.recipe.patience:
            course.ended = "early"
        elif self.lesson.rival and course.step >= course.of / 2 and not _ahead(best.marks, self.lesson.rival):
            course.ended = "rival"

    def _finite(self, loss: float) -> None:
        if not isfinite(loss):
            raise BadInput("training_diverged", rate=self.recipe.learning_rate)

    def _check(self) -> Check:
        aim = self.lesson.aim
        try:
            return checking.check(
                self.learner, self.lesson.checks, self.course.step, self.watch.stop, aim.marks if aim else None
            )
        except Stopped:
            self._interrupt()
            raise

    def _interrupt(self) -> None:
        if self.course.step:
            self._save()
        raise Stopped

    # ---- keeping

    def _keep(self) -> None:
        """The weights as they are now become the best ones."""
        place = self.lesson.place / "best"
        place.mkdir(parents=True, exist_ok=True)
        checkpoints.save(self.learner.moving, place / f"{checkpoints.WEIGHTS}.part")
        (place / f"{checkpoints.WEIGHTS}.part").replace(place / checkpoints.WEIGHTS)
        self.course.best = self.course.step

    def _save(self) -> None:
        began, tensors = time.monotonic(), {}
        for name, tensor in self.learner.moving.items():
            for part, value in self.optimizer.state.get(tensor, {}).items():
                tensors[f"{name}/{part}"] = value
        told = {**asdict(self.course), "scaler": self.scaler.state_dict()}
        told["checks"] = [_plain(check) for check in self.course.checks]
        told["before"] = _plain(self.course.before) if self.course.before else None
        checkpoints.write(self.checkpoints, self.course.step, self.lesson.identity, self.learner.moving, tensors, told)
        self.saved, self.took = time.monotonic(), time.monotonic() - began

    def _resume(self) -> None:
        newest = checkpoints.newest(self.checkpoints, self.lesson.identity)
        if self.checkpoints.is_dir():
            checkpoints.remove_others(self.checkpoints, newest)
        if newest is None:
            shutil.rmtree(self.lesson.place / "best", ignore_errors=True)
            return
        weights, tensors, told = checkpoints.read(newest)
        self.learner.put(weights)
        for name, tensor in self.learner.moving.items():
            parts = {key.rpartition("/")[2]: value for key, value in tensors.items() if key.rpartition("/")[0] == name}
            self.optimizer.state[tensor] = {part: value.to(tensor.device) for part, value in parts.items()}
        if self.learner.scaled:
            self.scaler.load_state_dict(told["scaler"])
        del told["scaler"]
        told["checks"] = [_read(each) for each in told["checks"]]
        told["before"] = _read(told["before"]) if told["before"] else None
        self.course = Course(**told)


def best(place: Path) -> "dict[str, torch.Tensor]":
    """The best weights a course left in `place`."""
    from safetensors.torch import load_file

    return dict(load_file(place / "best" / checkpoints.WEIGHTS))


def remembered(place: Path, identity: str) -> Any | None:
    """What `remember` kept for this training, or None."""
    told = files.read_json(place / "done.json")
    return told["told"] if isinstance(told, dict) and told.get("training") == identity else None


def remember(place: Path, identity: str, told: Any) -> None:
    """A course that is over needs no checkpoints any more, only what came of it."""
    place.mkdir(parents=True, exist_ok=True)
    files.write_json(place / "done.json", {"training": identity, "told": told})
    for part in ("checkpoints", "best"):
        shutil.rmtree(place / part, ignore_errors=True)


def _ahead(marks: Sequence[Marks], rival: Sequence[Marks]) -> bool:
    """Whether the answers cost less than the rival's by more than chance (95 %, the same answers paired)."""
    gains = [theirs.loss - ours.loss for ours, theirs in zip(marks, rival, strict=True)]
    return len(gains) < 2 or fmean(gains) > 1.96 * stdev(gains) / sqrt(len(gains))


def _weight(row: Row) -> float:
    if row.against is not None:
        return 1.0  # a pair is a pair, however long its answers
    return row.weight * sum(label != NOT_LEARNT for label in row.labels[1:])


def _rate(step: int, of: int) -> float:
    """Up in a straight line over the first tenth, down along a cosine."""
    warm = max(round(of * WARM_UP), 1)
    if step < warm:
        return (step + 1) / (warm + 1)
    return 0.5 * (1 + cos(pi * (step - warm) / max(of - warm, 1)))


def _plain(check: Check) -> dict[str, Any]:
    return {"step": check.step, "marks": [list(mark) for mark in check.marks]}


def _read(told: dict[str, Any]) -> Check:
    return Check(told["step"], tuple(Marks(*mark) for mark in told["marks"]))
