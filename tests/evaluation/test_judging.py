"""A judge reads in both orders, is held against blind votes that are over, and is heard only where it chooses alike."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from studio.base import project as projects
from studio.base.errors import NotEnough, Refused, Stopped
from studio.base.project import Project
from studio.base.records import (
    Answer,
    Graded,
    Message,
    Question,
    Round,
    Score,
    Scorecard,
    Variant,
    VariantScores,
    Vote,
)
from studio.engines import Engine, Scores
from studio.evaluation import judging

LONG, SHORT = "Thirty whole days.", "30"


class Model:
    """Finds the longer answer the better one; or, `turned`, always the one that comes first."""

    def __init__(self, turned: bool = False) -> None:
        self.turned = turned

    def score_each(self, asked: Sequence[tuple[Sequence[Message], str]], *, model: str) -> tuple[Scores, ...]:
        return tuple(self._score(conversation[0].content, letter) for conversation, letter in asked)

    def _score(self, asked: str, letter: str) -> Scores:
        a, b = (asked.split(f"{marker}: ")[1].splitlines()[0] for marker in ("Answer A", "Answer B"))
        if "too long" in a:
            return Scores(tokens=(letter,), logprobs=())
        likely = float(letter == "A") if self.turned else float(len(a if letter == "A" else b))
        return Scores(tokens=(letter,), logprobs=((likely,),))


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    """Two assistants, the second always longer, tested on nine questions; an open blind vote."""
    made = projects.create(tmp_path, "Shop", "en")
    made.store.replace_questions([Question(id=f"q{n}", question=f"How long is {n}?") for n in range(9)])
    scores = [
        VariantScores(
            variant=id,
            scores=(Score(metric="right", value=right, low=0, high=1, n=9),),
            graded=tuple(
                Graded(question_id=f"q{n}", answer=Answer(variant=id, question="", text=text), right=True)
                for n in range(9)
            ),
        )
        for id, text, right in (("a", SHORT, 0.2), ("b", LONG, 0.8))
    ]
    made.store.put(
        Variant(id="a", approach="plain", model="m"),
        Variant(id="b", approach="instructions", model="m"),
        Scorecard(id="c", variants=tuple(scores)),
        Round(id="r", variants=("a", "b"), planned=40, seed=1, closed="2026-01-01T00:00:00+00:00"),
        Round(id="open", variants=("a", "b"), planned=40, seed=1),
    )
    return made


def vote(shop: Project, n: int, like: str, round: str = "r", texts: tuple[str, str] = (LONG, SHORT)) -> None:
    """A vote for the long or the short answer; which side and which assistant that is changes."""
    sides = texts if n % 2 else texts[::-1]
    answers = [Answer(variant=id, question=f"Was it {n}?", text=text) for id, text in zip("ab", sides, strict=True)]
    winner = next((each.variant for each in answers if each.text == like), None)
    ids = tuple(each.id for each in answers)
    shop.store.put(*answers, Vote(question=f"Was it {n}?", shown=("a", "b"), winner=winner, answers=ids, round=round))


def measured(shop: Project, model: Model, should_stop: Any = lambda: False) -> judging.Judged:
    asked = judging.request(shop, "m", judging.pairs(shop)[0])
    return judging.measure(shop, cast(Engine, model), asked, lambda event: None, should_stop)


def test_a_choice_that_changes_with_the_order_is_none() -> None:
    sure, turned = cast(Engine, Model()), cast(Engine, Model(turned=True))
    assert judging.judge(sure, "m", "How long?", LONG, SHORT) == "first"
    assert judging.judge(sure, "m", "How long?", SHORT, LONG) == "second"
    assert judging.judge(sure, "m", "How long?", "30", "14") == "equal"
    assert judging.judge(turned, "m", "How long?", LONG, SHORT) == "equal"
    assert judging.judge(sure, "m", "How long?", "too long", SHORT) is None


def test_only_the_last_word_in_blind_votes_that_are_over_counts(shop: Project) -> None:
    vote(shop, 1, SHORT)
    vote(shop, 1, LONG)
    vote(shop, 2, LONG, round="")
    vote(shop, 3, LONG, round="open")
    vote(shop, 4, SHORT, texts=(SHORT, SHORT))
    vote(shop, 6, "neither")
    assert [(each.first, each.choice) for each in judging.votes(shop)] == [(LONG, "first"), (SHORT, "equal")]


def test_a_long_vote_between_three_does_not_push_out_the_votes_between_two(shop: Project) -> None:
    """Cause: the latest hundred were taken before those between two were looked for."""
    vote(shop, 1, LONG)
    shop.store.put(Round(id="three", variants=("a", "b", "c"), planned=40, seed=1, closed="2026-01-02T00:00:00+00:00"))
    shop.store.put(
        *[Vote(question=f"{n}?", shown=("a",), winner="a", round="three") for n in range(judging.MOST_VOTES)]
    )
    assert [each.choice for each in judging.votes(shop)] == ["first"]


def test_with_too_few_votes_nobody_judges(shop: Project) -> None:
    for n in range(judging.FEWEST_VOTES - 1):
        vote(shop, n, LONG)
    with pytest.raises(NotEnough, match="judge_votes_few"):
        judging.request(shop, "m", judging.pairs(shop)[0])


def test_who_chooses_like_people_is_heard_on_the_test(shop: Project) -> None:
    for n in range(40):
        vote(shop, n, SHORT if n % 10 == 0 else LONG)
    made = measured(shop, Model())
    agreed = made.agreement
    assert (agreed.n, agreed.alike, agreed.proven, round(agreed.chance, 2)) == (40, 0.9, True, 0.5)
    assert made.variants == ("b", "a")  # the better one of the test first
    assert made.verdicts == tuple(judging.Verdict(question=f"How long is {n}?", choice="first") for n in range(9))
    assert judging.of(shop) == made
    names = {"a": "Plain", "b": "Told"}
    (key, numbers), (agreement, share) = judging.told(made, "Judge", names)
    assert (key, agreement) == ("judge.preferred", "judge.agreed")
    assert numbers == {"name": "Judge", "better": "Told", "worse": "Plain", "wins": 9, "losses": 0, "n": 9}
    assert share == {"name": "Judge", "alike": 36, "n": 40, "low": 77, "high": 96, "share": 90, "chance": 50}
    assert judging.trusted(agreed, "Judge") == agreed
    assert made.made_for == judging.made_for(shop, judging.votes(shop))
    vote(shop, 41, LONG)
    assert made.made_for != judging.made_for(shop, judging.votes(shop))


@pytest.mark.parametrize("model", [Model(), Model(turned=True)], ids=["by length", "by place"])
def test_who_does_not_choose_like_people_more_often_than_chance_is_not_heard(shop: Project, model: Model) -> None:
    for n in range(40):
        vote(shop, n, LONG if n % 4 < 2 else SHORT)  # people care for something else than length
    made = measured(shop, model)
    assert (made.agreement.proven, made.verdicts) == (False, ())
    assert judging.told(made, "Judge", {"a": "Plain", "b": "Told"})[0][0] == "judge.withheld"
    with pytest.raises(Refused, match="judge_disagrees"):
        judging.trusted(made.agreement, "Judge")


def test_judging_can_be_stopped(shop: Project) -> None:
    for n in range(30):
        vote(shop, n, LONG)
    with pytest.raises(Stopped):
        measured(shop, Model(), lambda: True)
    assert judging.of(shop) is None


def test_kappa_is_agreement_beyond_chance() -> None:
    """By hand: of fifty pairs 35 are alike and 25 would be by chance, so (0.7 - 0.5) / (1 - 0.5)."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert judging.agreement("m", pairs).kappa == pytest.approx(0.4)
    assert (
        judging.agreement("m", [("y", "y")] * 40).proven is False
    )  # always the same one thing: nothing is shown by it
