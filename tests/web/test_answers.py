"""What stands behind each sentence, where a source opens, how a conversation goes on: no model is run."""

from pathlib import Path
from typing import Any

import pytest

from studio.base.errors import BadInput, NotFound
from studio.base.records import (
    Answer,
    Calibration,
    Citation,
    Computed,
    Fault,
    Filter,
    Lost,
    Place,
    Position,
    Run,
    Support,
    Variant,
)
from studio.web import conversation, passages
from studio.web.asking import Column
from studio.web.parts import narrowing
from studio.web.views import answers, dial, lost, marks
from studio.web.voice import Voice
from tests.web import stories
from tests.web.conftest import Browser, text

pytestmark = pytest.mark.usefixtures("read_here")

EN, ES = Voice("en"), Voice("es")
EVIL = '<img src=x onerror=alert(1)>" onmouseover="x'
SAID = "It is not covered after 30 days [1]. You have 21 days. We pay €900 [2]."


def marked() -> Answer:
    """Three sentences: one backed, one the source is silent on, one against it."""
    spans = [(0, 36), (37, 53), (54, 70)]
    states = [("supported", ()), ("unsupported", ("21 days",)), ("contradicting", ("€900",))]
    support = [
        Support.model_validate({"start": start, "end": end, "state": state, "passage": 1, "missing": missing})
        for (start, end), (state, missing) in zip(spans, states, strict=True)
    ]
    return Answer(
        id="a1",
        variant="v",
        question="?",
        text=SAID,
        passages=stories.passages(),
        citations=(Citation(number=1, passage=0), Citation(number=2, passage=1)),
        support=tuple(support),
    )


def shown(answer: Answer, voice: Voice = EN, **more: Any) -> str:
    variant = Variant(id=answer.variant, approach="documents", model="m")
    return answers.grid([Column(variant, answer.text, answer.passages, answer)], voice, **more)


@pytest.mark.parametrize("voice", [EN, ES], ids=["en", "es"])
def test_every_sentence_says_in_words_what_stands_behind_it(voice: Voice) -> None:
    html = marks.said(marked(), voice)
    assert [html.count(f'class="claim {state}"') for state in marks.STATES] == [1, 1, 1]
    assert f"({voice.t('mark.supported')})" in text(html)
    assert voice.t("mark.unsupported.missing", what="21 days") in html
    assert voice.t("mark.contradicting.missing", what="€900") in html
    assert html.count('class="sign') == 2  # a sign that can be reached with the keyboard, beside the colour
    assert "Home policy.pdf" in text(html)  # what it was compared with, where it is against it


def test_the_text_stays_whole_between_its_marks() -> None:
    answer = marked()
    written = "".join(
        head + tail + (f" [{n}]" if n else "") for c in marks._claims(answer, EN) for head, tail, n in c.pieces
    )
    assert written == SAID


def test_marks_that_overlap_or_lead_out_of_the_text_are_left_out() -> None:
    answer = marked()
    wild = (
        *answer.support,
        Support(start=40, end=60, state="supported"),
        Support(start=60, end=900, state="supported"),
    )
    html = marks.said(answer.model_copy(update={"support": wild}), EN)
    assert text(html) == text(marks.said(answer, EN))


def test_a_column_says_how_much_of_it_is_backed_and_explains_its_signs_once() -> None:
    html = shown(marked())
    assert "Backed by sources" in html
    assert EN.t("mark.backed.of", n=1, of=3) in text(html)
    assert html.count('class="legend"') == 1
    assert 'class="legend"' not in shown(marked().model_copy(update={"support": ()}))


def test_what_documents_and_models_write_stays_text_in_marks_sources_and_tables() -> None:
    passage = stories.passages()[0]
    chunk = passage.chunk.model_copy(update={"document": EVIL, "text": EVIL})
    computed = Computed(
        question="?", text=EVIL, value="3", words=EVIL, sql=EVIL, document_id="d", document=EVIL, count=1,
        rows=(Place(name=EVIL, row=2, text=EVIL),),
    )  # fmt: skip
    answer = Answer(
        variant="v", question=EVIL, text=f"{EVIL} [1]", passages=(passage.model_copy(update={"chunk": chunk}),),
        citations=(Citation(number=1, passage=0),), understood=EVIL, computed=computed,
        support=(Support(start=0, end=len(EVIL), state="contradicting", passage=0, missing=(EVIL,)),),
    )  # fmt: skip
    found = Lost(code="split", repair="", document_id="d", document=EVIL, question=EVIL, missing=(EVIL,), alike=(EVIL,))
    html = shown(answer, earlier=[[answer.model_copy(update={"id": "b"})]]) + lost.panel(answer, [], EVIL, EN, found)
    assert "<img" not in html
    assert 'onmouseover="' not in html


def test_a_figure_from_a_table_shows_its_formula_and_rows() -> None:
    computed = Computed(
        question="How many?", text="Two plans.", value="2", words="Counted over 2 rows", sql="SELECT count(*)", count=3,
        document_id="d", document="Prices.xlsx", sheet="2026", rows=(Place(name="Prices.xlsx", row=2, text="Cove; 138"),),
    )  # fmt: skip
    html = text(shown(Answer(variant="v", question="How many?", text="Two plans.", computed=computed)))
    for part in (
        "Counted over 2 rows.",
        "Prices.xlsx, 2026",
        "row 2 Cove; 138",
        "2 more",
        "Calculated from your table",
    ):
        assert part in html


# ---- the page a citation stands on


