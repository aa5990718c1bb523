"""Step 2 in a real browser: files and folders arrive with their progress, are mended, taken back, drafted from; by mouse
and by keyboard, in both languages, in the dark and on a phone. Nothing is faked but the drafts, which a model would write.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Language, Proposal
from tests.browser.conftest import PHONE, Links, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LARGE = 40  # megabytes: read by a run, and sent slowly enough to be watched
TABLE = "Consulta;Respuesta;Agente\n" + "".join(
    f"How long do I have to report case {n}?;Within {n % 9 + 2} days, by telephone {n}.;Marta\n" for n in range(70)
)
POLICY = (
    "# Water\n\nEscape of water is not covered when the home was empty for 30 days or more. Report it within a week.\n"
)


def material(folder: Path) -> Path:
    """A folder as people have it: files, a subfolder, and what the system leaves in it."""
    (folder / "shop" / "may").mkdir(parents=True)
    (folder / "shop" / "questions.csv").write_text(TABLE + TABLE.splitlines()[1] + "\n", encoding="cp1252")
    (folder / "shop" / "may" / "policy.md").write_text(POLICY, encoding="utf-8")
    (folder / "shop" / ".DS_Store").write_bytes(b"x")
    (folder / "shop" / "broken.pdf").touch()
    return folder / "shop"


def drafts(made: Project) -> None:
    document = next(each for each in made.store.documents() if each.name == "policy.md")
    start = document.text.index("Report it")
    passage = document.text[start : start + 24]
    given = {"document_id": document.id, "document": document.name, "source": document.source, "passage": passage}
    made.store.put(
        *[
            Proposal(id=f"draft{n}", question=f"When must I report it ({n})?", answer="Within a week.", start=start,
                     end=start + 24, heading="Water", checks=("answer_in_question",), **given)
            for n in range(3)
        ]
    )  # fmt: skip


def until(page: Any, holds: Callable[[], bool]) -> None:
    """Give the studio ten seconds."""
    for _ in range(100):
        if holds():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never came to be")


@pytest.mark.parametrize("language", ["en", "es"])
def test_material_is_brought_mended_and_taken_back(
    chromium: Any, studio: tuple[Links, Path], pictures: Path, tmp_path: Path, language: Language
) -> None:
    from playwright.sync_api import expect

    links, folder = studio
    made = projects.create(folder, f"Data {language}", language)
    visit = Visit(chromium, links, language, pictures)
    page, t = visit.page, visit.t
    page.add_init_script(
        "globalThis.shift = 0; new PerformanceObserver((list) => { for (const e of list.getEntries())"
        " if (!e.hadRecentInput) globalThis.shift += e.value; }).observe({ type: 'layout-shift', buffered: true });"
    )
    visit.open(f"/{language}/data?project={made.id}")
    expect(page.locator(".teach")).to_be_visible()
    visit.look("data-1-empty")

    # a folder: what can be read is read, what cannot is told, what the system left is not there
    page.locator("[webkitdirectory]").set_input_files(material(tmp_path))
    expect(page.locator(".sources > li")).to_have_count(2, timeout=60_000)
    expect(page.locator("#refused .notice.stop")).to_contain_text("broken.pdf")
    expect(page.locator(".tile.warn")).to_be_visible()
    visit.look("data-2-read")

    # a repair by keyboard, its numbers, and back again; the file itself is as it was
    button = page.locator('[data-code="drop_duplicates"]')
    button.focus()
    page.keyboard.press("Enter")
    undo = page.locator(".health .notice [data-do=undo]")
    expect(undo).to_be_focused()
    expect(page.locator(".counts")).to_contain_text("71")
    expect(page.locator(".counts")).to_contain_text("70")
    visit.look("data-3-repaired")
    page.reload()
    visit.ready()
    undo.click()
    expect(undo).to_have_count(0)
    expect(button).to_be_visible()
    page.locator(".record summary").click()
    expect(page.locator(".record li.undone")).to_have_count(1)

    # how a table was read can be changed, and stays open while it is
    row = page.locator(".sources > li", has_text="questions.csv")
    row.get_by_text(t("how.title")).click()
    row.locator("select").nth(2).select_option("topic")
    row.get_by_role("button", name=t("how.apply")).click()
    expect(page.locator("#busy .notice")).to_have_count(0)
    expect(row.locator("select").nth(2)).to_have_value("topic")
    expect(row.locator("select").nth(2)).to_be_visible()
    until(page, lambda: made.store.examples()[0].topic == "Marta")
    visit.look("data-4-how")

    # drafts: one is corrected and approved while writing, one rejected by a key, one left for later
    drafts(made)
    page.reload()
    visit.ready()
    known = len(made.store.examples())
    page.locator(".draft textarea").first.fill("By when must I report it?")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".draft textarea").first).to_have_value(re.compile("1"))
    page.locator(".draft .approve").focus()
    page.keyboard.press("s")
    expect(page.locator(".draft textarea").first).to_have_value(re.compile("2"))
    page.keyboard.press("r")
    expect(page.locator(".draft textarea").first).to_have_value(re.compile("1"))
    visit.look("data-5-drafts")
    assert [example.question for example in made.store.examples()[known:]] == ["By when must I report it?"]

    # the other ways in, with the arrow keys
    page.locator("#tab-files").focus()
    for name in ("web", "database", "dataset"):
        page.keyboard.press("ArrowRight")
        expect(page.locator(f"#bring-{name}")).to_be_visible()
        visit.look(f"data-6-{name}")
    assert page.evaluate("globalThis.shift") < 0.1

    # removing a source, then the same on a phone in the dark
    page.locator(".sources > li", has_text="policy.md").get_by_role(
        "button", name=t("data.remove", name="policy.md")
    ).click()
    expect(page.locator(".sources > li", has_text="policy.md")).to_have_count(0)
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    visit.open(f"/{language}/data?project={made.id}")
    visit.look("data-7-phone-dark")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert visit.errors == []
    assert visit.outside == []


def uploads_at(page: Any, bytes_a_second: int) -> Callable[[int], None]:
    """Send no faster than this; what is given back changes it (-1 is as fast as can be)."""
    slow = page.context.new_cdp_session(page)
    slow.send("Network.enable")

    def at(speed: int) -> None:
        told = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": speed}
        slow.send("Network.emulateNetworkConditions", told)

    at(bytes_a_second)
    return at


def test_a_large_file_is_sent_with_its_progress_while_the_page_goes_on_working(
    chromium: Any, studio: tuple[Links, Path], pictures: Path, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    links, folder = studio
    made = projects.create(folder, "Large file")
    visit = Visit(chromium, links, "en", pictures)
    page, t = visit.page, visit.t
    large = tmp_path / "log.txt"
    with large.open("w", encoding="utf-8") as file:
        line = "The office is open from nine to five and closed on public holidays, as every year.\n"
        file.writelines(line for _ in range((LARGE << 20) // len(line)))
    visit.open(f"/en/data?project={made.id}")
    sending = uploads_at(page, 4 << 20)
    page.locator("#files [data-files]").first.set_input_files(large)
    expect(page.locator(".drop .progress")).to_be_visible()
    expect(page.locator("[data-up-percent]")).to_have_text(re.compile(r"[1-9]\d?%"), timeout=60_000)
    page.locator("#tab-web").click()  # meanwhile
    page.get_by_label(t("web.address"), exact=True).fill("example.com")
    page.locator("#tab-files").click()
    visit.look("data-8-sending")
    sending(-1)
    expect(page.locator(".jobcard")).to_be_visible(timeout=60_000)
    page.reload()  # the run goes on without the page
    visit.ready()
    expect(page.locator(".sources > li")).to_have_count(1, timeout=240_000)
    expect(page.get_by_label(t("web.address"), exact=True)).to_have_value("")
    assert list(made.incoming.iterdir()) == []
    assert visit.errors == []


def test_an_upload_that_is_called_off_leaves_nothing(
    chromium: Any, studio: tuple[Links, Path], pictures: Path, tmp_path: Path
) -> None:
    from playwright.sync_api import expect

    links, folder = studio
    made = projects.create(folder, "Called off")
    visit = Visit(chromium, links, "en", pictures)
    page = visit.page
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(LARGE << 20)
    visit.open(f"/en/data?project={made.id}")
    uploads_at(page, 1 << 20)
    page.locator("#files [data-files]").first.set_input_files(large)
    page.get_by_role("button", name=visit.t("upload.cancel")).click()
    expect(page.locator(".drop-idle")).to_be_visible()
    page.wait_for_timeout(1500)
    assert not any(made.incoming.iterdir())
    assert visit.errors == []
