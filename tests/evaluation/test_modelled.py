"""Measures that need a model, with one that says what it is told: no weights are loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from studio.base import project as projects
from studio.base.errors import NotEnough, NotPossibleHere, Refused
from studio.base.project import Project
from studio.base.records import Answer, Graded, Message, Question, Variant, VariantScores, Vote
from studio.engines import Engine, Scores
from studio.evaluation import judging, modelled

PROMPT = (Message(role="user", content="How long?"),)


class Model:
    """Finds texts with the same first word alike, every token twice as odd under an adapter, and A above B."""

    def embed(self, texts: Sequence[str], kind: str) -> np.ndarray[Any, Any]:
        firsts = sorted({text.split()[0] for text in texts})
        return np.eye(len(firsts))[[firsts.index(text.split()[0]) for text in texts]]

    def score(
        self, conversations: Sequence[Sequence[Message]], answer: str, *, model: str, adapter: Path | None = None
    ) -> Scores:
        if answer in ("A", "B"):  # the longer answer is the better one
            asked = conversations[0][0].content
            a, b = (asked.split(f"{marker}: ")[1].splitlines()[0] for marker in ("Answer A", "Answer B"))
            return Scores(tokens=(answer,), logprobs=((float(len(a if answer == "A" else b)),),))
        each = -2.0 if adapter else -1.0
        return Scores(tokens=("x", "y"), logprobs=((each, each),))


class Deaf:
    def embed(self, texts: Sequence[str], kind: str) -> np.ndarray[Any, Any]:
        raise NotPossibleHere("model_not_here", name="e5")


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return projects.create(tmp_path, "Shop", "en")


def scored(variant: str, text: str) -> VariantScores:
    answer = Answer(id=f"a-{variant}", variant=variant, question="How long?", text=text, messages=PROMPT, created="")
    return VariantScores(variant=variant, scores=(), graded=(Graded(question_id="q", answer=answer, right=True),))


def test_meaning_and_likelihood_are_measured_of_every_assistant(shop: Project) -> None:
    question = Question(id="q", question="How long?", reference="Thirty days.")
    variants = [
        Variant(id="p", approach="plain", model="m"),
        Variant(id="t", approach="trained", model="m", adapter="models/a"),
    ]
    both = [scored("p", "Thirty of them."), scored("t", "Never.")]

    def measured(engine: object, seconds: float) -> list[dict[str, float]]:
        found = modelled.add(shop, both, variants, {"q": question}, cast(Engine, engine), lambda: False, seconds)
        return [scores.graded[0].measured for scores in found]

    assert measured(Model(), 60.0) == [
        {"similar": 1.0, "perplexity": 1.0, "natural": 1.0},
        {"similar": 0.0, "perplexity": 2.0, "natural": 1.0},
    ]
    assert measured(Model(), -1.0) == [{"similar": 1.0}, {"similar": 0.0}]
    assert measured(Deaf(), 60.0) == [{}, {}]


def test_a_judge_is_held_against_peoples_votes_and_refused_without_them(shop: Project) -> None:
    engine = cast(Engine, Model())
    assert judging.judge(engine, "m", "How long?", "Thirty whole days.", "30") == "first"
    assert judging.judge(engine, "m", "How long?", "30", "14") == "equal"
    with pytest.raises(NotEnough, match="judge_votes_few"):
        judging.agreement(shop, engine, "m")
    for n in range(40):
        texts = {"a": "Thirty whole days.", "b": "30"} if n % 2 else {"a": "30", "b": "Thirty whole days."}
        answers = [Answer(variant=variant, question="How long?", text=text) for variant, text in texts.items()]
        shop.store.put(*answers)
        longer = "a" if n % 2 else "b"
        shop.store.put(
            Vote(question="How long?", shown=("a", "b"), winner=longer, answers=tuple(each.id for each in answers))
        )
    found = judging.agreement(shop, engine, "m")
    assert (found.n, found.alike, found.kappa) == (40, 1.0, 1.0)
    assert judging.trusted(found) == found
    with pytest.raises(Refused, match="judge_disagrees"):
        judging.trusted(found.model_copy(update={"low": 0.2}))


def test_kappa_is_agreement_beyond_chance() -> None:
    """By hand: of fifty pairs 35 are alike and 25 would be by chance, so (0.7 - 0.5) / (1 - 0.5)."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert judging.kappa(pairs) == pytest.approx(0.4)
