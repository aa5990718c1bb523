"""The recommendation: the ways to build, each with its reasons."""

from collections.abc import Sequence

from studio.base.machine import Machine
from studio.base.records import LANGUAGES, Advice, Approach, Option, Reason
from studio.engines import Model
from studio.web.voice import Voice

LETTERS = "ABCDEFGH"


def options(advice: Advice, voice: Voice) -> str:
    return voice.html("advice.html", options=[_option(option, voice) for option in advice.options], letters=LETTERS)


def choices(advice: Advice, voice: Voice) -> list[tuple[str, Approach]]:
    """What can be picked: label and approach."""
    return [
        (f"{LETTERS[number]} · {voice.approach(option.approach)}", option.approach)
        for number, option in enumerate(advice.options)
        if option.possible
    ]


def why(documents: int, examples: int, machine: Machine, reasons: Sequence[Reason], voice: Voice) -> str:
    """What the advice rests on, and how the learning will be set up."""
    gpu = machine.gpu
    return voice.html(
        "advice_why.html",
        material=voice.t("advice.why.material", documents=documents, examples=examples),
        machine=voice.t("advice.why.gpu", name=gpu.name, memory=gpu.memory_gb)
        if gpu
        else voice.t("advice.why.cpu", cores=machine.cores, memory=machine.memory_gb),
        reasons=[voice.coded("reason", reason.code, **reason.parameters) for reason in reasons],
    )


def models(catalogue: Sequence[Model], machine: Machine, voice: Voice) -> list[tuple[str, str]]:
    """What can be chosen as base model: label and name. What is too large for this computer says so."""
    return [(_model(each, machine, voice), each.name) for each in catalogue]


def _model(model: Model, machine: Machine, voice: Voice) -> str:
    ours = [voice.t(f"advice.model.in.{language}") for language in LANGUAGES if language in model.languages]
    others = len(model.languages) - len(ours)
    label = voice.t(
        "advice.model.one",
        title=model.title,
        languages=", ".join(ours) + (f" +{others}" if others else ""),
        memory=model.memory_gb,
        licence=model.licence_name,
    )
    if machine.memory_gb < model.memory_gb:
        return f"{label} · {voice.t('advice.model.too_large')}"
    if (machine.gpu.memory_gb if machine.gpu else machine.memory_gb) < model.training_gb:
        return f"{label} · {voice.t('advice.model.not_trained')}"
    return label


def _option(option: Option, voice: Voice) -> dict[str, object]:
    return {
        "recommended": option.recommended,
        "possible": option.possible,
        "title": voice.approach(option.approach),
        "about": voice.t(f"approach.{option.approach}.about"),
        "minutes": voice.minutes(option.minutes),
        "fit": round(option.fit * 100),
        "fits": voice.t(
            "advice.fit." + ("well" if option.fit >= 0.65 else "partly" if option.fit >= 0.4 else "poorly")
        ),
        "reasons": [(r.speaks, voice.coded("reason", r.code, **r.parameters)) for r in option.reasons],
    }
