"""Learning from what people like better: pairs of answers to the same question, one liked and one not.

It goes on from the adapter that is there, in small steps, and is kept only where it can be shown on pairs kept back that it
learnt, and on the examples that nothing was unlearnt for it.
"""

import contextlib
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from studio.base import files
from studio.base.errors import BadInput, NotEnough, NotFound, NotPossibleHere
from studio.base.events import Emit, Loss, Progress, ShouldStop, Stage, telling
from studio.base.recipes import PreferRequest, TrainingRecipe
from studio.base.records import Example, Message, Preferred, Record, Trained
from studio.engines.prompts import Prompts
from studio.training import (
    below,
    checking,
    course,
    loading,
    packaging,
    packing,
    preferences,
    provenance,
    rows,
    weighing,
)
from studio.training.checking import Marks
from studio.training.course import Course, Lesson, Watch
from studio.training.failures import translated
from studio.training.lessons import divide, usable
from studio.training.loading import Learner, prepare_environment
from studio.training.rendering import Renderer, Row
from studio.training.weighing import Standing

NEEDED = 30
"""Pairs at least. A third of them is kept back; of ten, nine must be right for chance to be ruled out (one-sided sign test,
p = 0.011), of fewer all would have to be."""
MOST_KEPT_BACK = 64
EXAMPLES = 48  # of the examples, asked to see whether they are unlearnt
SPOKEN, WRITTEN = 16, 80  # and answered in the model's own words; tokens
EPOCHS, BATCH, PATIENCE = 3.0, 8, 2
# DPO is the default: by the chance of the liked answer, which does not depend on the method, it gained more than ORPO at the
# same rate (0.0029 and 0.0009, the tests' tiny Llama; 0.138 and 0.004, the starter). How gentle: to begin every answer with
# a thank-you, which its examples do not, the starter learnt nothing that it would write at a tenth of the training's rate;
# at a fifth 1 of 12 unseen answers and no fact lost, at two fifths the thank-you alone, over and over (refused); with the
# liked words taught beside (weight 1) and 8 rounds at a fifth 2 of 12, and half of the right words lost (24 judgements,
# one seed, 2026-11-22). To lean further without loss the examples would have to be held beside.
GENTLER = 5  # times smaller than a training's are the steps: the model can already do what is asked, it shall lean
AT_ONCE = 4  # a pair is two answers, and what was not liked may be long


class Pair(Record):
    """Two answers to one question, and which one people like better. `source` is "votes" or "corrections"."""

    question: str
    liked: str
    other: str
    source: str = "votes"


class Start(NamedTuple):
    """The model that learns: its name and weights, and the adapter it goes on from with its record, if there is one."""

    name: str
    weights: Path
    adapter: Path | None = None
    trained: Trained | None = None


class Divided(NamedTuple):
    learnt: tuple[Pair, ...]
    kept_back: tuple[Pair, ...]


def divided(pairs: Sequence[Pair]) -> Divided:
    """A third is kept back (64 at most), all pairs of a question on the same side. The same pairs are divided alike.

    Raises NotEnough("preferences_too_few", count=, needed=).
    """
    if len(pairs) < NEEDED:
        raise NotEnough("preferences_too_few", count=len(pairs), needed=NEEDED)
    wanted, kept = min(round(len(pairs) / 3), MOST_KEPT_BACK), list[Pair]()
    for question in sorted({pair.question for pair in pairs}, key=_digest):
        if len(kept) >= wanted:
            break
        kept += [pair for pair in pairs if pair.question == question]
    learnt = tuple(pair for pair in pairs if pair not in kept)
    if not learnt:
        raise NotEnough("preferences_one_question", count=len(pairs))
    return Divided(learnt, tuple(kept))


def recipe_of(start: Start, request: PreferRequest) -> TrainingRecipe:
    """Few and small steps; of an adapter that is there its own size.

    Raises NotPossibleHere("prefer_layers") where whole layers have learnt: what lies on disk is no adapter that could go on.
    """
    before = TrainingRecipe.model_validate(start.trained.recipe) if start.trained else TrainingRecipe()
    if before.method not in ("lora", "qlora"):
        raise NotPossibleHere("prefer_layers")
    own = {
        "epochs": EPOCHS,
        "batch": BATCH,
        "patience": PATIENCE,
        "pilot": False,
        "folds": 0,
        "replay": 0.0,
        "beat": False,
    }
    rate = request.learning_rate or before.learning_rate / GENTLER
    return before.model_copy(update=own | {"learning_rate": rate, "seed": request.seed})


