"""What a learning curve may say, and what it may not."""

import random

import pytest

from studio.base.recipes import TrainingRecipe
from studio.training.piloting import Point, shares, verdict


def right(mean: float, count: int = 40, seed: int = 1) -> tuple[float, ...]:
    dice = random.Random(seed)
    return tuple(min(max(mean + dice.uniform(-0.1, 0.1), 0.0), 1.0) for _ in range(count))


def test_a_rising_curve_promises_no_more_than_it_has_shown() -> None:
    told = verdict([Point(10, right(0.2)), Point(50, right(0.4, seed=2)), Point(200, right(0.6, seed=3))])
    assert told.code == "more_examples_help"
    assert (told.parameters["count"], told.parameters["double"], told.parameters["checked"]) == (200, 400, 40)
    low, high = told.parameters["low"], told.parameters["high"]
    assert 60 < low <= high < 75  # the last doubling brought ten points


def test_a_curve_that_slows_down_promises_less() -> None:
    steady = verdict([Point(10, right(0.1)), Point(50, right(0.4, seed=2)), Point(200, right(0.66, seed=3))])
    slowing = verdict([Point(10, right(0.1)), Point(50, right(0.6, seed=2)), Point(200, right(0.7, seed=3))])
    gained = [told.parameters["high"] - told.parameters["now"] for told in (steady, slowing)]
    assert gained[1] < gained[0] / 2


def test_a_flat_curve_says_that_more_would_bring_little() -> None:
    assert verdict([Point(50, right(0.7)), Point(200, right(0.7))]).code == "more_examples_little"


def test_a_difference_within_chance_is_called_so() -> None:
    few = verdict([Point(50, (0.2, 0.9, 0.5)), Point(200, (0.9, 0.4, 0.8))])
    assert few.code == "more_examples_unproven"


@pytest.mark.parametrize(
    ("learnt", "kept_back", "pilot", "tried"),
    [
        (400, 40, True, (0.05, 0.25)),
        (100, 12, True, (0.25,)),
        (40, 12, True, ()),
        (400, 7, True, ()),
        (400, 40, False, ()),
    ],
)
def test_parts_are_tried_where_they_can_teach_and_be_checked(
    learnt: int, kept_back: int, pilot: bool, tried: tuple[float, ...]
) -> None:
    assert shares(learnt, kept_back, TrainingRecipe(pilot=pilot)) == tried
