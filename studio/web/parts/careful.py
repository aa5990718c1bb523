"""The dial on the compare page: choosing takes effect with the next question; measuring it on the documents is a run."""

from typing import Any

import gradio as gr

from studio import orders
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import APPROACHES_THAT_SEARCH
from studio.web.frame import gestures
from studio.web.shell import BARE, SLOW, Shell
from studio.web.views import dial as views


def build(shell: Shell) -> Any:
    return gr.HTML(elem_id="dial", js_on_load=gestures("measure", more="dial.js"), **BARE)


def wire(shell: Shell, part: Any, timer: Any) -> None:
    def on_careful(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        try:
            caution = min(views.SETTINGS, key=lambda setting: abs(setting - float(given.caution)))
        except (TypeError, ValueError) as error:
            raise BadInput("caution_wrong", name=str(given.caution)[:40]) from error
        project.change(caution=caution)
        return look(shell, project)

    def on_measure(request: gr.Request) -> list[Any]:
        project = shell.project(request)
        orders.calibrate(project, shell.studio.runs)
        return [look(shell, project), gr.Timer(active=True)]

    part.careful(shell.guard(on_careful), None, part, **SLOW)
    part.measure(shell.guard(on_measure), None, [part, timer], **SLOW)


def look(shell: Shell, project: Project) -> str:
    """The dial as it stands; nothing where nothing is searched."""
    indexed = project.indexed()
    if indexed is None or not APPROACHES_THAT_SEARCH & set(project.card.chosen):
        return ""
    runs, calibration = shell.studio.runs, project.calibration()
    run = runs.latest(project, "calibrate")
    return views.dial(
        views.Dial(
            caution=project.card.caution,
            calibration=calibration,
            stale=calibration is None or calibration.created < indexed.created,
            measuring=run,
            percent=runs.said(run).fraction if run is not None else 0.0,
        ),
        shell.voice,
    )
