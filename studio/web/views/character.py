"""An assistant's character as the compare page shows it: the verdict in words, then the figures, folded."""

from collections.abc import Sequence
from dataclasses import dataclass

from studio.base.records import Variant
from studio.evaluation import verdicts
from studio.evaluation.bias import Gap
from studio.evaluation.character import Character, Cost
from studio.evaluation.pairs import Change
from studio.evaluation.verdicts import Line
from studio.web.voice import Voice

ICONS = {"good": "check", "warn": "warn", "stop": "stop", "note": "info"}


@dataclass(frozen=True)
class Test:
    """Who can be tested (`shown` among them), what a test costs by its number of questions, what was last found of the one
    shown, and the run under way as it is drawn (`panel`, "" where none is)."""

    variants: Sequence[Variant]
    shown: Variant
    costs: dict[int, Cost]
    found: Character | None = None
    stale: bool = False
    panel: str = ""
    run: str = ""


def card(given: Test, voice: Voice) -> str:
    """Nothing is asked before the button is pressed, and it says what pressing it costs."""
    sizes = zip(given.costs, ("quick", "thorough"), strict=False)
    return voice.html(
        "character.html",
        variants=[(each.id, voice.approach(each.approach)) for each in given.variants],
        shown=given.shown.id,
        sizes=[(count, _cost(name, given.costs[count], voice)) for count, name in sizes],
        lines=[(line.level, ICONS[line.level], said(line, voice)) for line in told(given.found)],
        tested=given.found is not None,
        stale=given.stale,
        panel=given.panel,
        run=given.run,
        rows=[_row(each, voice) for each in _changes(given.found)],
        treated=[_treated(gap, voice) for gap in _told_apart(given.found)],
        pairs=_pairs(given.found, voice),
        basis=_basis(given.found, voice) if given.found else "",
        name=voice.approach(given.shown.approach),
    )


def said(line: Line, voice: Voice) -> str:
    """A line of the verdict as a sentence."""
    t, named = voice.t, {"measure": line.measure, "by": line.by, "metric": line.metric}
    return t(
        f"character.says.{line.code}",
        **{name: t(f"character.{name}.{code}") for name, code in named.items() if code},
        **{name: voice.number(value) for name, value in line.parameters.items()},
    )


def check(found: Character | None, voice: Voice) -> tuple[str, str]:
    """A line of what to look at before others get the assistant."""
    if found is None:
        return "warn", voice.t("export.check.character_untested")
    line = verdicts.facts(found)
    return "good" if line.level == "good" else "warn", said(line, voice)


def told(found: Character | None) -> tuple[Line, ...]:
    return verdicts.lines(found) if found else ()


def _changes(found: Character | None) -> tuple[Change, ...]:
    return (found.personality.facts, *found.personality.changes) if found else ()


def _told_apart(found: Character | None) -> list[Gap]:
    """The gaps worth a row: right answers always, the others where any two answers differed in it."""
    return [
        gap
        for gap in (found.treatment.gaps if found else ())
        if gap.metric == "right" or any(each and each.gained + each.lost for each in (gap.after, gap.before))
    ]


def _cost(name: str, cost: Cost, voice: Voice) -> str:
    return voice.t(f"character.{name}", answers=voice.number(cost.answers), time=voice.minutes(cost.minutes))


def _row(change: Change, voice: Voice) -> dict[str, str]:
    return {
        "name": voice.t(f"character.measure.{change.name}"),
        "on": _value(change, change.on, voice),
        "off": _value(change, change.off, voice),
        "change": _difference(change, voice),
        "verdict": voice.t(f"character.verdict.{change.verdict}"),
    }


def _treated(gap: Gap, voice: Voice) -> dict[str, str]:
    named = (voice.t(f"character.by.{gap.by}"), voice.t(f"character.metric.{gap.metric}"))
    return {
        "name": ": ".join(named),
        "after": _difference(gap.after, voice),
        "before": _difference(gap.before, voice) if gap.before else "–",
        "verdict": voice.t(f"character.verdict.{gap.after.verdict}"),
    }


def _value(change: Change, value: float, voice: Voice) -> str:
    if change.kind == "share":
        return voice.t("character.of", hits=round(value * change.n), n=change.n)
    return voice.t("character.mean", value=voice.number(round(value, 1)))


def _difference(change: Change, voice: Voice) -> str:
    counted = change.kind == "share"
    scale = 100 if counted else 1
    shown = {name: _signed(round(scale * getattr(change, name))) for name in ("change", "low", "high")}
    return voice.t("character.points" if counted else "character.words", **shown)


def _signed(number: int) -> str:
    return f"{number:+d}".replace("-", "−") if number else "0"


def _pairs(found: Character | None, voice: Voice) -> list[dict[str, object]]:
    return [
        {
            "by": voice.t(f"character.by.{by}"),
            "sides": [
                (each.first, each.first_answer or voice.t("character.empty_answer")),
                (each.second, each.second_answer or voice.t("character.empty_answer")),
            ],
        }
        for by, some in (found.treatment.shown if found else {}).items()
        for each in some
    ]


def _basis(found: Character, voice: Voice) -> str:
    return voice.t(
        "character.basis",
        questions=found.questions,
        own=found.own,
        open=found.unanswerable,
        pairs=found.treatment.twins,
    )
