"""What an export says about itself, as numbers: how it was trained, how it was tested, what it was made from.

Counts only. A question, an answer, a row, the name of a file: none of them ever gets in here.
"""

import re
from collections import Counter
from typing import Any

from studio.base.project import Project
from studio.base.records import Record, Scorecard, Trained, Variant
from studio.base.runs import versions

METRICS = ("right", "right_known", "right_declined")
_PATH = re.compile(r"[/\\]")
SMALLEST_SHARE = 0.2  # of the documents, for their language to be one of the assistant's


class Measured(Record):
    """One metric of the assistant beside that of the plain model (shares in 0..1, with 95 % intervals)."""

    metric: str
    value: float
    low: float
    high: float
    n: int
    plain: float | None = None
    plain_low: float | None = None
    plain_high: float | None = None


class Tested(Record):
    """The newest scorecard in which the assistant was tested."""

    date: str
    measured: tuple[Measured, ...]
    seconds: float | None = None
    wins: int | None = None
    losses: int | None = None
    p_value: float | None = None


class Material(Record):
    """What the project holds, counted."""

    documents: int
    characters: int
    kinds: tuple[str, ...]
    examples: int
    learnt: int
    kept_back: int
    held_for_test: int
    questions: int
    unanswerable: int


def trained(project: Project, variant: Variant) -> Trained | None:
    """How the variant's adapter was trained."""
    if variant.adapter is None:
        return None
    return next((each for each in reversed(project.store.all(Trained)) if each.adapter == variant.adapter), None)


def training(made: Trained) -> dict[str, Any]:
    """`training.json`: settings, numbers and versions. Texts that look like a path are left out."""
    recipe = {
        name: value for name, value in made.recipe.items() if not (isinstance(value, str) and _PATH.search(value))
    }
    return {
        "method": "LoRA, loss on the answers only",
        "examples": made.examples,
        "steps": made.steps,
        "seconds": made.seconds,
        "loss": made.loss,
        "validation_loss": made.validation_loss,
        "recipe": recipe,
        "general": made.general.model_dump(exclude={"lost", "won"}) if made.general else None,
        "preferred": made.preferred.model_dump(exclude={"questions"}) if made.preferred else None,
        "versions": made.versions or versions(),
        "created": made.created,
    }


def tested(project: Project, variant: Variant) -> Tested | None:
    """The newest test of this variant, beside the plain model of the same scorecard."""
    plain_ids = {each.id for each in project.variants() if each.approach == "plain"}
    for card in reversed(project.store.all(Scorecard)):
        own = next((each for each in card.variants if each.variant == variant.id), None)
        if own is None:
            continue
        plain = next((each for each in card.variants if each.variant in plain_ids and each.variant != variant.id), None)
        beside = {score.metric: score for score in plain.scores} if plain else {}
        measured = tuple(
            Measured(
                **score.model_dump(),
                plain=beside[score.metric].value if score.metric in beside else None,
                plain_low=beside[score.metric].low if score.metric in beside else None,
                plain_high=beside[score.metric].high if score.metric in beside else None,
            )
            for score in own.scores
            if score.metric in METRICS
        )
        seconds = next((score.value for score in own.scores if score.metric == "seconds"), None)
        return Tested(date=card.created[:10], measured=measured, seconds=seconds, **_pair(card, variant.id, plain_ids))
    return None


def material(project: Project) -> Material:
    documents, examples, questions = project.store.documents(), project.store.examples(), project.store.questions()
    splits = Counter(example.split for example in examples)
    return Material(
        documents=len(documents),
        characters=sum(len(document.text) for document in documents),
        kinds=tuple(sorted({document.kind for document in documents})),
        examples=len(examples),
        learnt=splits["train"],
        kept_back=splits["validation"],
        held_for_test=splits["test"],
        questions=len(questions),
        unanswerable=sum(not question.answerable for question in questions),
    )


def languages(project: Project) -> tuple[str, ...]:
    """The project's language, then those that a fair share of the documents is written in."""
    counted = Counter(document.language for document in project.store.documents() if document.language)
    total = sum(counted.values())
    often = [language for language, count in counted.most_common() if count / total >= SMALLEST_SHARE]
    return tuple(dict.fromkeys([project.card.language, *often]))


def _pair(card: Scorecard, own: str, plain_ids: set[str]) -> dict[str, Any]:
    """The paired comparison with the plain model, seen from the assistant."""
    for each in card.differences:
        if each.better == own and each.worse in plain_ids:
            return {"wins": each.wins, "losses": each.losses, "p_value": each.p_value}
        if each.worse == own and each.better in plain_ids:
            return {"wins": each.losses, "losses": each.wins, "p_value": each.p_value}
    return {}
