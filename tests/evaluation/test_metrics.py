import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
import pytest

from studio import evaluation
from studio.base.errors import NotPossibleHere
from studio.base.records import Answer, Chunk, Citation, Graded, Passage, Question, Scorecard
from studio.engines import Engine
from studio.evaluation import cards, differences, facts, grounds, metrics, style
from studio.evaluation.chrf import chrf
from studio.evaluation.differences import Compared
from tests.evaluation.cases import Set, a_card, auroc, cases, declining

SETS: tuple[Set, ...] = ("validation", "validation_held")


@pytest.mark.parametrize("name", SETS)
def test_fact_match_tells_right_answers_from_all_others(name: Set) -> None:
    graded = {case: float(evaluation.grade(case.question, case.answer).right) for case in cases(name)}
    right = [value for case, value in graded.items() if case.kind == "right"]
    rest = [value for case, value in graded.items() if case.kind in ("wrong", "ungrounded", "refused")]
    assert auroc(right, rest) >= 0.95


@pytest.mark.parametrize("name", SETS)
def test_declining_language_and_grounds_are_told(name: Set) -> None:
    told: dict[str, tuple[list[float], list[float]]] = {
        "declined": ([], []),
        "language": ([], []),
        "grounded": ([], []),
    }
    for case in cases(name):
        graded = evaluation.grade(case.question, case.answer)
        told["declined"][case.kind != "refused"].append(float(graded.declined))
        values = metrics.measured(case.question, graded)
        if case.kind in ("right", "other") and "language" in values:
            told["language"][case.kind == "other"].append(values["language"])
        if case.kind in ("right", "ungrounded") and "grounded" in values:
            told["grounded"][case.kind == "ungrounded"].append(values["grounded"])
    for text, declines in declining(name):
        told["declined"][not declines].append(float(evaluation.grading.declines(text)))
    assert {metric: auroc(*both) >= 0.9 for metric, both in told.items()} == dict.fromkeys(told, True)


@pytest.mark.parametrize("name", ["grounds", "grounds_held", "grounds_last"])
def test_what_is_invented_or_given_to_another_thing_is_told(name: Set) -> None:
    told: dict[str, list[float]] = {"right": [], "ungrounded": [], "swapped": []}
    right: dict[str, list[float]] = {kind: [] for kind in told}
    for case in cases(name):
        graded = evaluation.grade(case.question, case.answer)
        told[case.kind].append(metrics.measured(case.question, graded)["grounded"])
        right[case.kind].append(float(graded.right))
    assert auroc(told["right"], told["ungrounded"]) >= 0.95
    assert min(auroc(values["right"], values["swapped"]) for values in (told, right)) >= 0.7


def test_answers_that_decline_are_told_from_those_that_only_sound_so() -> None:
    every = declining("known")
    assert sum(evaluation.grading.declines(text) == declines for text, declines in every) >= 0.95 * len(every)


@pytest.mark.parametrize(
    ("text", "fact", "stated"),
    [
        ("It takes two weeks.", "14 days", True),
        ("Tarda media hora.", "30 minutos", True),
        ("It is 3 euros and 95 cents.", "3.95", True),
        ("Vale 3 euros con 95 céntimos.", "3,95 €", True),
        ("The thirty-first of March 2026.", "31 March 2026", True),
        ("Antes del 1 de abril.", "1 de abril", True),
        ("Abrimos a las 9.", "9:00", True),
        ("No later than 30 days after delivery.", "30 days", True),
        ("You pay nothing if you return it within 30 days.", "30 days", True),
        ("You have 30 days, not 14.", "30 days", True),
        ("You have 30 days, not 14.", "14 days", False),
        ("No son 14 días.", "14 días", False),
        ("It isn't 14 days.", "14", False),
        ("14 or 30 days.", "30 days", False),
        ("30 días. Perdón, son 14 días.", "30 días", False),
        ("You have 30 days to return it. You have 14 days to return it.", "30 days", False),
        ("The refund takes 6 days. You have 30 days to return it.", "30 days", True),
        ("Returns are not accepted without the receipt.", "receipt", True),
        ("You do not need the receipt.", "receipt", False),
        ("It is covered.", "not covered", False),
        ("It isn't covered.", "not covered", True),
        ("Use form 303.", "form 303", True),
        ("10 or more people", "10", True),
        ("It costs €150 or 200.", "150", False),
        ("It costs €27.90. Sorry, actually it is 29.", "27.90", False),
    ],
)
def test_a_fact_is_stated_or_taken_back(text: str, fact: str, stated: bool) -> None:
    assert facts.stated(text, fact) is stated


