"""The blind vote on the Compare page: everyone answers behind a curtain, and the sides are shown in an order of chance."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import Any

import gradio as gr

from studio import comparison, orders
from studio.base.errors import BadInput, NotFound, Refused
from studio.base.project import Project
from studio.base.records import Answer, Ballot, Filter, Round, Variant
from studio.web import conversation
from studio.web.asking import Asking
from studio.web.shell import SLOW, Shell
from studio.web.views import ballot as views


async def asked(
    shell: Shell, project: Project, variants: list[Variant], question: str, only: Filter
) -> AsyncGenerator[str]:
    """The curtain, until all have answered; then the question is put to the vote.

    Raises what kept one of them from answering: a vote among the others would not be one.
    """
    asking = Asking(project, variants, question, shell.studio.engine, None, only)
    try:
        yield views.writing(len(variants), shell.voice)
        while not asking.finished:
            await asyncio.sleep(0.2)
        asking.complain()
        fault = next((column.fault for column in asking.columns if column.fault), None)
        if fault is not None:
            raise BadInput(fault.code, **fault.parameters)
        made = [column.answer for column in asking.columns if column.answer]
        engine = shell.studio.engine
        running = comparison.current(project) or comparison.begin(project, variants, engine, own=True)
        comparison.add(project, running, made[0].question, made, engine)
        conversation.keep(project, [made])
    finally:
        asking.stop()


def wire(shell: Shell, grid: Any, shown: Callable[[Shell, Project], str]) -> None:
    """`shown` is what the grid shows after a vote, or after the end of it."""

    def on_vote(request: gr.Request, given: gr.EventData) -> str:
        project = shell.project(request)
        running = comparison.current(project)
        if running is None:
            raise Refused("round_closed")
        question = next((each.question for each in running.ballots if views.mark(each) == given.question), None)
        if question is None:
            raise NotFound("question_missing", name=str(given.question)[:20])
        comparison.cast(project, running, question, str(given.choice))
        return shown(shell, project)

    def on_reveal(request: gr.Request) -> str:
        project = shell.project(request)
        running = comparison.current(project)
        if running is not None:
            comparison.close(project, running)
        return shown(shell, project)

    grid.vote(shell.guard(on_vote), None, grid, **SLOW)
    grid.reveal(shell.guard(on_reveal), None, grid, **SLOW)


def hidden(project: Project, turns: Sequence[list[Answer]]) -> tuple[Round, Ballot] | None:
    """The open vote that a question of this conversation belongs to; no names must be shown then, whenever it was asked: the
    same question gets the same answer again.
    """
    running = comparison.current(project)
    found = (comparison.sealed(running, turn[0].question) for turn in reversed(turns) if turn)
    ballot = next((each for each in found if each is not None), None)
    return (running, ballot) if running and ballot else None


def standing(project: Project, who: list[str]) -> list[Variant]:
    """Who stands in the vote that is open, all of them; or those chosen for a new one.

    Raises Refused("round_changed") when one of them is not there any more as it was.
    """
    running, here = comparison.current(project), orders.assistants(project)
    if running is None:
        found = [variant for variant in here if variant.approach in who]
        if not 2 <= len(found) <= len(comparison.LETTERS):
            raise BadInput("round_sides", count=len(found))
        return found
    found = [variant for variant in here if variant.id in running.variants]
    if len(found) < len(running.variants):
        raise Refused("round_changed")
    return found
