"""What only a model can measure of answers: likeness of meaning, and how likely words are to whom.

Cheap by rule: the embedder reads what it knows already, and likelihoods are taken of few questions, the same ones for every
assistant, in a quarter of the time the answers took. Where no model can say (another server, weights that are not here)
nothing is measured rather than guessed. Loads nothing itself.
"""

import logging
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio.answering.citing import without_markers
from studio.base.errors import BadInput, Stopped, StudioError
from studio.base.events import ShouldStop
from studio.base.project import Project
from studio.base.records import Graded, Message, Question, Variant, VariantScores

if TYPE_CHECKING:
    from studio.engines import Engine

SHARE = 0.25  # of the seconds that answering took
MOST = 30  # questions whose likelihoods are taken

log = logging.getLogger(__name__)

Measured = dict[tuple[str, str], dict[str, float]]  # by variant and question


def add(
    project: Project,
    scored: Sequence[VariantScores],
    variants: Sequence[Variant],
    questions: Mapping[str, Question],
    engine: "Engine",
    should_stop: ShouldStop,
    seconds: float,
) -> tuple[VariantScores, ...]:
    """The same answers with `similar`, `perplexity` and `natural` where they could be measured within SHARE of `seconds`."""
    found: Measured = {}
    try:
        _similar(scored, questions, engine, found)
        _likely(project, scored, variants, questions, engine, should_stop, SHARE * seconds, found)
    except StudioError as error:
        if isinstance(error, Stopped):
            raise
        log.info("not measured: %s", error.code)
    return tuple(
        scores.model_copy(
            update={
                "graded": tuple(
                    g.model_copy(update={"measured": {**g.measured, **found.get((scores.variant, g.question_id), {})}})
                    for g in scores.graded
                )
            }
        )
        for scores in scored
    )


def _similar(
    scored: Sequence[VariantScores], questions: Mapping[str, Question], engine: "Engine", found: Measured
) -> None:
    """Cosine of answer and reference, never below nought."""
    given = [
        (scores.variant, g.question_id, _said(g), questions[g.question_id].reference)
        for scores in scored
        for g in scores.graded
        if _told(g, questions)
    ]
    texts = list(dict.fromkeys(text for _, _, said, reference in given for text in (said, reference)))
    if not texts:
        return
    vectors = dict(zip(texts, engine.embed(texts, "passage"), strict=True))
    for variant, question, said, reference in given:
        cosine = float(vectors[said] @ vectors[reference])
        found.setdefault((variant, question), {})["similar"] = min(max(cosine, 0.0), 1.0)


def _likely(
    project: Project,
    scored: Sequence[VariantScores],
    variants: Sequence[Variant],
    questions: Mapping[str, Question],
    engine: "Engine",
    should_stop: ShouldStop,
    seconds: float,
    found: Measured,
) -> None:
    """For at most `seconds`: how surprising the company's own answer is to each assistant after its own prompt
    (`perplexity`), and the assistant's to the plain model after the bare question (`natural`); logarithms a token.
    """
    by_id = {variant.id: variant for variant in variants}
    graded = {(scores.variant, g.question_id): g for scores in scored for g in scores.graded}
    chosen = [q for q in sorted(questions.values(), key=lambda q: q.id) if q.answerable and q.reference.strip()][:MOST]
    began = time.monotonic()
    for question in chosen:
        here: Measured = {}
        for id, variant in by_id.items():
            if should_stop():
                raise Stopped
            if time.monotonic() - began > seconds:
                return  # what was measured of some assistants only is left out: all are measured on the same questions
            g = graded.get((id, question.id))
            if g is None:
                continue
            values = here.setdefault((id, question.id), {})
            adapter = project.path(variant.adapter) if variant.adapter else None
            bare = (Message(role="user", content=question.question),)
            if g.answer.messages:
                values["perplexity"] = _surprise(engine, g.answer.messages, question.reference, variant.model, adapter)
            if _told(g, questions):
                values["natural"] = _surprise(engine, bare, _said(g), variant.model, None)
        for key, told in here.items():
            found.setdefault(key, {}).update({code: value for code, value in told.items() if math.isfinite(value)})


def _surprise(engine: "Engine", prompt: Sequence[Message], answer: str, model: str, adapter: Path | None) -> float:
    try:
        told = engine.score([list(prompt)], answer, model=model, adapter=adapter).logprobs[0]
    except BadInput:  # too long for this model
        return math.inf
    return -sum(told) / len(told) if told else math.inf


def _told(graded: Graded, questions: Mapping[str, Question]) -> bool:
    question = questions.get(graded.question_id)
    return bool(
        question and question.answerable and question.reference.strip() and _said(graded) and not graded.declined
    )


def _said(graded: Graded) -> str:
    return without_markers(graded.answer.text).strip()
