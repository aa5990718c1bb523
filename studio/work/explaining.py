"""The run that says what an answer rests on."""

from studio.base.recipes import ExplainRequest
from studio.base.records import Outcome
from studio.work import Work


def explain(work: Work, request: ExplainRequest) -> Outcome:
    """Which words of the question and which passages one stored answer rests on; more closely when it was asked before."""
    from studio import engines, explanation

    answer = work.project.answer(request.answer)
    variant = work.project.variant(answer.variant)
    adapter = work.project.path(variant.adapter) if variant.adapter else None
    if not answer.quoted:  # a quote is explained by the embedder, everything else by the model's own weights
        engines.prepare(variant.model, work.settings, work.emit, train=True)
    engine = engines.Engine(work.settings)
    closer = work.project.explanation(answer.id) if request.inside is not None or request.detail == "words" else None
    alike = explanation.lessons(work.project, answer, engine) if adapter and not closer else ()
    made = explanation.explain(
        answer, variant, adapter, engine, work.emit, work.should_stop,
        detail=request.detail, inside=request.inside, before=closer, alike=alike,
    )  # fmt: skip
    return Outcome(explanations=(made,))
