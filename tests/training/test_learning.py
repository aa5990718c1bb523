"""Trainings of a tiny random Llama: real Unsloth, real TRL, real checkpoints. One process plays all scenes once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training import learner

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("training"), CUDA_VISIBLE_DEVICES="")


def play(folder: Path, *only: str, **environment: str) -> Path:
    command = [sys.executable, "-m", "tests.training.learner", str(folder), *only]
    given = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(command, cwd=HOUSE, env=given, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout == "", "a library spoke on standard output"
    return folder


@pytest.fixture(scope="module")
def happened(stage: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((stage / "happened.json").read_text())
    return told


def test_training_moves_the_weights_and_says_how_the_loss_falls(happened: dict[str, Any], stage: Path) -> None:
    whole = happened["whole"]
    learnt = [loss["train"] for loss in whole["losses"] if loss["train"] is not None]
    checked = [loss["validation"] for loss in whole["losses"] if loss["validation"] is not None]
    assert len(learnt) == 20
    assert learnt[-1] < learnt[0] / 2
    assert min(checked) < checked[0]
    assert any(
        bool(tensor.abs().max() > 0) for name, tensor in learner.adapter("whole", stage).items() if "lora_B" in name
    )


def test_a_training_goes_through_its_stages_and_says_how_long_it_still_takes(happened: dict[str, Any]) -> None:
    events = happened["whole"]["events"]
    assert [event["name"] for event in events if event["event"] == "stage"] == ["prepare", "learn", "package"]
    progress = [(event["done"], event["of"]) for event in events if event["event"] == "progress"]
    assert progress[:3] == [(1, 20), (2, 20), (3, 20)]
    assert all(event["seconds_left"] >= 0 for event in events if event["event"] == "progress")


def test_what_is_kept_are_the_weights_with_the_lowest_loss_on_what_was_kept_back(happened: dict[str, Any]) -> None:
    made = learner.trained(happened["whole"])
    later = [
        loss["validation"] for loss in happened["whole"]["losses"] if loss["validation"] is not None and loss["step"]
    ]
    assert made.validation_loss == min(later)
    assert made.steps == 20
    assert made.recipe == learner.RECIPE.model_dump()
    assert set(made.versions) >= {"amedida", "torch", "unsloth", "trl"}


def test_the_adapter_folder_holds_safetensors_and_names_no_folder_of_this_machine(
    happened: dict[str, Any], stage: Path
) -> None:
    assert happened["whole"]["adapter"] == [
        "adapter_config.json",
        "adapter_model.safetensors",
        "chat_template.jinja",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    texts = [path.read_text() for path in (stage / "whole/adapter").glob("*.json")]
    assert json.loads((stage / "whole/adapter/adapter_config.json").read_text())["base_model_name_or_path"] == "tiny"
    assert not any(str(stage) in text for text in texts)


def test_the_same_training_asked_for_twice_is_done_once(happened: dict[str, Any]) -> None:
    assert happened["again"]["trained"] == happened["whole"]["trained"]
    assert happened["again"]["losses"] == []
    assert happened["again"]["adapter"] == happened["whole"]["adapter"]


def test_a_stopped_training_keeps_its_best_weights_and_goes_on_to_the_same_end_bit_by_bit(
    happened: dict[str, Any], stage: Path
) -> None:
    assert happened["stopped"]["fault"] == ["Stopped", "stopped", {}]
    assert happened["stopped"]["checkpoints"][-1] == "checkpoint-7"
    assert "adapter_model.safetensors" in happened["stopped"]["adapter"]
    assert happened["continued"]["losses"] == [loss for loss in happened["whole"]["losses"] if loss["step"] > 7]
    _assert_same(learner.adapter("whole", stage), learner.adapter("stopped", stage))


def test_stopping_before_anything_was_measured_leaves_a_checkpoint_and_no_adapter(happened: dict[str, Any]) -> None:
    assert happened["at_once"]["fault"] == happened["early"]["fault"] == ["Stopped", "stopped", {}]
    assert happened["at_once"]["checkpoints"] == []
    assert happened["early"]["checkpoints"] == ["checkpoint-1"]
    assert happened["at_once"]["adapter"] == happened["early"]["adapter"] == []


def test_after_a_kill_the_newest_whole_checkpoint_is_used_and_the_end_is_the_same_bit_by_bit(
    happened: dict[str, Any], stage: Path
) -> None:
    assert happened["killed"]["killed"]
    assert happened["resumed"]["losses"] == [loss for loss in happened["whole"]["losses"] if loss["step"] > 4]
    assert learner.trained(happened["resumed"]).steps == 20
    _assert_same(learner.adapter("whole", stage), learner.adapter("killed", stage))


def test_too_long_examples_are_left_out_and_counted(happened: dict[str, Any]) -> None:
    found = [event["finding"] for event in happened["long"]["events"] if event["event"] == "found"]
    assert [(each["code"], each["count"], each["parameters"]) for each in found] == [
        ("examples_too_long", 1, {"limit": 64})
    ]
    assert found[0]["names"][0].startswith("Question with a very long wording?")
    assert "trained" in happened["long"]


def test_only_too_long_examples_are_refused(happened: dict[str, Any]) -> None:
    assert happened["all_long"]["fault"] == ["BadInput", "examples_all_too_long", {"count": 12, "limit": 64}]


def test_without_examples_to_keep_back_the_last_weights_are_kept_and_that_is_said(happened: dict[str, Any]) -> None:
    notes = [event["code"] for event in happened["nothing_kept_back"]["events"] if event["event"] == "note"]
    assert notes == ["training_nothing_kept_back"]
    assert learner.trained(happened["nothing_kept_back"]).validation_loss is None
    assert "adapter_model.safetensors" in happened["nothing_kept_back"]["adapter"]


def test_a_loss_that_is_no_number_ends_the_training_with_its_reason(happened: dict[str, Any]) -> None:
    assert happened["diverged"]["fault"] == ["BadInput", "training_diverged", {"rate": learner.RECIPE.learning_rate}]


def test_a_training_leaves_nothing_outside_its_folder(happened: dict[str, Any]) -> None:
    assert happened["left_behind"] == [
        "all_long", "at_once", "broken", "diverged", "early", "facts", "killed", "long", "stopped", "whole",
    ]  # fmt: skip


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no graphics card here")
def test_on_a_graphics_card_the_same_lessons_are_learnt(tmp_path: Path) -> None:
    whole = json.loads((play(tmp_path, "whole") / "happened.json").read_text())["whole"]
    learnt = [loss["train"] for loss in whole["losses"] if loss["train"] is not None]
    assert learnt[-1] < learnt[0] / 2
    assert "adapter_model.safetensors" in whole["adapter"]


def _assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    assert all(bool((one[name] == other[name]).all()) for name in one)
