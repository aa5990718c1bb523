"""The watched folder on the data page: one field, what it has brought, and what is wrong with it."""

from typing import Any

import gradio as gr

from studio import watching
from studio.base.project import Project
from studio.web.shell import BARE, SLOW, Shell


def build(shell: Shell, script: str) -> Any:
    """The panel; `script` lets it send "watch"."""
    part = gr.HTML(elem_id="watch", js_on_load=script, **BARE)

    def on_watch(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        watching.watch(project, str(given._data.get("folder", "")).strip(), shell.studio.root)
        return look(shell, project)

    part.watch(shell.guard(on_watch), None, part, **SLOW)
    return part


def look(shell: Shell, project: Project) -> str:
    known, voice = watching.state(project), shell.voice
    return voice.html(
        "watch.html",
        folder=known.folder,
        taken=voice.count("watch.taken", len(known.files)) if known.files else voice.t("watch.taken.none"),
        findings=[voice.finding(finding) for finding in known.findings],
    )
