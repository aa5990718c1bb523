"""A real browser in front of the real studio, and a witness of everything that goes wrong or leaves the machine.

AMEDIDA_CHROMIUM names the browser, AMEDIDA_SCREENSHOTS a folder for the pictures.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import IO, Any

import pytest

from studio.base import words
from studio.base.records import Language
from studio.base.settings import Settings

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
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1366, "height": 768}
Links = Queue[str]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("AMEDIDA_SCREENSHOTS") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def studio(
    tmp_path_factory: pytest.TempPathFactory, starter: Callable[[Path], Settings]
) -> Iterator[tuple[Links, Path]]:
    folder = tmp_path_factory.mktemp("projects")
    starter(folder)
    with started(folder) as running:
        yield running


@contextmanager
def started(folder: Path) -> Iterator[tuple[Links, Path]]:
    """The studio as a person starts it: the links it prints, each good for one visit, and its projects folder."""
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
    with browsing() as browser:
        yield browser


@contextmanager
def browsing() -> Iterator[Any]:
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
