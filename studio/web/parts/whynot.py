"""Why was it not found? A person names the document that should have answered; where it was lost comes with a repair."""

from typing import Any

import gradio as gr

from studio import orders
from studio.answering import lost
from studio.base.project import Project
from studio.base.records import Answer
from studio.web.frame import gestures
from studio.web.shell import BARE, SLOW, Shell
from studio.web.views import lost as views

TO_PANEL = """() => setTimeout(() => {
  const panel = document.getElementById("lost-panel");
  panel?.scrollIntoView({ block: "center" });
  panel?.querySelector("select").focus({ preventScroll: true });
}, 60)"""


def build(shell: Shell) -> Any:
    return gr.HTML(elem_id="lost", js_on_load=gestures("find", "mend", "close"), **BARE)


def wire(shell: Shell, grid: Any, part: Any) -> None:
    def on_lost(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        return _panel(shell, project, project.answer(given.answer))

    def on_find(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        answer = project.answer(given.answer)
        found = lost.why(project, answer.understood or answer.question, given.document, shell.studio.engine, answer)
        return _panel(shell, project, answer, found)

    def on_mend(request: gr.Request, given: gr.EventData) -> str:
        project, asked = shell.project(request), given._data
        answer = project.answer(given.answer)
        document, reference = str(given.document), str(asked.get("reference", ""))
        orders.mend(project, shell.studio.runs, given.code, answer, document, reference)
        gr.Info(shell.t(f"lost.repair.{given.code}.done"))
        return ""

    def on_close(request: gr.Request) -> str:
        shell.project(request)
        return ""

    grid.lost(shell.guard(on_lost), None, part, **SLOW).success(fn=None, js=TO_PANEL, api_visibility="private")
    part.find(shell.guard(on_find), None, part, **SLOW)
    part.mend(shell.guard(on_mend), None, part, **SLOW)
    part.close(shell.guard(on_close), None, part, **SLOW)


def _panel(shell: Shell, project: Project, answer: Answer, found: Any = None) -> str:
    name = shell.voice.approach(project.variant(answer.variant).approach)
    models = shell.url("advice", project.id)
    return views.panel(answer, project.store.documents(), name, shell.voice, found, models)
