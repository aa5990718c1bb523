"""Answers written to test the metrics: right, wrong, invented, declined and in the other language, English and Spanish.

`validation.json` was at hand while the metrics were made; `validation_held.json`, a third, was scored once they were done.
`grounds.json` was at hand while groundedness was mended; `grounds_held.json` was scored after that, then figures given to
other things were told better, then `grounds_last.json` was scored. `declining_held.json` was scored once, after declining
was told by meaning. All of them only guard what is there now.
"""

import json
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from studio import evaluation
from studio.base.records import Answer, Chunk, Passage, Question, Score, Scorecard, VariantScores
from studio.evaluation import cards
from studio.evaluation.declining import KNOWN

Kind = Literal["right", "wrong", "swapped", "ungrounded", "refused", "other"]
Set = Literal["validation", "validation_held", "grounds", "grounds_held", "grounds_last"]
Told = Literal["validation", "validation_held", "known", "declining_held"]


class Case(NamedTuple):
    kind: Kind
    question: Question
    answer: Answer
    language: str


@cache
def cases(name: Set = "validation") -> tuple[Case, ...]:
    """Every answer of the set, with the passage its question is answered from."""
    made = []
    for number, item in enumerate(_contents(name)["items"]):
        question = Question(
            id=f"{name}-{number}",
            question=item["question"],
            reference=item["reference"],
            must_contain=tuple(item["must_contain"]),
            must_not_contain=tuple(item["must_not_contain"]),
            expected_source="source.txt",
        )
        chunk = Chunk(
            id="c", document_id="d", document="source.txt", text=item["passage"], start=0, end=len(item["passage"])
        )
        for kind, texts in item["answers"].items():
            for text in texts:
                answer = Answer(
                    id=f"{question.id}-{kind}-{len(made)}",
                    variant="v",
                    question=question.question,
                    text=text,
                    passages=(Passage(chunk=chunk, score=1.0, similarity=1.0),),
                    created="2026-01-01T00:00:00+00:00",
                )
                made.append(Case(kind, question, answer, item["language"]))
    return tuple(made)


def declining(name: Told = "validation") -> list[tuple[str, bool]]:
    """More answers that decline, and some that only sound so; "known" are those that `declining` judges by."""
    found = _contents(name) if name != "known" else json.loads(KNOWN.read_text(encoding="utf-8"))
    return [
        (text, declines)
        for key, declines in (("declining", True), ("answering", False))
        for texts in found[key].values()
        for text in texts
    ]


def auroc(yes: list[float], no: list[float]) -> float:
    """How often a right one scores above a wrong one; ties count half."""
    return sum((a > b) + 0.5 * (a == b) for a in yes for b in no) / (len(yes) * len(no))


def a_card(measured: bool = True) -> Scorecard:
    """Two assistants on the validation's questions: one says what is right, one what is wrong."""
    questions = {case.question.id: case.question for case in cases()}
    picked = {kind: {c.question.id: c.answer for c in cases() if c.kind == kind} for kind in ("right", "wrong")}
    plain = tuple(
        VariantScores(
            variant=kind,
            scores=(Score(metric="right", value=0.5, low=0.4, high=0.6, n=24),),
            graded=tuple(evaluation.grade(questions[id], answer) for id, answer in answers.items()),
        )
        for kind, answers in picked.items()
    )
    made = cards.measure(plain, questions) if measured else plain
    return Scorecard(id="c", variants=made, created="2026-01-01T00:00:00+00:00")


def _contents(name: Told) -> dict[str, dict[str, list[str]]]:
    return json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]
