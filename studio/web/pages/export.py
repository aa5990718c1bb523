"""Step 7: take the assistant home: as a file, to the Hugging Face Hub, into other programs."""

from typing import Any, Literal

import gradio as gr

from studio import answering, engines, health, orders
from studio.base.errors import BadName, NotEnough
from studio.base.project import Project
from studio.base.records import Exported, Scorecard, Trained, Variant
from studio.evaluation import character
from studio.web.pages.advice import approaches
from studio.web.shell import BARE, QUICK, SLOW, Shell
from studio.web.views import character as character_views
from studio.web.views import export as views
from studio.web.views import run as run_views


def build(shell: Shell) -> None:
    t, card = shell.t, lambda icon, key: views.card(icon, t(key), t(f"{key}.more"), shell.voice)
    with shell.page("export") as page:
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=6, min_width=320):
                with gr.Column(elem_classes="sheet"):
                    gr.HTML(card("box", "export.file"), **BARE)
                    which = gr.Dropdown(
                        approaches(shell), value=None, label=t("export.which"), interactive=True, elem_id="which"
                    )
                    form = gr.Radio(
                        [(t(f"export.form.{value}"), value) for value in ("merged", "adapter")],
                        value="merged",
                        label=t("export.form"),
                        elem_classes="cards-2",
                    )
                    anyway = gr.Checkbox(
                        False,
                        label=t("export.anyway"),
                        info=t("export.anyway.more"),
                        visible=False,
                        elem_classes="switch",
                        elem_id="anyway",
                    )
                    prepare = gr.Button(t("export.prepare"), variant="primary", elem_id="prepare")
                    job = gr.HTML(elem_id="job", **BARE)
                    prepared = gr.HTML(elem_id="prepared", **BARE)
                with gr.Column(elem_classes="sheet", visible=False, elem_id="hub") as hub:
                    gr.HTML(card("cloud", "export.hub"), **BARE)
                    with gr.Row(elem_classes="split"):
                        repository = gr.Textbox(
                            label=t("export.repository"),
                            placeholder=t("export.repository.example"),
                            max_lines=1,
                            max_length=120,
                            elem_id="repository",
                        )
                        token = gr.Textbox(
                            label=t("export.token"),
                            type="password",
                            max_lines=1,
                            max_length=200,
                            elem_id="token",
                            html_attributes=gr.InputHTMLAttributes(autocomplete="off"),
                        )
                    gr.HTML(shell.voice.html("quiet.html", sentence=t("export.token.more")), **BARE)
                    private = gr.Checkbox(True, label=t("export.private"), elem_classes="switch", elem_id="private")
                    push = gr.Button(t("export.push"), variant="secondary", elem_id="push")
                    pushing = gr.HTML(elem_id="pushing", **BARE)
            with gr.Column(scale=4, min_width=300):
                check = gr.HTML(elem_id="check", **BARE)
                with shell.fold("export.outside"):
                    outside = gr.HTML(**BARE)
        timer = gr.Timer(1, active=False)
        live = [job, prepared, hub, pushing, prepare, push, timer]

        def on_prepare(
            request: gr.Request, which: str | None, form: Literal["adapter", "merged"], anyway: bool
        ) -> list[Any]:
            project = shell.project(request)
            variant = _chosen(project, which)
            if variant is None:
                raise NotEnough("nothing_to_export")
            project.store.put(variant)
            orders.export(project, shell.studio.runs, variant, form, anyway=bool(anyway))
            return look(shell, project)

        def on_push(request: gr.Request, repository: str, token: str, private: bool) -> list[Any]:
            project = shell.project(request)
            made = project.store.all(Exported)
            if not made:
                raise NotEnough("nothing_to_export")
            if not token.strip():
                raise BadName("token_empty")
            orders.push(project, shell.studio.runs, made[-1], repository.strip(), token.strip(), private=private)
            return ["", *look(shell, project)]

        def on_which(request: gr.Request, which: str | None) -> list[Any]:
            return about(shell, shell.project(request), which)

        prepare.click(shell.guard(on_prepare), [which, form, anyway], live, **SLOW)
        push.click(shell.guard(on_push), [repository, token, private], [token, *live], **SLOW)
        which.input(shell.guard(on_which), [which], [form, check, anyway], **SLOW)
        timer.tick(shell.view(look), None, live, **QUICK)
        page.on_load(lambda project, _request: load(shell, project), [which, form, check, anyway, outside])
        page.on_load(lambda project, _request: look(shell, project), live)
        shell.actions("export")


def load(shell: Shell, project: Project) -> list[Any]:
    variants = exportable(project)
    first = variants[0].approach if variants else None
    choices = [(shell.voice.approach(variant.approach), variant.approach) for variant in variants]
    return [
        gr.Dropdown(choices=choices, value=first),
        *about(shell, project, first),
        views.outside(shell.voice),
    ]


def look(shell: Shell, project: Project) -> list[Any]:
    """What was prepared and what is being prepared or sent, from disk."""
    exporting, pushing = (
        shell.studio.runs.latest(project, "export"),
        shell.studio.runs.latest(project, "push"),
    )
    active = [run_views.is_active(run) for run in (exporting, pushing)]
    made = [views.Prepared(each, project.store.get(Variant, each.variant)) for each in project.store.all(Exported)]
    return [
        shell.work(exporting, "exporting"),
        views.prepared(project.id, made, shell.voice),
        gr.Column(visible=bool(made)),
        shell.work(pushing, "pushing"),
        gr.Button(visible=not active[0]),
        gr.Button(visible=not active[1]),
        gr.Timer(active=any(active)),
    ]


def about(shell: Shell, project: Project, which: str | None) -> list[Any]:
    """What depends on the assistant: whether anything was learnt that could be taken alone, what to check, and whether it
    was proven to lose facts.
    """
    variant = _chosen(project, which)
    learnt = variant is not None and variant.adapter is not None
    drifted = variant is not None and character.drifted(project, variant) is not None
    return [gr.Radio(visible=learnt), checklist(shell, project, which), gr.Checkbox(False, visible=drifted)]


def checklist(shell: Shell, project: Project, which: str | None) -> Any:
    store = project.store
    variant = _chosen(project, which)
    model = engines.model(variant.model if variant else orders.model_of(project, shell.studio.runs))
    findings = health.report(project)
    trained = next((each for each in store.all(Trained) if variant and each.adapter == variant.adapter), None)
    tried = _character(project, variant, shell)
    return views.checklist(model, store.newest(Scorecard), variant, findings, shell.voice, trained, tried)


def _character(project: Project, variant: Variant | None, shell: Shell) -> tuple[str, str] | None:
    if variant is None or not character.testable(variant):
        return None
    return character_views.check(character.of(project, variant), shell.voice)


def _chosen(project: Project, approach: str | None) -> Variant | None:
    return next((variant for variant in exportable(project) if variant.approach == approach), None)


def exportable(project: Project) -> list[Variant]:
    """The assistants of the last build; those that learnt first, for they hold what no download gives."""
    variants = [variant for variant in answering.variants(project) if variant.approach != "plain"]
    return sorted(variants, key=lambda variant: variant.adapter is None)
