"""The dial "how careful should it be?": five settings, and what each amounts to as it was measured on these documents."""

from dataclasses import dataclass

from studio.base.records import Calibration, Position, Run
from studio.web.views import run as run_views
from studio.web.voice import Voice

SETTINGS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Dial:
    """Where it stands, what was measured (of another state of the documents: `stale`), and the run that measures."""

    caution: float
    calibration: Calibration | None = None
    stale: bool = False
    measuring: Run | None = None
    percent: float = 0.0


def dial(given: Dial, voice: Voice) -> str:
    """The slider with a sentence for each setting; what it was measured on and how sure that is, folded."""
    settings = [
        (setting, voice.t(f"dial.{at}"), _position(given.calibration, setting)) for at, setting in enumerate(SETTINGS)
    ]
    at = min(range(len(SETTINGS)), key=lambda number: abs(SETTINGS[number] - given.caution))
    measured = given.calibration
    working = run_views.is_active(given.measuring)
    fault = given.measuring.fault if given.measuring is not None and given.measuring.state == "failed" else None
    return voice.html(
        "dial.html",
        at=at,
        settings=[
            {
                "value": setting,
                "name": name,
                "says": _says(position, voice) if position else voice.t("dial.unmeasured"),
                "wrong": _of(position.wrong, position.wrong_low, position.wrong_high, voice) if position else "",
                "person": _of(position.person, position.person_low, position.person_high, voice) if position else "",
            }
            for setting, name, position in settings
        ],
        measured=measured is not None,
        basis=_basis(measured, voice) if measured else "",
        stale=given.stale,
        working=working,
        percent=voice.percent(given.percent),
        fault=voice.fault(fault) if fault else "",
    )


def _position(calibration: Calibration | None, setting: float) -> Position | None:
    found = calibration.positions if calibration else ()
    return min(found, key=lambda position: abs(position.caution - setting)) if found else None


def _says(position: Position, voice: Voice) -> str:
    """Of a hundred: so many wrong, so many to a person."""
    wrong, person = round(100 * position.wrong), round(100 * position.person)
    return " ".join((voice.count("dial.wrong", wrong), voice.count("dial.person", person)))


def _of(value: float, low: float, high: float, voice: Voice) -> str:
    return voice.t("dial.between", n=round(100 * value), low=round(100 * low), high=round(100 * high))


def _basis(measured: Calibration, voice: Voice) -> str:
    made = measured.answerable + measured.unanswerable - measured.own
    return voice.t("dial.basis", known=measured.answerable, unknown=measured.unanswerable, own=measured.own, made=made)
