"""The scorecard read: assistants by metrics by segments, each figure with its interval, each difference tested.

Everything follows from what the scorecard holds; nothing is asked again. A card from before a metric was measured has it
filled in where its answers and questions are still there. Pure functions; the page, the command line and the export read
the same tables.
"""

import csv
import io
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import mean
from typing import Literal

from studio.base import chance
from studio.base.records import Graded, Parameter, Question, Record, Score, Scorecard, VariantScores
from studio.evaluation import differences, metrics
from studio.evaluation.differences import Compared
from studio.evaluation.metrics import BY_CODE, ESTIMATED, METRICS, Metric
from studio.evaluation.style import Own

By = Literal["", "segment", "language"]
AN_HOUR, A_THOUSAND, JOULES = 3600.0, 1000, 3.6e6
FEWEST_OF_A_SEGMENT = 3


class Segment(Record):
    """Questions alike: all (`by` ""), of one topic, or in one language."""

    by: By = ""
    name: str = ""
    n: int = 0


class Row(Record):
    """One metric: each assistant's score (those it was measured of), and every pair of them compared."""

    metric: str
    scores: tuple[tuple[str, Score], ...]
    compared: tuple[Compared, ...] = ()


class Table(Record):
    """All metrics of one segment. `tests` is how many comparisons were corrected together."""

    segment: Segment
    rows: tuple[Row, ...]
    tests: int = 0


EVERY = Segment()


def segments(card: Scorecard) -> tuple[Segment, ...]:
    """All questions, then the topics and the languages that are more than one and have at least three questions."""
    every = {graded.question_id: graded for scores in card.variants for graded in scores.graded}
    found = [Segment(n=len(every))]
    for by in ("segment", "language"):
        counted = Counter(_of(graded, by) for graded in every.values() if _of(graded, by))
        if len(counted) > 1:
            found += [Segment(by=by, name=name, n=n) for name, n in sorted(counted.items()) if n >= FEWEST_OF_A_SEGMENT]
    return tuple(found)


@lru_cache(maxsize=32)
def _table(text: str, by: By, name: str) -> Table:
    card = Scorecard.model_validate_json(text)
    segment = next((each for each in segments(card) if (each.by, each.name) == (by, name)), EVERY)
    kept = {
        scores.variant: [g for g in scores.graded if not segment.by or _of(g, segment.by) == segment.name]
        for scores in card.variants
    }
    rows: list[tuple[Metric, dict[str, Score], list[Compared]]] = []
    for metric in METRICS:
        values = {variant: _values(metric, graded, card) for variant, graded in kept.items()}
        values = {variant: given for variant, given in values.items() if given}
        if metric.code == "right_known" and values == {v: _values(BY_CODE["right"], g, card) for v, g in kept.items()}:
            continue  # every question has its answer in the material: the same figures twice
        if values:
            pairs = [
                differences.compare(metric.code, metric.better, a, b)
                for a, b in itertools.combinations(values.items(), 2)
            ]
            told = {variant: score(metric, list(given.values())) for variant, given in values.items()}
            rows.append((metric, told, [each for each in pairs if each]))
        elif not segment.by and (given := _given(metric, card)):
            rows.append((metric, given, []))
    tested = [each for metric, _, pairs in rows if _counts(metric) for each in pairs]
    judged = iter(differences.corrected(tested))
    made = [
        Row(
            metric=metric.code,
            scores=tuple(told.items()),
            compared=tuple(next(judged) for _ in pairs) if _counts(metric) else (),
        )
        for metric, told, pairs in rows
    ]
    return Table(segment=segment, rows=tuple(made), tests=len(tested))


def table(card: Scorecard, segment: Segment = EVERY) -> Table:
    """Every metric of the segment. Energy and money follow from the seconds and are not compared a second time."""
    return _table(card.model_dump_json(), segment.by, segment.name)


def filled(card: Scorecard, questions: Sequence[Question], own: Own | None = None) -> Scorecard:
    """The card with what needs no model measured of its answers."""
    known = {question.id: question for question in questions}
    return card.model_copy(update={"variants": measure(card.variants, known, own)})


def measure(
    variants: Sequence[VariantScores], known: Mapping[str, Question], own: Own | None = None
) -> tuple[VariantScores, ...]:
    """The same answers with all that can be measured of them without a model."""
    passages = {
        id: tuple(
            {
                passage.chunk.id: passage
                for scores in variants
                for graded in scores.graded
                if graded.question_id == id
                for passage in graded.answer.passages
            }.values()
        )
        for id in known
    }

    def full(graded: Graded) -> Graded:
        question = known.get(graded.question_id)
        if question is None:
            return graded
        values = metrics.measured(question, graded, passages[question.id], own)
        return graded.model_copy(
            update={
                "measured": {**graded.measured, **values},
                "segment": question.segment,
                "language": metrics.language(question),
            }
        )

    return tuple(
        scores.model_copy(update={"graded": tuple(full(graded) for graded in scores.graded)}) for scores in variants
    )


