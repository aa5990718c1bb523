"""The scorecard on the page: every measure of every assistant with its interval, what the differences show, the hardest
questions, and the answers that read well and are wrong.
"""

import math
from collections.abc import Mapping, Sequence
from typing import get_args

from studio.base.records import Graded, Question, Score, Scorecard, Variant
from studio.evaluation import cards
from studio.evaluation.cards import Row, Segment, Table
from studio.evaluation.differences import Compared
from studio.evaluation.metrics import BY_CODE, ESTIMATED, Group, Metric
from studio.web.views.questions import named
from studio.web.voice import Voice

HARDEST, PRETTY = 8, 6
ENERGY_DIGITS, MONEY_DIGITS = 3, 2

Names = Mapping[str, str]


def scorecard(
    card: Scorecard,
    segment: Segment,
    variants: Sequence[Variant],
    questions: Sequence[Question],
    project: str,
    voice: Voice,
    *,
    sealed: bool = False,
) -> str:
    """The whole table; assistants that are gone are left out. Answers are shown to `questions` only: `sealed` says that an
    open blind vote keeps some back.
    """
    names = {variant.id: voice.approach(variant.approach) for variant in variants}
    kept = card.model_copy(update={"variants": tuple(s for s in card.variants if s.variant in names)})
    if not kept.variants:
        return ""
    table, known = cards.table(kept, segment), {question.id: question for question in questions}
    return voice.html(
        "scorecard.html",
        told=_told(kept, names, voice),
        project=project,
        card=card.id,
        names=[names[scores.variant] for scores in kept.variants],
        segments=[_choice(each, each == table.segment, voice) for each in cards.segments(kept)],
        lead=voice.t("scorecard.lead", n=table.segment.n or _questions(table), tests=table.tests),
        groups=[
            (voice.t(f"scorecard.group.{group}"), rows)
            for group in get_args(Group)
            if (
                rows := [
                    _row(row, table, kept, names, voice) for row in table.rows if BY_CODE[row.metric].group == group
                ]
            )
        ],
        worst=[
            (known[id].question, voice.t("scorecard.worst.of", wrong=count, all=len(kept.variants)))
            for id, count in cards.worst(kept)
            if id in known
        ][:HARDEST],
        sealed=sealed,
        pretty=[
            (
                names[id],
                len(graded),
                [_pretty(each, known, voice) for each in graded if each.question_id in known][:PRETTY],
            )
            for id, graded in cards.pretty(kept).items()
        ],
    )


def offered(card: Scorecard, variants: Sequence[Variant], voice: Voice) -> str:
    """Closed, with what can be said at once; the table is made when somebody opens it."""
    names = {variant.id: voice.approach(variant.approach) for variant in variants}
    return voice.html("scorecard_offered.html", told=_told(card, names, voice))


def _told(card: Scorecard, names: Names, voice: Voice) -> str:
    key, numbers = cards.told(card, names)
    return voice.t(key, **numbers)


def value(metric: Metric, figure: float, voice: Voice) -> str:
    """A figure as it is read: shares in percent, ratios as factors."""
    match metric.code:
        case "seconds":
            return voice.seconds(figure)
        case "energy":
            return voice.number(round(figure, ENERGY_DIGITS))
        case "money":
            return voice.number(round(figure, MONEY_DIGITS))
        case "tokens":
            return voice.number(round(figure))
    return voice.percent(figure) if metric.kind == "share" else voice.number(round(figure, 1 if figure >= 10 else 2))


def _choice(segment: Segment, chosen: bool, voice: Voice) -> tuple[str, str, bool]:
    name = voice.t(f"language.{segment.name}") if segment.by == "language" else segment.name
    return f"{segment.by}:{segment.name}", voice.t(f"scorecard.by.{segment.by}", name=name, n=segment.n), chosen


def _row(row: Row, table: Table, card: Scorecard, names: Names, voice: Voice) -> dict[str, object]:
    metric, told = BY_CODE[row.metric], dict(row.scores)
    means = {"watts": round(card.watts), "price": voice.number(card.price_hour)}
    return {
        "name": voice.t(f"metric.{row.metric}"),
        "more": voice.t(f"metric.{row.metric}.more", **means),
        "cells": [_cell(metric, told.get(scores.variant), table.segment.n, voice) for scores in card.variants],
        "brief": _brief(metric, row, names, voice),
        "pairs": [pair(metric, each, table.tests, names, voice) for each in row.compared],
    }


def _cell(metric: Metric, score: Score | None, n: int, voice: Voice) -> tuple[str, str, str]:
    """The figure, its interval, and how many questions it rests on where they are fewer than all."""
    if score is None:
        return "–", "", ""
    low, high = (value(metric, each, voice) for each in (score.low, score.high))
    return (
        value(metric, score.value, voice),
        f"{low} – {high}",
        voice.count("scorecard.n", score.n) if score.n != n else "",
    )


def _brief(metric: Metric, row: Row, names: Names, voice: Voice) -> str:
    """Who is better than whom is in the pairs; here, who is worse than nobody and better than somebody."""
    if not metric.better:
        return voice.t("scorecard.brief.none")
    if not row.compared:
        return voice.t("scorecard.brief.derived" if metric.code in ESTIMATED else "scorecard.brief.alone")
    won = {each.better for each in row.compared if each.better}
    lost = {({each.first, each.second} - {each.better}).pop() for each in row.compared if each.better}
    if won - lost:
        ahead = [names[id] for id, _ in row.scores if id in won - lost]
        return voice.t("scorecard.brief.better", names=", ".join(ahead))
    few = all(each.verdict == "too_few" for each in row.compared)
    return voice.t("scorecard.brief.too_few" if few else "scorecard.brief.none_found")


def pair(metric: Metric, compared: Compared, tests: int, names: Names, voice: Voice) -> str:
    """What one comparison of so many shows, in a sentence."""
    first, second = names.get(compared.first, compared.first), names.get(compared.second, compared.second)
    difference, low, high = (_gap(metric, each, voice) for each in (compared.difference, compared.low, compared.high))
    if compared.verdict == "better":
        p = "< 0.001" if compared.adjusted < 0.001 else f"= {compared.adjusted:.3f}"
        return voice.t(
            "scorecard.better", better=first, worse=second, difference=difference, low=low, high=high,
            p=p.replace(".", ",") if voice.language == "es" else p,
        )  # fmt: skip
    if compared.verdict == "too_few":
        return voice.t("scorecard.too_few", first=first, second=second, differing=compared.differing, n=compared.n)
    key = "maybe" if compared.low > 0 or compared.high < 0 else "none_found"
    return voice.t(f"scorecard.{key}", first=first, second=second, low=low, high=high, tests=tests)


def _gap(metric: Metric, gap: float, voice: Voice) -> str:
    """A difference with its sign: points of a share, a factor of a ratio."""
    if metric.kind == "ratio":
        return f"× {voice.number(round(math.exp(gap), 2))}"
    sign = "+" if gap > 0 else "−" if gap < 0 else ""
    return f"{sign}{value(metric, abs(gap), voice)}"


def _pretty(graded: Graded, known: Mapping[str, Question], voice: Voice) -> dict[str, str]:
    question = known[graded.question_id]
    missing, forbidden = named(graded.missing), named(graded.forbidden)
    return {
        "question": question.question,
        "said": graded.answer.text,
        "missing": voice.t("improve.missing", facts=missing) if missing else "",
        "forbidden": voice.t("scorecard.forbidden", facts=forbidden) if forbidden else "",
    }


def _questions(table: Table) -> int:
    return max((score.n for row in table.rows for _, score in row.scores), default=0)
