"""Better settings of the training, looked for in the minutes a person gives: folded away on the build page."""

from math import ceil
from typing import Any

import gradio as gr

from studio import orders
from studio.base import events
from studio.base.errors import StudioError
from studio.base.project import Project
from studio.base.records import APPROACHES_THAT_TRAIN
from studio.training import Outlook
from studio.web.parts import training
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import run as run_views
from studio.web.views import seeking as views

MOST_MINUTES = 480


def build(shell: Shell, learning: list[Any]) -> list[Any]:
    """The fold and what in it changes; `learning` is the part with the settings, which follow what is found."""
    t = shell.t
    with shell.fold("seek.title", "seek", visible=False) as fold:
        gr.HTML(shell.voice.html("quiet.html", sentence=t("seek.more")), **BARE)
        expected = gr.HTML(elem_id="seekoutlook", **BARE)
        minutes = gr.Slider(1, MOST_MINUTES, 30, step=1, label=t("seek.minutes"), info=t("seek.minutes.more"))
        with gr.Row(elem_classes="inline"):
            start = shell.button("seek.start", "seekstart")
            finish = shell.button("seek.finish", "seekfinish", visible=False)
        state = gr.HTML(elem_id="seekstate", **BARE)
        timer = gr.Timer(2, active=False)
    now = [start, finish, state, timer]

    def on_seek(request: gr.Request, minutes: float) -> list[Any]:
        project = shell.project(request)
        orders.seek(project, shell.studio.runs, minutes)
        return _now(shell, project)

    def on_seek_finish(request: gr.Request) -> list[Any]:
        project = shell.project(request)
        latest = shell.studio.runs.latest(project, "seek")
        if latest is not None:
            shell.studio.runs.finish(latest.id) if latest.state == "running" else shell.studio.runs.stop(latest.id)
        return _now(shell, project)

    def on_seek_tick(request: gr.Request) -> list[Any]:
        project = shell.project(request)
        now = _now(shell, project)
        ended = not now[-1].active  # then nobody asks again
        return [*now, *(training.look(shell, project) if ended else [gr.skip()] * len(learning))]

    start.click(shell.guard(on_seek), minutes, now, **SLOW)
    finish.click(shell.guard(on_seek_finish), None, now, **SLOW)
    timer.tick(on_seek_tick, None, [*now, *learning], **QUICK)
    return [fold, expected, minutes, *now]


def look(shell: Shell, project: Project) -> list[Any]:
    """What `build` gave, as the project has it."""
    if not APPROACHES_THAT_TRAIN & set(project.card.chosen):
        return [gr.Accordion(visible=False), "", gr.skip(), *_now(shell, project)]
    expected = _outlook(shell, project)
    sentence = shell.voice.html("quiet.html", sentence=views.outlook(expected, shell.voice))
    start, *others = _now(shell, project)
    if isinstance(expected, StudioError):
        return [gr.Accordion(visible=True), sentence, gr.Slider(visible=False), gr.Button(visible=False), *others]
    least = max(ceil(expected.least), 1)
    wanted = max(ceil(expected.enough * 1.2), least)
    slider = gr.Slider(least, max(MOST_MINUTES, 2 * wanted), wanted, visible=True)
    return [gr.Accordion(visible=True), sentence, slider, start, *others]


def _outlook(shell: Shell, project: Project) -> Outlook | StudioError:
    try:
        return orders.outlook(project, shell.studio.runs)
    except StudioError as error:
        return error


def _now(shell: Shell, project: Project) -> list[Any]:
    """Both buttons, what is known, and whether to look again soon."""
    run = shell.studio.runs.latest(project, "seek")
    said = shell.studio.runs.said(run) if run else events.Said()
    active, sought = run_views.is_active(run), project.sought()
    label = "seek.resume" if run and run.state == "stopped" else "seek.again" if sought else "seek.start"
    finishing = shell.studio.runs.ending(run)
    return [
        gr.Button(shell.t(label), visible=not active),
        gr.Button(visible=active and not finishing),
        views.state(run, said, sought, finishing, shell.voice),
        gr.Timer(active=active),
    ]