@pytest.mark.parametrize(
    ("text", "fact", "known", "stated"),
    [
        ("The frame has 2 years, the battery 5 years.", "2 years", "The battery has 2 years.", False),
        ("The battery has 2 years, the frame 5 years.", "2 years", "The battery has 2 years.", True),
        ("10 días; la caldera se revisa a los 20 días.", "20 días", "La fianza se devuelve en 20 días.", False),
        ("20 días. La caldera se revisa a los 10 días.", "20 días", "La fianza se devuelve en 20 días.", True),
        ("No coma en las 8 horas antes; agua, hasta 2 horas.", "8 horas", "No coma en las 8 horas antes.", True),
        ("No caben 12, caben 8.", "12", "Caben 12.", False),
    ],
)
def test_a_right_figure_given_to_another_thing_is_not_stated(text: str, fact: str, known: str, stated: bool) -> None:
    assert facts.stated(text, fact, known) is stated


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("The refund takes 6 days [1].", 1.0),
        ("Six days.", 1.0),
        ("The refund takes 9 days.", 0.0),
        ("The refund takes 6 days and a courier brings flowers.", 0.5),
        ("The refund takes 30 days.", 2 / 3),
        ("The refund does not take 6 days.", 0.0),
        ("When is it?", None),
    ],
)
def test_what_is_said_is_held_against_the_passage(text: str, share: float | None) -> None:
    chunk = Chunk(
        id="c", document_id="d", document="d", start=0, end=9,
        text="A refund takes 6 days after the parcel reached us. Parcels are returned within 30 days.",
    )  # fmt: skip
    assert grounds.share(text, "How long?", [Passage(chunk=chunk, score=1.0, similarity=1.0)]) == share
    assert grounds.share(text, "How long?", []) is None


def test_an_answer_that_states_what_must_not_be_stated_is_wrong() -> None:
    question = Question(id="1", question="How long?", must_contain=("30 days",), must_not_contain=("60 days",))
    said = Answer(id="a", variant="v", question="q", text="30 days, and members have 60 days.", created="")
    graded = evaluation.grade(question, said)
    assert (graded.right, graded.found, graded.forbidden) == (False, ("30 days",), ("60 days",))
    assert metrics.measured(question, graded)["facts"] == 0.0


@pytest.mark.parametrize(
    ("said", "reference", "value"),
    [
        ("The cat sat on the mat.", "The cat sat on the mat.", 100.0),
        ("You have 30 days from delivery.", "You can return it within 30 days of delivery.", 36.29169),
        ("Son 3,95 euros.", "La etiqueta cuesta 3,95 euros.", 35.47811),
        ("Sí.", "Sí, hasta el 15 de septiembre de 2026.", 5.30609),
        ("abc", "xyz", 0.0),
    ],
)
def test_chrf_agrees_with_sacrebleu(said: str, reference: str, value: float) -> None:
    """Figures of sacrebleu's sentence_chrf with its default settings."""
    assert chrf(said, reference) * 100 == pytest.approx(value, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("You have 30 days. Write to us!", 1.0),
        ("¿Tiene prisa? Son 24 horas.", 1.0),
        ("you have", 0.0),
        ("It is is is is open.", 0.0),
        ("", 0.0),
    ],
)
def test_sentences_are_well_formed_or_not(text: str, share: float) -> None:
    assert metrics.fluent(text) == share


def test_citations_are_held_against_the_expected_source() -> None:
    case = next(each for each in cases() if each.kind == "right")
    cited = case.answer.model_copy(update={"citations": (Citation(number=1, passage=0),)})
    values = metrics.measured(case.question, evaluation.grade(case.question, cited))
    assert (values["cited_right"], values["cited_source"]) == (1.0, 1.0)
    values = metrics.measured(case.question, evaluation.grade(case.question, case.answer))
    assert ("cited_right" in values, values["cited_source"]) == (False, 0.0)


