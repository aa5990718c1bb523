"""Answers side by side, with what they cite; and the test questions' results."""

import re
from collections.abc import Mapping, Sequence
from itertools import groupby

from studio.base.records import Answer, Difference, Explanation, Score, Scorecard, Variant, VariantScores
from studio.web.asking import Column
from studio.web.views.explanation import Why, why
from studio.web.voice import Voice

LETTERS = "ABCDEFGH"
_CITED = re.compile(r"\[(\d{1,2})\]")


def grid(
    columns: Sequence[Column],
    voice: Voice,
    *,
    chosen: str | None = None,
    voted: bool = False,
    whys: Mapping[str, Why] | None = None,
) -> str:
    """The columns. `chosen` is the variant picked as best, `voted` says whether anything was, `whys` goes by answer."""
    if not columns:
        return voice.html("answers_none.html")
    finished = all(column.finished for column in columns)
    return voice.html(
        "answers.html",
        columns=[_column(at, column, voice, chosen, whys or {}) for at, column in enumerate(columns)],
        letters=LETTERS,
        finished=finished and any(column.answer for column in columns),
        none_chosen=voted and chosen is None,
    )


def results(scorecard: Scorecard | None, variants: Sequence[Variant], voice: Voice) -> str:
    """The test questions: right answers by variant with their interval, and one sentence on what that shows."""
    if scorecard is None:
        return voice.html("results_none.html")
    known = {variant.id: variant for variant in variants}
    scored = sorted((s for s in scorecard.variants if s.variant in known), key=lambda s: -_right(s).value)
    if not scored:
        return voice.html("results_none.html")
    return voice.html(
        "results.html",
        sentence=_verdict(scored, scorecard.differences, known, voice),
        rows=[_row(scores, known[scores.variant], voice) for scores in scored],
        n=_right(scored[0]).n,
        when=voice.ago(scorecard.created),
    )


def name(variant: Variant, voice: Voice) -> str:
    return voice.approach(variant.approach)


def _column(at: int, column: Column, voice: Voice, chosen: str | None, whys: Mapping[str, Why]) -> dict[str, object]:
    answer = column.answer
    return {
        "variant": column.variant.id,
        "name": name(column.variant, voice),
        "parts": _parts(column, answer, voice),
        "busy": not column.finished,
        "searching": not column.finished and not column.text,
        "refused": bool(answer and answer.refused),
        "quoted": bool(answer and answer.quoted and not answer.refused),
        "fault": voice.fault(column.fault) if column.fault else "",
        "chosen": chosen == column.variant.id,
        "answer": answer.id if answer else "",
        "sources": _sources(answer, voice),
        "facts": _facts(column, voice),
        "why": why(whys[answer.id], answer, LETTERS[at], name(column.variant, voice), voice)
        if answer and answer.id in whys
        else "",
        "explainable": bool(answer and answer.text.strip() and not answer.refused and answer.messages),
    }


def _parts(column: Column, answer: Answer | None, voice: Voice) -> list[tuple[str, str, int]]:
    """The text in pieces: words, the last word before a citation (it stays beside it), the citation's number or 0."""
    if answer is None:
        return [(column.text, "", 0)]
    if not answer.text:
        return [(voice.t("answer.not_found"), "", 0)]
    real = {citation.number for citation in answer.citations}
    parts, text = [], ""
    for at, piece in enumerate(_CITED.split(answer.text)):
        if at % 2 and int(piece) in real:
            head, space, tail = text.rstrip().rpartition(" ")
            parts.append((head + space, tail, int(piece)))
            text = ""
        else:
            text += f"[{piece}]" if at % 2 else piece
    return [*parts, (text, "", 0)]


def _sources(answer: Answer | None, voice: Voice) -> list[tuple[int, str, str]]:
    if answer is None:
        return []
    cited = {c.number: answer.passages[c.passage] for c in answer.citations if c.passage < len(answer.passages)}
    return [(number, voice.place(passage), passage.chunk.text) for number, passage in sorted(cited.items())]


def _facts(column: Column, voice: Voice) -> list[tuple[str, str]]:
    seconds = column.answer.seconds if column.answer else column.seconds
    facts = [
        (voice.t("compare.time"), voice.seconds(seconds)),
        (voice.t("compare.words"), voice.number(len(column.text.split()))),
    ]
    if column.passages:
        facts.append((voice.t("compare.passages"), voice.number(len(column.passages))))
    return facts


def _right(scores: VariantScores) -> Score:
    return next(score for score in scores.scores if score.metric == "right")


def _row(scores: VariantScores, variant: Variant, voice: Voice) -> dict[str, object]:
    score = _right(scores)
    by_metric = {each.metric: each for each in scores.scores}
    known, unknown, seconds = (by_metric.get(metric) for metric in ("right_known", "right_declined", "seconds"))
    return {
        "name": name(variant, voice),
        "right": voice.t("results.right", right=round(score.value * score.n), n=score.n),
        "share": voice.percent(score.value),
        "value": score.value * 100,
        "low": score.low * 100,
        "high": score.high * 100,
        "interval": voice.t("results.interval", low=voice.percent(score.low), high=voice.percent(score.high)),
        "known": _of(known, voice),
        "unknown": _of(unknown, voice),
        "seconds": voice.seconds(seconds.value) if seconds else "–",
    }


def _of(score: Score | None, voice: Voice) -> str:
    return voice.t("results.right", right=round(score.value * score.n), n=score.n) if score else "–"


def _verdict(
    scored: Sequence[VariantScores],
    differences: Sequence[Difference],
    known: Mapping[str, Variant],
    voice: Voice,
) -> str:
    """What the table shows about its two best rows, and no more than it shows."""
    if len(scored) < 2:
        return ""
    first, second = scored[0], scored[1]
    pair = next((d for d in differences if {d.better, d.worse} == {first.variant, second.variant}), None)
    if pair is None:
        return ""
    if pair.wins == pair.losses:
        return voice.t(
            "results.verdict.even", first=name(known[first.variant], voice), second=name(known[second.variant], voice)
        )
    named = {"first": name(known[pair.better], voice), "second": name(known[pair.worse], voice)}
    return voice.t(f"results.verdict.{pair.verdict}", **named, wins=pair.wins, losses=pair.losses)


def latest_together(answers: Sequence[Answer], variants: Sequence[Variant]) -> list[Answer]:
    """The answers given to the question that was asked last, the newest of each assistant that still exists."""
    if not answers:
        return []
    ids = [variant.id for variant in variants]
    runs = [list(group) for _, group in groupby(answers, key=lambda answer: answer.question)]
    newest = {answer.variant: answer for answer in runs[-1] if answer.variant in ids}
    return sorted(newest.values(), key=lambda answer: ids.index(answer.variant))


def explained(explanations: Sequence[Explanation]) -> dict[str, Explanation]:
    """The newest explanation of each answer."""
    return {explanation.answer_id: explanation for explanation in explanations}
