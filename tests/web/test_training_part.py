"""The training on the build page: what it takes, what the model sees, its settings, and what it says while it learns."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from studio import orders
from studio.base import events
from studio.base.errors import BadInput, NotEnough
from studio.base.project import Project
from studio.base.records import Run, Score, SegmentScore, Trained
from studio.base.runs import Runs
from studio.web.shell import Shell
from studio.web.studio import Studio
from studio.web.views import run as run_views
from studio.web.views import training as views
from studio.web.voice import Voice
from tests.web import stories

EN, ES = Voice("en"), Voice("es")


def taught(root: Path, name: str = "Taught") -> Project:
    return stories.taught(root, [(f"Question {n}?", f"Answer {n % 9}.") for n in range(36)], name)


def said(*told: Any) -> events.Said:
    return events.fold(told)


def test_what_a_training_takes_is_told_before_it_begins(runs: Runs) -> None:
    project = taught(runs.settings.projects)
    orders.turn(project, {}, price_hour=2.5)
    html = views.offered(orders.offer(project, runs), False, EN)
    for part in ("min", "GB", "kWh", EN.t("cost.money.label"), "rule of thumb", "draws"):
        assert part in html
    assert "Measured" not in views.offered(None, False, ES)


def test_what_cannot_teach_says_so_before_anything_is_started(runs: Runs) -> None:
    """Cause: with three examples the page gave a building time, and only the button said that there is no training."""
    project = stories.taught(runs.settings.projects, [(f"Question {n}?", f"Answer {n}.") for n in range(3)], "Few")
    with pytest.raises(NotEnough) as caught:
        orders.offer(project, runs)
    html = views.offered(caught.value, False, EN)
    assert EN.fault(caught.value) in html
    assert EN.t("cost.refused") not in html


def test_what_does_not_fit_says_what_would(runs: Runs) -> None:
    project = taught(runs.settings.projects)
    orders.turn(project, {"method": "qlora"})
    made = orders.offer(project, runs)
    if made.fault is None:
        pytest.skip("a card and bitsandbytes are here")
    html = views.offered(made, False, ES)
    assert "QLoRA" in html
    assert "Deje que aprenda un adaptador pequeño" in html
    with pytest.raises(Exception, match="training_qlora"):
        orders.rehearse(project, runs)


def test_dials_are_kept_and_reach_the_build(runs: Runs) -> None:
    project = taught(runs.settings.projects)
    orders.turn(project, {"learning_rate": "0.001", "pilot": False})
    run = orders.build(project, runs, ("trained",), "balanced")
    asked = Path(run.folder, "run.json").read_text()
    assert '"learning_rate": 0.001' in asked
    assert '"pilot": false' in asked
    with pytest.raises(BadInput):
        orders.turn(project, {"learning_rate": "nan"})
    assert project.card.dials == {"learning_rate": 0.001, "pilot": False}


def test_what_is_learnt_is_told_from_what_is_read_without_colour() -> None:
    tokens = tuple(
        events.Token(text=text, learnt=learnt) for text, learnt in (("How", False), ("<b>", False), ("Ten", True))
    )
    html = views.batch(events.Batch(examples=(tokens,)), EN)
    assert "<ins>" in html
    assert "[learnt: " in html
    assert "&lt;b&gt;" in html
    assert "Time a few steps" in views.batch(None, EN)


def test_answers_are_shown_from_before_to_now_a_few_of_them() -> None:
    heard = [events.Sampled(step=n * 10, question="Q?", reference="R.", answer=f"A{n}") for n in range(12)]
    html = views.samples(said(*heard), EN)
    assert html.count("<li") == views.HEARD + 1
    assert "Before" in html
    assert "A11" in html
    assert "Step 110" in html
    assert views.samples(said(), EN) == ""


def test_the_learning_curve_and_its_promise_stand_together_and_nowhere_else() -> None:
    told = said(
        events.Piloted(examples=50, of=200, words_right=0.4, checked=20),
        events.Piloted(examples=200, of=200, words_right=0.6, checked=20),
        events.Note(
            code="more_examples_help",
            parameters={"count": 200, "now": 60, "checked": 20, "double": 400, "low": 62, "high": 70},
        ),
        events.Note(code="training_measured", parameters={"speed": 200}),
        events.Note(code="training_measured", parameters={"speed": 200}),
    )
    assert "with 400 probably between 62% and 70%" in views.pilots(told, EN)
    run = Run(id="r", kind="build", project="p", folder="/", state="running")
    panel = run_views.panel(run, told, 0, EN)
    assert "probably between" not in panel
    assert panel.count("Measured on this machine") == 1


def test_what_was_learnt_has_its_interval_and_its_segments() -> None:
    share = Score(metric="words_right", value=0.6, low=0.5, high=0.7, n=20)
    made = Trained(
        id="t", model="m", adapter="models/t", examples=9, steps=9, seconds=9, loss=1, scores=(share,),
        segments=(SegmentScore(by="language", name="es", score=share),),
    )  # fmt: skip
    html = views.learnt(made, ES)
    assert "de 50 % a 70 %, 20 respuestas" in html.replace("\xa0", " ") or "50" in html
    assert "Español" in html
    assert views.learnt(made.model_copy(update={"scores": ()}), ES) == ""


def test_a_paused_training_says_from_where_it_goes_on_and_a_finishing_one_that_it_does() -> None:
    run = Run(id="r", kind="build", project="p", folder="/", state="stopped")
    assert "12 steps are saved and checked" in run_views.panel(run, said(), 0, EN, saved=12)
    ending = run.model_copy(update={"state": "running"})
    assert "Finishing with what it has learnt" in run_views.panel(ending, said(), 0, EN, finishing=True)


def test_finishing_a_run_asks_it_once_and_a_new_start_forgets_it(runs: Runs) -> None:
    project = taught(runs.settings.projects)
    run = orders.build(project, runs, ("trained",), "quick")
    with runs._db.conn:
        runs._db.execute("update runs set state='running' where id=?", [run.id])
    runs.finish(run.id)
    assert (Path(run.folder) / "enough").exists()
    with runs._db.conn:
        runs._db.execute("update runs set state='stopped' where id=?", [run.id])
    again = orders.build(project, runs, ("trained",), "quick")
    assert again.id == run.id
    assert not (Path(run.folder) / "enough").exists()


def test_a_dial_that_cannot_stand_there_is_named_as_the_form_names_it(browser: Any, root: Path) -> None:
    made = taught(root, "Dialled")
    from studio.web.parts.training import FIELDS

    empty: list[Any] = ["" for _ in FIELDS]
    at = FIELDS.index("learning_rate")
    wrong = [*empty[:at], "much", *empty[at + 1 :], None]
    assert "“Learning rate” cannot be much" in str(browser.do("build", "on_dials", wrong, made.id))
    right = [*empty[:at], "0,004", *empty[at + 1 :], 1.5]
    assert EN.t("cost.money.label") in str(browser.do("build", "on_dials", right, made.id))
    browser.do("build", "on_reset", [], made.id)


def test_all_settings_go_out_as_a_file_and_come_in_again(browser: Any, root: Path, runs: Runs) -> None:
    recipe = orders.offer(taught(runs.settings.projects), runs).plan.recipe
    made = taught(root, "Taken along")
    (href,) = re.findall(r'href="data:application/json,([^"]+)" download="taken-along.json"', loaded(browser, made))
    assert json.loads(unquote(href)) == recipe.model_dump()
    event = {"name": "r.json", "text": json.dumps({**recipe.model_dump(), "epochs": 3})}
    browser.do("build", "on_recipe", [], made.id, event=event)
    assert type(made)(made.folder).card.dials == {**recipe.model_dump(), "epochs": 3}
    for text, said in (("[]", "r.json could not be read"), ('{"epochs": -1}', "“Rounds” cannot"), ('{"x": 1}', "“x”")):
        assert said in str(browser.do("build", "on_recipe", [], made.id, event={"name": "r.json", "text": text}))


def loaded(browser: Any, made: Project) -> str:
    return "".join(part for part in browser.load("build", made.id) if isinstance(part, str))


def test_the_settings_are_folded_away_where_nothing_is_trained(root: Path, browser: Any) -> None:
    shell = Shell(EN, browser.client.app.state.studio)
    from studio.web.parts import training

    made = stories.project(root, "Untrained")
    made.change(chosen=("documents",))
    shown = training.look(shell, made)
    assert shown[0] == ""
    assert [part.visible for part in shown[1:3]] == [False, False]
    assert isinstance(shell.studio, Studio)
