"""The test of an assistant's character on the compare page: choose who and how thoroughly, press, read the verdict."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from studio import answering, orders
from studio.base import files
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Run, Variant
from studio.evaluation import character, probes
from studio.web.frame import gestures
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import character as views
from studio.web.views import run as run_views

SIZES = (probes.QUESTIONS, probes.THOROUGH)


def build(shell: Shell) -> Any:
    return gr.HTML(elem_id="character", js_on_load=gestures("probe", "stopprobe"), **BARE)


def wire(shell: Shell, part: Any, timer: Any) -> None:
    def on_probe(request: gr.Request, given: gr.EventData) -> list[Any]:
        project = shell.project(request)
        variant = next((each for each in testable(project) if each.id == given.variant), None)
        if variant is None:
            raise NotFound("variant_missing", name=str(given.variant)[:40])
        count = next((size for size in SIZES if str(size) == str(given.questions)), SIZES[0])
        orders.character(project, shell.studio.runs, variant, count)
        return [look(shell, project), gr.Timer(active=True)]

    def on_probing(request: gr.Request) -> Any:
        project = shell.project(request)
        run = shell.studio.runs.latest(project, "character")
        return look(shell, project) if run_views.is_active(run) or just_ended(run) else gr.skip()

    part.probe(shell.guard(on_probe), None, [part, timer], **SLOW)
    part.stopprobe(shell.stop("character", look), None, part, **SLOW)
    timer.tick(shell.guard(on_probing), None, part, **QUICK)


def look(shell: Shell, project: Project) -> str:
    """What was found of the assistant tested last, or of the first that could be; nothing where none has a character."""
    variants = testable(project)
    if not variants:
        return ""
    run = shell.studio.runs.latest(project, "character")
    last = _asked(run)
    shown = next((each for each in variants if each.id == last.get("variant")), variants[0])
    found = character.of(project, shown)
    count = int(last.get("questions", probes.QUESTIONS))
    working = run_views.is_active(run)
    return views.card(
        views.Test(
            variants=variants,
            shown=shown,
            costs={} if working else {size: character.cost(project, shown, size) for size in SIZES},
            found=found,
            stale=not working and found is not None and found.made_for != character.made_for(project, shown, count),
            panel=shell.work(run, "probe"),
            run=run.id if run is not None and working else "",
        ),
        shell.voice,
    )


def testable(project: Project) -> list[Variant]:
    """The assistants with a character, those that have learnt one first."""
    found = [each for each in answering.variants(project) if character.testable(each)]
    return sorted(found, key=lambda each: each.adapter is None)


def just_ended(run: Run | None) -> bool:
    """So that the card, which is drawn by a look of its own, is drawn once more after the end."""
    if run is None or not run.finished:
        return False
    return (datetime.now(UTC) - datetime.fromisoformat(run.finished)).total_seconds() < 10


def _asked(run: Run | None) -> dict[str, Any]:
    asked = files.read_json(Path(run.folder) / "run.json") if run is not None else None
    return dict(asked["request"]) if isinstance(asked, dict) and "request" in asked else {}
