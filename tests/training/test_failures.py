import errno
from pathlib import Path

import pytest

from studio import training
from studio.base.errors import NotEnough, NotFound, NotPossibleHere, OutOfMemory, Stopped, StudioError, Unreadable
from studio.base.events import Event
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example
from studio.training import checkpoints, learning
from tests.training.test_lessons import example, wordings


def train(folder: Path, examples: list[Example]) -> None:
    heard: list[Event] = []
    training.train(examples, "tiny", folder, TrainingRecipe(batch=4), folder, heard.append, lambda: False, 1)


@pytest.mark.parametrize(
    ("foreign", "ours", "code"),
    [
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
            OutOfMemory,
            "training_out_of_memory",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), OutOfMemory, "training_out_of_memory"),
        (MemoryError(), OutOfMemory, "training_out_of_memory"),
        (OSError(errno.ENOSPC, "No space left on device"), NotPossibleHere, "training_disk_full"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), NotPossibleHere, "training_disk_full"),
        (ImportError("No module named 'unsloth'"), NotPossibleHere, "training_engine_missing"),
        (NotImplementedError("cannot find any torch accelerator"), NotPossibleHere, "training_engine_missing"),
        (Stopped(), Stopped, "stopped"),
    ],
)
def test_failures_of_the_libraries_become_errors_with_a_sentence(
    foreign: Exception, ours: type[StudioError], code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise foreign

    monkeypatch.setattr(learning, "prepare_environment", lambda *_: None)
    monkeypatch.setattr(learning.loading, "load", fail)
    with pytest.raises(ours) as caught:
        train(tmp_path, wordings(10))
    assert caught.value.code == code


def test_weights_that_are_gone_or_damaged_are_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cause: files deleted by hand to make room met the person as a fault of the program, in the words of a library."""

    class SafetensorError(Exception):
        """What the library raises of a file that ends too early: neither an OSError nor a RuntimeError."""

    def fail(*_: object) -> None:
        raise SafetensorError("Error while deserializing header: incomplete metadata")

    monkeypatch.setattr(learning, "prepare_environment", lambda *_: None)
    with pytest.raises(NotFound) as gone:
        train(tmp_path, wordings(10))
    monkeypatch.setattr(learning.loading, "load", fail)
    with pytest.raises(Unreadable) as damaged:
        train(tmp_path, wordings(10))
    assert [(each.value.code, each.value.parameters) for each in (gone, damaged)] == [
        ("weights_missing", {"name": tmp_path.name}),
        ("weights_damaged", {"name": tmp_path.name}),
    ]


def test_a_fault_of_the_program_is_not_dressed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(learning, "prepare_environment", lambda *_: None)
    monkeypatch.setattr(learning.loading, "load", fail)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        train(tmp_path, wordings(10))


def test_one_example_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    with pytest.raises(NotEnough) as caught:
        train(tmp_path, [example("How long?", "Ten days.")])
    assert caught.value.parameters == {"count": 1, "needed": 10}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_disk_that_is_full_under_a_tensor_file_is_an_error_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cause: safetensors raises an error of its own, which is neither an OSError nor a RuntimeError."""
    import safetensors
    import safetensors.torch
    import torch

    def full(*_: object) -> None:
        raise safetensors.SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(safetensors.torch, "save_file", full)
    with pytest.raises(OSError, match=r"(?i)no space left"):
        checkpoints.save({"one": torch.zeros(9)}, tmp_path / "weights")
