"""How the documents are searched, folded away on the build page: nobody has to choose, some want to."""

from typing import Any

import gradio as gr

from studio import engines, orders
from studio.base.project import Project
from studio.base.records import APPROACHES_THAT_SEARCH
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import run as run_views
from studio.web.views import searching as views


def build(shell: Shell) -> list[Any]:
    """The fold and what in it changes; what is chosen is kept at once."""
    t = shell.t
    with shell.fold("searching.title", "searching", visible=False) as fold:
        embedder = gr.Dropdown(
            views.choices(engines.embedders(), None, shell.voice),
            value="",
            label=t("searching.label"),
            info=t("searching.more"),
            allow_custom_value=True,
            interactive=True,
            elem_id="embedder",
        )
        reranker = gr.Dropdown(
            views.rerankers(engines.rerankers(), shell.voice),
            value="",
            label=t("searching.reranker"),
            info=t("searching.reranker.more"),
            interactive=True,
            elem_id="reranker",
        )
        state = gr.HTML(elem_id="searchstate", **BARE)
        learn = shell.button("searching.learn", "attune")
        gr.HTML(views.place(shell.studio.settings, shell.voice), **BARE)
        timer = gr.Timer(2, active=False)
    shown = [fold, embedder, reranker, state, learn, timer]

    def on_embedder(request: gr.Request, embedder: str | None) -> None:
        project = shell.project(request)
        wanted = (embedder or "").strip()
        if wanted != project.card.embedder:
            orders.choose_embedder(project, wanted)
            if project.indexed() is not None:
                gr.Info(t("searching.kept"))

    def on_reranker(request: gr.Request, reranker: str | None) -> list[Any]:
        project = shell.project(request)
        wanted = reranker or ""
        if wanted != project.card.reranker and orders.choose_reranker(project, shell.studio.runs, wanted):
            gr.Info(t("searching.fetching"))
        return _now(shell, project)

    embedder.change(shell.guard(on_embedder), embedder, None, **SLOW)
    reranker.input(shell.guard(on_reranker), reranker, shown[3:], **SLOW)
    learn.click(shell.view(_now, orders.attune), None, shown[3:], **SLOW)
    timer.tick(shell.view(_now), None, shown[3:], **QUICK)
    return shown


def look(shell: Shell, project: Project) -> list[Any]:
    """What `build` gave, as the project has it."""
    searches = bool(APPROACHES_THAT_SEARCH & set(project.card.chosen))
    offered = views.choices(engines.embedders(), project.attuned(), shell.voice)
    return [
        gr.Accordion(visible=searches),
        gr.Dropdown(offered, value=project.card.embedder),
        project.card.reranker,
        *_now(shell, project),
    ]


def _now(shell: Shell, project: Project) -> list[Any]:
    """What was measured and learnt, the button, and whether to look again soon."""
    runs = shell.studio.runs
    learning, fetching = runs.latest(project, "attune"), runs.latest(project, "fetch")
    active = [run for run in (learning, fetching) if run is not None and run_views.is_active(run)]
    given = views.Searching(
        tuned=project.tuned(),
        attuned=project.attuned(),
        runs=tuple((run, runs.said(run)) for run in (learning, fetching) if run is not None),
    )
    return [
        views.state(given, shell.voice),
        gr.Button(visible=project.indexed() is not None and not run_views.is_active(learning)),
        gr.Timer(active=bool(active)),
    ]