def test_style_is_measured_against_the_companys_own_answers() -> None:
    texts = [f"Puede devolverlo en {n} días. Escríbanos, por favor, y le ayudamos." for n in range(2, 22)]
    own = style.Own.from_texts(texts)
    assert own is not None
    assert style.Own.from_texts(texts[:5]) is None
    other = "¡¡Hola!! 😀 tú puedes, tu pedido!! " * 8
    assert style.likeness(texts[3], own) == 1.0
    assert style.likeness(other, own) < 0.6
    counted = [style.of(text) for text in texts]
    assert style.distance(counted, own) == 0.0 < 0.5 < style.distance([style.of(other)] * 5, own)


# ---- differences and tables


def test_what_is_looked_at_together_is_judged_together() -> None:
    made = [
        Compared(
            metric="m", first="a", second="b", difference=0.5, low=0, high=1, n=20, differing=10, p_value=p, adjusted=p,
            verdict="none_found", better="a",
        )
        for p in (0.04, 0.01, 0.03, 0.02)
    ]  # fmt: skip
    found = differences.corrected(made)
    assert [round(each.adjusted, 3) for each in found] == [0.06, 0.04, 0.06, 0.06]
    assert [(each.verdict, each.better) for each in found][:2] == [("none_found", ""), ("better", "a")]


def test_who_is_better_comes_first_and_the_difference_is_theirs() -> None:
    ten = [str(n) for n in range(10)]
    pair = differences.compare("right", "more", ("a", dict.fromkeys(ten, 0.0)), ("b", dict.fromkeys(ten, 1.0)))
    assert pair is not None
    (found,) = differences.corrected([pair])
    assert (found.first, found.second, found.better, found.difference) == ("b", "a", "b", 1.0)
    assert (found.low, found.high) == (-pair.high, -pair.low)


def test_shares_and_amounts_are_compared_question_by_question() -> None:
    ten = [str(n) for n in range(10)]
    yes, no = dict.fromkeys(ten, 1.0), dict.fromkeys(ten, 0.0)
    found = differences.compare("right", "more", ("a", yes), ("b", no))
    assert found is not None
    assert (found.difference, found.better, found.n) == (1.0, "a", 10)
    assert found.p_value == pytest.approx(2 / 2**10)
    slow = {id: 2.0 + int(id) / 10 for id in ten}
    fast = {id: 1.0 + int(id) / 20 for id in ten}
    found = differences.compare("seconds", "less", ("slow", slow), ("fast", fast))
    assert found is not None
    assert found.better == "fast"
    assert found.low < 1.225 < found.high
    assert found.p_value == pytest.approx(2 / 2**10)
    assert differences.compare("seconds", "less", ("a", {"1": 1.0}), ("b", {"2": 1.0})) is None


def test_flipping_signs_is_fishers_test_of_darwins_maize() -> None:
    """Fisher (1935), The Design of Experiments, section 21: fifteen pairs of plants, crossed and self-fertilised, in eighths
    of an inch; 863 of 32,768 ways of signing have a sum of 314 or more, so 1,726 are as far from nought.
    """
    maize = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
    crossed = {str(n): float(eighths) for n, eighths in enumerate(maize)}
    found = differences.compare("m", "more", ("crossed", crossed), ("self", dict.fromkeys(crossed, 0.0)))
    assert found is not None
    assert (found.difference, found.p_value) == (pytest.approx(314 / 15), 1726 / 32768)


def test_a_table_holds_every_metric_with_its_interval_and_its_verdicts() -> None:
    made = cards.table(a_card())
    rows = {row.metric: row for row in made.rows}
    assert {"right", "facts", "chrf", "grounded", "fluent", "language", "length", "seconds"} <= rows.keys()
    assert made.tests == sum(len(row.compared) for row in made.rows) > 5
    for row in made.rows:
        assert all(score.low <= score.value <= score.high and score.n for _, score in row.scores)
    assert [(each.verdict, each.better) for each in rows["right"].compared] == [("better", "right")]
    assert rows["fluent"].compared[0].verdict == "too_few"
    assert rows["length"].compared == ()


