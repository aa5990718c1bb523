"""Answers side by side, as a conversation each, with what they cite; and the test questions' results."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from studio.base.records import (
    APPROACHES_THAT_SEARCH,
    Answer,
    Computed,
    Difference,
    Score,
    Scorecard,
    Variant,
    VariantScores,
)
from studio.web.asking import Column
from studio.web.views import marks
from studio.web.views.explanation import Why, beside, why
from studio.web.views.sources import Source, bare
from studio.web.voice import Voice

LETTERS = "ABCDEFGH"
Sources = Mapping[str, Sequence[Source]]  # by answer


def grid(
    columns: Sequence[Column],
    voice: Voice,
    *,
    chosen: str | None = None,
    voted: bool = False,
    whys: Mapping[str, Why] | None = None,
    earlier: Sequence[Sequence[Answer]] = (),
    sources: Sources | None = None,
    project: str = "",
) -> str:
    """The columns. `chosen` is the variant picked as best, `voted` says whether anything was, `whys` goes by answer;
    `earlier` are the questions before this one with their answers, `sources` what all of them cite, by answer.
    """
    if not columns:
        return voice.html("answers_none.html")
    finished = all(column.finished for column in columns)
    shown = sources or {}
    latest = " ".join(column.answer.id for column in columns if column.answer)
    thread = [*(" ".join(answer.id for answer in turn) for turn in earlier), latest]
    return voice.html(
        "answers.html",
        columns=[_column(at, column, voice, chosen, whys or {}, earlier, shown) for at, column in enumerate(columns)],
        letters=LETTERS,
        finished=finished and any(column.answer for column in columns),
        none_chosen=voted and chosen is None,
        marked=any(column.answer and column.answer.support for column in columns),
        thread=";".join(thread),
        follows=bool(earlier),
        project=project,
        beside=beside(_explained(columns, whys or {}, voice), voice),
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


def _explained(columns: Sequence[Column], whys: Mapping[str, Why], voice: Voice) -> list[tuple[str, str, Why]]:
    """Letter, name and explanation of each answer that has one."""
    return [
        (letter, name(column.variant, voice), whys[column.answer.id])
        for letter, column in zip(LETTERS, columns, strict=False)
        if column.answer and column.answer.id in whys
    ]


def name(variant: Variant, voice: Voice) -> str:
    return voice.approach(variant.approach)


def _column(
    at: int,
    column: Column,
    voice: Voice,
    chosen: str | None,
    whys: Mapping[str, Why],
    earlier: Sequence[Sequence[Answer]],
    sources: Sources,
) -> dict[str, object]:
    answer = column.answer
    before = [each for turn in earlier for each in turn if each.variant == column.variant.id]
    searches = column.variant.approach in APPROACHES_THAT_SEARCH
    return {
        "variant": column.variant.id,
        "name": name(column.variant, voice),
        "turns": [_turn(each, voice) for each in before],
        "question": column.question or (answer.question if answer else ""),
        "understood": answer.understood if answer else "",
        "writing": column.text,
        "said": said(answer, voice) if answer else "",
        "busy": not column.finished,
        "searching": not column.finished and not column.text,
        "refused": bool(answer and answer.refused),
        "quoted": bool(answer and answer.quoted and not answer.refused),
        "computed": _computed(answer.computed, voice) if answer and answer.computed else None,
        "fault": voice.fault(column.fault) if column.fault else "",
        "chosen": chosen == column.variant.id,
        "answer": answer.id if answer else "",
        "sources": [
            {"answer": each.id, "source": source, "place": voice.place_of(source.chunk)}
            for each in (*before, *([answer] if answer else []))
            for source in sources.get(each.id) or bare(each)
        ],
        "backed": marks.backed(answer, voice) if answer else None,
        "facts": _facts(column, voice),
        "why": why(whys[answer.id], answer, LETTERS[at], name(column.variant, voice), voice)
        if answer and answer.id in whys
        else "",
        "explainable": bool(answer and answer.text.strip() and not answer.refused and answer.messages),
        "findable": bool(answer and searches and not answer.computed),
    }


def said(answer: Answer, voice: Voice) -> str:
    """An answer's words, or that nothing was found."""
    return marks.said(answer, voice) if answer.text else voice.t("answer.not_found")


def _turn(answer: Answer, voice: Voice) -> dict[str, object]:
    """An earlier question and what was answered."""
    return {"question": answer.question, "understood": answer.understood, "said": said(answer, voice)}


def _computed(computed: Computed, voice: Voice) -> dict[str, object]:
    """How a figure was reckoned: the formula in words, where, and the rows it rests on."""
    place = ", ".join(part for part in (computed.document, computed.sheet) if part)
    rows = [
        (voice.t("place.row", n=str(row.row)) if row.row is not None else "", row.text or row.name)
        for row in computed.rows
    ]
    return {
        "words": computed.words,
        "sql": computed.sql,
        "place": place,
        "rows": rows,
        "title": voice.count("computed.rows", computed.count),
        "hidden": voice.t("health.where.more", n=computed.count - len(rows)) if computed.count > len(rows) else "",
    }


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
    found = scores.score("right")
    assert found is not None, "every test asks it"
    return found


def _row(scores: VariantScores, variant: Variant, voice: Voice) -> dict[str, object]:
    score = _right(scores)
    known, unknown, seconds = (scores.score(metric) for metric in ("right_known", "right_declined", "seconds"))
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
