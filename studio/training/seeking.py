"""The search for better settings: trials of a model that is loaded once, within the minutes a person gives it.

What comes next and what it proves is `trials`'s matter, which answers are asked `asides`'s; here they are learnt, timed,
written down and told. A killed search goes on in the middle of the trial it was in, with the seconds it had left.
"""

import contextlib
import hashlib
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from studio.base import events, machine
from studio.base.errors import BadInput, Stopped
from studio.base.events import Emit, Progress, ShouldStop, Stage, Tried
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Sought, Trial
from studio.engines.prompts import Prompts
from studio.training import (
    asides,
    below,
    checking,
    course,
    everyday,
    loading,
    order,
    outlooks,
    packing,
    planning,
    provenance,
    replay,
    rows,
    trials,
)
from studio.training.asides import Aside
from studio.training.course import Course, Lesson, Watch
from studio.training.failures import translated
from studio.training.learning import Given
from studio.training.ledger import LEDGER, Ledger
from studio.training.lessons import Lessons, usable
from studio.training.loading import Learner
from studio.training.planning import START_SECONDS
from studio.training.rendering import Renderer, Row
from studio.training.trials import Attempt, Dials, Setup, Task

FORWARD = 1 / 3  # of the work of learning a row is the work of checking it

Train = Callable[[Task, ShouldStop], Attempt]
"""Does a trial; `ShouldStop` says that it must end. Raises Stopped, with a checkpoint kept."""


def seek(
    examples: Sequence[Example],
    model_name: str,
    weights: Path,
    recipe: TrainingRecipe,
    own: Mapping[str, float],
    minutes: float,
    folder: Path,
    emit: Emit,
    should_stop: ShouldStop,
    threads: int,
    given: Given | None = None,
) -> Sought:
    """Look for a learning rate and a number of rounds that teach more than the recipe's, and prove it.

    1. prepare: divide the examples, load model and tokenizer, render  2. seek: trial after trial, the recipe's own first
    3. confirm: the best and the recipe's own, from other examples, on answers nothing was chosen by

    Called again with the same arguments it goes on where it was interrupted. No trial begins that is not expected to end in
    time, and one that does not is cut. `given.enough` ends it with what was found. Raises as `asides.turns` and
    `learning.train` do; BadInput("training_diverged") only when the recipe itself does.
    """
    given = given or Given()
    emit(Stage(name="prepare"))
    recipe = recipe.model_copy(update={"pilot": False, "folds": 0, "beat": False})
    turns = asides.turns(examples)
    identity = _identity(turns, model_name, weights, recipe, own)
    ledger = Ledger(folder / LEDGER, identity)
    loading.prepare_environment(threads, folder)
    base = Dials(recipe.learning_rate, recipe.epochs)
    theirs = Dials(own.get("learning_rate", base.learning_rate), own.get("epochs", base.epochs)) if own else None
    with contextlib.redirect_stdout(sys.stderr), translated(recipe, weights):
        learner = loading.load(weights, recipe, threads, given.smaller)
        renderer = Renderer(learner.tokenizer, Prompts(weights))
        turns = asides.turns(_fitting(examples, renderer, recipe.max_length))
        setup = Setup(base, theirs, asides.share(len(turns[0].learnt)), len(turns), recipe.seed)
        room = _Room(
            learner, renderer, weights, turns, recipe, folder, identity, ledger, minutes * 60, emit, should_stop
        )
        guess = 0.0
        if given.paces is not None:
            guess = outlooks.pace(model_name, learner.parameters, recipe, machine.look(folder), given.paces)
        walk(setup, ledger, minutes * 60, room.costs(guess), room.train, emit, should_stop, given.enough)
    return concluded(setup, ledger, identity, minutes, len(turns[0].learnt), room.costs(guess))


def walk(
    setup: Setup, ledger: Ledger, budget: float, cost: trials.Cost, train: Train, emit: Emit, should_stop: ShouldStop,
    enough: ShouldStop,
) -> None:  # fmt: skip
    """Trial after trial, until nothing fits any more, nothing is left to say, or the person has had enough. Raises Stopped.

    What was tried before is told again: whoever looks on may not have heard it.
    """
    emit(Stage(name="seek"))
    for attempt in ledger.attempts:
        emit(Tried(trial=attempt.trial))
    confirming = False
    while not enough() and (task := trials.following(setup, ledger.attempts, budget - ledger.spent, cost)) is not None:
        if task.turn and not confirming:
            emit(Stage(name="confirm"))
            confirming = True
        emit(Progress(done=min(ledger.spent, budget), of=budget, seconds_left=max(budget - ledger.spent, 0)))
        try:
            attempt = train(task, lambda: should_stop() or enough() or ledger.spent > budget)
        except Stopped:
            if should_stop():
                ledger.write()
                raise
            attempt = Attempt(trial=_trial(task, "cut"))
        except BadInput as error:
            if error.code != "training_diverged" or task.number == 0:
                raise
            attempt = Attempt(trial=_trial(task, "diverged"))
        ledger.add(attempt)
        emit(Tried(trial=attempt.trial))


