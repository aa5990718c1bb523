"""Step 5: the same question to several assistants, side by side, and on from there; why each answered so, how careful they
should be, and the test questions' results."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, get_args

import gradio as gr

from studio import answering, comparison, orders
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Approach, Filter, Scorecard, Trained, Variant, Vote
from studio.web import conversation, passages
from studio.web.asking import Asking, Column
from studio.web.frame import gestures
from studio.web.pages.advice import approaches
from studio.web.parts import blindly, careful, character, judge, measures, narrowing, why, whynot
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import answers as views
from studio.web.views import ballot as ballots
from studio.web.views import general as general_views
from studio.web.views import run as run_views

MOST = 4
MOST_SHOWN = len(get_args(Approach))
SUGGESTED = 40
RECENT = 12  # records read again each second while something works: three rounds of four answers
TO_QUESTION = "() => document.querySelector('#question input')?.focus()"


def build(shell: Shell) -> None:
    t = shell.t
    with shell.page("compare") as page:
        with gr.Row(elem_classes="askrow", equal_height=True):
            question = gr.Dropdown(
                [],
                label=t("compare.question"),
                info=t("compare.question.more"),
                allow_custom_value=True,
                interactive=True,
                scale=5,
                elem_id="question",
            )
            ask = gr.Button(t("compare.ask"), variant="primary", scale=0, min_width=120, elem_id="ask")
        who = gr.CheckboxGroup(approaches(shell), label=t("compare.who"), elem_classes="pills bare", elem_id="who")
        hide = gr.Checkbox(
            False, label=t("vote.blind"), info=t("vote.blind.more"), elem_classes="switch bare", elem_id="blind"
        )
        fold, narrow = narrowing.build(shell)
        grid = gr.HTML(elem_id="grid", js_on_load=gestures("closer", more="answers.js why.js"), **BARE)
        found = whynot.build(shell)
        dial = careful.build(shell)
        results = gr.HTML(elem_id="results", **BARE)
        job = gr.HTML(elem_id="job", **BARE)
        with gr.Row(elem_classes="inline"):
            test = shell.button("results.run", "test", 200)
        table, asked_with = measures.build(shell)
        probed = character.build(shell)
        judged = judge.build(shell)
        timer = gr.Timer(1, active=False)
        live = [grid, results, job, test, dial, judged, timer]

        async def on_ask(
            request: gr.Request, question: str | None, who: list[str], hidden: bool, *narrow: Any
        ) -> AsyncIterator[list[Any]]:
            project = shell.project(request)
            if hidden:
                variants = blindly.standing(project, who)
                async with aclosing(
                    blindly.asked(shell, project, variants, question or "", narrowing.given(*narrow))
                ) as curtain:
                    async for drawn in curtain:
                        yield [drawn, gr.skip()]
                yield [answers(shell, project), gr.skip()]
                return
            talk = asked(project, chosen(project, who), question or "", narrowing.given(*narrow), [])
            async with aclosing(talk) as stream:
                async for shown in stream:
                    yield shown

        async def on_follow(request: gr.Request, given: gr.EventData, *narrow: Any) -> AsyncIterator[list[Any]]:
            project = shell.project(request)
            before = conversation.shown(project, given.thread)
            variants = still(project, before[-1])
            talk = asked(project, variants, given.question, narrowing.given(*narrow), before)
            async with aclosing(talk) as stream:
                async for shown in stream:
                    yield shown

        async def asked(
            project: Project, variants: list[Variant], question: str, only: Filter, before: conversation.Turns
        ) -> AsyncGenerator[list[Any]]:
            comparison.refuse_sealed(project, question)
            told = conversation.histories(before, shell.voice)
            asking = Asking(project, variants, question, shell.studio.engine, told, only)
            sources = {each.id: passages.sources(project, each) for turn in before for each in turn}
            try:
                while not asking.finished:
                    yield [
                        views.grid(asking.columns, shell.voice, earlier=before, sources=sources, project=project.id),
                        gr.skip(),
                    ]
                    await asyncio.sleep(0.1)
                made = [column.answer for column in asking.columns if column.answer]
                if made:
                    conversation.keep(project, [*before, made])
                ticking = gr.Timer(active=working(shell, project))
                yield [shown_together(shell, project, [*before, made], asking.columns), ticking]
                why.expect(shell, project, made)
                asking.complain()
            finally:
                asking.stop()

        def on_fresh(request: gr.Request) -> str:
            project = shell.project(request)
            conversation.end(project)
            return answers(shell, project)

        def on_pick(request: gr.Request, given: gr.EventData) -> Any:
            project = shell.project(request)
            shown = picked_from(project, given.answers)
            comparison.choose(project, shown[0].question, shown, given.variant or None)
            return answers(shell, project)

        gr.on(
            [ask.click, question.select],
            shell.guard(on_ask),
            [question, who, hide, *narrow],
            [grid, timer],
            trigger_mode="once",
            **SLOW,
        )
        grid.follow(shell.guard(on_follow), narrow, [grid, timer], trigger_mode="once", **SLOW)
        grid.fresh(shell.guard(on_fresh), None, grid, **SLOW).success(fn=None, js=TO_QUESTION, api_visibility="private")
        whynot.wire(shell, grid, found)
        careful.wire(shell, dial, timer)
        character.wire(shell, probed, timer)
        judge.wire(shell, judged, timer)
        measures.wire(shell, table, asked_with, results, [test], lambda project: [to_test(shell, project)])
        grid.pick(shell.guard(on_pick), None, grid, **SLOW)
        blindly.wire(shell, grid, answers)
        why.wire(shell, grid, live, look)
        test.click(shell.view(look, orders.evaluate), None, live, **SLOW)
        timer.tick(shell.view(look), None, live, **QUICK)
        page.on_load(lambda project, _request: form(shell, project), [question, who])
        page.on_load(lambda project, _request: gr.Checkbox(comparison.current(project) is not None), [hide])
        page.on_load(lambda project, _request: narrowing.look(project, answering.variants(project)), [fold, *narrow])
        page.on_load(lambda project, _request: look(shell, project), live)
        page.on_load(lambda project, _request: character.look(shell, project), [probed])
        page.on_load(lambda project, _request: measures.offered(shell, project), [table])
        page.on_load(lambda project, _request: measures.listed(shell, project), [asked_with])
        shell.actions("compare")


def form(shell: Shell, project: Project) -> list[Any]:
    """Questions to choose from and assistants to ask."""
    questions = [question.question for question in project.store.questions()][:SUGGESTED]
    variants = answering.variants(project)
    turns = conversation.turns(project, variants)
    shown = turns[-1] if turns else []
    last = turns[0][0].question if turns else questions[0] if questions else None
    choices = [(views.name(variant, shell.voice), variant.approach) for variant in variants]
    before = {answer.variant for answer in shown}
    asked = [variant.approach for variant in variants if variant.id in before] or [each[1] for each in choices][:MOST]
    return [gr.Dropdown(choices=questions, value=last), gr.CheckboxGroup(choices=choices, value=asked)]


def look(shell: Shell, project: Project) -> list[Any]:
    """Everything below the question, from disk: answers, results, the running test, and whether it will change.

    Whether it will is asked before anything is read: what ends in the meantime is then shown as ended by one more tick.
    """
    ticking = gr.Timer(active=working(shell, project))
    voice, card = shell.voice, project.store.newest(Scorecard)
    return [
        answers(shell, project),
        views.results(card, project.variants(), voice)
        + general_views.beside(answering.variants(project), project.store.all(Trained), voice),
        shell.work(shell.studio.runs.latest(project, "evaluate"), "test"),
        to_test(shell, project),
        careful.look(shell, project),
        judge.look(shell, project),
        ticking,
    ]


def to_test(shell: Shell, project: Project) -> Any:
    """The button that asks the test questions, where there are some, somebody to ask, and no test under way."""
    resting = not run_views.is_active(shell.studio.runs.latest(project, "evaluate"))
    return gr.Button(visible=resting and bool(project.store.questions()) and bool(answering.variants(project)))


def answers(shell: Shell, project: Project) -> Any:
    """The conversation on the page with the vote on its last answers and what explains them."""
    variants = answering.variants(project)
    turns = conversation.turns(project, variants)
    hidden = blindly.hidden(project, turns)
    if hidden:
        return ballots.blind(project, *hidden, shell.voice)
    by_id = {variant.id: variant for variant in variants}
    shown = [answer for answer in turns[-1] if answer.variant in by_id] if turns else []
    columns = [Column(by_id[answer.variant], answer.text, answer.passages, answer) for answer in shown]
    return shown_together(shell, project, turns, columns)


def shown_together(shell: Shell, project: Project, turns: conversation.Turns, columns: list[Column]) -> str:
    """The last question's columns under the questions before it, everything looked up that stands on disk about them."""
    shown = [column.answer for column in columns if column.answer]
    ids = tuple(answer.id for answer in shown)
    votes = [vote for vote in project.store.latest(Vote, RECENT) if set(vote.answers) == set(ids) and not vote.voter]
    return views.grid(
        columns,
        shell.voice,
        chosen=votes[-1].winner if votes else None,
        voted=bool(votes),
        whys=why.whys(shell, project, shown, RECENT),
        earlier=turns[:-1],
        sources={answer.id: passages.sources(project, answer) for turn in turns for answer in turn},
        project=project.id,
    )