def prefer(
    pairs: Sequence[Pair],
    examples: Sequence[Example],
    start: Start,
    request: PreferRequest,
    folder: Path,
    emit: Emit,
    should_stop: ShouldStop,
    threads: int,
    smaller: int = 1,
) -> tuple[Preferred, Trained | None]:
    """Learn from the pairs: what came of it, and the new adapter in `folder/adapter` if it is to be kept.

    1. prepare: divide the pairs, load the model with its adapter, see how it stands to every pair
    2. prefer:  learn, checked on the pairs kept back; the best weights count
    3. check:   whether the liked answers gained there, and the examples lost nothing
    4. package: they become `folder/adapter`, if so

    Called again with the same arguments it goes on where it was. Raises NotEnough as `divided` does, NotPossibleHere as
    `recipe_of` does, and otherwise as `learning.train`.
    """
    emit(Stage(name="prepare"))
    parts, recipe = divided(pairs), recipe_of(start, request)
    identity = _identity(parts, start, recipe, request)
    prepare_environment(threads, folder)
    with contextlib.redirect_stdout(sys.stderr), translated(recipe, start.weights):
        learner = loading.load(start.weights, recipe, threads, smaller * AT_ONCE)
        if start.adapter is not None:
            _put_on(learner, start.adapter)
        renderer = Renderer(learner.tokenizer, Prompts(start.weights))
        frame = start.trained.frame if start.trained else ""
        learnt, checks = (_rows(renderer, part, frame, recipe.max_length) for part in parts)
        if not learnt or len(checks) < 2:
            raise NotEnough("preferences_too_few", count=len(learnt) + len(checks), needed=NEEDED)
        taught = _taught(examples, recipe)
        facts = _facts(renderer, taught, examples, recipe.max_length)
        answers = [row for pair in [*learnt, *checks] for row in (pair, pair.against) if row is not None]
        packing.choose(learner, answers)
        below.keep(learner, answers, telling(emit, should_stop))
        learnt, checks = (preferences.standing(learner, each, should_stop) for each in (learnt, checks))
        words, spoken = rows.of(taught, renderer), taught[:SPOKEN]

        def stands(step: int) -> Standing:
            known = checking.check(learner, facts, step, should_stop, preferences.apart).marks
            said = learner.say([renderer.prompt(each.messages) for each in spoken], WRITTEN) if spoken else ()
            return Standing(checking.check(learner, words, step, should_stop).marks, known, said)

        before = stands(0)
        emit(Stage(name="prefer"))
        packaging.configure(learner, folder / "best")
        lesson = Lesson(learnt, checks, recipe, folder, identity, aim=preferences.aim(request))
        done = course.run(learner, lesson, _watch(emit, should_stop))
        packaging.configure(learner, folder / "best")
        emit(Stage(name="check"))
        learner.put(course.best(folder))
        after = stands(done.step)
        loading.give_back(learner)  # what it did to everyday questions is asked next, of a model in another process
    found = weighing.judged(
        request.method, [pair.question for pair in parts.learnt], done, before, after, [each.answer for each in spoken]
    )
    emit(weighing.note(found))
    if found.reason != "kept":
        return found, None
    emit(Stage(name="package"))
    packaging.package(folder / "best", start.weights, provenance.hub_name(start.name), folder / "adapter")
    return found, _trained(start, recipe, identity, done, found, taught, before.words, after.words)


