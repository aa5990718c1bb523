"""What is going to be built, and what the run wrote while it worked."""

from collections.abc import Sequence

from studio.base.records import APPROACHES_THAT_TRAIN, Approach
from studio.engines import Model
from studio.web.voice import Voice

WEIGHTS, COMPACT = 2.0, 1.1  # bytes of a parameter, as models lie on the Hub: to learn with, and to answer with


def plan(approaches: Sequence[Approach], model: Model, minutes: float, fetched: bool, voice: Voice) -> str:
    """`fetched`: the model's files are not on this computer yet, so that the build begins with them."""
    learns = bool(APPROACHES_THAT_TRAIN & set(approaches))
    each = WEIGHTS + (COMPACT if learns and model.gguf else 0)
    names = [voice.approach(approach) for approach in approaches]
    fetching = voice.t("build.plan.fetches", title=model.title, size=voice.size(model.parameters * each))
    return voice.html(
        "build_plan.html",
        names=names,
        model=model.title,
        minutes=voice.minutes(minutes),
        fetching=fetching if fetched else "",
    )


def dialog(voice: Voice) -> str:
    return voice.html("stop_dialog.html")


def details(lines: Sequence[str], voice: Voice) -> str:
    return voice.html("build_details.html", lines=lines)
