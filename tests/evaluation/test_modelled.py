"""Measures that need a model, with one that says what it is told: no weights are loaded."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from studio.base import project as projects
from studio.base.errors import NotPossibleHere
from studio.base.project import Project
from studio.base.records import Answer, Graded, Message, Question, Variant, VariantScores
from studio.engines import Engine, Scores
from studio.evaluation import modelled

PROMPT = (Message(role="user", content="How long?"),)


class Model:
    """Finds texts with the same first word alike, tokens odder under an adapter and where there is blurb."""

    def embed(self, texts: Sequence[str], kind: str) -> np.ndarray[Any, Any]:
        firsts = sorted({text.split()[0] for text in texts})
        return np.eye(len(firsts))[[firsts.index(text.split()[0]) for text in texts]]

    def score_each(
        self, asked: Sequence[tuple[Sequence[Message], str]], *, model: str, adapter: Path | None = None
    ) -> tuple[Scores, ...]:
        return tuple(
            self._score(conversation[0].content, answer, 2.0 if adapter else 1.0) for conversation, answer in asked
        )

    def _score(self, asked: str, answer: str, odd: float) -> Scores:
        if "too long" in answer:
            return Scores(tokens=("x", "y"), logprobs=())
        odd += answer.count("blurb")
        return Scores(tokens=("x", "y"), logprobs=((-odd, -odd),))


class Deaf:
    def embed(self, texts: Sequence[str], kind: str) -> np.ndarray[Any, Any]:
        raise NotPossibleHere("model_not_here", name="e5")


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    return projects.create(tmp_path, "Shop", "en")


def scored(variant: str, text: str, **more: Any) -> VariantScores:
    answer = Answer(
        id=f"a-{variant}", variant=variant, question="How long?", text=text, messages=PROMPT, created="", **more
    )
    return VariantScores(variant=variant, scores=(), graded=(Graded(question_id="q", answer=answer, right=True),))


def test_meaning_and_likelihood_are_measured_of_every_assistant(shop: Project) -> None:
    variants = [
        Variant(id="p", approach="plain", model="m"),
        Variant(id="d", approach="documents", model="m", quotes=True),
        Variant(id="t", approach="trained", model="m", adapter="models/a"),
        Variant(id="l", approach="plain", model="m"),
    ]
    every = [
        scored("p", "Thirty of them."), scored("d", "Thirty blurb.", quoted=True), scored("t", "Never."),
        scored("l", "Thirty too long."),
    ]  # fmt: skip

    def measured(engine: object, seconds: float, reference: str = "Thirty days.") -> list[dict[str, float]]:
        questions = {"q": Question(id="q", question="How long?", reference=reference)}
        found = modelled.add(shop, every, variants, questions, cast(Engine, engine), lambda: False, seconds)
        return [scores.graded[0].measured for scores in found]

    assert measured(Model(), 60.0) == [
        {"similar": 1.0, "perplexity": 1.0, "odder": 0.0},
        {"similar": 1.0, "odder": 1.0},  # it quotes: no model would have said it
        {"similar": 0.0, "perplexity": 2.0, "odder": 0.0},
        {"similar": 1.0, "perplexity": 1.0},
    ]
    assert measured(Model(), 60.0, reference="Thirty too long.") == [{"similar": 1.0}] * 2 + [
        {"similar": 0.0}, {"similar": 1.0}
    ]  # fmt: skip
    assert measured(Model(), -1.0)[0] == {"similar": 1.0}
    assert measured(Deaf(), 60.0) == [{}] * 4


def test_likelihoods_are_taken_in_the_time_there_is_and_of_whole_passes(shop: Project) -> None:
    questions = {f"{n:02}": Question(id=f"{n:02}", question=f"{n}?", reference="Thirty days.") for n in range(40)}
    graded = tuple(
        Graded(question_id=id, answer=Answer(variant="p", question="", text="Thirty.", messages=PROMPT), right=True)
        for id in questions
    )
    every = [VariantScores(variant="p", scores=(), graded=graded)]

    class Slow(Model):
        def score_each(self, *given: Any, **how: Any) -> tuple[Scores, ...]:
            time.sleep(0.02)
            return super().score_each(*given, **how)

    def counted(seconds: float) -> int:
        variants = [Variant(id="p", approach="plain", model="m")]
        engine = cast(Engine, Slow())
        [found] = modelled.add(shop, every, variants, questions, engine, lambda: False, seconds / modelled.SHARE)
        return sum("perplexity" in g.measured for g in found.graded)

    assert counted(60.0) == modelled.MOST
    assert counted(0.03) == modelled.AT_ONCE
