"""Trainings of a tiny random Llama: real Unsloth, real optimizer, real checkpoints. One process plays all scenes once."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.base.events import Batch
from studio.base.records import Sought
from tests.training import learner

pytestmark = pytest.mark.slow

HOUSE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return play(tmp_path_factory.mktemp("training"), CUDA_VISIBLE_DEVICES="")


def play(folder: Path, *only: str, **environment: str) -> Path:
    command = [sys.executable, "-m", "tests.training.learner", str(folder), *only]
    given = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(command, cwd=HOUSE, env=given, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout == "", "a library spoke on standard output"
    return folder


@pytest.fixture(scope="module")
def happened(stage: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((stage / "happened.json").read_text())
    return told


def notes(scene: dict[str, Any]) -> list[str]:
    return [event["code"] for event in scene["events"] if event["event"] == "note"]


def named(scene: dict[str, Any]) -> list[str]:
    return [event["name"] for event in scene["events"] if event["event"] == "stage"]


def checked(scene: dict[str, Any]) -> list[float]:
    return [loss["validation"] for loss in scene["losses"] if loss["validation"] is not None]


def measured(scene: dict[str, Any]) -> dict[str, float]:
    return {score.metric: score.value for score in learner.trained(scene).scores}


def test_training_moves_the_weights_and_says_how_the_loss_falls(happened: dict[str, Any], stage: Path) -> None:
    whole = happened["whole"]
    learnt = [loss["train"] for loss in whole["losses"] if loss["train"] is not None]
    assert len(learnt) == 20
    assert learnt[-1] < learnt[0] / 2
    assert min(checked(whole)) < checked(whole)[0]
    assert any(
        bool(tensor.abs().max() > 0) for name, tensor in learner.adapter("whole", stage).items() if "lora_B" in name
    )


def test_a_training_goes_through_its_stages_and_says_how_long_it_still_takes(happened: dict[str, Any]) -> None:
    assert named(happened["whole"]) == ["prepare", "learn", "check", "package"]
    assert named(happened["piloted"]) == ["prepare", "pilot", "learn", "check", "package"]
    events = happened["whole"]["events"]
    progress = [(event["done"], event["of"]) for event in events if event["event"] == "progress"]
    assert progress[:3] == [(1, 20), (2, 20), (3, 20)]
    assert all(event["seconds_left"] >= 0 for event in events if event["event"] == "progress")


def test_what_is_kept_are_the_weights_with_the_lowest_loss_on_what_was_kept_back(happened: dict[str, Any]) -> None:
    made = learner.trained(happened["whole"])
    assert made.validation_loss == min(checked(happened["whole"])[1:])
    assert made.steps == 20
    assert made.recipe == learner.RECIPE.model_dump()
    assert set(made.versions) >= {"amedida", "torch", "unsloth", "peft"}
    assert made.packed


def test_what_learning_brought_is_measured_before_and_after_on_what_was_kept_back(happened: dict[str, Any]) -> None:
    made = learner.trained(happened["whole"])
    assert [(score.metric, score.n) for score in made.scores] == [
        ("words_right_before", 5),
        ("words_right", 5),
        ("said_exactly", 5),
    ]
    before, after, _ = made.scores
    assert before.high < after.value
    assert all(0 <= score.low < score.high <= 1 for score in made.scores)


def test_answers_it_never_learns_are_heard_as_they_change(happened: dict[str, Any]) -> None:
    heard = [event for event in happened["whole"]["events"] if event["event"] == "sampled"]
    first, last = heard[0], heard[-1]
    assert (first["step"], last["step"]) == (0, 20)
    assert len({event["question"] for event in heard}) == 3
    assert last["answer"].startswith("It is ")
    assert not first["answer"].startswith("It is ")


def test_the_first_batch_is_shown_as_the_model_sees_it(happened: dict[str, Any]) -> None:
    shown = Batch.model_validate(next(event for event in happened["whole"]["events"] if event["event"] == "batch"))
    assert len(shown.examples) == 4
    for tokens in shown.examples:
        read = "".join(token.text for token in tokens if not token.learnt)
        learnt = "".join(token.text for token in tokens if token.learnt)
        assert read.startswith("<|im_start|>user\n")
        assert read.endswith("<|im_start|>assistant\n")
        assert learnt.startswith("It is ")
        assert learnt.endswith(".<|im_end|>")


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


# --- interruptions ---------------------------------------------------------------------------------------------------


def test_a_training_killed_in_every_phase_comes_to_the_same_end_bit_by_bit(
    happened: dict[str, Any], stage: Path
) -> None:
    assert [happened[f"killed_{phase}"] for phase in learner.PHASES] == [-9] * len(learner.PHASES)
    assert learner.trained(happened["after_kills"]).scores == learner.trained(happened["piloted"]).scores
    _assert_same(learner.adapter("piloted", stage), learner.adapter("killed", stage))


def test_a_kill_costs_one_checkpoint_interval_at_most(happened: dict[str, Any]) -> None:
    """A checkpoint is written after every step here: what was learnt before the step of the kill is not learnt again."""
    learnt = {phase: [int(step) for step in steps] for phase, steps in happened["killed_steps"].items()}
    of = len([loss for loss in happened["piloted"]["losses"] if loss["train"] is not None])
    assert learnt["prepare"] == learnt["pilot"] == learnt["package"] == []
    assert learnt["learn"] == list(range(1, learnt["learn"][-1] + 1))
    assert of / 2 < learnt["check"][0] <= learnt["learn"][-1] + 1
    assert learnt["check"][-1] == of
    assert happened["after_kills"]["losses"] == []


def test_pausing_keeps_everything_and_going_on_in_smaller_portions_is_the_same_training(
    happened: dict[str, Any], stage: Path
) -> None:
    """Cause: a retry after memory ran out halved the batch, which made another training of it, begun from nothing."""
    assert happened["stopped"]["fault"] == ["Stopped", "stopped", {}]
    assert happened["stopped"]["checkpoints"][-1] == "checkpoint-7"
    learnt = [loss["step"] for loss in happened["continued"]["losses"] if loss["train"] is not None]
    assert learnt == list(range(8, 21))
    assert learner.trained(happened["continued"]).id == learner.trained(happened["whole"]).id
    _assert_close(learner.adapter("whole", stage), learner.adapter("stopped", stage))


def test_pausing_before_anything_was_learnt_leaves_nothing_to_go_on_from(happened: dict[str, Any]) -> None:
    assert happened["at_once"]["fault"] == happened["early"]["fault"] == ["Stopped", "stopped", {}]
    assert happened["at_once"]["checkpoints"] == []
    assert happened["early"]["checkpoints"] == ["checkpoint-1"]


def test_a_checkpoint_that_reads_differently_is_passed_over_for_the_one_before(
    happened: dict[str, Any], stage: Path
) -> None:
    again = [loss["step"] for loss in happened["resumed"]["losses"] if loss["train"] is not None]
    assert again[0] == 5
    _assert_same(learner.adapter("whole", stage), learner.adapter("damaged", stage))


def test_enough_ends_the_learning_and_keeps_what_was_learnt(happened: dict[str, Any]) -> None:
    made = learner.trained(happened["enough"])
    assert made.steps == 6
    assert named(happened["enough"])[-2:] == ["check", "package"]
    assert "adapter_model.safetensors" in happened["enough"]["adapter"]


def test_learning_ends_early_when_it_gets_no_better(happened: dict[str, Any]) -> None:
    made = learner.trained(happened["patient"])
    assert made.steps < 60
    assert made.validation_loss == min(checked(happened["patient"])[1:])
    assert notes(happened["patient"]) == ["training_ended_early"]


def test_the_brake_ends_what_is_not_ahead_of_the_untrained_half_way(happened: dict[str, Any]) -> None:
    assert notes(happened["beaten"]) == ["training_ended_rival"]
    assert learner.trained(happened["beaten"]).steps == 12
    assert learner.trained(happened["ahead"]).steps == 20


# --- pilots and rounds -----------------------------------------------------------------------------------------------


def test_a_pilot_learns_from_a_part_and_says_what_more_examples_would_bring(happened: dict[str, Any]) -> None:
    points = [event for event in happened["piloted"]["events"] if event["event"] == "piloted"]
    assert [(point["examples"], point["of"], point["checked"]) for point in points] == [(15, 61, 11), (61, 61, 11)]
    assert [code for code in notes(happened["piloted"]) if code.startswith("more_examples")]


def test_few_examples_are_checked_in_turn_and_then_all_learnt(happened: dict[str, Any]) -> None:
    made = learner.trained(happened["folded"])
    assert made.examples == 24
    assert made.validation_loss is None
    assert measured(happened["folded"])["words_right"] > measured(happened["folded"])["words_right_before"]
    assert {(each.by, each.name) for each in made.segments} == {("topic", "even"), ("topic", "odd")}
    assert sum(each.score.n for each in made.segments) == made.scores[0].n == 18


def test_a_rehearsal_shows_the_batch_measures_the_pace_and_leaves_nothing(happened: dict[str, Any]) -> None:
    assert len(happened["rehearsed"]["batch"]["examples"]) == 4
    assert [note["code"] for note in happened["rehearsed"]["notes"]] == ["training_measured"]
    assert happened["rehearsed_left"] == ["paces.json"]


# --- other ways to learn ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "layers"), [("full", {0, 1}), ("last_layers", {1})])
def test_layers_that_learn_themselves_become_an_adapter_that_is_exact(
    way: str, layers: set[int], happened: dict[str, Any], stage: Path
) -> None:
    from safetensors.torch import load_file

    from studio.training import loading

    pairs = learner.adapter(way, stage)
    best, before = load_file(stage / way / "best/weights.safetensors"), load_file(stage / "model/model.safetensors")
    assert {loading.layer(name) for name in best} == layers
    for name, learnt in best.items():
        module = f"base_model.model.{name.removesuffix('.weight')}"
        told = before[name] + pairs[f"{module}.lora_B.weight"] @ pairs[f"{module}.lora_A.weight"]
        assert float((told - learnt).abs().max()) < 1e-6
        assert float((before[name] - learnt).abs().max()) > 1e-4


@pytest.mark.parametrize("way", ["whole", "full", "last_layers"])
def test_every_way_of_learning_is_merged_and_answers_as_it_learnt_to(way: str, stage: Path, tmp_path: Path) -> None:
    """Merged for an export, put on by PEFT, and turned into llama.cpp's form: all take it."""
    from studio.engines import adapter, merging

    for name in ("config.json", "generation_config.json"):
        shutil.copyfile(stage / "model" / name, tmp_path / name)
    merging.merge(stage / "model", stage / way / "adapter", tmp_path)
    base = json.loads((stage / "model/config.json").read_text())
    assert adapter.convert(stage / way / "adapter", base).is_file()
    assert _loss(tmp_path, None) == pytest.approx(_loss(stage / "model", stage / way / "adapter"), abs=2e-3)
    assert _loss(tmp_path, None) < _loss(stage / "model", None) - 0.5


