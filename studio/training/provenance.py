"""What tells one training from another, and what it was made with."""

import contextlib
import hashlib
import json
import sys
from importlib import metadata
from pathlib import Path

import studio
from studio.base.errors import NotFound
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example
from studio.training.lessons import Lessons

LIBRARIES = ("torch", "transformers", "peft", "unsloth", "unsloth_zoo")


def hub_name(model_name: str) -> str:
    """What an adapter says it belongs to, so that others can load it."""
    from studio import engines

    try:
        return engines.model(model_name).hub_id or model_name
    except NotFound:
        return model_name


def identity(lessons: Lessons, model_name: str, weights: Path, recipe: TrainingRecipe) -> str:
    """Twelve digits that are the same when the same would be trained."""
    config = weights / "config.json"
    what = [
        [sorted(_content(example) for example in part) for part in (lessons.learnt, lessons.kept_back)],
        model_name,
        hashlib.sha256(config.read_bytes()).hexdigest() if config.is_file() else "",
        recipe.model_dump(),
    ]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def _content(example: Example) -> str:
    said = [[message.role, message.content] for message in example.messages]
    return json.dumps([*said, example.task] if example.task != "answer" else said, ensure_ascii=False)


def versions() -> dict[str, str]:
    """Versions of what decides a result."""
    found = {"amedida": studio.__version__, "python": sys.version.split()[0]}
    for name in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
