"""What stands behind each sentence, where a source opens, how a conversation goes on: no model is run."""

from pathlib import Path
from typing import Any

import pytest

from studio.base.records import (
    Answer,
    Citation,
    Computed,
    Lost,
    Place,
    Support,
    Variant,
)
from studio.web import passages
from studio.web.asking import Column
from studio.web.views import answers, lost, marks
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


def test_only_those_that_search_are_asked_why_they_did_not_find() -> None:
    assert "data-lost" in shown(marked())
    plain = Variant(id="v", approach="plain", model="m")
    assert "data-lost" not in answers.grid(
        [Column(plain, "Yes.", (), Answer(variant="v", question="?", text="Yes."))], EN
    )