def _trained(
    start: Start, recipe: TrainingRecipe, identity: str, done: Course, found: Preferred, taught: Sequence[Example],
    before: Sequence[Marks], marks: Sequence[Marks],
) -> Trained:  # fmt: skip
    earlier = start.trained
    losses = [loss for loss in done.losses[-max(len(done.losses) // 10, 1) :] if loss is not None]
    return Trained(
        id=identity,
        model=start.name,
        adapter=f"models/{identity}",
        examples=earlier.examples if earlier else 0,
        steps=done.step,
        seconds=round(done.seconds, 1),
        loss=round(fmean(losses), 4) if losses else 0.0,
        validation_loss=round(fmean(mark.loss for mark in marks), 4) if marks else None,
        recipe=recipe.model_dump(),
        versions=provenance.versions(),
        frame=earlier.frame if earlier else "",
        scores=checking.scores(before, marks),
        segments=checking.segments(taught, marks) if marks else (),
        preferred=found,
    )


def _put_on(learner: Learner, adapter: Path) -> None:
    """The adapter's weights in the place of first ones.

    Raises NotFound("adapter_missing") and NotPossibleHere("prefer_layers") where they do not fit.
    """
    from safetensors.torch import load_file

    if not (adapter / packaging.WEIGHTS).is_file():
        raise NotFound("adapter_missing", name=adapter.name)
    settings = files.read_json(adapter / packaging.CONFIG) or {}
    kept = dict(load_file(adapter / packaging.WEIGHTS))
    found = {name: kept.get(name.replace(".default.", ".")) for name in learner.moving}
    fits = [tensor is not None and tensor.shape == learner.moving[name].shape for name, tensor in found.items()]
    if not all(fits) or settings.get("lora_alpha") != learner.adapter.lora_alpha:
        raise NotPossibleHere("prefer_layers")
    learner.put({name: tensor for name, tensor in found.items() if tensor is not None})


def _rows(renderer: Renderer, pairs: Sequence[Pair], frame: str, longest: int) -> list[Row]:
    """The pairs as they are learnt, within the `frame` in which the assistant is asked; those too long, or whose answers are
    the same to the model, are left out."""
    found = []
    before = [Message(role="system", content=frame)] if frame else []
    for pair in pairs:
        asked = [*before, Message(role="user", content=pair.question)]
        liked, other = (
            Row(*renderer.render([*asked, Message(role="assistant", content=text)]))
            for text in (pair.liked, pair.other)
        )
        if max(len(liked.input_ids), len(other.input_ids)) <= longest and liked.input_ids != other.input_ids:
            found.append(liked._replace(against=other))
    return found


def _taught(examples: Sequence[Example], recipe: TrainingRecipe) -> tuple[Example, ...]:
    """Examples by which it shows whether something was unlearnt: those kept back, or else those that were learnt."""
    try:
        lessons = divide(usable(examples), recipe.holdout)
    except (NotEnough, BadInput):
        return ()
    return (*lessons.kept_back, *sorted(lessons.learnt, key=lambda example: _digest(example.id)))[:EXAMPLES]


def _facts(renderer: Renderer, taught: Sequence[Example], every: Sequence[Example], longest: int) -> list[Row]:
    """The answers of the examples, each against the most alike of all others: who mistakes it has forgotten something,
    whatever the manner."""
    answers = {each.answer: frozenset(each.answer.casefold().split()) for each in every}
    found = []
    for example in taught:
        own = frozenset(example.answer.casefold().split())
        others = [text for text, words in answers.items() if words != own]
        if others:
            other = max(others, key=lambda text: (len(answers[text] & own) / len(answers[text] | own), text))
            *asked, answer = example.messages
            rows = [
                Row(*renderer.render([*asked, each])) for each in (answer, answer.model_copy(update={"content": other}))
            ]
            if max(len(row.input_ids) for row in rows) <= longest:
                found.append(rows[0]._replace(against=rows[1]))
    return found


def _watch(emit: Emit, should_stop: ShouldStop) -> Watch:
    def stepped(now: Course, left: float) -> None:
        loss = now.losses[-1]
        emit(Loss(step=now.step, of=now.of, train=round(loss, 4) if loss is not None else None))
        emit(Progress(done=now.step, of=now.of, seconds_left=round(left, 1)))

    def checked(now: Course, check: checking.Check) -> None:
        emit(Loss(step=check.step, of=now.of, validation=round(check.loss, 4)))

    return Watch(stop=should_stop, stepped=stepped, checked=checked)


def _identity(parts: Divided, start: Start, recipe: TrainingRecipe, request: PreferRequest) -> str:
    told = [[pair.model_dump() for pair in part] for part in parts]
    what = [told, start.name, start.trained.id if start.trained else "", recipe.model_dump(), request.method]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