def worst(card: Scorecard) -> tuple[tuple[str, int], ...]:
    """Questions that were answered wrong and by how many assistants, the worst first."""
    wrong = Counter(g.question_id for scores in card.variants for g in scores.graded if not g.right)
    return tuple(wrong.most_common())


def pretty(card: Scorecard) -> dict[str, tuple[Graded, ...]]:
    """By assistant: the answers that read well and are wrong."""
    found = {scores.variant: tuple(filter(metrics.pretty, scores.graded)) for scores in card.variants}
    return {variant: graded for variant, graded in found.items() if graded}


def told(card: Scorecard, names: Mapping[str, str]) -> tuple[str, dict[str, Parameter]]:
    """The card's first sentence: how many answers are of the kind nobody notices by reading, of all and of who is right most
    often. `names` are those of the assistants that are still there.
    """
    here = [scores for scores in card.variants if scores.variant in names]
    wrong = {id: len(graded) for id, graded in pretty(card).items() if id in names}
    if not wrong:
        return "scorecard.told.none", {}
    best = max(here, key=lambda scores: right.value if (right := scores.score("right")) else 0.0)
    numbers: dict[str, Parameter] = {"n": sum(wrong.values()), "all": sum(len(scores.graded) for scores in here)}
    numbers |= {"best": names[best.variant], "mine": wrong.get(best.variant, 0), "each": len(best.graded)}
    return "scorecard.told", numbers


def as_csv(card: Scorecard, names: Mapping[str, str]) -> str:
    """All segments: a line a segment, metric and assistant, then the pairs. With a byte order mark, for spreadsheets."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(
        ["by", "segment", "metric", "assistant", "compared_with", "value", "low", "high", "n", "p", "p_holm", "verdict"]
    )
    for segment in segments(card):
        for row in table(card, segment).rows:
            about = (segment.by, segment.name, f"{row.metric}_estimated" if row.metric in ESTIMATED else row.metric)
            for id, told in row.scores:
                lines.writerow([*about, names.get(id, id), "", told.value, told.low, told.high, told.n, "", "", ""])
            for each in row.compared:
                pair = (names.get(each.first, each.first), names.get(each.second, each.second))
                told_of = (each.difference, each.low, each.high, each.n, each.p_value, each.adjusted, each.verdict)
                lines.writerow([*about, *pair, *told_of])
    return "\ufeff" + written.getvalue()


def score(metric: Metric, values: Sequence[float]) -> Score:
    """Mean with its 95 % interval: of yes and no by Wilson's formula, of shares in between by BCa bootstrap, of amounts by
    Student's; ratios as factors.
    """
    middle = mean(values)
    if metric.kind == "share":
        whole = all(value in (0.0, 1.0) for value in values) or len(set(values)) == 1
        low, high = chance.wilson(sum(values), len(values)) if whole else differences.interval(values)
    else:
        half = chance.student(values) if len(values) > 1 else 0.0
        low, high = middle - half if metric.kind == "ratio" else max(middle - half, 0.0), middle + half
    if metric.kind == "ratio":
        middle, low, high = math.exp(middle), math.exp(low), math.exp(high)
    return Score(metric=metric.code, value=middle, low=low, high=high, n=len(values))


def _values(metric: Metric, graded: Sequence[Graded], card: Scorecard) -> dict[str, float]:
    """The metric's value of each question that has one."""
    factor = {"energy": card.watts / JOULES * A_THOUSAND, "money": card.price_hour / AN_HOUR * A_THOUSAND}.get(
        metric.code
    )
    if factor is not None:
        return {g.question_id: g.answer.seconds * factor for g in graded} if factor else {}
    if metric.code == "right":
        return {g.question_id: float(g.right) for g in graded}
    if metric.code == "seconds":
        return {g.question_id: g.answer.seconds for g in graded}
    if metric.code == "tokens":
        return {g.question_id: spoken for g in graded if (spoken := metrics.tokens(g)) is not None}
    return {g.question_id: g.measured[metric.code] for g in graded if metric.code in g.measured}


def _given(metric: Metric, card: Scorecard) -> dict[str, Score]:
    """Scores that are of an assistant as a whole, and those of cards that hold nothing else."""
    return {scores.variant: each for scores in card.variants for each in scores.scores if each.metric == metric.code}


def _counts(metric: Metric) -> bool:
    return bool(metric.better) and metric.code not in ESTIMATED


def _of(graded: Graded, by: str) -> str:
    return graded.segment if by == "segment" else graded.language
