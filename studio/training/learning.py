"""The training itself, stage by stage: prepare, pilot, learn, check, package.

One training a process: Unsloth changes transformers for good, and must be imported before it. Everything the libraries
print goes to the log (standard error); what the person sees are events.
"""

import contextlib
import shutil
import sys
from collections.abc import Callable, Sequence
from math import ceil
from pathlib import Path
from typing import NamedTuple

from studio.base import files, machine
from studio.base.events import Emit, Loss, Note, Progress, Sampled, ShouldStop, Stage, telling
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Trained
from studio.engines.prompts import Prompts
from studio.training import (
    below,
    checking,
    course,
    everyday,
    evidence,
    loading,
    order,
    pacing,
    packaging,
    packing,
    piloting,
    planning,
    previewing,
    provenance,
    replay,
    rows,
)
from studio.training.checking import Check, Marks
from studio.training.course import Course, Lesson, Watch
from studio.training.evidence import Crossed, Evidence
from studio.training.failures import translated
from studio.training.lessons import Lessons, divide, usable
from studio.training.loading import Learner, prepare_environment
from studio.training.planning import estimated_tokens
from studio.training.rendering import Renderer, Row

SPOKEN_CHECKS = 5  # so often, besides the beginning and the end, are answers written out
REHEARSED = 4  # steps
WRITTEN = 160  # tokens of an answer that is held against the person's own
RECORD = "trained.json"

Replay = Callable[[Learner, Renderer], Sequence[Row]]
"""Rows that join the batches beside the examples: with labels and a weight of their own, whatever they are for."""

Rivals = Callable[[Sequence[Example]], Sequence[Sequence[Example]]]
"""For the examples kept back: the same answers, asked as each untrained approach would ask for them."""


class Given(NamedTuple):
    """What a training may be given beside its recipe.

    `enough` ends the learning with what there is; `smaller` divides what goes through the model at once, after memory ran
    out; `paces` is where measured speed is kept.
    """

    enough: ShouldStop = lambda: False
    smaller: int = 1
    paces: Path | None = None
    replay: Replay | None = None
    rivals: Rivals | None = None


def stages(recipe: TrainingRecipe) -> tuple[str, ...]:
    """The stages of a training, in their order."""
    return ("prepare", *(["pilot"] if recipe.pilot or recipe.folds else []), "learn", "check", "package")


def train(
    examples: Sequence[Example],
    model_name: str,
    weights: Path,
    recipe: TrainingRecipe,
    folder: Path,
    emit: Emit,
    should_stop: ShouldStop,
    threads: int,
    given: Given | None = None,
) -> Trained:
    """Teach the model in `weights` (a Hugging Face model folder) the answers of the examples.

    1. prepare: divide the examples, load model and tokenizer, render, leave out what is too long, show the first batch
    2. pilot:   learn from a part of them, or check all of them in turn, if the recipe wants it
    3. learn:   go on from the newest whole checkpoint in `folder/checkpoints`, or begin
    4. check:   what the best weights bring on the examples kept back
    5. package: they become `folder/adapter`

    Called again with the same arguments it goes on where it was interrupted, and returns what it made before. The weights
    kept are those with the lowest loss on the examples kept back; without such examples, the last ones.

    Raises NotEnough and BadInput for examples that cannot teach, OutOfMemory, NotPossibleHere("training_disk_full",
    "training_engine_missing", "training_qlora_needs_card"), BadInput("training_diverged") when the loss is no number any
    more, and Stopped when `should_stop` said so: then a checkpoint is kept.
    """
    given = given or Given()
    emit(Stage(name="prepare"))
    lessons = _lessons(examples, recipe)
    identity = provenance.identity(lessons, model_name, weights, recipe)
    made = files.read_json(folder / RECORD)
    if isinstance(made, dict) and made["trained"]["id"] == identity and (folder / "best").is_dir():
        return _packaged(folder, weights, Trained.model_validate(made["trained"]), emit)
    prepare_environment(threads, folder)
    with contextlib.redirect_stdout(sys.stderr), translated(recipe, weights):
        learner = loading.load(weights, recipe, threads, given.smaller)
        training = _Training(learner, lessons, model_name, weights, recipe, folder, identity, emit, should_stop, given)
        trained = training.go()
        loading.give_back(learner)  # what it did to everyday questions is asked next, of a model in another process
        return _packaged(folder, weights, trained, emit)


