"""All seven steps, clicked through in a real browser against the real studio, in both languages.

Nothing is faked: documents are indexed, assistants answer, an answer is explained, an assistant is taken home. Training is
left out here (it takes minutes; the headless journey trains). AMEDIDA_SCREENSHOTS names a folder for the pictures.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from studio.base import project as projects
from studio.base.project import STEPS
from studio.base.records import Language
from tests.browser.conftest import PHONE, Links, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

QUESTIONS = 3  # of the template's test questions, so that measuring takes seconds


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_whole_journey(
    chromium: Any, studio: tuple[Links, Path], pictures: Path, tmp_path: Path, language: Language
) -> None:
    from playwright.sync_api import expect

    links, folder = studio
    visit = Visit(chromium, links, language, pictures)
    page, t = visit.page, visit.t
    visit.look("01-projects")

    # a project needs a name; a template brings material
    visit.press("projects.new")
    expect(page.locator(".toast-wrap")).to_contain_text(t("error.name_empty"))
    page.get_by_role("textbox", name=t("projects.name")).fill("Claims & co")
    page.get_by_role("radio", name=re.compile(re.escape(t("template.insurance-claims").split("\n")[0]))).check()
    page.get_by_role("textbox", name=t("projects.name")).press("Enter")

    # 1 goal: the arrow keys work, a reload forgets nothing that was continued with
    visit.at("goal")
    expect(page.locator("#rail")).to_contain_text("Claims & co")
    visit.look("02-goal")
    first = page.get_by_role("radiogroup").first
    first.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowDown")
    expect(first.get_by_role("radio").nth(1)).to_be_checked()
    page.keyboard.press("ArrowUp")
    visit.press("next")

    # 2 data: what was understood; a bad file is refused with a sentence and nothing is lost
    visit.at("data")
    known = page.locator(".sources > li").count()
    assert known >= 3
    bad = tmp_path / "empty.pdf"
    bad.touch()
    page.locator("#files [data-files]").first.set_input_files(bad)
    expect(page.locator("#refused .notice.stop")).to_contain_text("empty.pdf")
    assert page.locator(".sources > li").count() == known
    visit.look("03-data")
    visit.press("next")

    # 3 advice: two quick ways are chosen
    visit.at("advice")
    visit.look("04-advice")
    for approach in ("trained", "both", "documents", "instructions"):
        box = page.get_by_role("checkbox", name=re.compile(re.escape(t(f"approach.{approach}")) + "$"))
        box.set_checked(approach in ("documents", "instructions"))
    visit.press("next")

    # 4 build: it goes on through a reload and in the other language
    visit.at("build")
    made = projects.open_by_id(folder, visit.project)
    made.store.replace_questions(made.store.questions()[:QUESTIONS])
    visit.press("build.start")
    expect(page.get_by_role("progressbar")).to_be_visible()
    visit.look("05-build")
    page.reload()
    visit.ready()
    expect(page.get_by_role("progressbar")).to_be_visible()
    other = "es" if language == "en" else "en"
    page.get_by_role("link", name=t(f"language.{other}")).click()
    page.wait_for_url(f"**/{other}/build?project=*")
    visit.ready()
    expect(page.get_by_role("progressbar")).to_be_visible()
    visit.open(f"/{language}/build?project={made.id}")
    expect(page.locator(".job.done")).to_be_visible(timeout=420_000)
    visit.look("06-built")
    visit.press("next")

    # 5 compare: streamed side by side, cited, explained, chosen
    visit.at("compare")
    visit.press("compare.ask")
    expect(page.locator(".answer[data-finished]")).to_have_count(3, timeout=180_000)
    expect(page.locator("table.results tbody tr")).to_have_count(3)
    page.locator(".answer [data-pick]").nth(1).click()
    expect(page.locator(".answer").nth(1)).to_have_class(re.compile("chosen"))
    page.reload()
    visit.ready()
    expect(page.locator(".answer").nth(1)).to_have_class(re.compile("chosen"))
    cites = page.locator("button.cite")
    if cites.count():
        cites.first.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".src:popover-open")).to_be_visible()
        expect(page.locator(".src:popover-open mark").first).to_be_in_viewport()
        expect(page.locator(".src:popover-open .working")).to_have_count(0)  # the page is there
        visit.look("07-citation")
        page.keyboard.press("Escape")
    page.locator("[data-why]").first.click()
    expect(page.locator(".why .says")).to_be_visible(timeout=240_000)
    expect(page.locator(".why .working")).to_have_count(0, timeout=240_000)
    visit.look("08-compare")
    visit.press("next")

    # 6 improve: a wrong answer is corrected and will be learnt
    visit.at("improve")
    page.get_by_label(t("improve.form.question"), exact=True).fill("How long do I have?")
    page.locator("#correction textarea").fill("Seven days.")
    visit.press("improve.form.keep")
    expect(page.locator("#corrections")).to_contain_text(t("improve.used"))
    visit.look("09-improve")
    visit.press("next")

    # 7 use it: a folder without the studio, as one file
    visit.at("export")
    visit.press("export.prepare")
    expect(page.locator("[data-download]")).to_be_visible(timeout=240_000)
    visit.look("10-export")
    with page.expect_download() as coming:
        page.locator("[data-download]").first.click()
    assert Path(coming.value.path()).read_bytes()[:2] == b"PK"

    # the same on a phone, in the dark
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    for number, step in enumerate(("", *STEPS)):
        visit.open(f"/{language}/{step}" + (f"?project={made.id}" if step else ""))
        visit.look(f"phone-dark-{number}-{step or 'projects'}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{step} is wider than a phone"

    assert visit.errors == []
    assert visit.outside == []


def test_what_was_typed_is_kept_by_every_way_out(chromium: Any, studio: tuple[Links, Path], pictures: Path) -> None:
    from playwright.sync_api import expect

    links, folder = studio
    made = projects.create(folder, "Typing")
    visit = Visit(chromium, links, "en", pictures)
    page, box = visit.page, visit.page.locator("#page textarea").first
    ways: dict[str, Any] = {
        "the rail": lambda: page.locator("#rail a[href*='/en/data']").first.click(),
        "the other language": lambda: page.locator("#rail a[lang=es]").first.click(),
        "Back": lambda: visit.press("back"),
        "reloading": page.reload,
    }
    for way, leave in ways.items():
        visit.open(f"/en/goal?project={made.id}")
        box.fill("")
        box.press_sequentially(f"Left by {way}", delay=15)
        page.get_by_role("radio", name=re.compile("^" + visit.t("goal.kind.write").split("\n")[0])).check()
        box.focus()
        box.press("End")
        box.press_sequentially("!")
        page.wait_for_timeout(400)  # nobody leaves sooner; while one edit is on its way the next one waits
        leave()
        page.wait_for_load_state()
        visit.open(f"/en/goal?project={made.id}")
        expect(box, way).to_have_value(f"Left by {way}!")
    assert projects.open_by_id(folder, made.id).card.goal.kind == "write"
    assert visit.errors == []


def test_a_project_is_renamed_and_deleted_only_after_a_question(
    chromium: Any, studio: tuple[Links, Path], pictures: Path
) -> None:
    from playwright.sync_api import expect

    links, folder = studio
    made = projects.create(folder, "To be deleted")
    visit = Visit(chromium, links, "en", pictures)
    card = visit.page.locator(f"#p-{made.id}")
    card.get_by_role("button", name="Rename").click()
    visit.page.locator("dialog input").fill("Other name")
    visit.page.keyboard.press("Enter")
    expect(card).to_contain_text("Other name")
    card.get_by_role("button", name="Delete").click()
    visit.look("11-delete")
    visit.page.keyboard.press("Escape")
    expect(card).to_be_visible()
    card.get_by_role("button", name="Delete").click()
    visit.page.locator("dialog").get_by_role("button", name="Delete").click()
    expect(card).to_have_count(0)
    assert not made.folder.exists()
    assert visit.errors == []
