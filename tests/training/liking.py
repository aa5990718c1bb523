"""Scenes in which the tiny model learns from what people like better, played by `learner` in its one process."""

from pathlib import Path
from typing import Any

from studio.base.errors import StudioError
from studio.base.events import Event, Progress
from studio.base.recipes import PreferRequest
from studio.base.records import Trained
from tests.training import learner


def pairs(count: int = 36) -> list[Any]:
    """Liked are answers such as the examples teach, disliked those that say nothing."""
    from studio.training import Pair

    said = [(f"Question {n} about the cover?", f"It is {learner.ANSWERS[n % 6]}.") for n in range(count)]
    return [Pair(question=asked, liked=answer, other="We cannot say.") for asked, answer in said]


def scenes(folder: Path, model: Path, whole: Path, happened: dict[str, Any]) -> None:
    """On top of the adapter in `whole`: learnt, stopped on the way and gone on with, and with too large steps."""
    trained = Trained.model_validate(happened["whole"]["trained"])
    happened["liked"] = prefer(folder / "liked", model, whole, trained)
    happened["liked_stopped"] = prefer(folder / "liked_stopped", model, whole, trained, stop_at=4)
    happened["liked_on"] = prefer(folder / "liked_stopped", model, whole, trained)
    happened["liked_odds"] = prefer(folder / "liked_odds", model, whole, trained, method="orpo")
    happened["liked_wildly"] = prefer(folder / "liked_wildly", model, whole, trained, learning_rate=0.1)
    happened["liked_hardly"] = prefer(folder / "liked_hardly", model, whole, trained, learning_rate=1e-9)
    happened["liked_bare"] = prefer(folder / "liked_bare", model, None, None, learning_rate=3e-4)
    layers = trained.model_copy(update={"recipe": trained.recipe | {"method": "full"}})
    happened["liked_layers"] = prefer(folder / "liked_layers", model, whole, layers)


def prefer(
    folder: Path, model: Path, whole: Path | None, trained: Trained | None, stop_at: int | None = None, **how: Any
) -> dict[str, Any]:
    from studio import training

    folder.mkdir(exist_ok=True)
    heard: list[Event] = []

    def should_stop() -> bool:
        return stop_at is not None and sum(isinstance(event, Progress) for event in heard) >= stop_at

    start = training.Start("tiny", model, whole / "adapter" if whole else None, trained)
    request = PreferRequest(model="tiny", **{"learning_rate": 0.002} | how)
    outcome: dict[str, Any] = {}
    try:
        found, made = training.prefer(pairs(), learner.examples(), start, request, folder, heard.append, should_stop, 1)
        outcome |= {"found": found.model_dump(), "trained": made.model_dump() if made else None}
    except StudioError as error:
        outcome["fault"] = [type(error).__name__, error.code]
    outcome["events"] = [event.model_dump() for event in heard]
    return outcome
