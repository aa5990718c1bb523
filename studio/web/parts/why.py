"""Why an answer came out as it did: asked for below the answer, refined while one looks, and asked more closely."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from studio import explanation, orders
from studio.base import files
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Explanation
from studio.web.shell import SLOW, Shell
from studio.web.views.explanation import Why

TO_WHY = (
    "() => document.getElementById('why-' + document.documentElement.dataset.why)?.scrollIntoView({block: 'center'})"
)


def wire(shell: Shell, grid: Any, live: Sequence[Any], look: Callable[[Shell, Project], list[Any]]) -> None:
    def on_why(request: gr.Request, given: gr.EventData) -> list[Any]:
        project = shell.project(request)
        answer = project.answer(given.answer)
        warm(shell, project, [answer])  # while the run is started
        orders.explain(project, shell.studio.runs, answer)
        return look(shell, project)

    def on_closer(request: gr.Request, given: gr.EventData) -> list[Any]:
        """Word by word, or the sentences of one passage."""
        project, asked = shell.project(request), given._data
        answer, inside = project.answer(given.answer), str(asked.get("inside", ""))
        if inside and not (inside.isdigit() and int(inside) < len(answer.passages)):
            raise BadInput("nothing_to_draw")
        if inside:
            orders.explain(project, shell.studio.runs, answer, inside=int(inside))
        else:
            orders.explain(project, shell.studio.runs, answer, "words")
        return look(shell, project)

    grid.why(shell.guard(on_why), None, live, **SLOW).success(fn=None, js=TO_WHY, api_visibility="private")
    grid.closer(shell.guard(on_closer), None, live, **SLOW)


def expect(shell: Shell, project: Project, shown: Sequence[Answer]) -> None:
    """Answers stand: whoever asked why before will ask again. Nobody else pays with memory for what loads in advance."""
    if project.store.latest(Explanation, 1):
        warm(shell, project, shown)


def warm(shell: Shell, project: Project, shown: Sequence[Answer]) -> None:
    """Load, beside everything else, what explains the first of these answers that a model said."""
    said = next((answer for answer in shown if not answer.quoted and not answer.refused), None)
    if said is not None:
        variant = project.variant(said.variant)
        adapter = project.path(variant.adapter) if variant.adapter else None
        given = (variant, adapter, shell.studio.engine)
        threading.Thread(target=explanation.warm, args=given, name="warm", daemon=True).start()


def whys(shell: Shell, project: Project, shown: Sequence[Answer], recent: int) -> dict[str, Why]:
    """Explanations of these answers: what the project keeps, and what runs have found out beyond that so far."""
    ids = {answer.id for answer in shown}
    kept = {each.answer_id: each for each in project.store.latest(Explanation, recent) if each.answer_id in ids}
    found = {id: Why.of(each, project.id) for id, each in kept.items()}
    runs, since = shell.studio.runs, min((answer.created for answer in shown), default="")
    for run in runs.of(project):  # the newest first, and only the newest of each answer
        if run.kind != "explain" or not since or run.created < since or not ids:
            continue
        about = files.read_json(Path(run.folder) / "run.json")
        id = about["request"]["answer"] if about else ""
        if id not in ids:
            continue
        ids.remove(id)
        if id not in kept or run.state != "done":  # what a finished one found out is kept
            said = runs.said(run)
            found[id] = found.get(id, Why(project=project.id)).closer(said.games, run, said.fraction)
    return found