def _loss(weights: Path, adapter: Path | None) -> float:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from tests import tiny

    model: Any = AutoModelForCausalLM.from_pretrained(weights, dtype="float32")
    if adapter is not None:
        model = PeftModel.from_pretrained(model, str(adapter))
    tokenizer = tiny.tokenizer()
    turns = [message.model_dump() for message in learner.examples()[0].messages]
    ids = tokenizer(tokenizer.apply_chat_template(turns, tokenize=False), return_tensors="pt")["input_ids"]
    return float(model.eval()(input_ids=ids, labels=ids).loss.detach())


def test_rows_beside_the_examples_join_their_steps_and_make_no_more_of_them(happened: dict[str, Any]) -> None:
    assert learner.trained(happened["replayed"]).steps == 20
    assert learner.trained(happened["replayed"]).examples == 19


# --- bad input -------------------------------------------------------------------------------------------------------


def test_too_long_examples_are_left_out_and_counted(happened: dict[str, Any]) -> None:
    found = [event["finding"] for event in happened["long"]["events"] if event["event"] == "found"]
    assert [(each["code"], each["count"], each["parameters"]) for each in found] == [
        ("examples_too_long", 1, {"limit": 64})
    ]
    assert found[0]["names"][0].startswith("Question with a very long wording?")
    assert "trained" in happened["long"]


