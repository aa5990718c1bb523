"""Real trainings of the tiny model in one process of their own: Unsloth changes transformers and TRL for good.

`python -m tests.training.learner FOLDER` plays every scene below and writes what happened to FOLDER/happened.json; with
`whole` behind it, only the first.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.base import settings
from studio.base.errors import StudioError
from studio.base.events import Event, Loss, Progress
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Message, Trained

RECIPE = TrainingRecipe(epochs=4, learning_rate=0.02, batch=4, rank=4, max_length=64, holdout=0.2, patience=0)
ANSWERS = ("ten days", "2,000 euros", "in the kitchen", "fourteen months", "a claim", "the policy")


class Killed(BaseException):
    """Stands for kill -9: nothing of the training's own may run after it."""


def examples(count: int = 24) -> list[Example]:
    return [example(f"Question {n} about the cover?", f"It is {ANSWERS[n % len(ANSWERS)]}.") for n in range(count)]


def example(question: str, answer: str) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=question, messages=messages)


def weights(folder: Path) -> Path:
    from tests import tiny

    tiny.model().save_pretrained(folder)
    tiny.tokenizer().save_pretrained(folder)
    return folder


class Play:
    """One training folder: events heard, errors met, and a hook that may end the scene at any event."""

    def __init__(self, folder: Path, model: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.model = folder, model

    def train(
        self,
        recipe: TrainingRecipe = RECIPE,
        given: list[Example] | None = None,
        stop_at: int | None = None,
        on: Callable[[Event], None] = lambda _: None,
    ) -> dict[str, Any]:
        from studio import training

        heard: list[Event] = []

        def emit(event: Event) -> None:
            heard.append(event)
            on(event)

        def should_stop() -> bool:
            return stop_at is not None and sum(isinstance(event, Progress) for event in heard) >= stop_at

        outcome: dict[str, Any] = {}
        try:
            made = training.train(
                examples() if given is None else given, "tiny", self.model, recipe, self.folder, emit, should_stop, 1
            )
            outcome["trained"] = made.model_dump()
        except StudioError as error:
            outcome["fault"] = [type(error).__name__, error.code, error.parameters]
        except Killed:
            outcome["killed"] = True
        outcome["losses"] = [e.model_dump(exclude={"at", "event", "of"}) for e in heard if isinstance(e, Loss)]
        outcome["events"] = [e.model_dump() for e in heard if not isinstance(e, Loss)]
        outcome["adapter"] = sorted(p.name for p in (self.folder / "adapter").glob("*"))
        outcome["checkpoints"] = sorted(p.name for p in (self.folder / "checkpoints").glob("checkpoint-*"))
        return outcome


def kill_at(step: int) -> Callable[[Event], None]:
    def on(event: Event) -> None:
        if isinstance(event, Loss) and event.train is not None and event.step == step:
            raise Killed

    return on


def main(folder: Path, only_whole: bool) -> None:
    settings.silence_libraries()
    model = weights(folder / "model")
    os.chdir(folder)
    before = {path.name for path in folder.iterdir()}
    happened: dict[str, Any] = {}

    whole = Play(folder / "whole", model)
    happened["whole"] = whole.train()
    shutil.rmtree(whole.folder / "adapter")  # its project has taken it
    happened["again"] = whole.train()
    if not only_whole:
        _interruptions(folder, model, happened)
        _bad_input(folder, model, happened)
    happened["left_behind"] = sorted({path.name for path in folder.iterdir()} - before)
    (folder / "happened.json").write_text(json.dumps(happened), encoding="utf-8")


def _interruptions(folder: Path, model: Path, happened: dict[str, Any]) -> None:
    from studio.training import learning

    stopped = Play(folder / "stopped", model)
    happened["stopped"] = stopped.train(stop_at=7)
    happened["continued"] = stopped.train()

    at_once = Play(folder / "at_once", model)
    happened["at_once"] = at_once.train(stop_at=0)
    early = Play(folder / "early", model)
    happened["early"] = early.train(stop_at=1)

    learning.SAVE_SECONDS = 0.0  # a checkpoint after every step
    killed = Play(folder / "killed", model)
    happened["killed"] = killed.train(on=kill_at(6))
    (killed.folder / "checkpoints/checkpoint-9").mkdir()
    damaged = killed.folder / "checkpoints/checkpoint-5/adapter_model.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    happened["resumed"] = killed.train()
    learning.SAVE_SECONDS = 60.0


def _bad_input(folder: Path, model: Path, happened: dict[str, Any]) -> None:
    long = example("Question with a very long wording? " * 20, "It is so.")
    happened["long"] = Play(folder / "long", model).train(given=[*examples(), long], recipe=quick())
    happened["all_long"] = Play(folder / "all_long", model).train(
        given=[example(f"{n} {long.question}", f"Answer {n}.") for n in range(12)], recipe=quick()
    )
    facts = [example(f"Question {n}?", f"Answer number {n}.") for n in range(12)]
    happened["nothing_kept_back"] = Play(folder / "facts", model).train(given=facts, recipe=quick())

    broken = folder / "broken"
    _break(model, broken)
    happened["diverged"] = Play(folder / "diverged", broken).train()


def quick() -> TrainingRecipe:
    return RECIPE.model_copy(update={"epochs": 0.5})


def _break(model: Path, target: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(model, target)
    tensors = load_file(target / "model.safetensors")
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * float("nan")
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})


def adapter(play: str, folder: Path, part: str = "adapter") -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / play / part / "adapter_model.safetensors"))


def trained(outcome: dict[str, Any]) -> Trained:
    return Trained.model_validate(outcome["trained"])


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), only_whole="whole" in sys.argv[2:])
