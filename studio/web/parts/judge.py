"""A model as judge on the compare page: choose who and between whom, press, read what it says and how far to hear it."""

from typing import Any

import gradio as gr

from studio import engines, orders
from studio.base.project import Project
from studio.base.records import Round, Vote
from studio.evaluation import judging
from studio.web.frame import gestures
from studio.web.shell import BARE, SLOW, Shell
from studio.web.views import judge as views
from studio.web.views import run as run_views


def build(shell: Shell) -> Any:
    return gr.HTML(elem_id="judge", js_on_load=gestures("judge", "stopjudge"), **BARE)


def wire(shell: Shell, part: Any, timer: Any) -> None:
    def on_judge(request: gr.Request, given: gr.EventData) -> list[Any]:
        project = shell.project(request)
        orders.judge(project, shell.studio.runs, str(given.model), tuple(str(given.pair).split()))
        return [look(shell, project), gr.Timer(active=True)]

    part.judge(shell.guard(on_judge), None, [part, timer], **SLOW)
    part.stopjudge(shell.stop("judge", look), None, part, **SLOW)


def look(shell: Shell, project: Project) -> str:
    """What was judged last, or what a judge still waits for; nothing before a test. This is asked every second: votes and
    models are only looked up where they are shown."""
    run, found = shell.studio.runs.latest(project, "judge"), judging.of(project)
    working = run_views.is_active(run)
    pairs = judging.pairs(project)
    if not pairs:
        return ""
    voted = [] if working else judging.votes(project)
    known = {variant.id: variant for variant in project.variants()}
    if found is not None and not set(found.variants) <= set(known):
        found = None
    models = orders.judges(shell.studio.settings) if len(voted) >= judging.FEWEST_VOTES else []
    return views.card(
        views.Bench(
            votes=len(voted),
            sealed=_sealed(project),
            models=[(model, judging.minutes(project, model.parameters, len(voted))) for model in models],
            pairs=pairs,
            found=found,
            judge=engines.model(found.agreement.model).title if found else "",
            known=tuple(known.values()),
            stale=not working and found is not None and found.made_for != judging.made_for(project, voted),
            panel=shell.work(run, "judging"),
            run=run.id if run is not None and working else "",
        ),
        shell.voice,
    )


def _sealed(project: Project) -> int:
    """Votes in a blind vote between two that is not over."""
    open_ = {each.id for each in project.store.all(Round) if not each.closed and len(each.variants) == 2}
    return sum(vote.round in open_ for vote in project.store.all(Vote)) if open_ else 0