def test_only_too_long_examples_are_refused(happened: dict[str, Any]) -> None:
    assert happened["all_long"]["fault"] == ["BadInput", "examples_all_too_long", {"count": 12, "limit": 64}]


def test_without_anything_kept_back_the_last_weights_are_kept_and_it_is_said(happened: dict[str, Any]) -> None:
    made = happened["nothing_kept_back"]
    assert learner.trained(made).validation_loss is None
    assert notes(made) == ["training_nothing_kept_back"]
    assert "adapter_model.safetensors" in made["adapter"]


def test_a_loss_that_is_no_number_ends_the_training_with_its_sentence(happened: dict[str, Any]) -> None:
    assert happened["diverged"]["fault"] == ["BadInput", "training_diverged", {"rate": 0.02}]
    assert happened["diverged"]["losses"] == []


def test_four_bits_without_a_graphics_card_are_refused(happened: dict[str, Any]) -> None:
    assert happened["qlora_here"]["fault"] == ["NotPossibleHere", "training_qlora_needs_card", {}]


def test_a_full_disk_at_a_checkpoint_is_said_leaves_no_rubbish_and_is_got_over(
    happened: dict[str, Any], stage: Path
) -> None:
    assert happened["disk_full"]["fault"] == ["NotPossibleHere", "training_disk_full", {}]
    assert happened["disk_full_left"] == []
    _assert_same(learner.adapter("whole", stage), learner.adapter("disk_full", stage))


