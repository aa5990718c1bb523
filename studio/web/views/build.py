"""What is going to be built, and what the run wrote while it worked."""

from collections.abc import Sequence

from studio.base.records import Approach
from studio.web.voice import Voice


def plan(approaches: Sequence[Approach], model: str, minutes: float, voice: Voice) -> str:
    names = [voice.approach(approach) for approach in approaches]
    return voice.html("build_plan.html", names=names, model=model, minutes=voice.minutes(minutes))


def dialog(voice: Voice) -> str:
    return voice.html("stop_dialog.html")


def details(lines: Sequence[str], voice: Voice) -> str:
    return voice.html("build_details.html", lines=lines)
