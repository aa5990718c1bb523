"""Taking it home: what was prepared, what to check before sharing, and how to use it elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.base.records import Exported, Finding, Scorecard, Trained, Variant
from studio.engines import Model
from studio.web.views import general
from studio.web.voice import Voice

PERSONAL = "personal"  # codes of findings about personal data begin so


@dataclass(frozen=True)
class Prepared:
    exported: Exported
    variant: Variant | None


def prepared(project: str, made: Sequence[Prepared], voice: Voice) -> str:
    rows = [
        {
            "id": each.exported.id,
            "name": voice.approach(each.variant.approach) if each.variant else "",
            "form": voice.t(f"export.form.{each.exported.form}").split("\n")[0],
            "size": voice.size(each.exported.bytes),
            "when": voice.ago(each.exported.created),
            "url": each.exported.url if (each.exported.url or "").startswith(("https://", "http://")) else "",
            "href": f"/download/{project}/{each.exported.id}",
        }
        for each in reversed(made)
    ]
    return voice.html("export_prepared.html", rows=rows)


def checklist(
    model: Model,
    scorecard: Scorecard | None,
    variant: Variant | None,
    findings: Sequence[Finding],
    voice: Voice,
    trained: Trained | None = None,
    character: tuple[str, str] | None = None,
) -> str:
    """What a person should know before others get the assistant. Each line is a fact of this project."""
    lines = [
        _licence(model, voice),
        _tested(scorecard, variant, voice),
        *([general.check(trained.general, voice)] if trained and trained.general else []),
        *([character] if character else []),
        _personal(findings, voice),
        ("warn", voice.t("export.check.person")),
    ]
    return voice.html("export_check.html", lines=lines)


def outside(voice: Voice) -> str:
    return voice.html("export_outside.html")


def card(icon: str, title: str, more: str, voice: Voice) -> str:
    return voice.html("export_card.html", icon_name=icon, title=title, more=more)


def _licence(model: Model, voice: Voice) -> tuple[str, str]:
    free = model.licence in ("Apache-2.0", "MIT", "BSD-3-Clause")
    return (
        "good" if free else "warn",
        voice.t(
            "export.check.licence" if free else "export.check.licence_terms",
            name=model.title,
            licence=model.licence_name,
        ),
    )


def _tested(scorecard: Scorecard | None, variant: Variant | None, voice: Voice) -> tuple[str, str]:
    scored = scorecard.variants if scorecard else ()
    score = next((s.score("right") for s in scored if variant is not None and s.variant == variant.id), None)
    if score is None:
        return "warn", voice.t("export.check.untested")
    level = "good" if score.low >= 0.7 else "warn"
    return level, voice.t(
        "export.check.tested",
        n=score.n,
        share=voice.percent(score.value),
        low=voice.percent(score.low),
        high=voice.percent(score.high),
    )


def _personal(findings: Sequence[Finding], voice: Voice) -> tuple[str, str]:
    personal = [finding for finding in findings if finding.code.startswith(PERSONAL)]
    if not personal:
        return "good", voice.t("export.check.personal_none")
    return "warn", voice.t("export.check.personal", n=sum(finding.count for finding in personal))
