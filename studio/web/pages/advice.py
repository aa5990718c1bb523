"""Step 3: which ways of building fit, why, and how long each takes here. The person decides."""

from typing import Any, get_args

import gradio as gr

from studio import engines, orders
from studio.base import machine
from studio.base.errors import NotEnough
from studio.base.project import Card, Project
from studio.base.records import Approach
from studio.web.shell import BARE, Shell
from studio.web.views import advice as views


def build(shell: Shell) -> None:
    t = shell.t
    with shell.page("advice") as page:
        options = gr.HTML(elem_id="options", **BARE)
        with gr.Column(elem_classes="sheet"):
            picked = gr.CheckboxGroup(
                approaches(shell),
                label=t("advice.pick"),
                info=t("advice.pick.more"),
                elem_classes="pills",
                elem_id="picked",
            )
            effort = gr.Radio(
                _efforts(shell),
                value="balanced",
                label=t("advice.effort"),
                elem_classes="cards-3",
                elem_id="effort",
            )
        with shell.fold("advice.model"):
            model = gr.Dropdown(
                _models(shell),
                label=t("advice.model.label"),
                info=t("advice.model.more"),
                interactive=True,
                elem_id="model",
            )
        with shell.fold("advice.why"):
            why = gr.HTML(**BARE)

        def load(project: Project, _request: gr.Request) -> tuple[Any, ...]:
            runs, card, counts = shell.studio.runs, project.card, project.store.counts()
            plan, here = orders.plan(project, runs), machine.look(project.folder)
            advice = orders.advise(project, runs, plan)
            value = [
                approach
                for _, approach in views.choices(advice, shell.voice)
                if approach in (card.chosen or advice.recommended)
            ]
            return (
                views.options(advice, shell.voice),
                gr.CheckboxGroup(choices=views.choices(advice, shell.voice), value=value),
                card.effort,
                views.why(counts["documents"], counts["examples"], here, plan.reasons if plan else (), shell.voice),
                gr.Dropdown(
                    choices=views.models(engines.catalogue(), here, shell.voice), value=orders.model_of(project, runs)
                ),
            )

        page.on_load(load, [options, picked, effort, why, model])
        shell.actions("advice", save, [picked, effort, model], check)


def save(project: Project, picked: list[str], effort: str, model: str) -> None:
    engines.model(model)
    project.change(chosen=tuple(picked), effort=effort, model=model)


def check(project: Project) -> None:
    if not project.card.chosen:
        raise NotEnough("approaches_none")


def approaches(shell: Shell) -> list[tuple[str, str]]:
    """Every approach there is. Pages declare them all and then show a few: what Gradio accepts from a page it otherwise
    remembers by tab, and forgets when the studio is started again."""
    return [(shell.voice.approach(approach), approach) for approach in get_args(Approach)]


def _efforts(shell: Shell) -> list[tuple[str, str]]:
    return [(shell.t(f"advice.effort.{value}"), value) for value in get_args(Card.model_fields["effort"].annotation)]


def _models(shell: Shell) -> list[tuple[str, str]]:
    return [(model.title, model.name) for model in engines.catalogue()]
