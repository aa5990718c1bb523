"""Pages and handlers over HTTP, exactly as the browser calls them."""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from studio.base import project as projects
from studio.base.project import STEPS, Project
from studio.base.records import Answer, Feedback, Vote
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


def test_a_studio_nobody_uses_rests(browser: Browser) -> None:
    queues = [pages._queue for pages in browser.client.app.state.pages.values()]  # type: ignore[attr-defined]
    assert [(q.sleep_when_free, q.progress_update_sleep_when_free) for q in queues] == [(0.02, 0.1)] * 2


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
            if name.startswith(("load_", "<lambda>")) or name.endswith(("_tick", "on_edit", "on_changed")):
                continue
            fn = browser.client.app.state.pages["en"].fns[number]  # type: ignore[attr-defined]
            values = [
                [] if isinstance(part, gr.CheckboxGroup) else part.minimum if isinstance(part, gr.Slider) else None
                for part in fn.inputs
            ]
            names = ("answer", "answers", "batch", "code", "feedback", "id", "name", "question", "source", "variant")
            event = dict.fromkeys(names, "x")
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


def edit(browser: Browser, page: str, form: list[Any], project: str) -> int:
    """What the page sends by itself while somebody types or chooses: the status of the answer."""
    number = browser.functions("en", page)["on_edit"]
    asked = {"data": form, "fn_index": number, "session_hash": "edit"}
    return int(browser.client.post("/en/gradio_api/run/predict", params={"project": project}, json=asked).status_code)


def test_what_is_typed_is_kept_before_anybody_presses_continue(browser: Browser, root: Path) -> None:
    made = projects.create(root, "Typing")
    form = ["write", "Letters", "style", "rarely", ["tone"], "Be brief.", "warm", "long", "es", "usted"]
    assert edit(browser, "goal", form, made.id) == 200
    card = projects.open_by_id(root, made.id).card
    assert (card.goal.text, card.instructions, card.language, card.done) == ("Letters", "Be brief.", "es", ())
    assert browser.load("goal", made.id)[2:] == form
    assert edit(browser, "advice", [["documents"], "thorough", "qwen3-0.6b"], made.id) == 200
    card = projects.open_by_id(root, made.id).card
    assert (card.chosen, card.effort, card.model, card.done) == (("documents",), "thorough", "qwen3-0.6b", ())
    assert edit(browser, "advice", [[], "quick", "qwen3-0.6b"], made.id) == 200
    assert projects.open_by_id(root, made.id).card.chosen == ()
    assert edit(browser, "goal", form, "0123456789ab") == 500


@pytest.mark.parametrize("page", ["goal", "advice"])
def test_every_field_of_a_form_is_kept_when_it_is_edited(browser: Browser, page: str) -> None:
    fn = browser.client.app.state.pages["en"].fns[browser.functions("en", page)["on_edit"]]  # type: ignore[attr-defined]
    assert sorted(fn.targets) == sorted((field._id, "input") for field in fn.inputs)
    assert fn.trigger_mode == "always_last"


