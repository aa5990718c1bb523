"""The card of a model as judge, made without a browser, in both languages."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from studio import engines, orders
from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.recipes import JudgeRequest
from studio.base.records import Answer, Round, Variant, Vote
from studio.base.runs import Runs
from studio.base.settings import Settings
from studio.evaluation import judging
from studio.evaluation.judging import Agreement, Judged, Verdict
from studio.web.parts import judge as part
from studio.web.shell import Shell
from studio.web.studio import Studio
from studio.web.views import judge as views
from studio.web.voice import Voice
from tests.web import stories
from tests.web.conftest import text

STARTER, BIG = engines.model("smollm2-135m-instruct"), engines.model("qwen3-4b-instruct")
PLAIN, TOLD = Variant(id="a", approach="plain", model="m"), Variant(id="b", approach="instructions", model="m")
HEARD = Agreement(model=BIG.name, n=40, alike=0.8, low=0.65, high=0.9, chance=0.5)
GUESSES = Agreement(model=BIG.name, n=40, alike=0.55, low=0.4, high=0.69, chance=0.5)


def card(language: Any, votes: int = 40, **more: Any) -> str:
    found = {"judge": BIG.title} if more.get("found") else {}
    models = [(BIG, 12.0), (STARTER, 0.4)]
    given = {"models": models, "pairs": [(TOLD, PLAIN)], "known": (PLAIN, TOLD), "sealed": 0, **found, **more}
    return views.card(views.Bench(votes=votes, **given), Voice(language))


def judged(agreement: Agreement, first: int = 12, second: int = 2, equal: int = 1) -> Judged:
    said = ("first",) * first + ("second",) * second + ("equal",) * equal
    verdicts = tuple(Verdict(question=f"Which {n}?", choice=each) for n, each in enumerate(said))
    return Judged(agreement=agreement, variants=("b", "a"), verdicts=verdicts if agreement.proven else ())


def test_with_too_few_votes_it_says_how_many_are_missing_and_offers_no_judging() -> None:
    shown = card("en", votes=12, sealed=5)
    assert "12 of 30 blind votes so far: 18 more are needed" in text(shown.split("</summary>")[0])
    assert "still open: 5" in text(shown)
    assert "<form" not in shown
    assert "faltan 18" in text(card("es", votes=12))


def test_who_can_judge_stands_with_what_it_takes_and_the_starter_with_what_it_is_worth() -> None:
    shown = card("en")
    assert f"{BIG.title}: 12 min" in text(shown)
    assert f"{STARTER.title} is too small to be a judge" in text(shown)
    assert 'data-do="judge"' in shown
    assert "Remove that service" in text(card("en", models=[]))


@pytest.mark.parametrize("language", ["en", "es"])
def test_verdicts_come_with_the_agreement_that_lets_them_be_heard(language: str) -> None:
    shown = card(language, found=judged(HEARD))
    first, rest = shown.split("</summary>", 1)
    assert 'class="note good"' in first
    assert "12" in text(first)
    for figure in ("32", "40", "80", "65", "90", "50"):
        assert figure in text(rest.split("</p>")[0])
    assert shown.count("<tr>") == 1 + 15
    assert "{" not in text(shown)


def test_a_small_lead_is_no_difference() -> None:
    said = text(card("en", found=judged(HEARD, first=8, second=6)).split("</summary>")[0])
    assert "finds no difference" in said
    assert "8 questions against 6, of 15" in said


@pytest.mark.parametrize(("language", "why"), [("en", "verdicts of"), ("es", "Los veredictos de")])
def test_the_verdicts_of_who_only_guesses_are_withheld_and_it_says_why(language: str, why: str) -> None:
    shown = card(language, found=judged(GUESSES))
    assert why in text(shown.split("</summary>")[0])
    assert 'class="note warn"' in shown
    assert "55" in text(shown)
    assert "Which" not in shown
    assert "<table" not in shown


def test_while_it_judges_it_can_be_stopped_and_not_started() -> None:
    shown = card("en", run="r1", panel="working")
    assert 'data-do="stopjudge"' in shown
    assert "<form" not in shown


def test_it_is_ordered_from_the_page_once_there_are_votes_enough(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    settings = Settings(projects=tmp_path)
    shell = Shell(Voice("en"), Studio(settings))
    runs = shell.studio.runs
    assert part.look(shell, made) == ""
    with pytest.raises(NotEnough, match="judge_untested"):
        orders.judge(made, runs, STARTER.name)
    stories.tested(made)
    one, other = (variant.id for variant in judging.pairs(made)[0])
    assert "0 of 30" in text(part.look(shell, made))
    with pytest.raises(NotEnough, match="judge_votes_few"):
        orders.judge(made, runs, STARTER.name)
    made.store.put(Round(id="r", variants=(one, other), planned=40, seed=1, closed="2026-01-01T00:00:00+00:00"))
    for n in range(30):
        sides = [Answer(variant=id, question=f"Was it {n}?", text=f"{id} {n}") for id in (one, other)]
        ids = tuple(each.id for each in sides)
        made.store.put(*sides, Vote(question=f"Was it {n}?", shown=(one, other), winner=one, answers=ids, round="r"))
    with pytest.raises(NotPossibleHere, match="model_not_here"):
        orders.judge(made, runs, BIG.name)
    assert "held against 30 blind votes" in text(part.look(shell, made))
    run = orders.judge(made, runs, STARTER.name, (one, other))
    expected = JudgeRequest(model=STARTER.name, first=one, second=other)
    assert run.kind == "judge"
    assert judging.request(made, STARTER.name, judging.pairs(made)[0]) == expected
    assert 'data-do="stopjudge"' in part.look(shell, made)
    stopped = shell.stop("judge", part.look)(SimpleNamespace(query_params={"project": made.id}))
    assert "The judging was stopped" in text(stopped)
    assert "<form" in stopped
    with pytest.raises(NotPossibleHere, match="judge_needs_local_model"):
        orders.judge(made, Runs(Settings(projects=tmp_path, remote_url="http://127.0.0.1:9/v1")), STARTER.name)
