"""Learning from votes and corrections, folded away on the improve page until somebody opens it."""

from typing import Any

import gradio as gr

from studio import improvement, orders, training
from studio.base import events
from studio.base.project import Project
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import preferring as views
from studio.web.views import run as run_views


def build(shell: Shell) -> list[Any]:
    """The fold and what in it changes."""
    t = shell.t
    with shell.fold("prefer.title", "prefer"):
        state = gr.HTML(elem_id="preferstate", **BARE)
        ways = [(t(f"prefer.method.{way}"), way) for way in ("dpo", "orpo")]
        method = gr.Radio(ways, value="dpo", label=t("prefer.method"), elem_id="prefermethod", visible=False)
        with gr.Row(elem_classes="inline"):
            learn = shell.button("prefer.learn", "preferlearn")
            stop = shell.button("build.pause", "preferstop", visible=False)
        timer = gr.Timer(2, active=False)
    shown = [state, method, learn, stop, timer]

    def on_prefer(request: gr.Request, method: Any) -> list[Any]:
        project = shell.project(request)
        orders.prefer(project, shell.studio.runs, method)
        return look(shell, project)

    learn.click(shell.guard(on_prefer), method, shown, **SLOW)
    stop.click(shell.stop("prefer", look), None, shown, **SLOW)
    timer.tick(shell.view(look), None, shown, **QUICK)
    return shown


def look(shell: Shell, project: Project) -> list[Any]:
    """What `build` gave, less the fold, as the project has it."""
    runs = shell.studio.runs
    run = runs.latest(project, "prefer")
    active = run_views.is_active(run)
    known = improvement.preferences(project)
    may = len(known.pairs) >= training.NEEDED and not active
    said = runs.said(run) if run else events.Said()
    return [
        views.state(known, project.preferred(), run, said, shell.voice),
        gr.Radio(visible=may),
        gr.Button(shell.t("build.resume" if run and run.state == "stopped" else "prefer.learn"), visible=may),
        gr.Button(visible=active and run is not None and not run.cancel),
        gr.Timer(active=active),
    ]
