"""Step 1: what the assistant is for, told as one would brief a new colleague."""

from typing import Any, get_args

import gradio as gr

from studio.base.project import Project
from studio.base.records import LANGUAGES, Goal, Profile
from studio.web.shell import Shell


def build(shell: Shell) -> None:
    t = shell.t
    with shell.page("goal") as page:
        with gr.Column(elem_classes="sheet"):
            kind = gr.Radio(_choices(shell, Goal, "kind"), value="answer", label=t("goal.kind"), elem_classes="cards-2")
            text = gr.Textbox(
                lines=3,
                max_lines=8,
                max_length=4000,
                label=t("goal.text"),
                info=t("goal.text.more"),
                placeholder=t("goal.text.example"),
            )
            split = gr.Radio(
                _choices(shell, Goal, "facts_or_style"),
                value="facts",
                label=t("goal.facts_or_style"),
                elem_classes="cards-3",
            )
            change = gr.Radio(
                _choices(shell, Goal, "change"),
                value="monthly",
                label=t("goal.change"),
                info=t("goal.change.more"),
                elem_classes="pills",
            )
            matters = gr.CheckboxGroup(
                _matters(shell), label=t("goal.matters"), info=t("goal.matters.more"), elem_classes="pills"
            )
            rules = gr.Textbox(
                lines=3,
                max_lines=10,
                max_length=8000,
                label=t("goal.rules"),
                info=t("goal.rules.more"),
                placeholder=t("goal.rules.example"),
            )
        with shell.fold("goal.voice"):
            tone = gr.Radio(
                _choices(shell, Profile, "tone"), value="neutral", label=t("profile.tone"), elem_classes="pills"
            )
            length = gr.Radio(
                _choices(shell, Profile, "length"), value="short", label=t("profile.length"), elem_classes="pills"
            )
            language = gr.Radio(
                [(t(f"language.{code}"), code) for code in LANGUAGES],
                value=shell.voice.language,
                label=t("goal.language"),
                elem_classes="pills",
            )
            address = gr.Radio(
                _address(shell),
                value="",
                label=t("profile.address"),
                info=t("profile.address.more"),
                elem_classes="pills",
            )
        form = [kind, text, split, change, matters, rules, tone, length, language, address]
        page.on_load(lambda project, _request: read(project), form)
        shell.actions("goal", save, form)


def read(project: Project) -> tuple[Any, ...]:
    card = project.card
    goal, profile = card.goal, card.profile
    return (
        *(goal.kind, goal.text, goal.facts_or_style, goal.change, list(goal.matters)),
        *(card.instructions, profile.tone, profile.length, card.language, profile.address),
    )


def save(project: Project, *form: Any) -> None:
    kind, text, split, change, matters, rules, tone, length, language, address = form
    goal = Goal(kind=kind, text=text.strip(), facts_or_style=split, change=change, matters=tuple(matters))
    profile = Profile(address=address, tone=tone, length=length)
    project.change(goal=goal, profile=profile, instructions=rules.strip(), language=language)


def _choices(shell: Shell, of: type[Goal | Profile], field: str) -> list[tuple[str, str]]:
    closed = get_args(of.model_fields[field].annotation)
    return [(shell.t(f"{of.__name__.lower()}.{field}.{value}"), value) for value in closed]


def _matters(shell: Shell) -> list[tuple[str, str]]:
    closed = get_args(get_args(Goal.model_fields["matters"].annotation)[0])
    return [(shell.t(f"goal.matters.{value}"), value) for value in closed]


def _address(shell: Shell) -> list[tuple[str, str]]:
    return [(shell.t("profile.address.any"), ""), ("tú", "tú"), ("usted", "usted")]
