"""What is told before anybody commits: dials on top of choices, costs, and what would fit in place of what does not."""

from pathlib import Path
from typing import Any

import pytest

from studio.base.errors import BadInput
from studio.base.machine import Gpu, Machine
from studio.base.recipes import DIALS, TrainingRecipe
from studio.engines import Model
from studio.training import offer, pacing, read_dials
from studio.training.offering import GENTLER, Offer
from studio.training.planning import plan
from tests.training.test_lessons import example, wordings
from tests.training.test_planning import CARD, LAPTOP, model


def offered(
    tmp_path: Path, dials: dict[str, Any] | None = None, *, here: Machine = LAPTOP, of: Model | None = None,
    answers: int = 80, effort: Any = "balanced", price: float = 0.0,
) -> Offer:  # fmt: skip
    return offer(wordings(answers), of or model(135), here, effort, dials or {}, tmp_path / "paces.json", price)


def codes(made: Offer) -> list[str]:
    return [reason.code for reason in made.plan.reasons]


def test_what_nobody_has_set_is_chosen(tmp_path: Path) -> None:
    made = offered(tmp_path)
    chosen = plan(wordings(80), model(135), LAPTOP).recipe
    assert made.plan.recipe == chosen.model_copy(update={"pilot": True})
    assert "training_dials" not in codes(made)


def test_a_dial_overrules_the_choice_and_its_reason(tmp_path: Path) -> None:
    made = offered(tmp_path, {"learning_rate": 0.01, "epochs": 2, "pilot": False})
    assert (made.plan.recipe.learning_rate, made.plan.recipe.epochs, made.plan.recipe.pilot) == (0.01, 2, False)
    assert {"training_rate", "training_epochs", "training_pilot"} & set(codes(made)) == set()
    assert made.plan.reasons[-1].parameters == {"count": 3}


def test_fewer_rounds_cost_less(tmp_path: Path) -> None:
    whole, short = offered(tmp_path), offered(tmp_path, {"epochs": 1})
    assert whole.cost is not None
    assert short.cost is not None
    assert short.cost.minutes < whole.cost.minutes
    assert short.plan.tokens * 10 == pytest.approx(whole.plan.tokens, rel=0.01)


@pytest.mark.parametrize(
    ("given", "code", "parameters"),
    [
        ({"learning_rate": float("nan")}, "dial_wrong", {"name": "learning_rate", "value": "nan"}),
        ({"learning_rate": "much"}, "dial_wrong", {"name": "learning_rate", "value": "much"}),
        ({"epochs": 0}, "dial_wrong", {"name": "epochs", "value": "0"}),
        ({"epochs": float("inf")}, "dial_wrong", {"name": "epochs", "value": "inf"}),
        ({"method": "magic"}, "dial_wrong", {"name": "method", "value": "magic"}),
        ({"rate": 1}, "dial_unknown", {"name": "rate"}),
    ],
)
def test_a_dial_that_cannot_stand_there_is_named(given: dict[str, Any], code: str, parameters: dict[str, str]) -> None:
    with pytest.raises(BadInput) as caught:
        read_dials(given)
    assert (caught.value.code, caught.value.parameters) == (code, parameters)


def test_dials_come_from_a_form_as_text_and_from_a_file_as_they_were_written() -> None:
    assert read_dials({"learning_rate": "0.001", "batch": "4"}) == {"learning_rate": 0.001, "batch": 4}
    whole = TrainingRecipe(epochs=3, method="full").model_dump()
    assert read_dials(whole) == whole
    assert set(DIALS) <= set(TrainingRecipe.model_fields)
    assert len(DIALS) == 8


def test_layers_that_learn_themselves_learn_in_smaller_steps(tmp_path: Path) -> None:
    usual, full = offered(tmp_path).plan.recipe, offered(tmp_path, {"method": "full"}).plan.recipe
    assert full.learning_rate == pytest.approx(usual.learning_rate / GENTLER)
    assert offered(tmp_path, {"method": "full", "learning_rate": 0.01}).plan.recipe.learning_rate == 0.01
    assert codes(offered(tmp_path, {"method": "full"}))[0] == "training_method_full"