def test_a_training_leaves_nothing_outside_its_folder(happened: dict[str, Any]) -> None:
    scenes = {name for name, told in happened.items() if isinstance(told, dict)} - {"again", "continued", "resumed"}
    assert set(happened["left_behind"]) >= {"whole", "stopped", "damaged", "paces.json", "broken"}
    assert len(happened["left_behind"]) < len(scenes) + 4


# --- a graphics card -------------------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no graphics card here")
def test_on_a_graphics_card_the_same_lessons_are_learnt_in_every_way(tmp_path: Path) -> None:
    told = json.loads((play(tmp_path, "card", "ways") / "happened.json").read_text())
    for way in ("whole", "full", "last_layers", "qlora"):
        if told[way].get("fault", ["", ""])[1] == "training_qlora_missing":
            continue
        learnt = [loss["train"] for loss in told[way]["losses"] if loss["train"] is not None]
        assert learnt[-1] < learnt[0]
        assert "adapter_model.safetensors" in told[way]["adapter"]


def _assert_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one.keys() == other.keys()
    assert all(bool((one[name] == other[name]).all()) for name in one)


def _assert_close(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Sums in another order differ in the last of bfloat16's eight bits; AdamW makes steps of learning-rate size of them."""
    assert one.keys() == other.keys()
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < learner.RECIPE.learning_rate


def test_a_search_tries_the_default_first_and_says_what_it_found(happened: dict[str, Any]) -> None:
    sought = Sought.model_validate(happened["sought"]["sought"])
    assert [trial.learning_rate for trial in sought.trials[:3]] == [0.003, 0.01, 0.006]
    assert all(trial.loss is not None and trial.right is not None for trial in sought.trials)
    assert sought.reason in ("as_good", "unproven", "unconfirmed", "kept")
    assert named(happened["sought"])[:2] == ["prepare", "seek"]
    assert happened["sought"]["left"] == ["trials.json"]


def test_a_search_that_was_killed_in_a_trial_goes_on_with_that_trial(happened: dict[str, Any]) -> None:
    assert happened["killed_trial"] == -9
    before, after = happened["half"], Sought.model_validate(happened["sought_on"]["sought"])
    assert len(before["trials"]) == 2
    assert [trial.model_dump() for trial in after.trials[:2]] == [each["trial"] for each in before["trials"]]
    alone = Sought.model_validate(happened["sought"]["sought"])
    assert [(t.number, t.loss, t.right) for t in after.trials] == [(t.number, t.loss, t.right) for t in alone.trials]
    assert after.seconds > before["spent"]


def test_a_search_in_no_time_says_so_and_one_of_a_broken_model_names_the_rate(happened: dict[str, Any]) -> None:
    short = Sought.model_validate(happened["sought_short"]["sought"])
    assert (short.reason, short.dials) == ("short", {})
    assert short.needed > 0
    assert happened["sought_astray"]["fault"] == ["BadInput", "training_diverged", {"rate": 0.003}]


def test_liked_answers_gain_and_the_adapter_that_learnt_them_is_kept(happened: dict[str, Any], stage: Path) -> None:
    liked = happened["liked"]
    assert (liked["found"]["reason"], liked["found"]["pairs"], liked["found"]["after"]["n"]) == ("kept", 24, 12)
    assert liked["found"]["low"] > 0
    assert named(liked) == ["prepare", "prefer", "check", "package"]
    made, before = learner.trained(liked), learner.trained(happened["whole"])
    assert made.id != before.id
    assert made.preferred is not None
    assert (made.preferred.method, made.examples, measured(liked)["words_right"] > 0) == ("dpo", before.examples, True)
    assert (happened["liked_odds"]["found"]["reason"], happened["liked_bare"]["found"]["reason"]) == ("kept", "kept")


def test_learning_from_judgements_goes_on_where_it_was_stopped(happened: dict[str, Any], stage: Path) -> None:
    assert happened["liked_stopped"]["fault"][0] == "Stopped"
    assert happened["liked_on"]["found"]["gain"] == happened["liked"]["found"]["gain"]
    one, other = (learner.adapter(name, stage) for name in ("liked", "liked_stopped"))
    assert all(bool((one[name] == other[name]).all()) for name in one)


def test_what_unlearns_the_examples_or_learns_nothing_is_not_kept(happened: dict[str, Any], stage: Path) -> None:
    for scene, reason in (("liked_wildly", "harms"), ("liked_hardly", "not_learnt")):
        assert (happened[scene]["found"]["reason"], happened[scene]["trained"]) == (reason, None)
        assert notes(happened[scene]) == [f"prefer_{reason}"]
        assert not (stage / scene / "adapter").exists()
    assert happened["liked_layers"]["fault"] == ["NotPossibleHere", "prefer_layers"]
