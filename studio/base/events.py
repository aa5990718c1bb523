"""What a run says while it works: one JSON event a line in `events.jsonl`, appended by the run's own process.

Progress is `fold(events)`: nobody stores it. A line cut off by a kill is ignored; the next one counts.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from studio.base.errors import Stopped
from studio.base.records import Finding, Game, Parameter, Record, Trial

FILE = "events.jsonl"


class Moment(Record):
    """Whatever is said, and when."""

    at: float = Field(default_factory=time.time)


class Planned(Moment):
    """The stages of this run, in order; said first, and again when a resumed run starts over."""

    event: Literal["planned"] = "planned"
    stages: tuple[str, ...]


class Stage(Moment):
    """A stage begins. Worded by `stage.<name>`."""

    event: Literal["stage"] = "stage"
    name: str


class Progress(Moment):
    """`done` of `of` in the current stage; `seconds_left` is the run's own estimate for this stage."""

    event: Literal["progress"] = "progress"
    done: float
    of: float
    seconds_left: float | None = None


class Loss(Moment):
    """A point of the learning curve. `validation` only where the held-out part was measured."""

    event: Literal["loss"] = "loss"
    step: int
    of: int
    train: float | None = None
    validation: float | None = None


class Sampled(Moment):
    """What the model in training says to an example it is never taught, at this step; `reference` is the right answer."""

    event: Literal["sampled"] = "sampled"
    step: int
    question: str
    reference: str
    answer: str


class Piloted(Moment):
    """A first training on part of the examples: the share of the words of answers kept back that it then gets right."""

    event: Literal["piloted"] = "piloted"
    examples: int
    of: int
    words_right: float
    checked: int


class Tried(Moment):
    """A training with settings on trial is over."""

    event: Literal["tried"] = "tried"
    trial: Trial


class Token(Record):
    """A token as the model sees it, and whether it is learnt (or only read)."""

    text: str
    learnt: bool


class Batch(Moment):
    """The first batch, as the model sees it: one tuple an example."""

    event: Literal["batch"] = "batch"
    examples: tuple[tuple[Token, ...], ...]


class Note(Moment):
    """Something worth telling, worded by `note.<code>`."""

    event: Literal["note"] = "note"
    code: str
    parameters: dict[str, Parameter] = Field(default={})


class Found(Moment):
    """A finding made on the way (a file that could not be read, a row that was left out)."""

    event: Literal["found"] = "found"
    finding: Finding


class Explained(Moment):
    """One game of an explanation can be shown; said again, it has become more precise."""

    event: Literal["explained"] = "explained"
    game: Game


Event = Annotated[
    Planned | Stage | Progress | Loss | Sampled | Piloted | Tried | Batch | Note | Found | Explained,
    Field(discriminator="event"),
]
Emit = Callable[[Event], None]
ShouldStop = Callable[[], bool]
Told = Callable[[int, int], None]
"""Hears how many of how many are done, and may raise to end it."""

_EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class Said(Record):
    """The state a stream of events amounts to. `fraction` is 0..1 over all planned stages, equally weighted."""

    stages: tuple[str, ...] = ()
    stage: str = ""
    done: float = 0.0
    of: float = 0.0
    seconds_left: float | None = None
    losses: tuple[Loss, ...] = ()
    samples: tuple[Sampled, ...] = ()
    pilots: tuple[Piloted, ...] = ()
    trials: tuple[Trial, ...] = ()
    batch: Batch | None = None
    notes: tuple[Note, ...] = ()
    findings: tuple[Finding, ...] = ()
    games: tuple[Game, ...] = ()
    started: float | None = None
    last: float | None = None

    @property
    def fraction(self) -> float:
        if not self.stages or self.stage not in self.stages:
            return 0.0
        within = min(self.done / self.of, 1.0) if self.of else 0.0
        return (self.stages.index(self.stage) + within) / len(self.stages)


def telling(emit: Emit, should_stop: ShouldStop) -> Told:
    """Tells how far something is, and ends it by Stopped when it shall stop."""

    def told(done: int, of: int) -> None:
        if should_stop():
            raise Stopped
        emit(Progress(done=done, of=of))

    return told


def fold(events: Iterable[Event]) -> Said:
    """What a run has said so far. A second `Planned` (a resumed run) starts the curve anew from its first step on."""
    said: dict[str, object] = {}
    losses: dict[int, Loss] = {}
    samples: dict[tuple[str, int], Sampled] = {}
    pilots: dict[int, Piloted] = {}
    trials: dict[tuple[int, float, int], Trial] = {}
    notes: list[Note] = []
    findings: list[Finding] = []
    games: dict[object, Game] = {}
    for event in events:
        said.setdefault("started", event.at)
        said["last"] = event.at
        match event:
            case Planned(stages=stages):
                said.update(stages=stages, stage="", done=0.0, of=0.0, seconds_left=None)
                games.clear()
            case Stage(name=name):
                said.update(stage=name, done=0.0, of=0.0, seconds_left=None)
            case Progress(done=done, of=of, seconds_left=left):
                said.update(done=done, of=of, seconds_left=left)
            case Loss(step=step):
                losses = {s: loss for s, loss in losses.items() if s < step} | {step: _merged(losses.get(step), event)}
            case Sampled(step=step, question=question):
                samples[question, step] = event
            case Piloted(examples=examples):
                pilots[examples] = event
            case Tried(trial=trial):
                trials[trial.number, trial.share, trial.turn] = trial
            case Batch():
                said["batch"] = event
            case Note():
                notes.append(event)
            case Found(finding=finding):
                findings.append(finding)
            case Explained(game=game):
                games[game.asks] = game
    return Said(
        **said,
        losses=tuple(losses.values()),
        samples=tuple(samples.values()),
        pilots=tuple(pilots.values()),
        trials=tuple(trials.values()),
        notes=tuple(notes),
        findings=tuple(findings),
        games=tuple(games.values()),
    )


def write(folder: Path) -> Emit:
    """An `emit` that appends to the folder's event file, a line at a time.

    A predecessor may have been killed in the middle of a line: we begin on a new one.
    """
    path = folder / FILE
    if path.exists() and not path.read_bytes().endswith(b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")

    def emit(event: Event) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(event.model_dump_json() + "\n")

    return emit


def read(folder: Path) -> Iterator[Event]:
    """The events said in this folder so far; none when there is no file yet."""
    try:
        lines = (folder / FILE).read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return
    for line in lines:
        try:
            yield _EVENT.validate_python(json.loads(line))
        except (ValueError, ValidationError):
            continue  # half a line: its writer was killed in the middle of it


def _merged(old: Loss | None, new: Loss) -> Loss:
    if old is None:
        return new
    return new.model_copy(
        update={
            "train": old.train if new.train is None else new.train,
            "validation": old.validation if new.validation is None else new.validation,
        }
    )
