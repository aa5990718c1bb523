"""Take the README's pictures from a real journey.

    python -m tests.tools.take_pictures [--folder .pictures] [--projects FOLDER]

For each language, in the order in which it happens: a project from the insurer's template, its assistants built (one of
them trained, which takes minutes), a test question asked in a real browser, the last answer chosen, the picture taken at
1366x768. AMEDIDA_CHROMIUM names the browser; with --projects, what was built is kept and used again.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.base import project as projects
from studio.base.project import Project
from studio.base.records import Language
from tests.browser.conftest import ROOT, Links, Visit, browsing, started

LANGUAGES: tuple[Language, ...] = ("en", "es")
TEMPLATE = "insurance-claims"
APPROACHES = ("instructions", "documents", "both")
QUESTIONS = 3  # of the template's test questions, so that measuring takes seconds
PATIENCE = 240_000  # milliseconds for all answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=ROOT / ".pictures")
    parser.add_argument("--projects", type=Path)
    parser.add_argument("--approach", action="append", help="an assistant of the picture; again for another")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = (given.projects or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        shown = tuple(given.approach or APPROACHES)
        made = {language: built(folder, language, shown) for language in LANGUAGES}
        with started(folder) as (links, _), browsing() as browser:
            for language, project in made.items():
                take(browser, links, language, project, shown, given.folder)


def built(folder: Path, language: Language, approaches: Sequence[str]) -> Project:
    """The template's project with its assistants; one that is there already is used as it is."""
    if not _of(folder, language):
        name = json.loads((ROOT / "templates" / TEMPLATE / language / "project.json").read_text("utf-8"))["name"]
        _studio(folder, language, "new", name, "--template", TEMPLATE)
        store = _of(folder, language)[0].store
        store.replace_questions(store.questions()[:QUESTIONS])
        wanted = [word for approach in approaches for word in ("--approach", approach)]
        _studio(folder, language, "build", _of(folder, language)[0].id, *wanted)
    return _of(folder, language)[0]


def take(
    browser: Any, links: Links, language: Language, project: Project, approaches: Sequence[str], folder: Path
) -> None:
    """Ask the first test question that the documents answer, choose the last answer, keep the picture."""
    from playwright.sync_api import expect

    project.change(done=("goal", "data", "advice", "build"))
    visit = Visit(browser, links, language, folder)
    page, t = visit.page, visit.t
    visit.open(f"/{language}/compare?project={project.id}")
    for approach in ("base", "instructions", "documents", "trained", "both"):
        box = page.get_by_role("checkbox", name=re.compile(f"^{re.escape(t(f'approach.{approach}'))}$"))
        if box.count():
            box.first.set_checked(approach in approaches)
    visit.press("compare.ask")
    expect(page.locator(".answer[data-finished]")).to_have_count(len(approaches), timeout=PATIENCE)
    page.locator(".answer [data-pick]").last.click()
    expect(page.locator(".answer").last).to_have_class(re.compile("chosen"))
    page.mouse.move(1, 1)
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(500)
    page.screenshot(path=folder / f"compare.{language}.png")


def _of(folder: Path, language: Language) -> list[Project]:
    return [project for project in projects.find(folder) if project.card.language == language]


def _studio(folder: Path, language: Language, *said: str) -> None:
    command = [sys.executable, "-m", "studio", *said, "--lang", language, "--projects", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
