"""How the documents are searched, folded away on the build page: nobody has to choose, some want to."""

from typing import Any

import gradio as gr

from studio import engines, orders
from studio.base.project import Project
from studio.base.records import APPROACHES_THAT_SEARCH
from studio.web.shell import BARE, SLOW, Shell
from studio.web.views import searching as views


def build(shell: Shell) -> tuple[Any, Any]:
    """The fold and its field; what is chosen is kept at once."""
    t = shell.t
    with gr.Accordion(
        t("searching.title"), open=False, elem_classes="fold", elem_id="searching", visible=False
    ) as fold:
        embedder = gr.Dropdown(
            views.choices(engines.embedders(), shell.voice),
            value="",
            label=t("searching.label"),
            info=t("searching.more"),
            allow_custom_value=True,
            interactive=True,
            elem_id="embedder",
        )
        gr.HTML(views.place(shell.studio.settings, shell.voice), **BARE)

    def on_embedder(request: gr.Request, embedder: str | None) -> None:
        project = shell.project(request)
        wanted = (embedder or "").strip()
        if wanted != project.card.embedder:
            orders.choose_embedder(project, wanted)
            if project.indexed() is not None:
                gr.Info(t("searching.kept"))

    embedder.change(shell.guard(on_embedder), embedder, None, **SLOW)
    return fold, embedder


def look(project: Project) -> list[Any]:
    searches = bool(APPROACHES_THAT_SEARCH & set(project.card.chosen))
    return [gr.Accordion(visible=searches), project.card.embedder]
