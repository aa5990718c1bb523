"""What a graphics card does differently, as far as a processor can show it; the same tests again where there is a card."""

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from studio.base.recipes import TrainingRecipe
from studio.training import course, loading, packing
from tests.training.test_packing import ROWS, learning

if TYPE_CHECKING:
    from studio.training.course import Course
    from studio.training.loading import Learner

CARD = pytest.param(
    "cuda",
    marks=[pytest.mark.gpu, pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no graphics card here")],
)
PROCESSOR = pytest.param("cpu", marks=pytest.mark.slow)
RECIPE = TrainingRecipe(epochs=8, batch=4, learning_rate=0.01, patience=0)


@pytest.mark.parametrize("device", [PROCESSOR, CARD])
@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_both_short_precisions_learn_packed_and_padded_alike(precision: str, device: str, tmp_path: Path) -> None:
    """float16 only with its gradients scaled: a step whose gradients overflow is left out, and the scale goes down."""
    import torch

    from tests import tiny

    lost = {}
    for packs in (True, False):
        learner = learning(tiny.model(), device, getattr(torch, precision))
        packing.choose(learner, ROWS)
        assert learner.packs
        learner.packs = packs
        lost[packs] = _run(learner, tmp_path / str(packs)).losses
    first, last = (float(lost[True][at] or 0) for at in (0, -1))
    assert last < first / 2
    assert lost[True][0] == pytest.approx(lost[False][0], rel=0.02)
    assert last == pytest.approx(lost[False][-1], rel=0.25)


@pytest.mark.parametrize("device", [PROCESSOR, CARD])
def test_a_step_whose_gradients_overflow_is_left_out_and_a_resumed_course_knows_the_scale(
    device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    from tests import tiny

    monkeypatch.setattr(course, "SAVE_SECONDS", 0.0)
    learner = learning(tiny.model(), device, torch.float16)
    huge = [ROWS[0]._replace(weight=1e30), *ROWS[1:]]  # the examples' own loss stays a number, its gradients do not
    before = {name: tensor.detach().clone() for name, tensor in learner.moving.items()}
    run = course._Run(learner, course.Lesson(huge, [], RECIPE, tmp_path, "x"), course.Watch(lambda: False))
    scale = run.scaler.get_scale()
    run._step()
    assert run.scaler.get_scale() == scale / 2
    assert all(bool((learner.moving[name] == tensor).all()) for name, tensor in before.items())
    run._save()
    again = course._Run(learner, run.lesson, run.watch)
    again._resume()
    assert (again.course.step, again.scaler.get_scale()) == (1, scale / 2)


@pytest.mark.parametrize(("seen", "left"), [(None, "0"), ("2,3", "2"), ("", "-1"), ("-1", "-1")])
def test_of_several_cards_a_training_sees_the_first(
    seen: str | None, left: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "environ", {} if seen is None else {"CUDA_VISIBLE_DEVICES": seen})
    loading.prepare_environment(1, tmp_path)
    assert (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["CUDA_DEVICE_ORDER"]) == (left, "PCI_BUS_ID")


def test_layers_that_learn_themselves_speak_in_16_bits_where_kernels_want_it_and_stay_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unsloth's decoding writes into 16-bit buffers: `torch.matmul(..., out=)` takes no weights of 32 beside them."""
    import torch

    from tests import tiny

    learner = learning(tiny.model(), autocast=torch.bfloat16)
    learner.own_forward = False
    fake = SimpleNamespace(for_inference=lambda model: None, for_training=lambda model: None)
    monkeypatch.setitem(sys.modules, "unsloth", SimpleNamespace(FastLanguageModel=fake))
    before = {name: tensor.data_ptr() for name, tensor in learner.moving.items()}
    with learner._speaking():
        assert {tensor.dtype for tensor in learner.moving.values()} == {torch.bfloat16}
    assert {name: tensor.data_ptr() for name, tensor in learner.moving.items()} == before
    assert {tensor.dtype for tensor in learner.moving.values()} == {torch.float32}


@pytest.mark.gpu
@pytest.mark.skipif(shutil.which("nvidia-smi") is None, reason="no graphics card here")
def test_on_a_card_a_step_takes_no_more_memory_than_was_told(tmp_path: Path) -> None:
    import torch

    from studio.base import machine
    from studio.training import fitting
    from tests import tiny

    learner = learning(
        tiny.model(hidden_size=768, intermediate_size=2_048, num_hidden_layers=12), "cuda", torch.bfloat16
    )
    torch.cuda.reset_peak_memory_stats()
    _run(learner, tmp_path)
    count = sum(tensor.numel() for tensor in learner.moving.values())
    told = fitting.memory_gb(count, RECIPE.model_copy(update={"method": "full"}), machine.look(tmp_path))
    assert torch.cuda.max_memory_allocated() / 1e9 < told


def _run(learner: "Learner", place: Path) -> "Course":
    return course.run(learner, course.Lesson(ROWS, [], RECIPE, place, "card"), course.Watch(lambda: False))
