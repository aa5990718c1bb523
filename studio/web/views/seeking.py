"""The search for better settings of the training: what it would take, how far it is, what it tried, what it found."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from studio.base import words
from studio.base.errors import StudioError
from studio.base.events import Said
from studio.base.records import Run, Sought, Trial
from studio.training import Outlook
from studio.web.views import run as run_views
from studio.web.voice import Voice

FEW = 30  # answers; with fewer only large differences can be proven


@dataclass(frozen=True)
class Point:
    """A pair of settings in the chart: where it stands (0..100), its loss in words, how dark it is (0..100)."""

    x: float
    y: float
    loss: str
    dark: int
    shape: str


def outlook(expected: Outlook | StudioError, voice: Voice) -> str:
    """What it would take, or why it cannot be done."""
    if isinstance(expected, StudioError):
        return voice.fault(expected)
    told = {"least": round(expected.least, 1), "enough": round(expected.enough, 1), "answers": expected.answers}
    few = f" {voice.t('seek.few')}" if expected.answers < FEW else ""
    return f"{voice.t('seek.outlook', **told)}{few}"


def state(run: Run | None, said: Said, sought: Sought | None, finishing: bool, voice: Voice) -> str:
    """How far it is or what it found, with everything that was tried as a chart and as a table."""
    active = run_views.is_active(run)
    trials = said.trials if active or sought is None or (run is not None and run.state == "stopped") else sought.trials
    return voice.html(
        "build_seek.html",
        sentence=_sentence(run, said, sought, finishing, voice),
        points=points(trials, None if active else sought, voice),
        ticks=_ticks(trials, voice),
        summary=_summary(trials, voice),
        rows=rows(trials, None if active else sought, voice),
    )


def points(trials: Sequence[Trial], sought: Sought | None, voice: Voice) -> list[Point]:
    """Each pair of settings once, with its loss after the largest share it was tried on; rates and rounds as logarithms."""
    shown = _shown(trials)
    losses = [each.loss for each in shown if each.loss is not None]
    span = (max(losses) - min(losses) or 1.0) if losses else 1.0
    best = _best(trials, sought)
    found = []
    for each in shown:
        shape = ["own"] if each.number == 0 else []
        shape += ["part"] if each.share < 1 else []
        shape += ["best"] if each.number == best else []
        found.append(
            Point(
                x=_along([t.learning_rate for t in shown], each.learning_rate),
                y=_along([t.epochs for t in shown], each.epochs),
                loss="×" if each.loss is None else voice.number(round(each.loss, 2)),
                dark=0 if each.loss is None else round(100 * (max(losses) - each.loss) / span),
                shape=" ".join(shape),
            )
        )
    return found


def rows(trials: Sequence[Trial], sought: Sought | None, voice: Voice) -> list[tuple[str, ...]]:
    """Every trial with all that is known of it."""
    best, found = _best(trials, sought), list[tuple[str, ...]]()
    for each in trials:
        key = "own" if each.number == 0 else "best" if each.number == best else ""
        share = voice.percent(each.share)
        found.append(
            (
                voice.t(f"seek.number.{key}", n=each.number) if key else str(each.number),
                voice.number(each.learning_rate),
                voice.number(each.epochs),
                voice.t("seek.turn", share=share) if each.turn else share,
                voice.t(f"seek.state.{each.state}") if each.loss is None else voice.number(round(each.loss, 3)),
                "–" if each.right is None else voice.percent(each.right),
                "–" if each.moved is None else voice.number(round(each.moved, 3)),
                words.duration(each.seconds),
            )
        )
    return found


def _sentence(run: Run | None, said: Said, sought: Sought | None, finishing: bool, voice: Voice) -> str:
    match run.state if run else "done":
        case "queued":
            return voice.t("seek.waiting")
        case "running" if finishing:
            return voice.t("seek.finishing")
        case "running":
            stage = voice.coded("stage", said.stage) if said.stage else voice.t("run.starting")
            if said.seconds_left is None:
                return stage
            tried = len({trial.number for trial in said.trials})
            return voice.t("seek.working", stage=stage, tried=tried, left=words.duration(said.seconds_left))
        case "failed" if run is not None and run.fault is not None:
            return voice.fault(run.fault)
        case "stopped":
            return voice.t("seek.stopped")
    return voice.t(f"sought.{sought.reason}", **sought.told) if sought is not None else ""


def _shown(trials: Sequence[Trial]) -> list[Trial]:
    """One trial of each pair of settings: of its first turn, on the largest share."""
    of: dict[int, Trial] = {}
    for each in trials:
        known = of.get(each.number)
        if not each.turn and (known is None or (each.share > known.share and each.loss is not None)):
            of[each.number] = each
    return list(of.values())


def _best(trials: Sequence[Trial], sought: Sought | None) -> int | None:
    """The settings that were found; while they are looked for, those with the lowest loss on the largest share so far."""
    if sought is not None and sought.reason != "short":
        return sought.number
    shown = [each for each in _shown(trials) if each.loss is not None]
    return min(shown, key=lambda each: (-each.share, each.loss)).number if len(shown) > 1 else None


def _along(values: Sequence[float], value: float) -> float:
    low, high = log(min(values)), log(max(values))
    return 50.0 if high == low else round(100 * (log(value) - low) / (high - low), 1)


def _ticks(trials: Sequence[Trial], voice: Voice) -> dict[str, list[tuple[float, str]]]:
    shown = _shown(trials)
    found: dict[str, list[tuple[float, str]]] = {}
    for axis, values in (("x", [t.learning_rate for t in shown]), ("y", [t.epochs for t in shown])):
        marked = sorted({min(values), values[0], max(values)}) if values else []
        places = [(_along(values, value), voice.number(value)) for value in marked]
        found[axis] = [p for n, p in enumerate(places) if n in (0, len(places) - 1) or 15 < p[0] < 85]
    return found


def _summary(trials: Sequence[Trial], voice: Voice) -> str:
    shown = [each for each in _shown(trials) if each.loss is not None]
    if not shown:
        return ""
    best = min(shown, key=lambda each: (-each.share, each.loss))
    return voice.t(
        "seek.chart.summary",
        count=len(shown),
        best=best.loss or 0.0,
        rate=best.learning_rate,
        rounds=best.epochs,
        own=next((each.loss for each in shown if each.number == 0), None) or 0.0,
    )
