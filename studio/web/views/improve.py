"""What went wrong, what people chose, and what they corrected."""

from collections.abc import Mapping, Sequence

from studio.base.records import Feedback, Graded, Question, Score, Scorecard, Variant
from studio.web.views.questions import named
from studio.web.voice import Voice

SHOWN = 8  # wrong answers; the others are folded


def numbers(
    scorecard: Scorecard | None,
    variant: Variant | None,
    votes: int,
    corrections: Sequence[Feedback],
    voice: Voice,
) -> str:
    """Three figures: right answers of the assistant looked at, votes, corrections."""
    score = _score(scorecard, variant)
    return voice.html(
        "improve_numbers.html",
        figures=[
            (
                voice.t("improve.right"),
                voice.t("results.right", right=round(score.value * score.n), n=score.n) if score else "–",
            ),
            (voice.t("improve.votes"), voice.number(votes)),
            (
                voice.t("improve.corrections"),
                voice.number(sum(bool(each.correction) for each in corrections)),
            ),
        ],
    )


def weak(graded: Sequence[Graded], questions: Mapping[str, Question], tested: bool, voice: Voice) -> str:
    rows = []
    for each in graded:
        question = questions.get(each.question_id)
        if question is None:
            continue
        rows.append(
            {
                "id": each.question_id,
                "question": question.question,
                "said": each.answer.text,
                "expected": question.reference if question.answerable else voice.t("improve.should_decline"),
                "missing": named(each.missing) if question.answerable else "",
            }
        )
    return voice.html("improve_weak.html", rows=rows, shown=SHOWN, tested=tested)


def corrections(kept: Sequence[Feedback], voice: Voice) -> str:
    return voice.html("improve_corrections.html", rows=[each for each in reversed(kept) if each.correction])


def _score(scorecard: Scorecard | None, variant: Variant | None) -> Score | None:
    scored = scorecard.variants if scorecard else ()
    return next((s.score("right") for s in scored if variant is not None and s.variant == variant.id), None)
