"""Looking for better settings on the build page: what it says before, during and after, and what it orders."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio import orders
from studio.base import events
from studio.base.errors import BadInput, NotEnough
from studio.base.project import Project
from studio.base.records import Fault, Outcome, Run, Score, Sought, Trial
from studio.base.runs import Runs
from studio.training import Outlook
from studio.web.views import seeking as views
from studio.web.voice import Voice
from tests.web import stories

VOICES = [Voice("en"), Voice("es")]
TRIALS = (
    Trial(number=0, learning_rate=0.002, epochs=6, share=0.25, loss=1.2, moved=0.1, seconds=30),
    Trial(number=1, learning_rate=0.004, epochs=6, share=0.25, loss=0.9, moved=0.12, seconds=31),
    Trial(number=2, learning_rate=0.016, epochs=4, share=0.25, state="diverged"),
    Trial(number=0, learning_rate=0.002, epochs=6, loss=0.8, right=0.61, moved=0.2, seconds=122),
    Trial(number=1, learning_rate=0.004, epochs=6, loss=0.55, right=0.72, moved=0.22, seconds=125),
    Trial(number=1, learning_rate=0.004, epochs=6, turn=1, loss=0.5, right=0.7, seconds=120),
)
GAIN = Score(metric="words_right_gain", value=0.11, low=0.04, high=0.18, n=30)


def sought(reason: str = "kept", **more: Any) -> Sought:
    told = {"id": "s", "reason": reason, "number": 1, "gain": GAIN, "turns": 2, "trials": TRIALS, "needed": 12}
    return Sought.model_validate(told | more)


def run(state: str, **more: Any) -> Run:
    return Run.model_validate({"id": "r", "kind": "seek", "project": "p", "folder": "/", "state": state} | more)


@pytest.mark.parametrize("voice", VOICES, ids=["en", "es"])
@pytest.mark.parametrize(
    ("reason", "parts"),
    [
        ("kept", ("0.004", "0.002", "11", "18", "30")),
        ("as_good", ("3",)),
        ("unproven", ("0.004", "11", "30")),
        ("unconfirmed", ("0.004", "11", "12")),
        ("short", ("12",)),
    ],
)
def test_what_was_found_is_said_in_words_with_its_interval(voice: Voice, reason: str, parts: tuple[str, ...]) -> None:
    html = views.state(run("done"), events.Said(), sought(reason), False, voice).replace("0,00", "0.00")
    for part in parts:
        assert part in html.split("<figure")[0]


@pytest.mark.parametrize("voice", VOICES, ids=["en", "es"])
def test_every_trial_is_in_the_table_and_every_pair_of_settings_in_the_chart_once(voice: Voice) -> None:
    html = views.state(run("done"), events.Said(), sought(), False, voice)
    assert html.count('<tr><th scope="row">') == len(TRIALS)
    assert [(point.loss.replace(",", "."), point.shape) for point in views.points(TRIALS, sought(), voice)] == [
        ("0.8", "own"),
        ("0.55", "best"),
        ("×", "part"),
    ]
    assert 'role="img"' in html


def test_the_chart_says_more_than_its_colours() -> None:
    shown = views.points(TRIALS, sought(), VOICES[0])
    assert [point.dark for point in shown] == [0, 100, 0]
    assert len({point.x for point in shown}) == 3
    assert views.points((), None, VOICES[0]) == []


@pytest.mark.parametrize("voice", VOICES, ids=["en", "es"])
def test_while_it_looks_it_says_how_many_were_tried_and_how_long_it_may_take(voice: Voice) -> None:
    told = [events.Planned(stages=("seek",)), events.Stage(name="seek"), *[events.Tried(trial=each) for each in TRIALS]]
    said = events.fold([*told, events.Progress(done=60, of=600, seconds_left=540)])
    html = views.state(run("running"), said, None, False, voice)
    assert "3 " in html.split("<figure")[0]
    assert "9" in html
    for state in ("queued", "stopped"):
        assert views.state(run(state), said, None, False, voice) != html
    failed = run("failed", fault=Fault(code="training_diverged", parameters={"rate": 0.1}))
    assert "0,1" in views.state(failed, said, None, False, VOICES[1])
    assert "<figure" not in views.state(None, events.Said(), None, False, voice)


@pytest.mark.parametrize("voice", VOICES, ids=["en", "es"])
def test_what_it_would_take_or_why_not_is_told_before(voice: Voice) -> None:
    told = views.outlook(Outlook(answers=10, least=2, enough=14, whole=3), voice)
    assert "14" in told
    assert voice.t("seek.few") in told
    assert "16" in views.outlook(NotEnough("seek_too_few", count=4, needed=16), voice)


def taught(root: Path, wordings: int = 5, name: str = "Sought") -> Project:
    facts = range(40 // wordings * 2)
    pairs = [(f"Wording {n} of {fact}?", f"It is {fact}.") for fact in facts for n in range(wordings)]
    return stories.taught(root, pairs, name)


def test_a_search_starts_from_the_studios_own_and_knows_the_persons(runs: Runs) -> None:
    project = taught(runs.settings.projects)
    orders.turn(project, {"learning_rate": 0.005, "batch": 4})
    asked = json.loads(Path(orders.seek(project, runs, 600).folder, "run.json").read_text())["request"]
    assert (asked["own"], asked["recipe"]["batch"], asked["minutes"]) == ({"learning_rate": 0.005}, 4, 600)
    assert asked["recipe"]["learning_rate"] != 0.005


@pytest.mark.parametrize("minutes", [0, 0.01, -5, float("nan")])
def test_less_time_than_a_trial_takes_is_refused_with_how_much_it_needs(runs: Runs, minutes: float) -> None:
    project = taught(runs.settings.projects)
    with pytest.raises(BadInput, match="seek_too_short") as refused:
        orders.seek(project, runs, minutes)
    assert int(refused.value.parameters["needed"]) >= orders.outlook(project, runs).least


def test_too_few_wordings_are_refused(runs: Runs) -> None:
    with pytest.raises(NotEnough, match="seek_too_few"):
        orders.seek(taught(runs.settings.projects, wordings=1), runs, 60)


def test_kept_settings_are_what_the_next_build_uses_and_others_change_nothing(runs: Runs) -> None:
    project = taught(runs.settings.projects)
    orders.turn(project, {"batch": 4, "epochs": 9})
    project.take(Outcome(sought=sought("unproven")), project.folder)
    assert project.card.dials == {"batch": 4, "epochs": 9}
    project.take(Outcome(sought=sought(dials={"learning_rate": 0.004})), project.folder)
    assert project.card.dials == {"batch": 4, "learning_rate": 0.004}
    assert project.sought() == sought(dials={"learning_rate": 0.004}, created=project.sought().created)  # type: ignore[union-attr]
    reasons = [reason.code for reason in orders.offer(project, runs).plan.reasons]
    assert {"training_sought", "training_dials"} <= set(reasons)  # one was found, the other is the person's
    orders.turn(project, {"learning_rate": 0.003})
    assert "training_sought" not in [reason.code for reason in orders.offer(project, runs).plan.reasons]
    orders.turn(project, {"learning_rate": 0.004})
    built = Path(orders.build(project, runs, ("trained",), "quick").folder, "run.json").read_text()
    assert '"learning_rate": 0.004' in built


def test_the_fold_says_what_a_search_takes_and_why_it_cannot_be(browser: Any, root: Path) -> None:
    assert "a proven result about" in str(browser.load("build", taught(root, name="Sought on the page").id))
    few = taught(root, wordings=1, name="Sought in vain")
    assert "kept aside twice" in str(browser.load("build", few.id))
    assert "kept aside twice" in str(browser.do("build", "on_seek", [480], few.id))
    assert "active" in str(browser.do("build", "on_seek_finish", [], few.id))
