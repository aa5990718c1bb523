"""The search for better settings with a made-up model: what is tried, what it costs, and what it may say."""

import random
from collections.abc import Sequence
from math import log2
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from studio import training
from studio.base import events
from studio.base.errors import BadInput, NotEnough, Stopped
from studio.base.events import Event, ShouldStop
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Message, Sought, Trial
from studio.training import asides, everyday, ledger, order, outlooks, planning, seeking, trials
from studio.training.ledger import Ledger
from studio.training.loading import Learner
from studio.training.planning import START_SECONDS
from studio.training.rendering import NOT_LEARNT, Rendered, Renderer, Row
from studio.training.trials import Attempt, Dials, Setup, Task

BASE = Dials(1e-3, 6)
SETUP = Setup(BASE, share=0.25)
WHOLE = 100.0  # seconds of the studio's own settings on all examples


def cost(task: Task) -> float:
    return WHOLE * task.share * task.dials.epochs / BASE.epochs


class Model:
    """Learns best at `peak` times the studio's rate: its words right are known, but for chance."""

    def __init__(self, peak: float, worth: float = 0.1, noise: float = 0.1, slower: float = 1.0) -> None:
        self.peak, self.worth, self.noise, self.slower = peak, worth, noise, slower
        self.now, self.done = 0.0, list[Task]()

    def clock(self) -> float:
        return self.now

    def train(self, task: Task, over: ShouldStop) -> Attempt:
        for _ in range(10):
            self.now += cost(task) * self.slower / 10
            if over():
                raise Stopped
        self.done.append(task)
        off = abs(log2(task.dials.learning_rate / BASE.learning_rate) - log2(self.peak))
        if off > 3.5:
            raise BadInput("training_diverged", rate=task.dials.learning_rate)
        dice = random.Random(f"{task.turn}")
        mean = 0.6 - self.worth * off
        answers = (
            {f"a{n}": min(max(mean + self._chance(dice, task, n), 0), 1) for n in range(30)} if task.share == 1 else {}
        )
        trial = seeking._trial(task, "done").model_copy(update={"loss": 1 - mean})
        return Attempt(trial=trial, answers=answers, tokens=100, learning=1.0)

    def _chance(self, dice: random.Random, task: Task, n: int) -> float:
        return dice.gauss(0, 0.1) + random.Random(f"{task}/{n}").gauss(0, self.noise)


def search(
    folder: Path, model: Model, budget: float, setup: Setup = SETUP, enough: ShouldStop = lambda: False,
    stop: ShouldStop = lambda: False, name: str = "run", heard: list[Event] | None = None,
) -> Sought:  # fmt: skip
    (folder / name).mkdir(exist_ok=True, parents=True)
    book = Ledger(folder / name / ledger.LEDGER, "same", model.clock)
    emit = (heard if heard is not None else []).append
    seeking.walk(setup, book, budget, cost, model.train, emit, stop, enough)
    return seeking.concluded(setup, book, "same", budget / 60, 100, cost)


def tried(sought: Sought) -> list[tuple[int, float, int, str]]:
    return [(trial.number, trial.share, trial.turn, trial.state) for trial in sought.trials]


def test_settings_that_are_better_are_found_proven_and_kept(tmp_path: Path) -> None:
    heard: list[Event] = []
    sought = search(tmp_path, Model(peak=4), 1_200, heard=heard)
    assert (sought.reason, sought.turns) == ("kept", 2)
    assert 2e-3 < float(sought.dials["learning_rate"]) < 8e-3
    assert sought.gain is not None
    assert 0 < sought.gain.low < sought.gain.value < sought.gain.high
    assert sought.gain.n == 30
    assert tried(sought)[:3] == [(0, 0.25, 0, "done"), (1, 0.25, 0, "done"), (2, 0.25, 0, "done")]
    said = events.fold([events.Planned(stages=("seek", "confirm")), *heard])
    assert said.trials == sought.trials
    assert said.stage == "confirm"


