"""Pages and handlers over HTTP, exactly as the browser calls them."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.base import project as projects
from studio.base.project import STEPS
from studio.base.records import Feedback, Vote
from tests.web import stories
from tests.web.conftest import Browser, text

PAGES = ("projects", *STEPS)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_every_language_comes_with_its_frame_and_loads(
    browser: Browser, root: Path, language: str, page: str
) -> None:
    made = stories.project(root, f"Frame {page} {language}")
    address = f"/{language}/" + ("" if page == "projects" else f"{page}?project={made.id}")
    answer = browser.get(address)
    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
    assert '<div id="boot" aria-hidden="true">' in answer.text
    assert "studio.css?v=" in answer.text
    loaded = browser.load(page, made.id, language)
    assert "data-ready" in loaded[0]
    if page != "projects":
        assert made.name in loaded[0]


@pytest.mark.parametrize("asked", ["", "0123456789ab", "../../etc", "<script>"])
def test_a_page_of_a_project_that_is_not_there_leads_back_to_the_list(browser: Browser, asked: str) -> None:
    answer = browser.get("/en/build", params={"project": asked}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/en/?missing=")


@pytest.mark.parametrize("page", STEPS)
def test_a_page_opened_for_a_project_that_vanished_says_so(browser: Browser, page: str) -> None:
    loaded = browser.load(page, "0123456789ab")
    assert "no project called" in text(str(loaded[1]))


def test_every_handler_asks_whose_project_it_is_about(browser: Browser) -> None:
    for page in STEPS:
        for name, number in browser.functions("en", page).items():
            if name.startswith(("load_", "<lambda>")) or name == "on_tick":
                continue
            fn = browser.client.app.state.pages["en"].fns[number]  # type: ignore[attr-defined]
            values = [[] if isinstance(part, gr.CheckboxGroup) else None for part in fn.inputs]
            event = {"source": "x", "variant": "x", "answer": "x", "question": "x", "feedback": "x"}
            answer = browser.do(page, name, values, "0123456789ab", event=event)
            assert "no project called" in str(answer), (page, name, answer)


def test_a_new_project_starts_at_its_goal(browser: Browser, root: Path) -> None:
    shown = browser.do("projects", "on_create", ["Claims <b>desk</b>", "empty"])
    made = projects.open_by_id(root, shown[1].partition("project=")[2])
    assert shown[1] == f"/en/goal?project={made.id}"
    assert made.name == "Claims <b>desk</b>"
    assert made.folder.name == "claims-b-desk-b"


@pytest.mark.parametrize("name", ["", "   ", "\u200b"])
def test_a_project_needs_a_name(browser: Browser, name: str) -> None:
    assert "name first" in browser.do("projects", "on_create", [name, "empty"])


def test_a_name_that_looks_like_a_path_stays_inside_the_projects_folder(browser: Browser, root: Path) -> None:
    shown = browser.do("projects", "on_create", ["../../etc", "empty"])
    assert projects.open_by_id(root, shown[1].partition("project=")[2]).folder.parent == root.resolve()


def test_a_project_can_be_renamed_and_deleted(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Old name")
    browser.do("projects", "on_rename", [], event={"id": made.id, "name": "New name"})
    assert projects.open_by_id(root, made.id).name == "New name"
    browser.do("projects", "on_remove", [], event={"id": made.id, "name": ""})
    assert not made.folder.exists()


def test_the_goal_is_kept_and_marks_its_step_done(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Goal")
    form = ["write", " Letters ", "style", "rarely", ["tone"], "Be brief.", "warm", "long", "es", "usted"]
    browser.do("goal", "on_next", form, made.id)
    card = projects.open_by_id(root, made.id).card
    assert (card.goal.kind, card.goal.text, card.goal.facts_or_style, card.goal.matters) == (
        "write",
        "Letters",
        "style",
        ("tone",),
    )
    assert (card.instructions, card.profile.address, card.language, card.done) == (
        "Be brief.",
        "usted",
        "es",
        ("goal",),
    )
    assert browser.load("goal", made.id)[2:] == ["write", "Letters", *form[2:]]


def test_a_step_without_a_choice_says_what_to_choose(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Choice")
    assert "at least one way" in browser.do("advice", "on_next", [[], "quick", "smollm2-135m-instruct"], made.id)
    browser.do("advice", "on_next", [["documents"], "quick", "smollm2-135m-instruct"], made.id)
    assert projects.open_by_id(root, made.id).card.chosen == ("documents",)


def upload(browser: Browser, name: str, content: bytes) -> dict[str, Any]:
    path = browser.client.post("/en/gradio_api/upload", files={"files": (name, content)}).json()[0]
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def test_good_files_are_taken_in_and_a_bad_one_is_told_beside_them(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Upload")
    good = upload(browser, "questions.csv", b"question,answer\nHow long?,Seven days.\nHow much?,Ten euros.\n")
    bad = upload(browser, "empty.pdf", b"")
    shown = browser.do("data", "on_upload", [[good, bad]], made.id)
    page = text(str(shown))
    assert "questions.csv" in page
    assert "2 examples" in page
    assert "empty.pdf" in page
    assert [example.answer for example in projects.open_by_id(root, made.id).store.examples()] == [
        "Seven days.",
        "Ten euros.",
    ]
    assert not Path(good["path"]).exists()
    shown = browser.do("data", "on_remove", [], made.id, event={"source": "sources/questions.csv"})
    assert not projects.open_by_id(root, made.id).store.examples()


def test_a_choice_among_the_answers_is_a_vote_and_can_be_taken_back(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Votes")
    answers = stories.asked(made)
    shown = str(browser.do("compare", "on_pick", [], made.id, event={"variant": answers[1].variant}))
    assert shown.count('aria-pressed="true"') == 1
    browser.do("compare", "on_pick", [], made.id, event={"variant": ""})
    assert [vote.winner for vote in made.store.all(Vote)] == [answers[1].variant, None]


def test_a_choice_that_was_never_shown_is_refused(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Forged vote")
    stories.asked(made)
    assert "not among those shown" in browser.do("compare", "on_pick", [], made.id, event={"variant": "forged"})


def test_nobody_to_ask_is_said(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Nobody")
    assert "at least one assistant" in browser.do("compare", "on_ask", ["Why?", []], made.id)


def test_a_correction_becomes_an_example_on_request(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Corrections")
    before = len(made.store.examples())
    browser.do("improve", "on_keep", ["When?", "On Monday.", False, None], made.id)
    kept = made.store.all(Feedback)
    assert ([f.correction for f in kept], len(made.store.examples())) == (["On Monday."], before)
    browser.do("improve", "on_accept", [None], made.id, event={"feedback": kept[0].id})
    assert made.store.examples()[-1].answer == "On Monday."
    assert "write both" in browser.do("improve", "on_keep", ["", "", True, None], made.id)


def test_an_upload_to_the_hub_needs_a_key_and_gives_none_back(browser: Browser, root: Path) -> None:
    from studio.base.records import Exported

    made = stories.project(root, "Hub")
    assert "Build an assistant" in browser.do("export", "on_push", ["me/x", "hf_secret", True], made.id)
    made.store.put(Exported(id="e1", variant="v", path="exports/e1", form="merged"))
    assert "access key" in browser.do("export", "on_push", ["me/x", " ", True], made.id)


def test_what_was_learnt_is_offered_alone_only_where_something_was(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Forms")
    learnt, told = (
        browser.do("export", "on_which", [which], made.id)[0]["visible"] for which in ("both", "instructions")
    )
    assert (learnt, told) == (True, False)
