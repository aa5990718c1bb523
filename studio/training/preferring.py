"""Learning from what people like better: pairs of answers to the same question, one liked and one not.

It goes on from the adapter that is there, in small steps, and is kept only where it can be shown on pairs kept back that it
learnt, and on the examples that nothing was unlearnt for it.
"""

import contextlib
import hashlib
import json
import sys
from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

from studio.base import files
from studio.base.errors import BadInput, NotEnough, NotFound, NotPossibleHere
from studio.base.events import Emit, Loss, Note, Progress, ShouldStop, Stage
from studio.base.recipes import PreferRequest, TrainingRecipe
from studio.base.records import Example, Message, Preferred, Record, Score, Trained
from studio.engines.prompts import Prompts
from studio.training import below, checking, course, loading, packaging, packing, preferences, provenance, rows
from studio.training.checking import Check, Marks
from studio.training.course import Course, Lesson, Watch
from studio.training.failures import translated
from studio.training.lessons import divide, usable
from studio.training.loading import Learner, prepare_environment
from studio.training.rendering import Renderer, Row

NEEDED = 30
"""Pairs at least. A third of them is kept back; of ten, nine must be right for chance to be ruled out (one-sided sign test,
p = 0.011), of fewer all would have to be."""
MOST_KEPT_BACK = 64
EXAMPLES = 48  # of the examples, asked to see whether they are unlearnt
TOLERATED = 0.02  # by which share their loss may rise before it counts as harm
EPOCHS, BATCH, PATIENCE = 3.0, 8, 2
# DPO is the default: by the chance of the liked answer, which does not depend on the method, it gained 0.0029 at this rate
# where ORPO gained 0.0009, and 0.0098 beside 0.0094 at a quarter of it (the tests' tiny Llama, 24 judgements learnt and 12
# kept back, one seed). Where judgements contradict the examples it costs these more, at this rate 0.08 nats a token: then
# nothing is kept.
GENTLER = 10  # times smaller than a training's are the steps: the model can already do what is asked, it shall lean
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
        learnt, checks = (_rows(renderer, part, recipe.max_length) for part in parts)
        if not learnt or len(checks) < 2:
            raise NotEnough("preferences_too_few", count=len(learnt) + len(checks), needed=NEEDED)
        answers = [row for pair in [*learnt, *checks] for row in (pair, pair.against) if row is not None]
        packing.choose(learner, answers)
        below.keep(learner, answers)
        learnt, checks = (preferences.standing(learner, each) for each in (learnt, checks))
        taught = _taught(examples, recipe)
        words = rows.of(taught, renderer)
        before = checking.check(learner, words, 0, should_stop) if words else None
        emit(Stage(name="prefer"))
        packaging.configure(learner, folder / "best")
        lesson = Lesson(learnt, checks, recipe, folder, identity, aim=preferences.aim(request))
        done = course.run(learner, lesson, _watch(emit, should_stop))
        packaging.configure(learner, folder / "best")
        emit(Stage(name="check"))
        learner.put(course.best(folder))
        after = checking.check(learner, words, done.step, should_stop) if words else None
    found = judged(request, parts, done, before, after)
    emit(note(found))
    if found.reason != "kept":
        return found, None
    emit(Stage(name="package"))
    packaging.package(folder / "best", start.weights, provenance.hub_name(start.name), folder / "adapter")
    return found, _trained(start, recipe, identity, done, found, taught, before, after)


