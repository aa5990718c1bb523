"""What a training did to general ability reaches whoever must know: the record, the advice, the pages, the export."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from studio import advice, engines, orders
from studio.advice import Material
from studio.base import project as projects
from studio.base.errors import Unavailable
from studio.base.events import Event, Note, Stage
from studio.base.machine import Machine
from studio.base.records import Goal, Guarded, Message, Trained, Variant
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.engines import Engine, Text, model
from studio.evaluation import general
from studio.evaluation.general import GeneralAnswer
from studio.export import facts
from studio.web.views import general as views
from studio.web.voice import Voice
from studio.work import Work, learning

LAPTOP = Machine(system="Linux", processor="", cores=2, memory_gb=16, free_memory_gb=8, free_disk_gb=50)
MADE = Trained(id="t", model="smollm2-135m-instruct", adapter="models/t", examples=20, steps=9, seconds=1, loss=0.5)


class Forgetful:
    """Knows the answers until an adapter is put on it."""

    def __init__(self) -> None:
        self.known = {q.question: q for q in general.questions()}

    def chat(self, messages: Sequence[Message], *, adapter: Path | None, **_: object) -> Iterator[Text]:
        asked = self.known[messages[-1].content]
        fact = asked.verbatim or asked.facts.split("|")[0] or ("I cannot help with that." if asked.declines else "Yes.")
        yield Text(text=fact if adapter is None else "It is ten days.")


class Absent:
    def chat(self, *_: object, **__: object) -> Iterator[Text]:
        raise Unavailable("engine_crashed")


def guarded(lost: int) -> Guarded:
    asked = general.questions()
    answered = [
        general.checked([GeneralAnswer(question_id=q.id, text="", right=n >= wrong) for n, q in enumerate(asked)])
        for wrong in (0, lost)
    ]
    return general.compare(*answered)


def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: object) -> tuple[Trained, list[Event]]:
    monkeypatch.setattr(engines, "weights", lambda *_: tmp_path)
    heard: list[Event] = []
    project = projects.create(tmp_path / "projects", "Shop")
    at_work = Work(project, tmp_path, Settings(), heard.append, lambda: False)
    return learning.guarded(at_work, MADE, cast(Engine, engine)), heard


def test_a_training_that_costs_general_ability_says_so_in_its_record_and_in_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, heard = told(tmp_path, monkeypatch, Forgetful())
    assert made.general is not None
    assert made.general.verdict == "lost"
    assert [e.name for e in heard if isinstance(e, Stage)] == ["guard"]
    assert [e.code for e in heard if isinstance(e, Note)] == ["general_lost"]
    assert (tmp_path / general.KEPT.format("")).is_file(), "the untrained model need not be asked again"


def test_questions_that_could_not_be_asked_are_no_end_of_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, heard = told(tmp_path, monkeypatch, Absent())
    assert made == MADE
    assert heard[-1].model_dump(exclude={"at", "event"}) == {
        "code": "general_left_out",
        "parameters": {"reason": "engine_crashed"},
    }


@pytest.mark.parametrize(("effort", "asked"), [("quick", False), ("balanced", True), ("thorough", True)])
def test_a_quick_build_leaves_the_everyday_questions_out(tmp_path: Path, effort: Any, asked: bool) -> None:
    project = projects.create(tmp_path / "projects", "Shop")
    run = orders.build(project, Runs(Settings(projects=tmp_path / "projects")), ("instructions",), effort)
    assert json.loads((Path(run.folder) / "run.json").read_text())["request"]["guard"] == asked


@pytest.mark.parametrize(
    ("lost", "code", "recommended"), [(0, "kept", True), (12, "slightly_lower", True), (50, "lost", False)]
)
def test_lost_general_ability_bars_training_from_being_recommended_and_says_why(
    lost: int, code: str, recommended: bool
) -> None:
    has = Material(
        documents=3, characters=40_000, examples=250, answers=50, training_minutes=5.0, general=guarded(lost)
    )
    made = advice.advise(
        Goal(facts_or_style="style", change="rarely", matters=("tone",)), has, LAPTOP, model(MADE.model)
    )
    trained = next(option for option in made.options if option.approach == "trained")
    assert (trained.recommended, trained.possible) == (recommended, True)
    assert made.recommended
    assert f"general_{code}" in [reason.code for reason in trained.reasons]


@pytest.mark.parametrize("language", ["en", "es"])
def test_general_ability_is_told_with_its_numbers_and_what_lost_most(language: Any) -> None:
    voice = Voice(language)
    made = MADE.model_copy(update={"general": guarded(50)})
    card = views.brought(made, voice)
    assert f"{len(general.questions())}" in card
    assert voice.t("general.lost") in card
    worst = max(made.general.kinds, key=lambda k: k.before.value - k.after.value) if made.general else None
    assert worst is not None
    assert f"{round(worst.before.value * worst.before.n)}" in views.sentence(cast(Guarded, made.general), voice)
    assert voice.t("general.unknown") in views.brought(MADE, voice)
    variant = Variant(id="v", approach="trained", model=MADE.model, adapter=MADE.adapter)
    assert voice.t("general.lost") in views.beside([variant], [MADE, made], voice)
    assert views.beside([variant], [MADE], voice) == views.beside([], [made], voice) == ""
    assert views.check(guarded(50), voice)[0] == "warn"
    assert views.check(guarded(0), voice)[0] == "good"


def test_the_export_tells_it_without_the_questions() -> None:
    found = facts.training(MADE.model_copy(update={"general": guarded(20)}))["general"]
    assert (found["before"]["n"], found["verdict"]) == (len(general.questions()), "lost")
    assert not {"lost", "won"} & found.keys()
