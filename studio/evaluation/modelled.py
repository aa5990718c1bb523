"""What only a model can measure of answers: likeness of meaning, and how likely words are to whom.

Cheap by rule: the embedder reads what it knows already, and likelihoods are taken of few questions, the same ones for every
assistant, many texts in one pass, in a quarter of the time the answers took. Where no model can say (another server,
weights that are not here) nothing is measured rather than guessed. Loads nothing itself.
"""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio.answering.citing import without_markers
from studio.base.errors import Stopped, StudioError
from studio.base.events import ShouldStop
from studio.base.project import Project
from studio.base.records import Graded, Message, Question, Variant, VariantScores

if TYPE_CHECKING:
    from studio.engines import Engine

SHARE = 0.25  # of the seconds that answering took
MOST, AT_ONCE = 30, 6  # questions whose likelihoods are taken, and how many of them in one pass

log = logging.getLogger(__name__)

Measured = dict[tuple[str, str], dict[str, float]]  # by variant and question


class _Text(NamedTuple):
    """A text whose likelihood is taken: whose answer to which question, after which prompt, read by whom."""

    variant: str
    question: str
    metric: str
    prompt: tuple[Message, ...]
    text: str
    model: str
    adapter: str | None = None


def add(
    project: Project,
    scored: Sequence[VariantScores],
    variants: Sequence[Variant],
    questions: Mapping[str, Question],
    engine: "Engine",
    should_stop: ShouldStop,
    seconds: float,
) -> tuple[VariantScores, ...]:
    """The same answers with `similar`, `perplexity` and `odder` where they could be measured within SHARE of `seconds`."""
    found: Measured = {}
    asked = [q for q in sorted(questions.values(), key=lambda q: q.id) if q.answerable and q.reference.strip()]
    texts = [texts for q in asked[:MOST] if (texts := _texts(q, scored, variants))]
    try:
        _similar(scored, questions, engine, found)
        _likely(project, texts, engine, should_stop, SHARE * seconds, found)
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
        if _told(g, questions.get(g.question_id))
    ]
    texts = list(dict.fromkeys(text for _, _, said, reference in given for text in (said, reference)))
    if not texts:
        return
    vectors = dict(zip(texts, engine.embed(texts, "passage"), strict=True))
    for variant, question, said, reference in given:
        cosine = float(vectors[said] @ vectors[reference])
        found.setdefault((variant, question), {})["similar"] = min(max(cosine, 0.0), 1.0)


def _texts(question: Question, scored: Sequence[VariantScores], variants: Sequence[Variant]) -> list[_Text]:
    """What is read of one question: the company's own answer by each assistant after its own prompt, if it is the model
    that speaks; and after the bare question, by the plain model, that answer and each assistant's."""
    id, bare = question.id, (Message(role="user", content=question.question),)
    given = {scores.variant: g for scores in scored for g in scores.graded if g.question_id == id}
    made = [_Text("", id, "", bare, question.reference, name) for name in dict.fromkeys(v.model for v in variants)]
    for variant in variants:
        g = given.get(variant.id)
        if g is None:
            continue
        if g.answer.messages and not g.answer.quoted and g.answer.computed is None:
            own = (g.answer.messages, question.reference, variant.model, variant.adapter)
            made.append(_Text(variant.id, id, "perplexity", *own))
        if _told(g, question):
            made.append(_Text(variant.id, id, "odder", bare, _said(g), variant.model))
    return made


def _likely(
    project: Project,
    texts: Sequence[Sequence[_Text]],
    engine: "Engine",
    should_stop: ShouldStop,
    seconds: float,
    found: Measured,
) -> None:
    """For about `seconds`, the texts of AT_ONCE questions at a time: how surprising the company's own answer is to each
    assistant (`perplexity`), and how much more surprising than that an assistant's is to the plain model (`odder`, 0 where
    it is not); logarithms a token. That a model finds its own words the likeliest is no merit of theirs.
    """
    began = time.monotonic()
    for start in range(0, len(texts), AT_ONCE):
        if should_stop():
            raise Stopped
        spent = time.monotonic() - began
        if spent + AT_ONCE * spent / max(start, 1) > seconds:  # the next ones would take too long
            return
        told = list(_surprises(project, [each for some in texts[start : start + AT_ONCE] for each in some], engine))
        usual = {(each.question, each.model): surprise for each, surprise in told if not each.variant}
        for each, surprise in told:
            values = found.setdefault((each.variant, each.question), {}) if each.variant else {}
            if each.metric == "perplexity":
                values["perplexity"] = surprise
            elif (own := usual.get((each.question, each.model))) is not None:
                values["odder"] = max(surprise - own, 0.0)


def _surprises(project: Project, texts: Sequence[_Text], engine: "Engine") -> Iterator[tuple[_Text, float]]:
    """The texts that fit their model, those of one model and adapter in one pass."""
    for model, adapter in dict.fromkeys((each.model, each.adapter) for each in texts):
        mine = [each for each in texts if (each.model, each.adapter) == (model, adapter)]
        place = project.path(adapter) if adapter else None
        scores = engine.score_each([(each.prompt, each.text) for each in mine], model=model, adapter=place)
        for each, told in zip(mine, scores, strict=True):
            if told.logprobs and told.logprobs[0]:
                yield each, -sum(told.logprobs[0]) / len(told.logprobs[0])


def _told(graded: Graded, question: Question | None) -> bool:
    return bool(
        question and question.answerable and question.reference.strip() and _said(graded) and not graded.declined
    )


def _said(graded: Graded) -> str:
    return without_markers(graded.answer.text).strip()