def concluded(
    setup: Setup, ledger: Ledger, identity: str, minutes: float, examples: int, cost: trials.Cost
) -> Sought:  # fmt: skip
    """The verdict over everything that was tried."""
    told = trials.verdict(setup, ledger.attempts)
    found = next((each.trial for each in ledger.attempts if each.trial.number == told.number), None)
    dials: dict[str, str | int | float | bool] = {}
    if told.reason == "kept" and found is not None:
        every = {"learning_rate": found.learning_rate, "epochs": found.epochs}
        dials = {name: value for name, value in every.items() if value != getattr(setup.base, name)}
    whole = cost(Task(0, setup.base))
    missing = 2 * whole if told.reason == "unconfirmed" else (3 * setup.share + 4) * whole
    return Sought(
        id=identity,
        reason=told.reason,
        dials=dials,
        number=told.number,
        gain=told.gain,
        turns=told.turns,
        trials=tuple(each.trial for each in ledger.attempts),
        examples=examples,
        minutes=minutes,
        seconds=round(ledger.spent, 1),
        needed=round((START_SECONDS + missing) / 60 + 0.5) if told.reason in ("short", "unconfirmed") else 0,
    )


class _Room:
    """What all trials share: the loaded model, the rendered rows, the clock."""

    def __init__(
        self, learner: Learner, renderer: Renderer, weights: Path, turns: Sequence[Aside], recipe: TrainingRecipe,
        folder: Path, identity: str, ledger: Ledger, budget: float, emit: Emit, should_stop: ShouldStop,
    ) -> None:  # fmt: skip
        self.learner, self.turns, self.recipe = learner, turns, recipe
        self.folder, self.identity, self.ledger, self.budget, self.emit = folder, identity, ledger, budget, emit
        self.should_stop = should_stop
        self.tokens: dict[Task, float] = {}
        self.extra: Sequence[Row] = ()
        self.everyday: Sequence[Row] = ()
        told = events.telling(emit, should_stop)
        learner.remember()
        learnt = {id(each): each for turn in turns for each in turn.learnt}
        asked = {id(each): each for turn in turns for each in (*turn.inner, *turn.outer) if id(each) not in learnt}
        self.rendered = dict(zip(learnt, rows.taught(list(learnt.values()), renderer, recipe.seed), strict=True))
        self.rendered |= zip(asked, rows.of(list(asked.values()), renderer), strict=True)
        packing.choose(learner, list(self.rendered.values()))
        if recipe.replay:
            made = replay.rows(
                learner, renderer, outlooks.heard(recipe, len(turns[0].learnt)), planning.REPLAY_WEIGHT, recipe.seed,
                weights, rows.frame(turns[0].learnt), told,
            )  # fmt: skip
            self.extra, self.everyday = made[: -outlooks.EVERYDAY], made[-outlooks.EVERYDAY :]
        below.keep(learner, [*self.rendered.values(), *self.extra, *self.everyday], told)

    def costs(self, guess: float) -> trials.Cost:
        """Seconds a trial takes, by the pace of those that were done here, before that by `guess` seconds a token."""

        def cost(task: Task) -> float:
            learnt, seconds = (sum(getattr(e, name) for e in self.ledger.attempts) for name in ("tokens", "learning"))
            return self._tokens(task) * (seconds / learnt if learnt else guess) * outlooks.SAFETY

        return cost

    def train(self, task: Task, over: ShouldStop) -> Attempt:
        aside = asides.of(self.turns[task.turn], task.share)
        place = self.folder / f"trial-{task.number}-{round(task.share * 100)}-{task.turn}"
        recipe = self._recipe(task)
        lesson = Lesson(self._mixed(aside, recipe), self._rows(aside.inner), recipe, place, self.identity)
        began = self.ledger.spent
        self.learner.forget()
        try:
            done = course.run(self.learner, lesson, Watch(stop=over, stepped=self._stepped))
            best = done.best_check or done.checks[-1]
            if best.step != done.step:
                self.learner.put(course.best(place))
            outer = checking.check(self.learner, self._rows(aside.outer), done.step, over).marks if aside.outer else ()
            moved = self._moved()
        except BaseException:
            if not self.should_stop():  # it will not be gone on with
                shutil.rmtree(place, ignore_errors=True)
            raise
        shutil.rmtree(place, ignore_errors=True)
        answers: dict[str, list[float]] = {}
        for example, mark in zip(aside.outer, outer, strict=True):
            answers.setdefault(asides.name(example), []).append(mark.right)
        told = _trial(task, "done").model_copy(
            update={
                "loss": round(best.loss, 4),
                "right": round(sum(mark.right for mark in outer) / len(outer), 4) if outer else None,
                "moved": moved,
                "seconds": round(self.ledger.spent - began, 1),
            }
        )
        right = {name: sum(values) / len(values) for name, values in answers.items()}
        return Attempt(trial=told, answers=right, tokens=done.tokens, learning=round(done.seconds, 2))

    def _stepped(self, now: Course, left: float) -> None:
        self.ledger.write(now=False)
        spent = min(self.ledger.spent, self.budget)
        self.emit(Progress(done=round(spent, 1), of=self.budget, seconds_left=round(self.budget - spent, 1)))

    def _recipe(self, task: Task) -> TrainingRecipe:
        """A later turn learns in another order, too: what one order brings by chance is not the settings' doing."""
        return self.recipe.model_copy(update={**task.dials._asdict(), "seed": self.recipe.seed + task.turn})

    def _tokens(self, task: Task) -> float:
        """What goes through the model, in tokens as dear as learnt ones."""
        like = task._replace(number=0)
        if like not in self.tokens:
            aside, recipe = asides.of(self.turns[task.turn], task.share), self._recipe(task)
            checks = 1 + max(course.CHECKS, min(round(task.dials.epochs), 20))
            once = _length(self._rows(self.turns[task.turn].outer)) * (task.share == 1) + _length(self.everyday)
            checked = _length(self._rows(aside.inner)) * checks + once
            self.tokens[like] = order.of(self._mixed(aside, recipe), recipe).tokens + FORWARD * checked
        return self.tokens[like]

    def _mixed(self, aside: Aside, recipe: TrainingRecipe) -> list[Row]:
        """With as many everyday questions beside them as a training of so many rows and rounds has (`learning`)."""
        learnt = self._rows(aside.learnt)
        return [*learnt, *self.extra[: everyday.asked(recipe.replay, len(learnt), recipe.epochs)]]

    def _rows(self, examples: Sequence[Example]) -> list[Row]:
        return [self.rendered[id(example)] for example in examples]

    def _moved(self) -> float | None:
        """How far it is from what the untrained model expects in everyday questions: nats a token (Kullback-Leibler)."""
        import torch

        if not self.everyday:
            return None
        found, count = 0.0, 0
        self.learner.model.eval()
        with torch.no_grad():
            for portion in packing.portions(self.learner, self.everyday):
                rows = [self.everyday[index] for index in portion]
                fed = packing.feed(self.learner, rows)
                losses = replay.losses(self.learner.logits(fed), fed.wanted, rows)
                found, count = found + float(losses.sum()), count + len(losses)
        self.learner.model.train()
        return round(found / count, 4)


def _fitting(examples: Sequence[Example], renderer: Renderer, limit: int) -> list[Example]:
    """Those the recipe's window holds; the training itself names the others."""
    found = [each for each in usable(examples) if len(renderer.render(each.messages).input_ids) <= limit]
    if not found:
        raise BadInput("examples_all_too_long", count=len(examples), limit=limit)
    return found


def _trial(task: Task, state: str) -> Trial:
    told = {"number": task.number, **task.dials._asdict(), "share": task.share, "turn": task.turn, "state": state}
    return Trial.model_validate(told)


def _length(rows: Sequence[Row]) -> int:
    return sum(len(row.input_ids) for row in rows)


def _identity(
    turns: Sequence[Aside], model_name: str, weights: Path, recipe: TrainingRecipe, own: Mapping[str, float]
) -> str:
    parts = [
        provenance.identity(Lessons(learnt=a.learnt, kept_back=a.outer), model_name, weights, recipe) for a in turns
    ]
    return hashlib.sha256(f"{parts} {sorted(own.items())}".encode()).hexdigest()[:12]