def judged(
    request: PreferRequest, parts: Divided, done: Course, before: Check | None, after: Check | None
) -> Preferred:
    """Whether it may be kept: on the pairs kept back the liked answers gained by more than luck (paired, 95 %) and no fewer
    are the likelier ones; and the examples' loss did not rise by more than is tolerated, or only by chance.
    """
    assert done.before is not None
    best = done.best_check or done.checks[-1]
    gains = [now.right - was.right for was, now in zip(done.before.marks, best.marks, strict=True)]
    gain, low, high = _interval(gains)
    likelier = [_share(check.marks) for check in (done.before, best)]
    rise = rise_low = 0.0
    if before is not None and after is not None:
        rises = [now.loss - was.loss for was, now in zip(before.marks, after.marks, strict=True)]
        rise, rise_low, _ = _interval(rises)
    harms = before is not None and rise_low > 0 and rise > TOLERATED * fmean(mark.loss for mark in before.marks)
    learnt = low > 0 and likelier[1].value >= likelier[0].value
    return Preferred(
        method=request.method,
        pairs=len(parts.learnt),
        questions=tuple(dict.fromkeys(pair.question for pair in parts.learnt)),
        before=likelier[0],
        after=likelier[1],
        gain=round(gain, 4),
        low=round(low, 4),
        high=round(high, 4),
        rise=round(rise, 4),
        reason="harms" if harms else "kept" if learnt else "not_learnt",
    )


def note(found: Preferred) -> Note:
    """What is said about it."""
    hits = {name: round(score.value * score.n) for name, score in (("before", found.before), ("after", found.after))}
    told: dict[str, str | int | float] = {"count": found.before.n, "pairs": found.pairs, **hits}
    match found.reason:
        case "kept":
            return Note(code="prefer_kept", parameters=told)
        case "not_learnt":
            return Note(code="prefer_not_learnt", parameters=told)
        case "harms":
            return Note(code="prefer_harms", parameters=told)
        case "forgets":
            return Note(code="prefer_forgets", parameters=told)


def _trained(
    start: Start, recipe: TrainingRecipe, identity: str, done: Course, found: Preferred, taught: Sequence[Example],
    before: Check | None, after: Check | None,
) -> Trained:  # fmt: skip
    earlier, marks = start.trained, after.marks if after else ()
    losses = [loss for loss in done.losses[-max(len(done.losses) // 10, 1) :] if loss is not None]
    return Trained(
        id=identity,
        model=start.name,
        adapter=f"models/{identity}",
        examples=earlier.examples if earlier else 0,
        steps=done.step,
        seconds=round(done.seconds, 1),
        loss=round(fmean(losses), 4) if losses else 0.0,
        validation_loss=round(after.loss, 4) if after else None,
        recipe=recipe.model_dump(),
        versions=provenance.versions(),
        scores=checking.scores(before.marks if before else (), marks),
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


def _rows(renderer: Renderer, pairs: Sequence[Pair], longest: int) -> list[Row]:
    """The pairs as they are learnt; those too long, or whose answers are the same to the model, are left out."""
    found = []
    for pair in pairs:
        asked = Message(role="user", content=pair.question)
        liked, other = (
            Row(*renderer.render([asked, Message(role="assistant", content=text)])) for text in (pair.liked, pair.other)
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


def _watch(emit: Emit, should_stop: ShouldStop) -> Watch:
    def stepped(now: Course, left: float) -> None:
        loss = now.losses[-1]
        emit(Loss(step=now.step, of=now.of, train=round(loss, 4) if loss is not None else None))
        emit(Progress(done=now.step, of=now.of, seconds_left=round(left, 1)))

    def checked(now: Course, check: Check) -> None:
        emit(Loss(step=check.step, of=now.of, validation=round(check.loss, 4)))

    return Watch(stop=should_stop, stepped=stepped, checked=checked)


def _identity(parts: Divided, start: Start, recipe: TrainingRecipe, request: PreferRequest) -> str:
    told = [[pair.model_dump() for pair in part] for part in parts]
    what = [told, start.name, start.trained.id if start.trained else "", recipe.model_dump(), request.method]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def _share(marks: Sequence[Marks]) -> Score:
    return checking.share("likelier", [mark.exact for mark in marks])


def _interval(values: Sequence[float]) -> tuple[float, float, float]:
    """Mean and 95 % interval (t)."""
    from scipy.stats import t

    error = (
        float(t.ppf(0.975, len(values) - 1)) * stdev(values) / sqrt(len(values)) if len(values) > 1 else float("inf")
    )
    return fmean(values), fmean(values) - error, fmean(values) + error


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
