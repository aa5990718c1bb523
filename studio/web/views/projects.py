"""The list of projects."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.base.project import STEPS, Card
from studio.base.records import Run
from studio.web.voice import Voice


@dataclass(frozen=True)
class Entry:
    """A project, its latest build, and how far that build is (0..1)."""

    card: Card
    build: Run | None = None
    fraction: float = 0.0


def cards(entries: Sequence[Entry], voice: Voice) -> str:
    return voice.html("projects.html", entries=[_entry(entry, voice) for entry in entries])


def dialogs(voice: Voice) -> str:
    return voice.html("project_dialogs.html")


def busy(name: str, voice: Voice) -> str:
    return voice.html("busy.html", sentence=voice.t("projects.reading", name=name))


def notice(sentence: str, voice: Voice) -> str:
    return voice.html("alert.html", sentence=sentence)


def _entry(entry: Entry, voice: Voice) -> dict[str, object]:
    card, state = entry.card, _state(entry)
    following = (
        "build"
        if state in ("running", "queued", "failed")
        else next((s for s in STEPS if s not in card.done), "export")
    )
    return {
        "id": card.id,
        "name": card.name,
        "state": state,
        "chip": voice.t(f"project.is.{state}", share=voice.percent(entry.fraction))
        if state == "running"
        else voice.t(f"project.is.{state}"),
        "kind": voice.t(f"goal.kind.{card.goal.kind}").split("\n")[0],
        "when": voice.ago(card.changed),
        "next": voice.t("projects.next", step=voice.t(f"step.{following}")),
        "href": f"/{voice.language}/{following}?project={card.id}",
        "pips": [step in card.done for step in STEPS],
        "done": sum(step in card.done for step in STEPS),
    }


def _state(entry: Entry) -> str:
    match entry.build.state if entry.build else "":
        case "running" | "queued" | "failed" as state:
            return state
        case "done":
            return "ready"
        case _:
            return "draft"