def test_most_settings_are_only_tried_on_a_part(tmp_path: Path) -> None:
    sought = search(tmp_path, Model(peak=2), 1_500)
    part = {number for number, share, _, _ in tried(sought) if share < 1}
    whole = {number for number, share, turn, _ in tried(sought) if share == 1 and not turn}
    assert {0} < whole < part
    assert len(whole) - 1 <= -(-len(part) // trials.FEWER)


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_is_better_the_default_stays(tmp_path: Path, seed: int) -> None:
    """Every setting teaches the same; a lucky one is found, and is not kept."""
    model = Model(peak=1, worth=0, noise=0.1 + seed / 50)
    sought = search(tmp_path, model, 1_000, SETUP._replace(seed=seed))
    assert sought.reason in ("as_good", "unproven")
    assert sought.dials == {}


@pytest.mark.parametrize("budget", [10, 25, 99, 240, 400, 700, 5_000])
@pytest.mark.parametrize("slower", [1.0, 1.6])
def test_no_more_time_is_spent_than_was_given(tmp_path: Path, budget: float, slower: float) -> None:
    model = Model(peak=4, slower=slower)
    sought = search(tmp_path, model, budget)
    assert model.now <= budget + 2 * WHOLE * slower / 10  # a trial looks at the clock ten times
    if slower == 1:
        assert "cut" not in {trial.state for trial in sought.trials}
        assert (sought.reason == "kept") == (budget >= 400)  # two on a part, two on all, two again
    assert model.now < 1_800  # more is not useful


def test_a_search_no_longer_than_the_training_keeps_the_default_and_says_what_would_do(tmp_path: Path) -> None:
    sought = search(tmp_path, Model(peak=4), WHOLE)
    assert (sought.reason, sought.dials) == ("short", {})
    assert sought.needed == round((START_SECONDS + 475) / 60 + 0.5)
    unsure = search(tmp_path / "more", Model(peak=4), 300)
    assert (unsure.reason, unsure.turns, unsure.dials) == ("unconfirmed", 0, {})
    assert unsure.needed


@pytest.mark.parametrize("at", [0, 3, 41, 77])
def test_a_search_that_was_killed_goes_on_as_it_would_have(tmp_path: Path, at: int) -> None:
    whole = search(tmp_path, Model(peak=4), 1_000, name="whole/a")
    model, ticks = Model(peak=4), [0]

    def stop() -> bool:
        ticks[0] += 1
        return ticks[0] > at

    with pytest.raises(Stopped):
        search(tmp_path, model, 1_000, stop=stop, name="killed/a")
    spent = ledger.read(tmp_path / "killed/a" / ledger.LEDGER, "same")[1]
    assert spent == pytest.approx(model.now, abs=0.1)  # its seconds stay spent
    resumed = search(tmp_path, model, 1_000 + WHOLE, name="killed/a")
    assert tried(resumed)[: len(resumed.trials) - 2] == tried(whole)[: len(resumed.trials) - 2]
    assert (resumed.reason, resumed.dials) == (whole.reason, whole.dials)


def test_what_another_search_has_tried_is_not_tried_again_with_more_minutes(tmp_path: Path) -> None:
    model = Model(peak=4)
    first = search(tmp_path, model, 100, name="first")
    again = search(tmp_path, model, 900, name="second")
    assert again.trials[: len(first.trials)] == first.trials
    assert len(model.done) == len({(task.number, task.share, task.turn) for task in model.done})
    assert again.reason == "kept"


def test_ending_it_early_keeps_what_was_found(tmp_path: Path) -> None:
    model = Model(peak=4)
    sought = search(tmp_path, model, 5_000, enough=lambda: model.now > 790)
    assert model.now < 900
    assert sought.reason == "unconfirmed"
    assert sought.gain is not None
    assert sought.gain.low > 0


def test_settings_that_go_astray_are_noted_and_left_out(tmp_path: Path) -> None:
    sought = search(tmp_path, Model(peak=1 / 11), 900)
    astray = [trial.number for trial in sought.trials if trial.state == "diverged"]
    assert astray
    assert 0 not in astray
    assert sought.number not in astray
    with pytest.raises(BadInput, match="training_diverged"):
        search(tmp_path / "own", Model(peak=1 / 64), 900)


def test_the_persons_own_settings_are_tried_first(tmp_path: Path) -> None:
    sought = search(tmp_path, Model(peak=4), 900, SETUP._replace(own=Dials(5e-3, 6)))
    assert [trial.learning_rate for trial in sought.trials[:3]] == [1e-3, 5e-3, 2e-3]


def test_with_few_examples_all_of_them_are_learnt_at_once(tmp_path: Path) -> None:
    sought = search(tmp_path, Model(peak=4), 900, SETUP._replace(share=1.0))
    assert {trial.share for trial in sought.trials} == {1.0}
    assert sought.reason == "kept"


def attempt(number: int, turn: int, answers: tuple[float, ...], loss: float, moved: float | None = None) -> Attempt:
    trial = Trial(number=number, learning_rate=1e-3 * (number + 1), epochs=6, turn=turn, loss=loss, moved=moved)
    return Attempt(trial=trial, answers={str(n): value for n, value in enumerate(answers)})


EVEN, BETTER, MIXED, ONCE = (0.4,) * 10, (0.7, 0.6) * 5, (0.9, 0.0) * 5, (0.0,) * 9 + (1.0,)


@pytest.mark.parametrize(
    ("own", "other", "loss", "reason"),
    [
        ([EVEN], [], 0.5, "short"),
        ([EVEN], [BETTER], 0.9, "as_good"),  # the inner answers chose the studio's own
        ([EVEN], [BETTER], 0.5, "unconfirmed"),
        ([EVEN, EVEN], [BETTER], 0.5, "unconfirmed"),
        ([EVEN, EVEN], [BETTER, BETTER], 0.5, "kept"),
        ([EVEN, EVEN], [BETTER, EVEN], 0.5, "unproven"),  # the second pair does not bear it out
        ([EVEN, EVEN], [MIXED, MIXED], 0.5, "unproven"),
        ([EVEN, EVEN], [EVEN, EVEN], 0.5, "unproven"),
        ([(0.0,) * 10] * 2, [ONCE, ONCE], 0.5, "unproven"),
        ([BETTER, BETTER], [EVEN, EVEN], 0.5, "unproven"),
    ],
)
def test_only_what_later_trainings_bear_out_is_kept(
    own: list[tuple[float, ...]], other: list[tuple[float, ...]], loss: float, reason: str
) -> None:
    every = [attempt(0, turn, answers, 0.7) for turn, answers in enumerate(own)]
    every += [attempt(1, turn, answers, loss) for turn, answers in enumerate(other)]
    assert trials.verdict(SETUP, every).reason == reason


def test_settings_that_forget_more_are_not_chosen() -> None:
    own = attempt(0, 0, EVEN, 0.7, moved=0.2)
    assert trials.chosen(SETUP, [own, attempt(1, 0, BETTER, 0.5, moved=0.26)]) == 1
    assert trials.chosen(SETUP, [own, attempt(1, 0, BETTER, 0.5, moved=0.4), attempt(2, 0, EVEN, 0.8)]) == 0


def facts(count: int, wordings: int = 5) -> list[Example]:
    return [
        Example(
            id=f"{fact}/{n}",
            messages=(
                Message(role="user", content=f"Wording {n} of fact {fact}?"),
                Message(role="assistant", content=f"It is {fact}."),
            ),
        )
        for fact in range(count)
        for n in range(wordings)
    ]


@pytest.mark.parametrize(("count", "outer", "first"), [(10, 8, 1.0), (60, 30, 0.25), (150, 75, 0.25)])
def test_no_answer_is_asked_on_two_sides(count: int, outer: int, first: float) -> None:
    turns = asides.turns(facts(count))
    assert len(turns) == 3
    for aside in turns:
        sides = [{example.id for example in side} for side in aside]
        assert len(set.union(*sides)) == sum(map(len, sides))
        assert aside.inner == turns[0].inner
        assert len(aside.outer) >= outer
        assert {asides.name(example) for example in aside.outer} <= {asides.name(example) for example in aside.learnt}
    assert not {e.id for e in turns[0].outer} & {e.id for e in turns[1].outer}
    assert asides.share(len(turns[0].learnt)) == first
    part = asides.of(turns[0], first)
    assert {asides.name(e) for e in part.inner} <= {asides.name(e) for e in part.learnt}


def test_what_was_marked_for_checking_is_what_is_asked() -> None:
    marked = [example.model_copy(update={"split": "validation"}) for example in facts(20, 1)]
    turns = asides.turns([*facts(30), *marked])
    assert len(turns[0].learnt) == 150
    assert {len(turns[0].inner), len(turns[0].outer)} == {10}


@pytest.mark.parametrize(("given", "code"), [(facts(40, 1), "seek_too_few"), (facts(6, 5), "seek_too_few")])
def test_too_few_answers_to_keep_aside_are_refused(given: list[Example], code: str) -> None:
    with pytest.raises(NotEnough, match=code) as refused:
        training.outlook(given, TrainingRecipe(), 0.01)
    assert refused.value.parameters["needed"] == 16


def test_what_it_would_take_is_told_before() -> None:
    expected = training.outlook(facts(60), TrainingRecipe(epochs=6, replay=0.0), 0.005)
    assert expected.least < expected.enough
    assert expected.answers == 30
    assert expected.enough == pytest.approx(25 / 60 + 4.75 * expected.whole, abs=0.3)
    asked = training.outlook(facts(60), TrainingRecipe(epochs=6, replay=1.0), 0.005)
    assert asked.least - expected.least > everyday.known() * planning.REPLAY_HEARD * 0.005 / 60


class Spelling:
    """A row for every question and for every letter of its answer."""

    def render(self, messages: Sequence[Message]) -> Rendered:
        return Rendered([len(messages[0].content), 1], [NOT_LEARNT, 1])


@pytest.mark.parametrize(("share", "epochs"), [(0.25, 6.0), (1.0, 6.0), (1.0, 2.5)])
def test_a_trial_has_as_many_everyday_questions_beside_it_as_a_training_of_it_would(
    share: float, epochs: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause: all trials had one round's worth, the training what all its rounds take; and where there were many examples,
    the questions that tell what was forgotten were among those learnt."""
    heard = [Row([7, number], [NOT_LEARNT, number]) for number in range(everyday.known())]
    monkeypatch.setattr(seeking.replay, "rows", lambda _, __, count, *___: heard[:count])
    monkeypatch.setattr(seeking.packing, "choose", lambda *_: None)
    monkeypatch.setattr(seeking.below, "keep", lambda *_: None)
    turns, recipe = asides.turns(facts(60)), TrainingRecipe(replay=0.5, epochs=6)
    learner = cast(Learner, SimpleNamespace(remember=lambda: None))
    room = seeking._Room(
        learner, cast(Renderer, Spelling()), tmp_path, turns, recipe, tmp_path, "", Ledger(tmp_path / "l", ""), 60,
        lambda _: None, lambda: False,
    )  # fmt: skip
    task = Task(1, Dials(0.001, epochs), share, 1)
    aside, own = asides.of(turns[1], share), room._recipe(task)
    mixed = room._mixed(aside, own)
    beside = min(everyday.asked(0.5, len(aside.learnt), epochs), everyday.known() - outlooks.EVERYDAY)
    assert len(mixed) == len(aside.learnt) + beside
    assert not {tuple(row.input_ids) for row in mixed} & {tuple(row.input_ids) for row in room.everyday}
    assert len(room.everyday) == outlooks.EVERYDAY
    assert room._tokens(task) > order.of(mixed, own).tokens
