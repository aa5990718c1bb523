"""Where an interrupted training goes on: folders `checkpoint-<step>` that say themselves that they are whole.

The marker is written last and names every file with its size and digest, and what was being trained. No marker, another
training, or a file that reads differently: that folder does not count. Tensors lie in safetensors, the rest in JSON.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.base import files

if TYPE_CHECKING:
    import torch

MARKER = "complete"
WEIGHTS, OPTIMIZER, STATE = "weights.safetensors", "optimizer.safetensors", "state.json"
KEPT = 2  # the newest, and the one before in case the newest cannot be read back


def write(
    place: Path,
    step: int,
    training: str,
    weights: "Mapping[str, torch.Tensor]",
    optimizer: "Mapping[str, torch.Tensor]",
    state: Mapping[str, Any],
) -> Path:
    """A new checkpoint in `place`, marked as whole; older ones go once it is. A failed attempt leaves nothing behind.

    `training` identifies examples, model and recipe. Raises OSError as the disk does.
    """
    folder = place / f"checkpoint-{step}"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        save(weights, folder / WEIGHTS)
        save(optimizer, folder / OPTIMIZER)
        files.write_json(folder / STATE, state)
        finish(folder, training)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)  # half a checkpoint would only fill the disk further
        raise
    for older in sorted((path for path in place.glob("checkpoint-*") if path != folder), key=_order)[: -(KEPT - 1)]:
        shutil.rmtree(older, ignore_errors=True)
    return folder


def read(folder: Path) -> "tuple[dict[str, torch.Tensor], dict[str, torch.Tensor], dict[str, Any]]":
    """Weights, optimizer and state of a whole checkpoint."""
    from safetensors.torch import load_file

    state: dict[str, Any] = files.read_json(folder / STATE) or {}
    return dict(load_file(folder / WEIGHTS)), dict(load_file(folder / OPTIMIZER)), state


def save(tensors: "Mapping[str, torch.Tensor]", path: Path) -> None:
    """Tensors as a safetensors file on the disk, not only in its cache. Raises OSError, also for what the library raises."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    try:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)
    except SafetensorError as error:
        raise OSError(str(error)) from error


def finish(folder: Path, training: str) -> None:
    """Mark a written checkpoint as whole."""
    known = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != MARKER:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            known[path.name] = {"size": path.stat().st_size, "sha256": _digest(path)}
    files.write_json(folder / MARKER, {"training": training, "files": known})


def newest(folder: Path, training: str) -> Path | None:
    """The whole checkpoint of this training with the highest step, or None."""
    return next((path for path in _by_step(folder) if _whole(path, training)), None)


def resumable(place: Path) -> int | None:
    """The step from which a training in `place` would go on; None when nothing whole lies there."""
    for path in _by_step(place):
        marker = files.read_json(path / MARKER)
        if isinstance(marker, dict) and _whole(path, str(marker.get("training"))):
            return _step(path)
    return None


def remove_others(folder: Path, kept: Path | None) -> None:
    """Delete every checkpoint but this one: unfinished ones, and those of another recipe."""
    for path in folder.glob("checkpoint-*"):
        if path != kept:
            shutil.rmtree(path)


def _by_step(place: Path) -> list[Path]:
    """The newest first."""
    return sorted((path for path in place.glob("checkpoint-*") if _step(path) is not None), key=_order, reverse=True)


def _order(path: Path) -> int:
    return _step(path) or 0


def _step(path: Path) -> int | None:
    number = path.name.removeprefix("checkpoint-")
    return int(number) if number.isdigit() else None


def _whole(path: Path, training: str) -> bool:
    marker = files.read_json(path / MARKER)
    if not isinstance(marker, dict) or marker.get("training") != training or not isinstance(marker.get("files"), dict):
        return False
    for name, known in marker["files"].items():
        file = path / name
        if not isinstance(known, dict) or not file.is_file() or file.stat().st_size != known["size"]:
            return False
        if _digest(file) != known["sha256"]:
            return False
    return True


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
