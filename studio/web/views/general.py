"""What a training did to general ability, in words: on the build page, beside test results, before taking it home."""

from collections.abc import Sequence
from typing import Literal

from studio.base.records import Guarded, KindScores, Score, Trained, Variant
from studio.web.voice import Voice

LEVELS: dict[str, Literal["good", "note", "warn"]] = {"kept": "good", "slightly_lower": "note", "lost": "warn"}


def brought(trained: Trained | None, voice: Voice) -> str:
    """The card of the build page; for a training after which nobody asked, that it is not known."""
    if trained is None:
        return ""
    found = trained.general
    return voice.html(
        "build_general.html",
        level=LEVELS[found.verdict] if found else "note",
        sentence=sentence(found, voice) if found else voice.t("general.unknown"),
        more=verdict(found, voice) if found else "",
        rows=[_kind(each, voice) for each in found.kinds] if found else [],
        interval=_interval(found, voice) if found else "",
    )


def beside(variants: Sequence[Variant], made: Sequence[Trained], voice: Voice) -> str:
    """One line under the results of assistants that have learnt; nothing where nobody has, or nobody asked."""
    learnt = {variant.adapter for variant in variants if variant.adapter}
    found = next((each.general for each in reversed(made) if each.adapter in learnt), None)
    if found is None:
        return ""
    said = f"{voice.t('general.title')}: {sentence(found, voice)}"
    return voice.html("quiet.html", sentence=f"{said} {verdict(found, voice)}" if found.verdict == "lost" else said)


def check(found: Guarded, voice: Voice) -> tuple[Literal["good", "warn"], str]:
    """A line of what to look at before others get the assistant."""
    if found.verdict == "kept":
        return "good", voice.t("export.check.general", said=sentence(found, voice))
    return "warn", f"{voice.t('export.check.general', said=sentence(found, voice))} {verdict(found, voice)}"


def sentence(found: Guarded, voice: Voice) -> str:
    """So many right before, so many after, and the kind that lost most."""
    said = voice.t("general.said", count=found.before.n, before=_right(found.before), after=_right(found.after))
    worst = max(found.kinds, key=lambda each: each.before.value - each.after.value, default=None)
    if found.verdict == "kept" or worst is None or worst.after.value >= worst.before.value:
        return said
    return f"{said} {voice.t(f'general.most.{worst.kind}', before=_right(worst.before), after=_right(worst.after))}"


def verdict(found: Guarded, voice: Voice) -> str:
    return voice.t(f"general.{found.verdict}")


def _kind(each: KindScores, voice: Voice) -> tuple[str, str]:
    told = {"count": each.before.n, "before": _right(each.before), "after": _right(each.after)}
    return voice.t(f"general.kind.{each.kind}"), voice.t("general.kind.said", **told)


def _interval(found: Guarded, voice: Voice) -> str:
    points = {name: round(100 * getattr(found, name)) for name in ("fall", "low", "high")}
    return voice.t("general.interval", **points)


def _right(score: Score) -> int:
    return round(score.value * score.n)
