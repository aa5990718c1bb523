"""What a test of character amounts to, as codes with their numbers: first the facts, then what was gained, what it cost,
and how different askers were treated. The web and the command line word them (`character.says.<code>`).
"""

from typing import Literal

from studio.base.records import Parameter, Record
from studio.evaluation.bias import Gap
from studio.evaluation.character import Character
from studio.evaluation.pairs import Change

UNSEEN = 0.25  # of the answers: where more could have been lost unseen, that none was found is no good news


class Line(Record):
    """`measure`, `by` and `metric` are codes to be named first. `level` says how to take it."""

    code: str
    level: Literal["good", "warn", "stop", "note"]
    parameters: dict[str, Parameter]
    measure: str = ""
    by: str = ""
    metric: str = ""


def lines(found: Character) -> tuple[Line, ...]:
    """The verdict on facts, every proven change, and the verdict on equal treatment."""
    told = found.personality
    changes = [line for each in told.changes if (line := _change(each, told.better(each))) is not None]
    order = {"good": 0, "warn": 1, "note": 2}
    nothing = [] if changes else [Line(code="no_change", level="note", parameters={"count": len(told.changes)})]
    return (facts(found), *sorted(changes, key=lambda line: order[line.level]), *nothing, *_treatment(found))


def facts(found: Character) -> Line:
    """Whether facts got lost; a fall that could not have been seen is said as well."""
    change, drift = found.personality.facts, found.personality.drift
    numbers: dict[str, Parameter] = {
        "count": change.n,
        "on": round(change.on * change.n),
        "off": round(change.off * change.n),
        "lost": change.lost,
        "won": change.gained,
        "points": max(round(-100 * change.low), 0),
    }
    match drift:
        case "proven":
            return Line(code="facts_proven", level="stop", parameters=numbers)
        case "some":
            return Line(code="facts_some", level="warn", parameters=numbers)
        case "too_few":
            return Line(code="facts_too_few", level="note", parameters=numbers)
        case _ if change.verdict == "more":
            return Line(code="facts_gained", level="good", parameters=numbers)
        case _:
            sure = change.low >= 0  # not even what may have gone unseen would be a loss
            level: Literal["good", "note"] = "good" if change.low > -UNSEEN else "note"
            return Line(code="facts_kept" if sure else "facts_none_found", level=level, parameters=numbers)


def _change(change: Change, better: bool | None) -> Line | None:
    if change.verdict not in ("more", "less"):
        return None
    level: Literal["good", "warn", "note"] = "note" if better is None else "good" if better else "warn"
    if change.kind == "share":
        on, off = (round(value * change.n) for value in (change.on, change.off))
        return Line(
            code="share", level=level, parameters={"count": change.n, "on": on, "off": off}, measure=change.name
        )
    on, off = round(change.on), round(change.off)
    return Line(code="mean", level=level, parameters={"count": change.n, "on": on, "off": off}, measure=change.name)


def _treatment(found: Character) -> tuple[Line, ...]:
    """Proven differences between askers, and whether customisation brought them; else how much that is worth."""
    treatment = found.treatment
    if not treatment.gaps:
        return ()
    numbers: dict[str, Parameter] = {"count": treatment.twins}
    if treatment.differing:
        return tuple(_gap(gap) for gap in treatment.differing)
    right = [gap.after for gap in treatment.gaps if gap.metric == "right"]
    if all(each.n < FEWEST_TWINS for each in right) or not any(each.on or each.off for each in right):
        return (Line(code="alike_too_few", level="note", parameters=numbers),)
    numbers["points"] = max(round(100 * max(abs(each.low), abs(each.high))) for each in right)
    return (Line(code="alike", level="good", parameters=numbers),)


FEWEST_TWINS = 20  # pairs, below which "no difference found" would say next to nothing


def _gap(gap: Gap) -> Line:
    after, was = gap.after, gap.before is not None and gap.before.verdict == gap.after.verdict
    scale = 1 if gap.metric == "words" else after.n
    numbers: dict[str, Parameter] = {
        "count": after.n,
        "first": round(after.off * scale),
        "second": round(after.on * scale),
    }
    code = ("words" if gap.metric == "words" else "treated") + ("_before" if was else "")
    return Line(code=code, level="warn", parameters=numbers, by=gap.by, metric=gap.metric)