def picked_from(project: Project, shown: str) -> list[Answer]:
    """The answers, by their ids, that stood on the page of whoever chose. Raises BadInput and NotFound."""
    ids = str(shown).split()
    if not ids:
        raise BadInput("nothing_asked")
    found = [project.answer(id) for id in ids[:MOST_SHOWN]]
    if len({answer.question for answer in found}) > 1 or len({answer.variant for answer in found}) < len(ids):
        raise BadInput("answers_mixed")
    return found


def working(shell: Shell, project: Project) -> bool:
    return any(
        run.kind in ("explain", "evaluate", "calibrate", "character", "judge") and run_views.is_active(run)
        for run in shell.studio.runs.of(project)
    ) or character.just_ended(shell.studio.runs.latest(project, "character"))


def chosen(project: Project, who: list[str]) -> list[Variant]:
    variants = [variant for variant in orders.assistants(project) if variant.approach in who]
    if not variants:
        raise BadInput("nobody_asked")
    if len(variants) > MOST:
        raise BadInput("too_many_asked", most=MOST, count=len(variants))
    return variants


def still(project: Project, before: list[Answer]) -> list[Variant]:
    """Those who answered the question before and still can. Raises BadInput when nobody is left."""
    spoke = {answer.variant for answer in before}
    variants = [variant for variant in orders.assistants(project) if variant.id in spoke]
    if not variants:
        raise BadInput("nobody_asked")
    return variants
