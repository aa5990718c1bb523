"""All projects, and the beginning of a new one: from nothing, or from a template with material to try."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from studio import intake
from studio.base import files
from studio.base import project as projects
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Language
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import projects as views
from studio.web.views.run import is_active

EMPTY = "empty"

DIALOGS = """
for (const dialog of element.querySelectorAll("dialog")) dialog.addEventListener("close", () => {
  const given = { id: dialog.dataset.subject, name: dialog.querySelector("input")?.value || "" };
  if (dialog.returnValue === "go") dialog.dataset.dialog === "rename" ? trigger("rename", given) : trigger("remove", given);
  dialog.returnValue = "";
});
"""


def build(shell: Shell) -> None:
    t = shell.t
    with shell.page("projects") as page:
        with gr.Row(elem_classes="newrow", equal_height=True):
            name = gr.Textbox(
                label=t("projects.name"),
                placeholder=t("projects.name.example"),
                max_lines=1,
                max_length=80,
                scale=4,
                elem_id="new-name",
            )
            go = gr.Button(t("projects.new"), variant="primary", scale=0, min_width=170, elem_id="new-go")
        start = gr.Radio(
            _starts(shell), value=EMPTY, label=t("projects.start"), elem_classes="cards-3", elem_id="new-from"
        )
        busy = gr.HTML(elem_id="busy", **BARE)
        cards = gr.HTML(elem_id="cards", **BARE)
        dialogs = gr.HTML(views.dialogs(shell.voice), elem_id="dialogs", js_on_load=DIALOGS, **BARE)
        made = gr.Textbox(visible="hidden", elem_id="made", label="", show_label=False)
        timer = gr.Timer(2, active=False)

        def shown() -> tuple[Any, gr.Timer]:
            return look(shell)

        def on_create(name: str, start: str) -> Iterator[tuple[Any, str]]:
            project = create(shell, name, start)
            if start != EMPTY:
                yield views.busy(project.name, shell.voice), ""
                intake.add_all(project)
            yield "", shell.url("goal", project.id)

        def on_rename(given: gr.EventData) -> tuple[Any, gr.Timer]:
            files.slug(given.name)  # refuses an empty name; the folder keeps its own
            shell.studio.project(given.id).change(name=files.clean_title(given.name))
            return look(shell)

        def on_remove(given: gr.EventData) -> tuple[Any, gr.Timer]:
            project = shell.studio.project(given.id)
            shell.studio.runs.forget(project)
            projects.remove(project)
            return look(shell)

        gr.on([go.click, name.submit], shell.guard(on_create), [name, start], [busy, made], **SLOW).success(
            fn=None, inputs=made, js="(url) => location.assign(url)", api_visibility="private"
        )
        dialogs.rename(shell.guard(on_rename), None, [cards, timer], **SLOW)
        dialogs.remove(shell.guard(on_remove), None, [cards, timer], **SLOW)
        page.on_load(lambda _project, _request: look(shell), [cards, timer])
        page.on_load(lambda _project, request: missing(shell, request), [busy])
        timer.tick(shown, None, [cards, timer], **QUICK)


def create(shell: Shell, name: str, start: str) -> Project:
    """A new project in the page's language, empty or from one of the templates on offer."""
    offered = {value for _, value in _starts(shell)}
    if start not in offered:
        raise NotFound("template_missing", name=start)
    template = None if start == EMPTY else projects.TEMPLATES / start / shell.voice.language
    return projects.create(shell.studio.root, name, shell.voice.language, template)


def look(shell: Shell) -> tuple[Any, gr.Timer]:
    """The cards, and whether they will change by themselves."""
    runs = shell.studio.runs
    entries = []
    for project in shell.studio.projects():
        build = runs.latest(project, "build")
        fraction = runs.said(build).fraction if build is not None and build.state == "running" else 0.0
        entries.append(views.Entry(project.card, build, fraction))
    return views.cards(entries, shell.voice), gr.Timer(active=any(is_active(entry.build) for entry in entries))


def missing(shell: Shell, request: gr.Request) -> str:
    if "missing" not in request.query_params:
        return ""
    return views.notice(shell.t("projects.missing"), shell.voice)


def _starts(shell: Shell) -> list[tuple[str, str]]:
    return [
        (shell.t("template.empty"), EMPTY),
        *((_title(shell, name), name) for name in _templates(shell.voice.language)),
    ]


def _templates(language: Language) -> list[str]:
    return sorted(folder.parent.parent.name for folder in projects.TEMPLATES.glob(f"*/{language}/project.json"))


def _title(shell: Shell, name: str) -> str:
    return shell.t(f"template.{name}") if shell.voice.has(f"template.{name}") else name
