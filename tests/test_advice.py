from typing import Any

import pytest

from studio import advice
from studio.advice import Material
from studio.base.machine import Machine
from studio.base.records import Goal
from studio.engines import model
from studio.training import lessons

LAPTOP = Machine(system="Linux", processor="", cores=2, memory_gb=16, free_memory_gb=8, free_disk_gb=50)
STARTER = model("smollm2-135m-instruct")
SHOP = Material(documents=3, characters=40_000, examples=250, answers=50, training_minutes=5.0)


def advised(goal: Goal, facts: Material = SHOP, machine: Machine = LAPTOP) -> tuple[str, ...]:
    return advice.advise(goal, facts, machine, STARTER).recommended


@pytest.mark.parametrize(
    ("goal", "facts", "first"),
    [
        ({"facts_or_style": "facts", "change": "weekly", "matters": ("facts", "sources")}, {}, "documents"),
        ({"facts_or_style": "style", "change": "rarely", "matters": ("tone",)}, {}, "trained"),
        ({"facts_or_style": "both", "change": "monthly", "matters": ("facts", "tone")}, {}, "both"),
        ({"facts_or_style": "facts", "matters": ("facts",)}, {"documents": 0}, "trained"),
        ({"facts_or_style": "facts"}, {"documents": 0, "examples": 0, "training_minutes": None}, "instructions"),
        ({"facts_or_style": "style"}, {"documents": 0, "examples": 3, "training_minutes": None}, "instructions"),
    ],
)
def test_the_advice_follows_goal_and_material(goal: dict[str, Any], facts: dict[str, Any], first: str) -> None:
    assert advised(Goal(**goal), SHOP.model_copy(update=facts))[0] == first


def test_something_is_always_advised_and_never_something_impossible() -> None:
    for style in ("facts", "style", "both"):
        for change in ("daily", "weekly", "monthly", "rarely"):
            for facts in (SHOP, Material(), SHOP.model_copy(update={"training_minutes": None})):
                made = advice.advise(Goal(facts_or_style=style, change=change), facts, LAPTOP, STARTER)
                assert made.recommended
                assert all(option.possible for option in made.options if option.recommended)


def test_every_point_given_or_taken_is_a_reason_that_is_shown() -> None:
    options = {o.approach: o for o in advice.advise(Goal(), SHOP, LAPTOP, STARTER).options}
    assert [(r.code, r.speaks) for r in options["documents"].reasons] == [
        ("documents_know_facts", "for"),
        ("documents_show_sources", "for"),
    ]
    assert options["trained"].minutes == 5.0


def test_without_the_memory_for_it_training_is_not_offered() -> None:
    small = LAPTOP.model_copy(update={"memory_gb": 0.5})
    trained = next(o for o in advice.advise(Goal(), SHOP, small, STARTER).options if o.approach == "trained")
    assert (trained.possible, trained.recommended, trained.reasons[0].code) == (False, False, "memory_too_small")


@pytest.mark.parametrize(("characters", "offered"), [(0, False), (9_000, True), (11_100, False)])
def test_reading_the_whole_document_is_offered_only_where_it_fits_into_the_context(
    characters: int, offered: bool
) -> None:
    facts = SHOP.model_copy(update={"characters": characters})
    options = advice.advise(Goal(), facts, LAPTOP, STARTER).options
    assert ("whole" in [option.approach for option in options]) == offered


def test_where_examples_are_too_few_the_number_named_is_the_one_training_asks_for() -> None:
    facts = SHOP.model_copy(update={"examples": 3, "training_minutes": None})
    options = {option.approach: option for option in advice.advise(Goal(), facts, LAPTOP, STARTER).options}
    told = [reason.parameters for reason in options["trained"].reasons if reason.code == "examples_too_few"]
    assert told == [{"examples": 3, "needed": lessons.NEEDED}]