def test_segments_are_tables_of_their_own_and_the_export_holds_them_all() -> None:
    card = a_card()
    found = cards.segments(card)
    assert [(each.by, each.name, each.n) for each in found] == [
        ("", "", 24),
        ("language", "en", 12),
        ("language", "es", 12),
    ]
    halves = [dict(cards.table(card, each).rows[0].scores)["right"].n for each in found]
    assert halves == [24, 12, 12]
    lines = cards.as_csv(card, {"right": "Trained"}).splitlines()
    assert lines[0].startswith("\ufeffby,segment,metric,assistant")
    assert sum("Trained" in line for line in lines) > 30


def test_answers_that_read_well_and_are_wrong_are_listed() -> None:
    found = cards.pretty(a_card())
    assert list(found) == ["wrong"]
    assert len(found["wrong"]) == 24
    assert [count for _, count in cards.worst(a_card())] == [1] * 24


def test_a_scorecard_from_before_the_metrics_still_opens_and_is_filled_in() -> None:
    old = a_card(measured=False).model_dump()
    for scores in old["variants"]:
        for graded in scores["graded"]:
            for new in ("measured", "segment", "language", "forbidden"):
                del graded[new]
    del old["watts"], old["price_hour"]
    card = Scorecard.model_validate(old)
    assert [row.metric for row in cards.table(card).rows] == ["right", "seconds"]
    questions = [case.question for case in cases()]
    assert cards.filled(card, questions) == a_card()
    assert cards.filled(card, []) == card


def test_nothing_that_has_no_value_counts_as_nought() -> None:
    open_question = Question(id="1", question="q", answerable=False)
    graded = Graded(
        question_id="1", answer=Answer(variant="v", question="q", text="", refused=True), right=True, declined=True
    )
    assert set(metrics.measured(open_question, graded)) == {"right", "right_declined", "seconds", "tokens"}


def test_energy_and_money_follow_from_the_seconds() -> None:
    card = a_card().model_copy(update={"watts": 36.0, "price_hour": 3.6})
    slow = tuple(
        scores.model_copy(
            update={
                "graded": tuple(
                    g.model_copy(update={"answer": g.answer.model_copy(update={"seconds": 2.0})}) for g in scores.graded
                )
            }
        )
        for scores in card.variants
    )
    rows = {row.metric: row for row in cards.table(card.model_copy(update={"variants": slow})).rows}
    assert math.isclose(rows["energy"].scores[0][1].value, 0.02)
    assert math.isclose(rows["money"].scores[0][1].value, 2.0)
    assert rows["energy"].compared == rows["money"].compared == ()
    table = cards.as_csv(card, {})
    assert ",energy_estimated," in table
    assert ",energy," not in table


def test_metrics_are_listed_once_and_by_group() -> None:
    groups = [metric.group for metric in metrics.METRICS]
    assert len(metrics.BY_CODE) == len(groups)
    assert sum(a != b for a, b in pairwise(groups)) == 3


class Ear:
    """Hears what declines and nothing else."""

    def __init__(self) -> None:
        self.declining = {text for text, declines in declining("known") if declines} | {
            "Nobody wrote that down. 30 days."
        }

    def embed(self, texts: Sequence[str], kind: str) -> np.ndarray[Any, Any]:
        return np.eye(2)[[int(text in self.declining) for text in texts]]


class Deaf(Ear):
    def embed(self, texts: Sequence[str], kind: str) -> np.ndarray[Any, Any]:
        raise NotPossibleHere("model_not_here", name="e5")


def test_an_answer_that_sounds_like_declining_has_declined_unless_it_states_the_facts() -> None:
    questions = {
        "open": Question(id="open", question="Who?", answerable=False),
        "known": Question(id="known", question="How long?", must_contain=("60 days",)),
        "stated": Question(id="stated", question="How long?", must_contain=("30 days",)),
        "quoted": Question(id="quoted", question="Who?", answerable=False),
    }
    graded = [
        evaluation.grade(q, Answer(variant="v", question=q.question, text=text, quoted=id == "quoted"))
        for id, q in questions.items()
        for text in ("Nobody wrote that down. 30 days.", "Yes, of course.")
    ]

    def told(engine: object) -> list[bool]:
        found = evaluation._by_meaning({"v": graded}, questions, cast(Engine, engine))
        return [each.declined for each in found["v"]]

    assert told(Ear()) == [True, False, True, False, False, False, False, False]
    assert told(Deaf()) == [False] * 8
