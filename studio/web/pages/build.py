"""Step 4: build, and watch. Everything shown is read from the run's folder, so closing the page changes nothing."""

from pathlib import Path
from typing import Any

import gradio as gr

from studio import engines, orders
from studio.base import events
from studio.base.project import Project
from studio.base.records import APPROACHES_THAT_TRAIN, Run, Trained
from studio.training import resumable
from studio.web import charts
from studio.web.parts import searching, seeking, training
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import build as views
from studio.web.views import general as general_views
from studio.web.views import run as run_views
from studio.web.views import training as training_views

LAST_LINES = 60
DIALOG = """
const dialog = element.querySelector("dialog");
dialog.addEventListener("close", () => {
  if (dialog.returnValue === "go") trigger("confirm");
  if (dialog.returnValue === "enough") trigger("enough");
  dialog.returnValue = "";
});
"""


def build(shell: Shell) -> None:
    t = shell.t
    with shell.page("build") as page:
        plan = gr.HTML(elem_id="plan", **BARE)
        offer = training.before(shell)
        panel = gr.HTML(elem_id="job", **BARE)
        with gr.Row(elem_classes="inline") as buttons:
            start = gr.Button(t("build.start"), variant="primary", scale=0, min_width=180, elem_id="start")
            stop = gr.Button(t("build.stop"), variant="stop", scale=0, min_width=130, elem_id="stop", visible=False)
        with gr.Column(visible=False, elem_classes="card", elem_id="chartcard") as box:
            gr.HTML(shell.voice.html("title.html", title=t("build.chart")), **BARE)
            chart = gr.HTML(elem_id="chart", **BARE)
        story = gr.HTML(elem_id="story", **BARE)
        learning = training.build(shell, offer, buttons)
        seek = seeking.build(shell, learning)
        search = searching.build(shell)
        with shell.fold("build.details"):
            details = gr.HTML(elem_id="details", **BARE)
        dialog = gr.HTML(views.dialog(shell.voice), elem_id="dialogs", js_on_load=DIALOG, **BARE)
        timer = gr.Timer(1, active=False)
        shown = [panel, chart, box, timer, start, stop, details, story]

        def on_start(request: gr.Request) -> list[Any]:
            project = shell.project(request)
            orders.build(project, shell.studio.runs, project.card.chosen, project.card.effort)
            return [*look(shell, project), *training.look(shell, project)]

        def on_enough(request: gr.Request) -> list[Any]:
            project = shell.project(request)
            latest = shell.studio.runs.latest(project, "build")
            if latest is not None:
                shell.studio.runs.finish(latest.id)
            return look(shell, project)

        page.on_load(lambda project, _request: planned(shell, project), [plan])
        page.on_load(lambda project, _request: searching.look(shell, project), search)
        page.on_load(lambda project, _request: seeking.look(shell, project), seek)
        page.on_load(lambda project, _request: look(shell, project), shown)
        page.on_load(lambda project, _request: training.look(shell, project), learning)
        start.click(shell.guard(on_start), None, [*shown, *learning], **SLOW)
        timer.tick(shell.view(look), None, shown, **QUICK)
        stop.click(
            fn=None,
            js="() => document.querySelector('dialog[data-dialog=stop]').showModal()",
            api_visibility="private",
        )
        dialog.confirm(shell.stop("build", look), None, shown, **SLOW)
        dialog.enough(shell.guard(on_enough), None, shown, **SLOW)
        shell.actions("build")


def look(shell: Shell, project: Project) -> list[Any]:
    """Panel, curve, timer, buttons and log of the latest build. The same on load, on every tick and in tests."""
    run = shell.studio.runs.latest(project, "build")
    said = shell.studio.runs.said(run) if run else events.Said()
    before = shell.studio.runs.waiting_before(run) if run else 0
    active, curve = run_views.is_active(run), charts.learning_curve(said.losses, shell.voice)
    saved = resumable(Path(run.folder) / "checkpoints") if run and run.state == "stopped" else None
    labels = {"failed": "build.retry", "stopped": "build.resume"}
    label = shell.t("build.start" if run is None else labels.get(run.state, "build.again"))
    return [
        run_views.panel(run, said, before, shell.voice, saved=saved, finishing=shell.studio.runs.ending(run)),
        curve if curve else gr.skip(),
        gr.Column(visible=bool(curve)),
        gr.Timer(active=active),
        gr.Button(label, visible=not active, variant="secondary" if run and run.state == "done" else "primary"),
        gr.Button(visible=active and run is not None and not run.cancel),
        views.details(_log(run), shell.voice),
        _story(run, said, project, shell),
    ]


def planned(shell: Shell, project: Project) -> str:
    """One line: what will be built, with which model, in about how long."""
    runs, chosen = shell.studio.runs, project.card.chosen
    minutes = max(
        (o.minutes for o in orders.advise(project, runs, orders.plan(project, runs)).options if o.approach in chosen),
        default=0.0,
    )
    model = engines.model(orders.model_of(project, runs))
    learns = bool(APPROACHES_THAT_TRAIN & set(chosen))
    fetched = not model.starter and not engines.is_here(model.name, shell.studio.settings, train=learns)
    return views.plan(chosen, model, minutes, fetched, shell.voice)


def _story(run: Run | None, said: events.Said, project: Project, shell: Shell) -> str:
    """What the training says of itself: whether more examples would help, what it answers, what it has learnt."""
    made = project.store.newest(Trained) if run and run.state == "done" and said.losses else None
    told = (
        training_views.learnt(made, shell.voice),
        general_views.brought(made, shell.voice),
        training_views.pilots(said, shell.voice),
        training_views.samples(said, shell.voice),
    )
    return "".join(told)


def _log(run: Run | None) -> list[str]:
    if run is None:
        return []
    try:
        with (Path(run.folder) / "output.log").open("rb") as file:
            file.seek(max(file.seek(0, 2) - 16_000, 0))
            return file.read().decode("utf-8", errors="replace").splitlines()[-LAST_LINES:]
    except OSError:
        return []
