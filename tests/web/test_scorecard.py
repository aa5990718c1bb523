import re

import pytest

from studio.base.records import Question, Variant
from studio.evaluation import cards
from studio.evaluation.differences import Compared
from studio.evaluation.metrics import BY_CODE
from studio.web.views import questions, scorecard
from studio.web.voice import Voice
from tests.evaluation.cases import a_card, cases

VARIANTS = (Variant(id="right", approach="trained", model="m"), Variant(id="wrong", approach="plain", model="m"))
ASKED = list({case.question.id: case.question for case in cases()}.values())


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_measure_is_shown_with_its_interval_and_its_sentence(language: str) -> None:
    voice = Voice("es" if language == "es" else "en")
    shown = scorecard.scorecard(a_card(), cards.EVERY, VARIANTS, ASKED, "p", voice)
    table = cards.table(a_card())
    for row in table.rows:
        assert voice.t(f"metric.{row.metric}") in shown
    assert shown.count('<th scope="row">') == len(table.rows)
    assert voice.t("scorecard.pretty", count=24) in shown
    told = voice.t("scorecard.told", n=24, all=48, best=voice.approach("trained"), mine=0, each=24)
    assert told in shown.split("</summary>")[0]
    assert told in scorecard.offered(a_card(), VARIANTS, voice)
    assert 'href="/scorecard/p/c.csv?lang=' in shown
    assert voice.t("scorecard.brief.better", names=voice.approach("trained")) in shown


def test_a_difference_that_many_comparisons_may_bring_about_is_said_to_be_one() -> None:
    voice, names = Voice("en"), {"a": "Search", "b": "Plain"}
    made = Compared(
        metric="right", first="a", second="b", difference=0.2, low=0.05, high=0.41, n=24, differing=8, p_value=0.03,
        adjusted=0.9, verdict="none_found",
    )  # fmt: skip
    said = scorecard.pair(BY_CODE["right"], made, 66, names, voice)
    assert said == "“Search” and “Plain”: perhaps a difference (+5% to +41%), but among 66 comparisons that may be luck"
    unsure = scorecard.pair(BY_CODE["right"], made.model_copy(update={"low": -0.05}), 66, names, voice)
    assert unsure == "“Search” and “Plain”: no difference found (−5% to +41%)"


def test_a_topic_is_chosen_and_gone_assistants_are_left_out() -> None:
    voice = Voice("en")
    shown = scorecard.scorecard(a_card(), cards.Segment(by="language", name="es"), VARIANTS[:1], ASKED, "p", voice)
    assert re.search(r'<option value="language:es" selected>', shown)
    assert voice.t("scorecard.lead", n=12, tests=0) in shown
    assert scorecard.scorecard(a_card(), cards.EVERY, (), ASKED, "p", voice) == ""


def test_the_questions_are_listed_and_what_they_contain_stays_text() -> None:
    voice = Voice("es")
    odd = Question(id="q", question="<b>¿Qué?</b>", reference="")
    shown = questions.questions([odd], ["a.pdf"], voice, can_set_aside=True)
    assert "&lt;b&gt;" in shown
    assert "<b>¿" not in shown
    assert voice.t("question.open") in shown
    assert 'data-do="setaside"' in shown
