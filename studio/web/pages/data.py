"""Step 2: bring material in and see what was understood of it, before anything is built."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from studio import health, intake
from studio.base.errors import StudioError
from studio.base.project import Project
from studio.web.shell import BARE, SLOW, Shell
from studio.web.views import material as views

GESTURES = """
element.addEventListener("click", (event) => {
  const remove = event.target.closest("[data-remove]");
  if (remove) trigger("remove", { source: remove.dataset.remove });
  if (event.target.closest("[data-read-all]")) trigger("read", {});
});
"""


def build(shell: Shell) -> None:
    t = shell.t
    with shell.page("data") as page:
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=5, min_width=300):
                files = gr.File(label=t("data.files"), file_count="multiple", height=176, elem_id="files")
                busy = gr.HTML(elem_id="busy", **BARE)
                sources = gr.HTML(elem_id="sources", js_on_load=GESTURES, **BARE)
            with gr.Column(scale=5, min_width=300):
                found = gr.HTML(elem_id="found", **BARE)
        preview = gr.HTML(elem_id="preview", **BARE)
        shown = [sources, found, preview]

        def on_upload(request: gr.Request, paths: list[str] | None) -> Iterator[list[Any]]:
            project, refused = shell.project(request), []
            for number, path in enumerate(paths or [], start=1):
                name = Path(path).name
                yield [
                    gr.skip(),
                    views.reading(name, number, len(paths or []), shell.voice),
                    gr.skip(),
                    gr.skip(),
                    gr.skip(),
                ]
                refused += add(project, Path(path), name, shell.studio.settings.max_upload_mb)
            yield [None, "", *look(shell, project, refused)]

        def on_remove(request: gr.Request, given: gr.EventData) -> list[Any]:
            project = shell.project(request)
            intake.remove(project, given.source)
            return look(shell, project)

        def on_read(request: gr.Request) -> Iterator[list[Any]]:
            project = shell.project(request)
            yield [views.reading(project.name, 1, 1, shell.voice), gr.skip(), gr.skip(), gr.skip()]
            intake.add_all(project)
            yield ["", *look(shell, project)]

        files.upload(shell.guard(on_upload), [files], [files, busy, *shown], **SLOW)
        sources.remove(shell.guard(on_remove), None, shown, **SLOW)
        sources.read(shell.guard(on_read), None, [busy, *shown], **SLOW)
        page.on_load(lambda project, _request: look(shell, project), shown)
        shell.actions("data")


def add(project: Project, path: Path, name: str, largest_mb: int) -> list[views.Refused]:
    """Take one uploaded file in; what refuses it is told beside its name, and the others go on."""
    try:
        intake.add(project, path, name, largest_mb=largest_mb)
        return []
    except StudioError as error:
        return [views.Refused(name, error.fault)]
    finally:
        path.unlink(missing_ok=True)


def look(shell: Shell, project: Project, refused: Sequence[views.Refused] = ()) -> list[Any]:
    """Sources, findings and first examples, as they are in the project now."""
    store, voice = project.store, shell.voice
    documents, examples, known = store.documents(), store.examples(), list(store.sources())
    unread = sum(
        f"sources/{file.name}" not in known
        for file in project.sources.iterdir()
        if file.is_file() and file.name[0] != "."
    )
    findings = health.check(documents, examples, store.questions(), project.card.goal) if documents or examples else []
    return [
        views.sources(known, documents, examples, store.source_findings(), refused, unread, voice),
        views.findings(findings, voice),
        views.preview(examples, voice),
    ]
