"""How careful, where to look, what was lost: settings of the next question, and that they take effect. No model is run."""

from pathlib import Path

import pytest

from studio.base.errors import BadInput
from studio.base.records import Calibration, Fault, Filter, Lost, Position, Run
from studio.web.parts import narrowing
from studio.web.views import dial, lost
from studio.web.voice import Voice
from tests.web import stories
from tests.web.conftest import Browser, text

EN, ES = Voice("en"), Voice("es")


# ---- the dial


def calibration() -> Calibration:
    positions = [
        Position(caution=c, wrong=w, wrong_low=w / 2, wrong_high=w * 2, person=p, person_low=p / 2, person_high=p * 1.5)
        for c, w, p in ((0, 0.1, 0.01), (0.25, 0.06, 0.05), (0.5, 0.03, 0.12), (0.75, 0.01, 0.2), (1, 0, 0.4))
    ]
    return Calibration(positions=tuple(positions), answerable=40, unanswerable=50, own=28, left_open=0.2)


def test_each_setting_says_what_of_a_hundred_goes_wrong_and_to_a_person() -> None:
    html = dial.dial(dial.Dial(0.5, calibration()), EN)
    assert "At this setting 3 of 100 answers are wrong. 12 of 100 questions go to a person." in text(html)
    assert "At this setting 1 of 100 answers is wrong." in text(html)
    assert html.count("data-setting=") == 5
    assert 'aria-valuetext="Balanced.' in html
    assert "12 (very likely 6 to 18)" in text(html)
    assert "40 questions your documents answer and 50 they leave open: 28 of them yours, 62 made" in text(html)


def test_a_dial_nobody_measured_works_and_says_so() -> None:
    html = dial.dial(dial.Dial(1.0), ES)
    assert ES.t("dial.unmeasured") in html
    assert 'data-do="measure"' in html
    failed = Run(id="r", kind="calibrate", project="p", folder="/", state="failed", fault=Fault(code="index_missing"))
    assert ES.t("error.index_missing") in dial.dial(dial.Dial(1.0, measuring=failed), ES)


def test_choosing_how_careful_takes_effect_at_once(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Careful")
    browser.do("compare", "on_careful", [], made.id, event={"caution": "0.75"})
    assert type(made)(made.folder).card.caution == 0.75
    assert "not a position of the dial" in browser.do("compare", "on_careful", [], made.id, event={"caution": "x"})


# ---- narrowing, and what was lost


def test_a_filter_is_what_was_chosen_and_a_wrong_day_is_refused() -> None:
    assert narrowing.given(["d1"], ["es"], " 2024-01-31 ", "") == Filter(
        documents=("d1",), languages=("es",), since="2024-01-31"
    )
    assert narrowing.given(None, None, None, None) == Filter()
    with pytest.raises(BadInput):
        narrowing.given([], [], "31/01/2024", "")


def test_what_was_lost_comes_with_its_evidence_and_its_repair(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    answer = stories.asked(made)[0]
    found = Lost(
        code="cut_by_limit", repair="raise_passages", document_id="d1", document="Home policy.pdf", question="?",
        passage=stories.passages()[2], rank=6, limit=3, missing=("flood",),
    )  # fmt: skip
    html = lost.panel(answer, made.store.documents(), "Search + answer", EN, found)
    assert 'value="d1" selected' in html
    for part in ("6 (the first 3 are used)", "flood", stories.PASSAGES[2]):
        assert part in text(html)
    assert 'data-code="raise_passages"' in html


# ---- what is asked for takes effect


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("raise_passages", {"passages": 6}),
        ("lower_caution", {"caution": 0.25}),
    ],
)
def test_a_repair_of_what_was_lost_counts_from_the_next_question_on(
    browser: Browser, root: Path, code: str, kept: dict[str, float]
) -> None:
    made = stories.project(root, f"Mend {code}")
    answer = next(each for each in stories.asked(made) if each.citations)
    event = {"answer": answer.id, "document": "d1", "code": code}
    assert browser.do("compare", "on_mend", [], made.id, event=event) == [""]
    card = type(made)(made.folder).card
    assert {name: getattr(card, name) for name in kept} == kept


def test_a_question_nobody_could_answer_becomes_a_test_question(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Mend question")
    answer = stories.asked(made, "What about hail?")[0]
    event = {"answer": answer.id, "document": "d1", "code": "add_question", "reference": " Hail is covered. "}
    assert browser.do("compare", "on_mend", [], made.id, event=event) == [""]
    kept = made.store.questions()[-1]
    assert (kept.question, kept.reference, kept.expected_source) == (
        "What about hail?",
        "Hail is covered.",
        "Home policy.pdf",
    )
    assert "write both" in browser.do("compare", "on_mend", [], made.id, event={**event, "reference": " "})
    assert "no repair called" in browser.do("compare", "on_mend", [], made.id, event={**event, "code": "forged"})


def test_the_embedder_and_the_watched_folder_are_kept_when_they_are_chosen(
    browser: Browser, root: Path, tmp_path: Path
) -> None:
    made = stories.project(root, "Chosen")
    browser.do("build", "on_embedder", ["owner/model"], made.id)
    assert type(made)(made.folder).card.embedder == "owner/model"
    assert "neither on the list" in browser.do("build", "on_embedder", ["what is this"], made.id)
    (html,) = browser.do("data", "on_watch", [], made.id, event={"folder": str(tmp_path)})
    assert str(tmp_path) in html
    assert type(made)(made.folder).card.watched == str(tmp_path)
    assert "not a folder" in browser.do("data", "on_watch", [], made.id, event={"folder": "/nowhere/at/all"})
    (html,) = browser.do("data", "on_watch", [], made.id, event={"folder": ""})
    assert EN.t("watch.title") in html
