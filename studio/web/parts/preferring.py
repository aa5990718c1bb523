"""Learning from votes and corrections, folded away on the improve page until somebody opens it."""

from typing import Any

import gradio as gr

from studio import improvement, orders, training
from studio.base.project import Project
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import preferring as views
from studio.web.views import run as run_views


def build(shell: Shell) -> list[Any]:
    """The fold and what in it changes."""
    t = shell.t
    with gr.Accordion(t("prefer.title"), open=False, elem_classes="fold", elem_id="prefer"):
        state = gr.HTML(elem_id="preferstate", **BARE)
        learn = gr.Button(t("prefer.learn"), variant="secondary", scale=0, min_width=180, elem_id="preferlearn")
        timer = gr.Timer(2, active=False)
    shown = [state, learn, timer]

    def on_learn_better(request: gr.Request) -> list[Any]:
        project = shell.project(request)
        orders.prefer(project, shell.studio.runs)
        return look(shell, project)

    def on_prefer_tick(request: gr.Request) -> list[Any]:
        return look(shell, shell.project(request))

    learn.click(shell.guard(on_learn_better), None, shown, **SLOW)
    timer.tick(on_prefer_tick, None, shown, **QUICK)
    return shown


def look(shell: Shell, project: Project) -> list[Any]:
    """What `build` gave, less the fold, as the project has it."""
    runs = shell.studio.runs
    run = runs.latest(project, "prefer")
    known = improvement.preferences(project)
    active = run_views.is_active(run)
    return [
        views.state(known, project.preferred(), run, runs.said(run) if run else None, shell.voice),
        gr.Button(visible=len(known.pairs) >= training.NEEDED and not active),
        gr.Timer(active=active),
    ]
