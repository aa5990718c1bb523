"""Step 6: what went wrong, what people chose, and corrections that the next build learns from."""

from typing import Any

import gradio as gr

from studio import answering, improvement
from studio.base.errors import NotFound
from studio.base.project import Project
from studio.base.records import Feedback, Graded, Question, Scorecard, Variant
from studio.web.pages.advice import approaches
from studio.web.parts import preferring, votes
from studio.web.shell import BARE, SLOW, Shell
from studio.web.views import improve as views

CORRECT = """
element.addEventListener("click", (event) => {
  const wrong = event.target.closest("[data-correct]");
  if (wrong) trigger("correct", { question: wrong.dataset.correct });
});
"""
ACCEPT = """
element.addEventListener("click", (event) => {
  const accept = event.target.closest("[data-accept]");
  if (accept) trigger("accept", { feedback: accept.dataset.accept });
});
"""
TO_FORM = """() => {
  const box = document.querySelector("#correction textarea");
  box.scrollIntoView({ block: "center" });
  box.focus();
}"""


def build(shell: Shell) -> None:
    t = shell.t
    with shell.page("improve") as page:
        numbers = gr.HTML(elem_id="numbers", **BARE)
        of = gr.Radio(approaches(shell), value="plain", label=t("improve.of"), elem_classes="pills bare", elem_id="of")
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=6, min_width=320):
                weak = gr.HTML(elem_id="weak", js_on_load=CORRECT, **BARE)
            with gr.Column(scale=5, min_width=300):
                with gr.Column(elem_classes="sheet"):
                    question = gr.Textbox(label=t("improve.form.question"), lines=2, max_length=4000, elem_id="asked")
                    correction = gr.Textbox(
                        label=t("improve.form.correction"),
                        info=t("improve.form.correction.more"),
                        lines=4,
                        max_length=8000,
                        elem_id="correction",
                    )
                    learn = gr.Checkbox(True, label=t("improve.form.learn"), elem_classes="switch", elem_id="learn")
                    keep = gr.Button(t("improve.form.keep"), variant="secondary", elem_id="keep")
                ballots = votes.build(shell)
                corrections = gr.HTML(elem_id="corrections", js_on_load=ACCEPT, **BARE)
                liked = preferring.build(shell)
        again = gr.Button(t("improve.again"), variant="secondary", elem_id="again", scale=0)
        shown = [numbers, weak, ballots, corrections]

        def on_correct(request: gr.Request, given: gr.EventData, of: str | None) -> tuple[str, str]:
            project = shell.project(request)
            found = next((q for q in project.store.questions() if q.id == given.question), None)
            if found is None:
                raise NotFound("question_missing", name=given.question)
            return found.question, found.reference

        def on_keep(request: gr.Request, question: str, correction: str, learn: bool, of: str | None) -> list[Any]:
            project = shell.project(request)
            kept = improvement.correct(project, question, correction, variant=_id(project, of))
            if learn:
                improvement.accept(project, kept)
            return ["", "", *look(shell, project, of)]

        def on_accept(request: gr.Request, given: gr.EventData, of: str | None) -> list[Any]:
            project = shell.project(request)
            feedback = project.store.get(Feedback, given.feedback)
            if feedback is None:
                raise NotFound("feedback_missing", name=given.feedback)
            improvement.accept(project, feedback)
            return look(shell, project, of)

        def on_of(request: gr.Request, of: str | None) -> list[Any]:
            return look(shell, shell.project(request), of)

        weak.correct(shell.guard(on_correct), [of], [question, correction], **SLOW).success(
            fn=None, js=TO_FORM, api_visibility="private"
        )
        keep.click(shell.guard(on_keep), [question, correction, learn, of], [question, correction, *shown], **SLOW)
        corrections.accept(shell.guard(on_accept), [of], shown, **SLOW)
        of.input(shell.guard(on_of), [of], shown, **SLOW)
        again.click(
            fn=None,
            js=f"() => location.assign({shell.url('build')!r} + location.search)",
            api_visibility="private",
        )
        page.on_load(lambda project, _request: load(shell, project), [of, *shown])
        page.on_load(lambda project, _request: preferring.look(shell, project), liked)
        shell.actions("improve")


def load(shell: Shell, project: Project) -> list[Any]:
    tested = _tested(project)
    choices = [(shell.voice.approach(variant.approach), variant.approach) for variant in tested]
    best = tested[0].approach if tested else None
    return [gr.Radio(choices=choices, value=best, visible=len(choices) > 1), *look(shell, project, best)]


def look(shell: Shell, project: Project, of: str | None) -> list[Any]:
    """Figures, wrong answers of one assistant, what the votes say, corrections."""
    store, voice = project.store, shell.voice
    card, id = store.newest(Scorecard), _id(project, of)
    known = {variant.id: variant for variant in project.variants()}
    kept = store.all(Feedback)
    wrong: list[Graded] = improvement.weak(card, id) if card and id else []
    questions: dict[str, Question] = {question.id: question for question in store.questions()}
    return [
        views.numbers(card, known.get(id), store.counts()["votes"], kept, voice),
        views.weak(wrong, questions, card is not None, voice),
        votes.look(shell, project),
        views.corrections(kept, voice),
    ]


def _id(project: Project, approach: str | None) -> str:
    """The assistant that stands for an approach now; empty without one."""
    return next((variant.id for variant in answering.variants(project) if variant.approach == approach), "")


def _tested(project: Project) -> list[Variant]:
    """The assistants of the last test that can still be asked, the best first; the plain model is no candidate."""
    card, now = project.store.newest(Scorecard), {variant.id: variant for variant in answering.variants(project)}
    scored = {s.variant: score.value for s in (card.variants if card else ()) if (score := s.score("right"))}
    mine = [now[id] for id in sorted(scored, key=lambda each: -scored[each]) if id in now]
    return [variant for variant in mine if variant.approach != "plain"] or mine
