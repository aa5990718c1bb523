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
    with shell.fold("prefer.title", "prefer"):
        state = gr.HTML(elem_id="preferstate", **BARE)
        learn = shell.button("prefer.learn", "preferlearn")
        timer = gr.Timer(2, active=False)
    shown = [state, learn, timer]
    learn.click(shell.view(look, orders.prefer), None, shown, **SLOW)
    timer.tick(shell.view(look), None, shown, **QUICK)
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
