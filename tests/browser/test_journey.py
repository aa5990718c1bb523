"""All seven steps, clicked through in a real browser against the real studio, in both languages.

Nothing is faked: documents are indexed, assistants answer, an answer is explained, an assistant is taken home. Training is
left out here (it takes minutes; the headless journey trains). AMEDIDA_SCREENSHOTS names a folder for the pictures.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import IO, Any

import pytest

from studio.base import project as projects
from studio.base import words
from studio.base.project import STEPS
from studio.base.records import Language

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}
QUESTIONS = 3  # of the template's test questions, so that measuring takes seconds
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 768}
Links = Queue[str]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("AMEDIDA_SCREENSHOTS") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Links, Path]]:
    """The studio as a person starts it: the links it prints, each good for one visit, and its projects folder."""
    folder = tmp_path_factory.mktemp("projects")
    environment = {
        **os.environ,
        "AMEDIDA_PROJECTS": str(folder),
        "AMEDIDA_PORT": "0",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "studio", "serve", "--no-browser"]
    with (folder / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        links: Links = Queue()
        reader = threading.Thread(target=_collect, args=(process.stdout, links), daemon=True)
        reader.start()
        yield links, folder
        process.terminate()
        process.wait(30)
        reader.join(5)
        process.stdout.close()


def _collect(printed: IO[str], links: Links) -> None:
    for line in printed:
        if found := re.search(r"http://\S+token=\S+", line):
            links.put(found.group())


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    found = (
        os.environ.get("AMEDIDA_CHROMIUM")
        or shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """A person in front of the studio, with a witness of everything that goes wrong or leaves the machine."""

    def __init__(self, chromium: Any, links: Links, language: Language, pictures: Path) -> None:
        link = links.get(timeout=60)
        self.t, self.language, self.pictures = words.translator(language), language, pictures
        self.base = link.partition("/?")[0]
        self.page = chromium.new_context(viewport=DESK, accept_downloads=True).new_page()
        self.page.set_default_timeout(30_000)
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._witness)
        self.page.goto(f"{self.base}/{language}/")
        assert self.page.get_by_role("heading").inner_text()  # the door, in the browser's language
        self.page.goto(link)
        self.open(f"/{language}/")

    def open(self, address: str) -> None:
        self.page.goto(self.base + address)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector("#boot", state="detached")
        self.page.wait_for_selector("gradio-app #page h1")

    def at(self, step: str) -> None:
        self.page.wait_for_url(re.compile(rf"/{self.language}/{step}\?project="), timeout=60_000)
        self.ready()

    def press(self, key: str, **names: Any) -> None:
        self.page.get_by_role("button", name=self.t(key, **names), exact=True).click()

    def look(self, name: str) -> None:
        """Keep a picture, and let axe look for what keeps people out."""
        from axe_playwright_python.sync_playwright import Axe

        self.page.wait_for_timeout(300)
        self.page.screenshot(path=self.pictures / f"{name}-{self.language}.png")
        found = Axe().run(self.page, options=RULES).response["violations"]
        serious = [(v["id"], v["nodes"][0]["html"][:160]) for v in found if v["impact"] in ("serious", "critical")]
        assert serious == [], name

    @property
    def project(self) -> str:
        return self.page.url.partition("project=")[2]

    def _witness(self, request: Any) -> None:
        if not request.url.startswith((f"{self.base}/", "data:", "blob:")):
            self.outside.append(request.url)


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
    known = page.locator(".sources li").count()
    assert known >= 3
    bad = tmp_path / "empty.pdf"
    bad.touch()
    page.locator("#files input[type=file]").set_input_files(bad)
    expect(page.locator("#sources .notice.stop")).to_contain_text("empty.pdf")
    assert page.locator(".sources li").count() == known
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
