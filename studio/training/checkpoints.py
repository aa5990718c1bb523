"""Where an interrupted training goes on: folders `checkpoint-<step>` that say themselves that they are whole.

The marker is written last and names every file with its size, and what was being trained. No marker, another training, or
a file of another size: that folder does not count.
"""

import os
import shutil
from pathlib import Path

from studio.base import files

MARKER = "complete"


def finish(folder: Path, training: str) -> None:
    """Mark a written checkpoint as whole. `training` identifies examples, model and recipe."""
    sizes = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != MARKER:
            with path.open("rb") as file:
                os.fsync(file.fileno())
            sizes[path.name] = path.stat().st_size
    files.write_json(folder / MARKER, {"training": training, "files": sizes})


def newest(folder: Path, training: str) -> Path | None:
    """The whole checkpoint of this training with the highest step, or None."""
    whole = [path for path in folder.glob("checkpoint-*") if _step(path) is not None and _whole(path, training)]
    return max(whole, key=lambda path: _step(path) or 0, default=None)


def remove_others(folder: Path, kept: Path | None) -> None:
    """Delete every checkpoint but this one: unfinished ones, and those of another recipe."""
    for path in folder.glob("checkpoint-*"):
        if path != kept:
            shutil.rmtree(path)


def _step(path: Path) -> int | None:
    number = path.name.removeprefix("checkpoint-")
    return int(number) if number.isdigit() else None


def _whole(path: Path, training: str) -> bool:
    marker = files.read_json(path / MARKER)
    if not isinstance(marker, dict) or marker.get("training") != training:
        return False
    return all(
        (path / name).is_file() and (path / name).stat().st_size == size for name, size in marker["files"].items()
    )
