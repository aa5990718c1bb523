import subprocess
import sys

import pytest

from studio.base.errors import NotEnough, NotPossibleHere
from studio.base.machine import Gpu, Machine
from studio.engines import Model
from studio.training import Effort, everyday, plan
from tests.training.test_lessons import example, wordings

LAPTOP = Machine(system="Linux", processor="", cores=2, memory_gb=24, free_memory_gb=20, free_disk_gb=50, bf16=True)
CARD = LAPTOP.model_copy(update={"gpu": Gpu(name="a card", memory_gb=24, free_gb=23)})


def model(millions: int) -> Model:
    return Model(
        name="m", title="M", parameters=millions * 1_000_000, hub_id=None, licence="Apache-2.0", licence_name="",
        licence_link="", languages=("en",), context=8192, memory_gb=1, training_gb=2,
    )  # fmt: skip


@pytest.mark.parametrize(("millions", "rate"), [(135, 1.3e-3), (360, 7e-4), (600, 5e-4), (1_700, 2e-4), (4_000, 2e-4)])
def test_the_learning_rate_suits_the_size_of_the_model(millions: int, rate: float) -> None:
    assert plan(wordings(80), model(millions), CARD).recipe.learning_rate == rate


@pytest.mark.parametrize(
    ("rows", "effort", "epochs"),
    [
        (30, "balanced", 20),
        (90, "balanced", 15),
        (240, "quick", 5),
        (240, "balanced", 10),
        (240, "thorough", 15),
        (1500, "balanced", 6),
        (2100, "balanced", 5),
        (10_200, "balanced", 3),
    ],
)
def test_few_examples_are_seen_more_often_than_many(rows: int, effort: Effort, epochs: float) -> None:
    assert plan(wordings(rows // 3), model(135), LAPTOP, effort).recipe.epochs == epochs


def test_every_choice_comes_with_its_reason() -> None:
    made = plan(wordings(80), model(135), LAPTOP)
    assert [(reason.code, reason.parameters) for reason in made.reasons] == [
        ("training_rate", {"rate": 1.3e-3, "millions": 135}),
        ("training_rank_half", {"rank": 16}),
        ("training_epochs", {"epochs": 10.0, "count": 216}),
        ("training_batch", {"batch": 8}),
        ("training_window", {"limit": 128}),
        ("training_replay", {"count": everyday.known()}),
        ("training_kept_back", {"count": 24}),
        ("training_patience", {"patience": 3}),
        ("training_on_bf16", {}),
    ]
    assert (made.examples, made.kept_back) == (216, 24)


def test_the_starter_model_takes_minutes_on_two_cores_and_a_card_is_faster() -> None:
    here, there = plan(wordings(80), model(135), LAPTOP), plan(wordings(80), model(135), CARD)
    assert 1 < here.minutes < 8
    assert there.minutes < here.minutes
    assert 1.2 < here.memory_gb < 4


@pytest.mark.parametrize(("rows", "millions", "share"), [(60, 135, 1.0), (300, 135, 1.0), (300, 4_000, 0.35)])
def test_small_models_have_more_everyday_questions_beside_them(rows: int, millions: int, share: float) -> None:
    assert plan(wordings(rows // 3), model(millions), CARD).recipe.replay == share


def test_there_are_no_more_everyday_questions_in_a_round_than_there_are() -> None:
    made = plan(wordings(1_000), model(135), LAPTOP)
    assert made.recipe.replay == round(everyday.known() / made.examples, 2)


def test_what_does_not_fit_is_refused_with_what_it_would_need() -> None:
    with pytest.raises(NotPossibleHere) as caught:
        plan(wordings(80), model(14_000), LAPTOP)
    assert caught.value.code == "training_memory"
    assert caught.value.parameters["needed_gb"] > 24
    assert caught.value.parameters["name"] == "M"


def test_long_examples_lengthen_the_window_and_never_leave_the_models_context() -> None:
    long = [example(f"Question {n}?", f"Answer {n} " * 800) for n in range(30)]
    assert plan(long, model(135), LAPTOP).recipe.max_length == 4096
    assert plan(long, model(135).model_copy(update={"context": 2048}), LAPTOP).recipe.max_length == 2048


def test_no_examples_no_plan() -> None:
    with pytest.raises(NotEnough):
        plan([], model(135), LAPTOP)


def test_planning_loads_no_heavy_library() -> None:
    code = (
        "import sys, studio.training; print({'torch', 'transformers', 'trl', 'unsloth', 'datasets'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
