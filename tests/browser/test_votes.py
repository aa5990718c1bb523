"""A blind vote in a real browser: begun, voted on by key and by a colleague's link on a phone, ended, taken home."""

import re
from pathlib import Path
from typing import Any

import pytest

from studio import answering, comparison
from studio.base.project import Project
from studio.base.records import Answer
from tests.browser.conftest import DESK, PHONE, Links, Visit
from tests.web import stories

pytestmark = pytest.mark.browser
SAID = (
    "Not in full: the home was empty for more than 30 days. Emergency repairs up to €500 are paid in every case.",
    "Yes, water damage is always covered. We usually pay within ten days, and you need not send anything.",
)


class Engine:
    def speaks(self, *_: Any) -> bool:
        return True


def prepared(root: Path) -> Project:
    """Two assistants and fifteen questions that both have answered."""
    made = stories.project(root, "Blind vote")
    engine: Any = Engine()
    variants = answering.variants(made)[-2:]
    round = comparison.begin(made, variants, engine, planned=30, own=True, seed=3)
    for n in range(15):
        question = f"My kitchen flooded while I was away for {n + 2} weeks. Am I covered?"
        given = [Answer(variant=v.id, question=question, text=text) for v, text in zip(variants, SAID, strict=True)]
        round = comparison.add(made, round, question, given, engine)
    return made


def test_a_blind_vote_from_its_first_key_to_its_record(
    chromium: Any, studio: tuple[Links, Path], pictures: Path
) -> None:
    from playwright.sync_api import expect

    links, root = studio
    made = prepared(root)
    visit = Visit(chromium, links, "en", pictures)
    page, t = visit.page, visit.t

    # a colleague, by link, on a phone and in Spanish
    visit.open(f"/en/improve?project={made.id}")
    page.locator("#votes").get_by_label(t("vote.invite.name")).fill("Marta")
    visit.press("vote.invite")
    link = page.locator("#votes .voters code").inner_text()
    visit.look("20-improve-vote")
    colleague = chromium.new_context(viewport=PHONE, has_touch=True, color_scheme="dark").new_page()
    colleague.goto(f"{link}?lang=es")
    expect(colleague.get_by_role("heading", level=1)).to_have_text("¿Qué respuesta daría usted?")
    colleague.screenshot(path=pictures / "21-vote-phone-dark-es.png", full_page=True)
    assert colleague.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for _ in range(15):
        better = "A" if SAID[0] in colleague.locator(".answer").first.inner_text() else "B"
        colleague.locator(f"button[value={better}]").click()
    expect(colleague.get_by_role("heading", level=1)).to_have_text("Gracias")

    # the person at the studio, by key
    page.reload()
    visit.ready()
    expect(page.locator("#votes .verdict")).to_contain_text("15 of 15 prefer one of them: enough evidence.")
    page.get_by_role("link", name=re.compile(t("vote.now"))).click()
    page.wait_for_url(re.compile("/ballot/"))
    for n in range(1, 16):
        expect(page.locator(".eyebrow")).to_have_text(t("vote.progress", n=n, of=15))
        if n == 1:
            page.screenshot(path=pictures / "22-vote-en.png")
        page.keyboard.press(
            "3" if n % 5 == 0 else "1" if SAID[0] in page.locator(".answer").first.inner_text() else "ArrowRight"
        )
    expect(page.get_by_role("heading", level=1)).to_have_text(t("vote.thanks"))
    page.get_by_role("link", name=t("vote.back")).click()

    # the end: names, what it proves, and the record
    visit.at("improve")
    visit.press("vote.end")
    expect(page.locator("#votes .bars").first).to_contain_text("27 of 30")
    visit.look("23-improve-ended")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Español · PDF").click()
    assert Path(taken.value.path()).read_bytes().startswith(b"%PDF")
    visit.page.set_viewport_size(PHONE)
    visit.look("24-improve-ended-phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.set_viewport_size(DESK)
    colleague.reload()
    expect(colleague.get_by_role("heading", level=1)).to_have_text("Esta votación ha terminado")
    assert (visit.errors, visit.outside) == ([], [])
    colleague.context.close()


def test_the_compare_page_votes_blind_with_keys(chromium: Any, studio: tuple[Links, Path], pictures: Path) -> None:
    from playwright.sync_api import expect

    links, root = studio
    made = stories.project(root, "Blind compare")
    variants, engine = answering.variants(made)[-2:], Engine()
    round = comparison.begin(made, variants, engine, planned=15, own=True, seed=4)  # type: ignore[arg-type]
    given = [Answer(variant=v.id, question=stories.QUESTION, text=text) for v, text in zip(variants, SAID, strict=True)]
    comparison.add(made, round, stories.QUESTION, given, engine)  # type: ignore[arg-type]
    visit = Visit(chromium, links, "es", pictures)
    page, t = visit.page, visit.t
    visit.open(f"/es/compare?project={made.id}")
    expect(page.locator("#grid")).to_contain_text(t("vote.hidden"))
    expect(page.locator("#blind input")).to_be_checked()
    page.locator("h1").click()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-vote=B]")).to_have_attribute("aria-pressed", "true")
    visit.look("25-compare-blind")
    visit.press("vote.end")
    expect(page.locator(".answer.chosen")).to_have_count(1)
    expect(page.locator("#grid")).not_to_contain_text(t("vote.hidden"))
    assert (visit.errors, visit.outside) == ([], [])