def test_a_citation_of_a_pdf_leads_to_its_page_and_shows_the_text_around_it_otherwise(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    answer = next(each for each in stories.asked(made) if each.citations)
    (first, second) = passages.sources(made, answer)
    assert (first.number, first.pictured, second.number, second.pictured) == (1, True, 2, True)
    made.path("sources/Home policy.pdf").unlink()
    assert [source.pictured for source in passages.sources(made, answer)] == [False, False]
    made.store.remove_source("sources/Home policy.pdf")
    assert ["".join(part for part, _ in source.parts) for source in passages.sources(made, answer)] == list(
        stories.PASSAGES[:2]
    )


@pytest.mark.parametrize(
    ("cut", "parts"),
    [
        ((), (("one two three", False),)),
        (("two",), (("one ", False), ("two", True), (" three", False))),
        (("one two", "two three"), (("one two", True), (" three", True))),
        (("elsewhere", ""), (("one two three", False),)),
    ],
)
def test_the_part_that_carries_a_sentence_stands_out(cut: tuple[str, ...], parts: tuple[tuple[str, bool], ...]) -> None:
    assert passages._parts("one two three", cut) == parts


def test_a_page_is_shown_only_for_answers_and_documents_of_that_project(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, other = stories.project(root, "Pages"), stories.project(root, "Pages of others")
    answer = next(each for each in stories.asked(made) if each.citations)
    asked: list[str] = []
    monkeypatch.setattr(passages, "_drawn", lambda file, sha, page: asked.append(f"{file.name} {page}") or b"\x89PNG")
    seen = browser.get(f"/passage/{made.id}/{answer.id}/1/page")
    assert (seen.status_code, seen.headers["content-type"], seen.headers["cache-control"]) == (
        200,
        "image/png",
        "no-store",
    )
    assert asked == ["Home policy.pdf 4"]
    for wrong in (
        f"{other.id}/{answer.id}/1",
        f"{made.folder.name}/{answer.id}/1",
        f"{made.id}/{answer.id}/9",
        f"{made.id}/forged/1",
        f"{made.id}/..%2f..%2fstudio.db/1",
    ):
        assert browser.get(f"/passage/{wrong}/page").status_code == 404
        assert browser.get(f"/passage/{wrong}").status_code == 404
    made.store.remove_source("sources/Home policy.pdf")
    assert browser.get(f"/passage/{made.id}/{answer.id}/1/page").status_code == 404
    assert len(asked) == 1


def test_a_page_that_cannot_be_opened_is_no_page(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Broken page")  # its PDF is cut off after the first line
    answer = next(each for each in stories.asked(made) if each.citations)
    assert browser.get(f"/passage/{made.id}/{answer.id}/1").status_code == 404


def test_a_page_is_not_for_strangers(stranger: Any) -> None:
    assert stranger.get("/passage/p/a/1/page").status_code == 401


# ---- the conversation


def test_a_conversation_is_there_again_after_a_reload_and_ends_when_asked(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    variants = made.variants()
    first, then = stories.asked(made), stories.asked(made, "And for a flat?")
    assert conversation.turns(made, variants) == [then]
    conversation.keep(made, [first, then])
    assert conversation.turns(made, variants) == [first, then]
    conversation.end(made)
    assert conversation.turns(made, variants) == []
    elsewhere = stories.asked(made, "Asked from the command line?")
    assert conversation.turns(made, variants) == [elsewhere]
    made.store.remove(Answer, first[0].id)
    conversation.keep(made, [first, elsewhere])
    assert conversation.turns(made, variants) == [first[1:], elsewhere]


def test_each_assistant_is_told_its_own_answers_without_marks(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    told = conversation.histories([stories.asked(made)], EN)
    searching = next(variant.id for variant in made.variants() if variant.approach == "documents")
    assert [message.role for message in told[searching]] == ["user", "assistant"]
    assert "[1]" not in told[searching][1].content
    declined = Answer(variant="v", question="?", text="", refused=True)
    assert conversation.histories([[declined]], EN)["v"][1].content == EN.t("answer.not_found")


@pytest.mark.parametrize(("thread", "error"), [("", BadInput), (" ; ", BadInput), ("forged", NotFound)])
def test_a_conversation_that_was_never_shown_is_refused(tmp_path: Path, thread: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        conversation.shown(stories.project(tmp_path), thread)


def test_earlier_questions_stand_above_the_last_with_what_was_searched_for(tmp_path: Path) -> None:
    made = stories.project(tmp_path)
    before = stories.asked(made)
    answer = next(each for each in before if each.citations)
    then = answer.model_copy(update={"id": "n", "question": "And €900?", "understood": "Are repairs of €900 paid?"})
    variant = made.variant(answer.variant)
    html = answers.grid([Column(variant, then.text, then.passages, then)], EN, earlier=[[answer]], project=made.id)
    assert "Searched for: Are repairs of €900 paid?" in text(html)
    assert text(html).index(answer.question) < text(html).index("And €900?")
    assert f'data-thread="{answer.id};n"' in html
    assert html.count('class="src') == 4  # the sources of earlier answers open as well


def test_a_new_conversation_shows_none_of_the_old_one(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Fresh")
    stories.asked(made)
    (html,) = browser.do("compare", "on_fresh", [], made.id)
    assert EN.t("compare.none") in html
    assert EN.t("compare.none") in str(browser.load("compare", made.id))


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


def test_only_those_that_search_are_asked_why_they_did_not_find() -> None:
    assert "data-lost" in shown(marked())
    plain = Variant(id="v", approach="plain", model="m")
    assert "data-lost" not in answers.grid(
        [Column(plain, "Yes.", (), Answer(variant="v", question="?", text="Yes."))], EN
    )


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
