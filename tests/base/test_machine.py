"""What is made of the answers of a tool for graphics cards that is not here."""

import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from studio.base import machine

TOLD = {
    "0": "NVIDIA RTX A5000, 24564, 24000, 230.00, 8.6",
    "1": "Tesla T4, 15360, 15000, [N/A], 7.5",
    "2": "NVIDIA GB10, [N/A], [N/A], [N/A], 12.1",
    "3": "NVIDIA GeForce GTX 1080 Ti, 11264, 11000, 250.00, 6.1",
}


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (None, ("NVIDIA RTX A5000", 25.8, 25.2, 230.0)),
        ("1", ("Tesla T4", 16.1, 15.7, 0.0)),
        ("1,0", ("Tesla T4", 16.1, 15.7, 0.0)),
        ("MIG-4f2a", ("NVIDIA RTX A5000", 25.8, 25.2, 230.0)),
        ("", None),
        ("-1", None),
        ("3", None),
    ],
)
def test_a_card_is_the_first_that_the_process_may_use(
    seen: str | None, found: tuple[str, float, float, float] | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _answering(monkeypatch, seen)
    gpu = machine.look(tmp_path).gpu
    assert (gpu and (gpu.name, gpu.memory_gb, gpu.free_gb, gpu.watts)) == found


def test_a_card_that_works_in_the_machines_memory_has_as_much(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _answering(monkeypatch, "2")
    gpu = machine.look(tmp_path).gpu
    assert gpu is not None
    assert gpu.memory_gb == round(psutil.virtual_memory().total / 1e9, 1)
    assert 0 < gpu.free_gb <= gpu.memory_gb


def _answering(monkeypatch: pytest.MonkeyPatch, seen: str | None) -> None:
    """`nvidia-smi` of four cards, which CUDA_VISIBLE_DEVICES chooses from."""

    def run(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        wanted = [part.removeprefix("--id=") for part in command if part.startswith("--id=")]
        lines = [TOLD[name] for name in wanted or TOLD]
        return subprocess.CompletedProcess(command, 0, "\n".join(lines) + "\n", "")

    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if seen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