def rehearse(
    examples: Sequence[Example],
    model_name: str,
    weights: Path,
    recipe: TrainingRecipe,
    folder: Path,
    emit: Emit,
    should_stop: ShouldStop,
    threads: int,
    given: Given | None = None,
) -> None:
    """Show the first batch and time a few steps; what they taught is thrown away. Raises as `train` does.

    Nothing is mixed in beside the examples: making that takes longer than the steps.
    """
    given, recipe = given or Given(), recipe.model_copy(update={"replay": 0.0})
    emit(Stage(name="prepare"))
    lessons = _lessons(examples, recipe)
    prepare_environment(threads, folder)
    with contextlib.redirect_stdout(sys.stderr), translated(recipe, weights):
        learner = loading.load(weights, recipe, threads, given.smaller)
        training = _Training(
            learner, lessons, model_name, weights, recipe, folder, "rehearsal", emit, should_stop, given
        )
        training.rehearse()


class _Training:
    def __init__(
        self, learner: Learner, lessons: Lessons, model_name: str, weights: Path, recipe: TrainingRecipe, folder: Path,
        identity: str, emit: Emit, should_stop: ShouldStop, given: Given,
    ) -> None:  # fmt: skip
        self.learner, self.model_name, self.weights, self.recipe = learner, model_name, weights, recipe
        self.folder, self.identity, self.emit, self.given = folder, identity, emit, given
        self.should_stop, self.told = should_stop, telling(emit, should_stop)
        self.renderer = Renderer(learner.tokenizer, Prompts(weights))
        self.lessons = rows.fitting(lessons, self.renderer, recipe.max_length, emit)
        self.rows = rows.taught(self.lessons.learnt, self.renderer, recipe.seed)
        self.checks = self._rows(self.lessons.kept_back)
        packing.choose(learner, [*self.rows, *self.checks])
        if given.replay is not None:
            self.rows += given.replay(learner, self.renderer)
        elif recipe.replay:
            count = everyday.asked(recipe.replay, len(self.rows), recipe.epochs)
            frame = rows.frame(self.lessons.learnt)
            self.rows += replay.rows(
                learner, self.renderer, count, planning.REPLAY_WEIGHT, recipe.seed, weights, frame, self.told
            )
        self.spoken = checking.spoken(self.lessons.kept_back)
        self.machine = machine.look(folder)
        self.emit(previewing.first_batch(self.rows, recipe, learner.tokenizer))

    def go(self) -> Trained:
        below.keep(self.learner, [*self.rows, *self.checks], self.told)
        if not self.checks and not self.recipe.folds:
            self.emit(Note(code="training_nothing_kept_back"))
        watch = Watch(stop=self.should_stop, timed=self._timed)
        points, crossed = self._pilot(watch)
        self.emit(Stage(name="learn"))
        packaging.configure(self.learner, self.folder / "best")
        lesson = Lesson(self.rows, self.checks, self.recipe, self.folder, self.identity, self._rival())
        done = course.run(
            self.learner, lesson, watch._replace(enough=self.given.enough, stepped=self._stepped, checked=self._checked)
        )
        packaging.configure(self.learner, self.folder / "best")
        self.emit(Stage(name="check"))
        return self._trained(done, points, crossed)

    def rehearse(self) -> None:
        lengths = [len(row.input_ids) for row in self.rows]
        first = order.batches(lengths, self.recipe.batch, self.recipe.seed, 0)[:REHEARSED]
        rows = [self.rows[index] for batch in first for index in batch]
        brief = self.recipe.model_copy(update={"epochs": 1.0})
        place = self.folder / "rehearsal"
        below.keep(self.learner, rows, self.told)

        def stepped(now: Course, left: float) -> None:
            self.emit(Progress(done=now.step, of=now.of, seconds_left=round(left, 1)))

        self.emit(Stage(name="rehearse"))
        watch = Watch(self.should_stop, stepped=stepped, timed=self._timed)
        course.run(self.learner, Lesson(rows, [], brief, place, self.identity), watch)
        shutil.rmtree(place, ignore_errors=True)

    # ---- stages

    def _pilot(self, watch: Watch) -> tuple[list[piloting.Point], Crossed | None]:
        points, crossed = [], None
        if self.recipe.pilot or self.recipe.folds:
            self.emit(Stage(name="pilot"))
            self.learner.remember()
            told = (self.recipe, self.folder, self.identity, self._rows, self._mixed, watch, self.emit)
            if self.recipe.folds:
                every = [*self.lessons.learnt, *self.lessons.kept_back]
                crossed = piloting.cross(self.learner, every, *told)
            else:
                points = piloting.pilot(self.learner, self.lessons, *told)
            self.learner.forget()
            self.learner.first = {}
        return points, crossed

    def _trained(self, done: Course, points: list[piloting.Point], crossed: Crossed | None) -> Trained:
        best, found = done.best_check, Evidence()
        for note in evidence.ended(done):
            self.emit(note)
        if best is not None and best.step != done.step:  # what is kept is not what was last heard
            self.learner.put(course.best(self.folder))
            self._say(done.step)
        if crossed is not None and crossed[0]:
            found = evidence.of_rounds(crossed)
        elif best is not None:
            kept_back, learnt = self.lessons.kept_back, len(self.lessons.learnt)
            found = evidence.of_course(kept_back, learnt, done, best, points, self._written, self.emit)
        losses = [loss for loss in done.losses if loss is not None]
        recent = losses[-max(len(losses) // 10, 1) :]
        trained = Trained(
            id=self.identity,
            model=self.model_name,
            adapter=f"models/{self.identity}",
            examples=len(self.lessons.learnt),
            steps=done.step,
            seconds=round(done.seconds, 1),
            loss=round(sum(recent) / len(recent), 4) if recent else 0.0,
            validation_loss=round(best.loss, 4) if best else None,
            recipe=self.recipe.model_dump(),
            versions=provenance.versions(),
            packed=self.learner.packs,
            frame=rows.frame(self.lessons.learnt),
            scores=found.scores,
            segments=found.segments,
        )
        files.write_json(self.folder / RECORD, {"trained": trained.model_dump()})
        return trained

    def _rival(self) -> tuple[Marks, ...]:
        """How the best untrained approach does on the same answers, if the person wants to be kept from less."""
        if not self.recipe.beat or self.given.rivals is None or not self.checks:
            return ()
        asked = self.given.rivals(self.lessons.kept_back)
        found = [checking.check(self.learner, self._rows(each), 0, self.should_stop) for each in asked]
        return min(found, key=lambda each: each.loss).marks if found else ()

    # ---- what is told

    def _stepped(self, now: Course, left: float) -> None:
        if (loss := now.losses[-1]) is not None:
            self.emit(Loss(step=now.step, of=now.of, train=round(loss, 4)))
        self.emit(Progress(done=now.step, of=now.of, seconds_left=round(left, 1)))

    def _checked(self, now: Course, check: Check) -> None:
        self.emit(Loss(step=check.step, of=now.of, validation=round(check.loss, 4)))
        every = ceil(max(course.CHECKS, min(round(self.recipe.epochs), 20)) / SPOKEN_CHECKS)
        if check.step == 0 or len(now.checks) % every == 0:
            self._say(check.step)

    def _say(self, step: int) -> None:
        examples = [self.lessons.kept_back[at] for at in self.spoken]
        if not examples:
            return
        prompts = [self.renderer.prompt(example.messages) for example in examples]
        for example, answer in zip(examples, self.learner.say(prompts, checking.WORDS), strict=True):
            self.emit(Sampled(step=step, question=example.question, reference=example.answer, answer=answer))

    def _written(self, examples: Sequence[Example]) -> list[str]:
        """Whole answers, as long as the longest of those they are held against may need."""
        prompts = [self.renderer.prompt(example.messages) for example in examples]
        lengths = [len(row.input_ids) - len(asked) for row, asked in zip(self._rows(examples), prompts, strict=True)]
        return self.learner.say(prompts, min(max(lengths), WRITTEN))

    def _timed(self, speed: float) -> None:
        """What the first steps have shown, kept for the next time somebody asks what it costs."""
        if self.given.paces is None:
            return
        real = sum(len(row.input_ids) for row in self._rows(self.lessons.learnt))
        guessed = sum(estimated_tokens(example) for example in self.lessons.learnt)
        peak = self.learner.memory_gb()
        pace = pacing.Pace(
            tokens_per_second=round(speed, 2),
            estimated_share=round(guessed / max(real, 1), 3),
            memory_gb=round(peak, 2),
        )
        pacing.keep(self.given.paces, self.model_name, self.recipe, self.machine, pace)
        self.emit(Note(code="training_measured", parameters={"speed": round(speed)}))

    # ---- rows

    def _rows(self, examples: Sequence[Example]) -> list[Row]:
        return rows.of(examples, self.renderer)

    def _mixed(self, examples: Sequence[Example]) -> list[Row]:
        """Rows of a part of the examples, and as large a part of what joins them."""
        made, extra = self._rows(examples), self.rows[len(self.lessons.learnt) :]
        return made + extra[: round(len(extra) * len(made) / len(self.lessons.learnt))]


def _lessons(examples: Sequence[Example], recipe: TrainingRecipe) -> Lessons:
    """With rounds of cross-validation nothing is kept back in the end: all were checked already."""
    material = usable(examples)
    return divide(material, recipe.holdout) if not recipe.folds else Lessons(learnt=tuple(material))


def _packaged(folder: Path, weights: Path, trained: Trained, emit: Emit) -> Trained:
    emit(Stage(name="package"))
    packaging.package(folder / "best", weights, provenance.hub_name(trained.model), folder / "adapter")
    emit(Progress(done=1, of=1, seconds_left=0.0))
    return trained
