"""Real trainings of the tiny model in one process of their own: Unsloth changes transformers for good.

`python -m tests.training.learner FOLDER` plays every scene below and writes what happened to FOLDER/happened.json; with
`whole` behind it, only the first, with `card` those that need a graphics card. A kill is a real SIGKILL: of a fork.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.base import settings
from studio.base.errors import StudioError
from studio.base.events import Event, Loss, Progress, Stage, Tried
from studio.base.recipes import TrainingRecipe
from studio.base.records import Example, Message, Trained

RECIPE = TrainingRecipe(epochs=4, learning_rate=0.02, batch=4, rank=4, max_length=64, holdout=0.2, patience=0)
PILOTED = RECIPE.model_copy(update={"epochs": 2, "batch": 8, "holdout": 0.15, "pilot": True})
FOLDED = RECIPE.model_copy(update={"epochs": 2, "folds": 3})
SOUGHT = RECIPE.model_copy(update={"epochs": 2, "learning_rate": 0.003, "holdout": 0.15})
FULL = RECIPE.model_copy(update={"method": "full", "learning_rate": 0.002, "epochs": 2})
LAST = FULL.model_copy(update={"method": "last_layers", "layers": 1})
ANSWERS = ("ten days", "2,000 euros", "in the kitchen", "fourteen months", "a claim", "the policy")
PHASES = ("prepare", "pilot", "learn", "check", "package")
FOR_A_CARD = {"hidden_size": 128, "intermediate_size": 192, "initializer_range": 0.15}
"""Kernels for cards want heads of a multiple of 8, and 4-bit weights lie in blocks of 64."""


def examples(count: int = 24) -> list[Example]:
    """Six answers, twelve where there are many examples."""
    late = {True: " at once", False: ""}
    return [
        example(f"Question {n} about the cover?", f"It is {ANSWERS[n % 6]}{late[count > 60 and n % 12 > 5]}.")
        for n in range(count)
    ]


def example(question: str, answer: str, **fields: object) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example.model_validate({"id": question, "messages": messages} | fields)


def weights(folder: Path, **config: Any) -> Path:
    from tests import tiny

    tiny.model(**config).save_pretrained(folder)
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
        **more: Any,
    ) -> dict[str, Any]:
        from studio import training

        heard: list[Event] = []

        def emit(event: Event) -> None:
            heard.append(event)
            on(event)

        def should_stop() -> bool:
            return stop_at is not None and sum(isinstance(event, Progress) for event in heard) >= stop_at

        def enough() -> bool:
            return any(isinstance(event, Loss) and event.step >= more["enough_at"] for event in heard)

        told = {name: value for name, value in more.items() if name != "enough_at"}
        if "enough_at" in more:
            told["enough"] = enough
        outcome: dict[str, Any] = {}
        try:
            made = training.train(
                examples() if given is None else given, "tiny", self.model, recipe, self.folder, emit, should_stop, 1,
                training.Given(**told),
            )  # fmt: skip
            outcome["trained"] = made.model_dump()
        except StudioError as error:
            outcome["fault"] = [type(error).__name__, error.code, error.parameters]
        outcome["losses"] = [e.model_dump(exclude={"at", "event", "of"}) for e in heard if isinstance(e, Loss)]
        outcome["events"] = [e.model_dump() for e in heard if not isinstance(e, Loss)]
        outcome["adapter"] = sorted(p.name for p in (self.folder / "adapter").glob("*"))
        outcome["checkpoints"] = sorted(p.name for p in (self.folder / "checkpoints").glob("checkpoint-*"))
        return outcome

    def seek(self, minutes: float, on: Callable[[Event], None] = lambda _: None, **more: Any) -> dict[str, Any]:
        from studio import training

        heard: list[Event] = []

        def emit(event: Event) -> None:
            heard.append(event)
            on(event)

        def enough() -> bool:
            return sum(isinstance(event, Tried) for event in heard) >= more.get("trials", 99)

        asked = examples(72), "tiny", self.model, SOUGHT, {"learning_rate": 0.01}, minutes, self.folder, emit
        outcome: dict[str, Any] = {}
        try:
            outcome["sought"] = training.seek(*asked, lambda: False, 1, training.Given(enough=enough)).model_dump()
        except StudioError as error:
            outcome["fault"] = [type(error).__name__, error.code, error.parameters]
        outcome["events"] = [e.model_dump() for e in heard]
        outcome["left"] = sorted(path.name for path in self.folder.iterdir())
        return outcome

    def killed_in_trial(self, number: int, minutes: float) -> int:
        """A fork searches and is killed in the middle of a trial; returns how its process ended."""
        child = os.fork()
        if child == 0:
            self.seek(minutes, on=kill_after(number))
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def killed(self, phase: str, recipe: TrainingRecipe, given: list[Example]) -> int:
        """A fork trains and is killed in the middle of this stage; returns how its process ended.

        It leaves the steps it learnt in `until_<phase>`, a line each.
        """
        child = os.fork()
        if child == 0:
            kill, learnt = kill_in(phase), (self.folder / f"until_{phase}").open("w", buffering=1)

            def on(event: Event) -> None:
                if isinstance(event, Loss) and event.train is not None:
                    learnt.write(f"{event.step}\n")
                kill(event)

            self.train(recipe, given, on=on)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_in(phase: str) -> Callable[[Event], None]:
    """SIGKILL at once in a stage that does not tell how far it is, else half-way."""
    stage = ""

    def on(event: Event) -> None:
        nonlocal stage
        stage = event.name if isinstance(event, Stage) else stage
        told = isinstance(event, Progress) if phase in ("pilot", "learn") else isinstance(event, Stage)
        far = isinstance(event, Progress) and event.done / event.of > 0.5
        if stage == phase and told and (far or isinstance(event, Stage)):
            os.kill(os.getpid(), signal.SIGKILL)

    return on


def kill_after(trials: int) -> Callable[[Event], None]:
    """SIGKILL some steps into the next trial."""
    tried = steps = 0

    def on(event: Event) -> None:
        nonlocal tried, steps
        tried += isinstance(event, Tried)
        steps += tried == trials and isinstance(event, Progress)
        if steps > 8:
            os.kill(os.getpid(), signal.SIGKILL)

    return on


def main(folder: Path, wanted: list[str]) -> None:
    from studio.training import checking

    settings.silence_libraries()
    checking.WORDS = 12  # what a random model says instead of an answer need not be heard to the end
    model = weights(folder / "model", **(FOR_A_CARD if "card" in wanted else {}))
    os.chdir(folder)
    before = {path.name for path in folder.iterdir()}
    happened: dict[str, Any] = {}

    whole = Play(folder / "whole", model)
    happened["whole"] = whole.train(paces=folder / "paces.json")
    shutil.rmtree(whole.folder / "adapter")  # its project has taken it
    happened["again"] = whole.train()
    if "card" in wanted:
        happened["qlora"] = Play(folder / "qlora", model).train(RECIPE.model_copy(update={"method": "qlora"}))
    if not wanted or "ways" in wanted:
        _ways(folder, model, happened)
    if not wanted:
        _interruptions(folder, model, happened)
        _kills(folder, model, happened)
    if not wanted or "prefer" in wanted:
        from tests.training import liking

        liking.scenes(folder, model, whole.folder, happened)
    if not wanted or "seek" in wanted:
        _seeks(folder, model, happened)
    if not wanted:
        _bad_input(folder, model, happened)
    happened["left_behind"] = sorted({path.name for path in folder.iterdir()} - before)
    (folder / "happened.json").write_text(json.dumps(happened), encoding="utf-8")


def _ways(folder: Path, model: Path, happened: dict[str, Any]) -> None:
    """Other ways to learn than an adapter, in other portions, to an early end, and with rows beside the examples."""
    from studio import training
    from studio.base import events

    happened["full"] = Play(folder / "full", model).train(FULL)
    happened["last_layers"] = Play(folder / "last_layers", model).train(LAST)
    happened["smaller"] = Play(folder / "smaller", model).train(smaller=16)
    happened["enough"] = Play(folder / "enough", model).train(enough_at=6)
    happened["patient"] = Play(folder / "patient", model).train(
        RECIPE.model_copy(update={"patience": 1, "learning_rate": 0.1, "epochs": 12})
    )
    slow = RECIPE.model_copy(update={"beat": True, "learning_rate": 1e-8})
    happened["beaten"] = Play(folder / "beaten", model).train(slow, rivals=lambda kept: [kept])
    happened["ahead"] = Play(folder / "ahead", model).train(
        RECIPE.model_copy(update={"beat": True}), rivals=lambda kept: [kept]
    )
    happened["replayed"] = Play(folder / "replayed", model).train(replay=_nothing_new)
    happened["folded"] = Play(folder / "folded", model).train(
        FOLDED, given=[e.model_copy(update={"topic": "even" if n % 2 else "odd"}) for n, e in enumerate(examples())]
    )
    heard: list[Event] = []
    place = folder / "rehearsed"
    place.mkdir()
    training.rehearse(
        examples(),
        "tiny",
        model,
        RECIPE,
        place,
        heard.append,
        lambda: False,
        1,
        training.Given(paces=place / "paces.json"),
    )
    happened["rehearsed"] = events.fold(heard).model_dump()
    happened["rehearsed_left"] = sorted(path.name for path in place.iterdir())


def _nothing_new(learner: Any, renderer: Any) -> list[Any]:
    from studio.training.rendering import Row

    more = example("What is the capital of Spain?", "Madrid.")
    return [Row(*renderer.render(more.messages), weight=0.5)] * 4


def _interruptions(folder: Path, model: Path, happened: dict[str, Any]) -> None:
    from studio.training import course

    stopped = Play(folder / "stopped", model)
    happened["stopped"] = stopped.train(stop_at=7)
    happened["continued"] = stopped.train(smaller=16)  # after memory ran out, in smaller portions

    happened["at_once"] = Play(folder / "at_once", model).train(stop_at=0)
    happened["early"] = Play(folder / "early", model).train(stop_at=1)

    course.SAVE_SECONDS = 0.0  # a checkpoint after every step
    damaged = Play(folder / "damaged", model)
    happened["damaged"] = damaged.train(stop_at=6)
    (damaged.folder / "checkpoints/checkpoint-9").mkdir()
    file = damaged.folder / "checkpoints/checkpoint-6/weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    happened["resumed"] = damaged.train()


def _kills(folder: Path, model: Path, happened: dict[str, Any]) -> None:
    """One training that is killed in every phase in turn, beside one that is left alone."""
    given = examples(72)
    happened["piloted"] = Play(folder / "piloted", model).train(PILOTED, given)
    play = Play(folder / "killed", model)
    for phase in PHASES:
        happened[f"killed_{phase}"] = play.killed(phase, PILOTED, given)
    happened["killed_steps"] = {phase: (play.folder / f"until_{phase}").read_text().split() for phase in PHASES}
    happened["after_kills"] = play.train(PILOTED, given)


def _seeks(folder: Path, model: Path, happened: dict[str, Any]) -> None:
    happened["sought"] = Play(folder / "sought/a", model).seek(10, trials=5)
    play = Play(folder / "sought_killed/a", model)
    happened["killed_trial"] = play.killed_in_trial(2, 10)
    happened["half"] = json.loads((play.folder / "trials.json").read_text(encoding="utf-8"))
    happened["sought_on"] = play.seek(10, trials=5)
    happened["sought_short"] = Play(folder / "sought_short/a", model).seek(0.01)
    broken = folder / "broken_seek"
    _break(model, broken)
    happened["sought_astray"] = Play(folder / "sought_astray/a", broken).seek(10)


def _bad_input(folder: Path, model: Path, happened: dict[str, Any]) -> None:
    from studio.training import checkpoints

    long = example("Question with a very long wording? " * 20, "It is so.")
    happened["long"] = Play(folder / "long", model).train(given=[*examples(), long], recipe=quick())
    happened["all_long"] = Play(folder / "all_long", model).train(
        given=[example(f"{n} {long.question}", f"Answer {n}.") for n in range(12)], recipe=quick()
    )
    facts = [example(f"Question {n}?", f"Answer number {n}.") for n in range(12)]
    happened["nothing_kept_back"] = Play(folder / "facts", model).train(given=facts, recipe=quick())
    happened["qlora_here"] = Play(folder / "qlora_here", model).train(RECIPE.model_copy(update={"method": "qlora"}))

    broken = folder / "broken"
    _break(model, broken)
    happened["diverged"] = Play(folder / "diverged", broken).train()

    full = Play(folder / "disk_full", model)
    written = checkpoints.save
    checkpoints.save = _full_disk
    happened["disk_full"] = full.train()
    checkpoints.save = written
    happened["disk_full_left"] = sorted(path.name for path in (full.folder / "checkpoints").glob("*"))
    happened["disk_freed"] = full.train()


def _full_disk(tensors: Any, path: Path) -> None:
    """The kernel's own refusal: /dev/full takes nothing."""
    with Path("/dev/full").open("wb") as file:
        file.write(b"x" * 9000)


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
    main(Path(sys.argv[1]).resolve(), sys.argv[2:])