def test_a_step_without_a_choice_says_what_to_choose(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Choice")
    assert "at least one way" in browser.do("advice", "on_next", [[], "quick", "smollm2-135m-instruct"], made.id)
    browser.do("advice", "on_next", [["documents"], "quick", "smollm2-135m-instruct"], made.id)
    assert projects.open_by_id(root, made.id).card.chosen == ("documents",)


def pick(browser: Browser, made: Project, answers: list[Answer], variant: str) -> str:
    """Press "this one is best" under answers as they stand on somebody's page."""
    event = {"variant": variant, "answers": " ".join(answer.id for answer in answers)}
    return str(browser.do("compare", "on_pick", [], made.id, event=event))


def test_a_choice_among_the_answers_is_a_vote_and_can_be_taken_back(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Votes")
    answers = stories.asked(made)
    shown = pick(browser, made, answers, answers[1].variant)
    assert shown.count('aria-pressed="true"') == 1
    assert " ".join(answer.id for answer in answers) in shown
    pick(browser, made, answers, "")
    assert [vote.winner for vote in made.store.all(Vote)] == [answers[1].variant, None]


def test_a_choice_counts_for_the_answers_on_that_page_though_another_tab_asked_since(
    browser: Browser, root: Path
) -> None:
    made = stories.project(root, "Two tabs")
    here = stories.asked(made)
    stories.asked(made, "What another tab wanted to know?")
    shown = pick(browser, made, here, here[2].variant)
    (vote,) = made.store.all(Vote)
    assert (vote.question, vote.winner, vote.answers) == (
        stories.QUESTION,
        here[2].variant,
        tuple(answer.id for answer in here),
    )
    assert shown.count('aria-pressed="true"') == 1


def test_a_choice_that_was_never_shown_is_refused(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Forged vote")
    here, there = stories.asked(made), stories.asked(made, "Another one?")
    assert "not among those shown" in pick(browser, made, here, "forged")
    assert "do not belong together" in pick(browser, made, [here[0], there[1]], here[0].variant)
    assert "do not belong together" in pick(browser, made, [here[0], here[0]], here[0].variant)
    forged = Answer(id="forged", variant="v", question=stories.QUESTION, text="")
    assert "not kept any more" in pick(browser, made, [here[0], forged], here[0].variant)
    assert "Ask a question first" in pick(browser, made, [], "")
    assert made.store.all(Vote) == []


def test_nobody_to_ask_is_said(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Nobody")
    assert "at least one assistant" in browser.do("compare", "on_ask", ["Why?", [], False, [], [], "", ""], made.id)


def test_more_than_stand_side_by_side_are_not_left_out_in_silence(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Everybody")
    made.change(chosen=("instructions", "examples", "documents", "both"))
    who = ["plain", "instructions", "examples", "documents", "both"]
    said = browser.do("compare", "on_ask", ["Why?", who, False, [], [], "", ""], made.id)
    assert "Up to 4 assistants answer side by side; you chose 5" in said


def test_a_correction_becomes_an_example_on_request(browser: Browser, root: Path) -> None:
    made = stories.project(root, "Corrections")
    before = len(made.store.examples())
    browser.do("improve", "on_keep", ["When?", "On Monday.", False, None], made.id)
    kept = made.store.all(Feedback)
    assert ([f.correction for f in kept], len(made.store.examples())) == (["On Monday."], before)
    browser.do("improve", "on_accept", [None], made.id, event={"feedback": kept[0].id})
    assert made.store.examples()[-1].answer == "On Monday."
    assert "write both" in browser.do("improve", "on_keep", ["", "", True, None], made.id)


def test_a_model_that_must_be_fetched_is_announced_before_the_build(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio import engines

    made = stories.project(root, "Fetching")
    assert "first fetches" not in text(browser.load("build", made.id)[2])
    made.change(model="qwen3-1.7b")
    assert "first fetches Qwen3 1.7B (up to 5.3 GB) from the Hugging Face Hub" in text(
        browser.load("build", made.id)[2]
    )
    monkeypatch.setattr(engines, "is_here", lambda name, settings, train: True)
    assert "first fetches" not in text(browser.load("build", made.id)[2])


def test_watching_the_page_reads_no_more_the_longer_the_project_lives(
    browser: Browser, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause: each second every answer, test and explanation ever kept was read again."""
    from studio.base.store import Store
    from studio.web.pages import compare, improve
    from studio.web.shell import Shell
    from studio.web.voice import Voice

    made = stories.project(root, "Long life")
    stories.explained(made, stories.asked(made)[-1])
    stories.tested(made)
    read: list[str] = []
    whole = Store.all
    monkeypatch.setattr(Store, "all", lambda store, kind: read.append(kind.__name__) or whole(store, kind))
    shell = Shell(Voice("en"), browser.client.app.state.studio)  # type: ignore[attr-defined]
    assert "rests most on" in str(compare.look(shell, made)[0])
    compare.form(shell, made)
    improve.load(shell, made)
    assert {"Answer", "Scorecard", "Explanation"}.isdisjoint(read)


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
