"""From judgements to a run and back: what is asked for, what is kept, what is said."""

from pathlib import Path
from typing import Any

import pytest

from studio import cli, engines, evaluation, orders, training
from studio.base import events, words
from studio.base import project as projects
from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.events import Event
from studio.base.project import Project
from studio.base.recipes import PreferRequest
from studio.base.records import Feedback, Guarded, Outcome, Preferred, Question, Run, Score, Trained
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.improvement import Preferences
from studio.training import NEEDED, Pair
from studio.web.views import preferring as views
from studio.web.voice import Voice
from studio.work import Work, learning, measuring
from tests.test_build_guard import guarded

STARTER = "smollm2-135m-instruct"


def share(value: float) -> Score:
    return Score(metric="likelier", value=value, low=value / 2, high=1, n=10)


def found(reason: Any = "kept") -> Preferred:
    return Preferred(
        method="dpo", pairs=20, questions=("When?",), before=share(0.4), after=share(0.8), gain=0.2, low=0.1, high=0.3,
        rise=0.0, reason=reason,
    )  # fmt: skip


def trained(id: str, **more: Any) -> Trained:
    recipe = {"method": "lora", "learning_rate": 1e-3}
    told: dict[str, Any] = {
        "adapter": f"models/{id}",
        "examples": 9,
        "steps": 9,
        "seconds": 1,
        "loss": 1,
        "recipe": recipe,
    }
    return Trained(id=id, model=STARTER, **(told | more))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = projects.create(tmp_path / "projects", "Shop")
    made.change(model=STARTER)
    for n in range(NEEDED):
        made.store.put(Feedback(question=f"Question {n}?", answer="Wrong.", correction="Right."))
    return made


def test_learning_from_judgements_is_ordered_once_there_are_enough(project: Project, tmp_path: Path) -> None:
    runs = Runs(Settings(projects=tmp_path / "projects"))
    project.store.put(trained("one"))
    run = orders.prefer(project, runs)
    asked = PreferRequest.model_validate_json(_request(run))
    assert (run.kind, asked.model, asked.start, asked.method) == ("prefer", STARTER, "one", "dpo")
    project.store.put(trained("two", recipe={"method": "full"}))
    with pytest.raises(NotPossibleHere, match="prefer_layers"):
        orders.prefer(project, runs)
    project.store.remove(Feedback, project.store.all(Feedback)[0].id)
    with pytest.raises(NotEnough, match="preferences_too_few"):
        orders.prefer(project, runs)


def test_the_command_line_counts_the_judgements(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AMEDIDA_PROJECTS", str(tmp_path / "projects"))
    project.store.remove(Feedback, project.store.all(Feedback)[0].id)
    cli.main(["prefer", "shop", "--count"])
    assert capsys.readouterr().out.strip() == Voice("en").t("prefer.count", n=NEEDED - 1, needed=NEEDED)
    with pytest.raises(SystemExit):
        cli.main(["prefer", "shop"])
    assert str(NEEDED - 1) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("reason", "general", "kept"),
    [("kept", guarded(0), "kept"), ("harms", None, "harms"), ("kept", guarded(60), "forgets")],
)
def test_what_was_learnt_becomes_the_assistant_only_where_nothing_is_lost(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str, general: Guarded | None, kept: str
) -> None:
    made, heard = trained("new", preferred=found(reason)), list[Event]()
    project.store.put(trained("old"))
    folder = project.runs / "r"
    (folder / "adapter").mkdir(parents=True)
    asked: list[Any] = []

    def learnt(*given: Any) -> tuple[Preferred, Trained | None]:
        asked.extend(given)
        return found(reason), made if reason == "kept" else None

    monkeypatch.setattr(training, "prefer", learnt)
    monkeypatch.setattr(engines, "prepare", lambda *_, **__: None)
    monkeypatch.setattr(engines, "weights", lambda *_: tmp_path)
    monkeypatch.setattr(learning, "guarded", lambda _, each, __: each.model_copy(update={"general": general}))
    at_work = Work(project, folder, Settings(), heard.append, lambda: False)
    outcome = learning.prefer(at_work, PreferRequest(model=STARTER, start="old"))
    assert len(asked[0]) == NEEDED
    assert asked[2].adapter == project.path("models/old")
    assert outcome.preferred is not None
    assert outcome.preferred.reason == kept
    assert [each.id for each in outcome.trained] == (["new"] if kept == "kept" else [])
    assert project.path("models/new").exists() == (kept == "kept")
    project.take(outcome, folder)
    assert project.preferred() == outcome.preferred
    assert [e.code for e in heard if isinstance(e, events.Note)] == (["prefer_forgets"] if kept == "forgets" else [])


def test_questions_that_were_learnt_from_test_nothing_any_more(project: Project, tmp_path: Path) -> None:
    questions = [Question(question="when? "), Question(question="Where?")]
    project.store.replace_questions(questions)
    project.take(Outcome(trained=(trained("new", preferred=found()),)), tmp_path)
    at_work = Work(project, tmp_path, Settings(), lambda _: None, lambda: False)
    assert measuring.fair_questions(at_work) == questions[1:]
    assert measuring.fair_questions(at_work, trains=True) == questions
    assert evaluation.fair(questions, []) == questions


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_fold_counts_the_judgements_and_tells_what_came_of_them(language: Any) -> None:
    voice = Voice(language)
    few = Preferences(tuple(Pair(question=f"{n}", liked="a", other="b") for n in range(12)), equal=1, sealed=4)
    quiet = events.Said()
    shown = views.state(few, None, None, quiet, voice)
    assert voice.t("prefer.count", n=12, needed=NEEDED) in shown
    assert voice.t("prefer.sealed", n=4) in shown
    assert voice.t("prefer.why", needed=NEEDED) in shown
    enough = Preferences(tuple(Pair(question=f"{n}", liked="a", other="b") for n in range(40)))
    run = Run(id="r", kind="prefer", project="p", folder="/", state="running")
    shown = views.state(enough, found("harms"), run, quiet, voice)
    assert voice.t("prefer.why", needed=NEEDED) not in shown
    assert voice.t("prefer.found.harms") in shown
    assert voice.t("prefer.working", stage=voice.t("run.starting"), share=voice.percent(0)) in shown
    working = [events.Planned(stages=("prepare", "prefer")), events.Stage(name="prefer")]
    half = events.fold([*working, events.Progress(done=5, of=10, seconds_left=60)])
    told = {"stage": voice.t("stage.prefer"), "share": voice.percent(0.75), "left": words.duration(60)}
    assert voice.t("prefer.working.left", **told) in views.state(enough, None, run, half, voice)
    for state, key in (("stopped", "build.stopped.more"), ("running", "build.stopping")):
        paused = run.model_copy(update={"state": state, "cancel": True})
        assert voice.t(key) in views.state(enough, None, paused, half, voice)
    assert all(views.result(found(reason), voice) for reason in ("kept", "not_learnt", "harms", "forgets"))


def _request(run: Run) -> str:
    import json

    return json.dumps(json.loads((Path(run.folder) / "run.json").read_text())["request"])
