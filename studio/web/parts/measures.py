"""Below the test's results: every measure as a table, by topic or language, to take along; and the questions themselves."""

from typing import Any

import gradio as gr

from studio import comparison, evaluation
from studio.base.project import Project
from studio.base.records import Scorecard
from studio.evaluation import cards, questions
from studio.web.frame import gestures
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import questions as question_views
from studio.web.views import scorecard as views


def build(shell: Shell) -> tuple[Any, Any]:
    table = gr.HTML(elem_id="measures", js_on_load=gestures("segment"), **BARE)
    asked = gr.HTML(elem_id="questions", js_on_load=gestures("addquestion", "removequestion", "setaside"), **BARE)
    return table, asked


def wire(shell: Shell, table: Any, asked: Any, results: Any, again: list[Any], redraw: Any) -> None:
    """`results` changes when a test is done; `redraw(project)` gives `again`, which shows whether there is one to do."""

    def on_segment(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        by, _, name = str(given.segment).partition(":")
        chosen = next((each for each in ("segment", "language") if each == by), "")
        return look(shell, project, cards.Segment.model_validate({"by": chosen, "name": name}))

    def on_results(request: gr.Request) -> str:
        return offered(shell, shell.project(request))

    def on_add(request: gr.Request, given: gr.EventData) -> list[Any]:
        project, told = shell.project(request), given._data or {}
        must, must_not = (str(told.get(name) or "").splitlines() for name in ("must", "must_not"))
        question, reference, source, segment = (
            str(told.get(name) or "") for name in ("question", "reference", "source", "segment")
        )
        questions.write(project, question, reference, must, must_not, source, segment)
        return [listed(shell, project), *redraw(project)]

    def on_remove(request: gr.Request, given: gr.EventData) -> list[Any]:
        project = shell.project(request)
        questions.remove(project, str(given.id))
        return [listed(shell, project), *redraw(project)]

    def on_set_aside(request: gr.Request) -> list[Any]:
        project = shell.project(request)
        questions.set_aside(project)
        return [listed(shell, project), *redraw(project)]

    table.segment(shell.guard(on_segment), None, table, **SLOW)
    results.change(shell.guard(on_results), None, table, **QUICK)
    asked.addquestion(shell.guard(on_add), None, [asked, *again], **SLOW)
    asked.removequestion(shell.guard(on_remove), None, [asked, *again], **SLOW)
    asked.setaside(shell.guard(on_set_aside), None, [asked, *again], **SLOW)


def offered(shell: Shell, project: Project) -> str:
    """The way to the table: hundreds of comparisons are drawn again and again for it, which nobody waits for unasked."""
    found = project.store.newest(Scorecard)
    return views.offered(evaluation.filled(project, found), project.variants(), shell.voice) if found else ""


def look(shell: Shell, project: Project, segment: cards.Segment = cards.EVERY) -> str:
    """The newest scorecard's table."""
    found = project.store.newest(Scorecard)
    if found is None:
        return ""
    card = evaluation.filled(project, found)
    asked, running = project.store.questions(), comparison.current(project)
    told = [question for question in asked if comparison.sealed(running, question.question) is None]
    sealed = len(told) < len(asked)
    return views.scorecard(card, segment, project.variants(), told, project.id, shell.voice, sealed=sealed)


def listed(shell: Shell, project: Project) -> str:
    """The test questions, with the form for another."""
    documents = sorted({document.source.rpartition("/")[2] for document in project.store.documents()})
    return question_views.questions(
        project.store.questions(), documents, shell.voice, can_set_aside=bool(questions.candidates(project))
    )