def test_a_quick_look_tries_no_part_first(tmp_path: Path) -> None:
    assert offered(tmp_path, effort="quick").plan.recipe.pilot is False
    assert offered(tmp_path, effort="thorough").plan.recipe.pilot is True


def test_few_examples_with_several_wordings_are_checked_in_turn_when_thorough(tmp_path: Path) -> None:
    made = offered(tmp_path, answers=15, effort="thorough")
    assert made.plan.recipe.folds == 5
    assert "training_folds" in codes(made)
    assert "training_kept_back" not in codes(made)
    assert offered(tmp_path, answers=15).plan.recipe.folds == 0
    assert offered(tmp_path, answers=30, effort="thorough").plan.recipe.folds == 0


def test_an_estimate_says_its_assumptions_and_its_price(tmp_path: Path) -> None:
    cost = offered(tmp_path, price=2.0).cost
    assert cost is not None
    assert not cost.measured
    assert cost.watts == 2 * pacing.WATTS_A_CORE + pacing.WATTS_AROUND
    assert cost.kwh == pytest.approx(cost.minutes / 60 * cost.watts / 1000, rel=0.02)
    assert cost.money == pytest.approx(cost.minutes / 60 * 2.0, rel=0.02)


def test_a_measured_pace_takes_the_place_of_the_rule(tmp_path: Path) -> None:
    recipe, paces = offered(tmp_path).plan.recipe, tmp_path / "paces.json"
    pacing.keep(paces, "m", recipe, LAPTOP, pacing.Pace(tokens_per_second=1_000, estimated_share=1.2, memory_gb=1.7))
    cost = offered(tmp_path).cost
    assert cost is not None
    assert (cost.measured, cost.memory_gb) == (True, 1.7)
    made = offered(tmp_path).plan
    learning = made.tokens * 1.25 / 1.2 / 1_000 * pacing.CHECKING
    assert cost.minutes * 60 == pytest.approx(made.fixed * 60 + learning, abs=4)
    other = offered(tmp_path, {"method": "full"}).cost
    assert other is not None
    assert not other.measured


def test_a_card_draws_what_it_says(tmp_path: Path) -> None:
    told = CARD.model_copy(update={"gpu": Gpu(name="a card", memory_gb=24, free_gb=23, watts=450)})
    assert pacing.draw(told) - pacing.draw(CARD) == 150


@pytest.mark.parametrize(
    ("of", "here", "dials", "instead"),
    [
        (14_000, LAPTOP, {}, ["training_instead_model", "training_instead_elsewhere"]),
        (14_000, CARD, {}, ["training_instead_qlora", "training_instead_model", "training_instead_elsewhere"]),
        (1_700, LAPTOP, {"method": "full"}, ["training_instead_adapter"]),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(
    of: int, here: Machine, dials: dict[str, Any], instead: list[str], tmp_path: Path
) -> None:
    made = offered(tmp_path, dials, here=here, of=model(of))
    assert made.cost is None
    assert made.fault is not None
    assert made.fault.code == "training_memory"
    assert [reason.code for reason in made.instead][: len(instead)] == instead


def test_four_bits_fit_on_a_card_where_sixteen_do_not(tmp_path: Path) -> None:
    assert offered(tmp_path, here=CARD, of=model(14_000)).fault is not None
    four = offered(tmp_path, {"method": "qlora"}, here=CARD, of=model(14_000))
    assert four.fault is None or four.fault.code == "training_qlora_missing"
    here = offered(tmp_path, {"method": "qlora"})
    assert here.fault is not None
    assert (here.fault.code, [reason.code for reason in here.instead]) == (
        "training_qlora_needs_card",
        ["training_instead_adapter"],
    )


def test_shorter_examples_are_offered_where_they_are_what_does_not_fit(tmp_path: Path) -> None:
    long = [example(f"Question {n}?", f"Answer {n} " * 900) for n in range(30)]
    small = LAPTOP.model_copy(update={"memory_gb": 4.0, "free_memory_gb": 3.5})
    made = offer(long, model(360), small, "balanced", {}, tmp_path / "paces.json")
    assert made.fault is not None
    assert made.instead[0].code == "training_instead_shorter"
