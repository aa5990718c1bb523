"""What was found in the material, at a glance and one by one; what can be done about it, what was done, and taking it back.

Numbers come with their places and intervals as the checks give them; nothing here judges.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from studio.base.records import Finding, Past, Place, Repair
from studio.web.voice import Voice

ICONS = {"stop": "stop", "warn": "warn", "note": "info", "good": "check"}
GROUPS = {"stop": ("stop",), "warn": ("warn", "note"), "good": ("good",)}
REPAIRED = frozenset({"repaired", "undone"})  # told by their own records, with their numbers
JUST = timedelta(minutes=30)
RECORD = 60
COUNTED = ("documents", "examples", "questions")


def glance(found: Sequence[Finding], voice: Voice) -> str:
    """How many things stop the build, how many we suggest, how many are good. What there is none of is not shown."""
    tiles = []
    for group, levels in GROUPS.items():
        count = sum(finding.level in levels for finding in found)
        if count:
            says = voice.t(f"health.tile.{group}.one" if count == 1 else f"health.tile.{group}")
            tiles.append({"group": group, "icon": ICONS[group], "count": voice.number(count), "says": says})
    return voice.html("glance.html", tiles=tiles)


def findings(
    found: Sequence[Finding],
    repairs: Sequence[Repair],
    history: Sequence[Past],
    voice: Voice,
    *,
    empty: bool = False,
    checking: bool = False,
) -> str:
    """`repairs` and `history` oldest first. `empty`: nothing was ever brought in, so the page teaches instead."""
    if empty:
        return voice.html("teach.html")
    groups = []
    for group, levels in GROUPS.items():
        rows = [_finding(finding, voice) for level in levels for finding in found if finding.level == level]
        if rows:
            groups.append({"name": group, "rows": rows})
    return voice.html(
        "findings.html",
        groups=groups,
        checking=checking,
        just=_just(repairs, voice),
        record=_record(repairs, history, voice),
    )


def brief(finding: Finding, voice: Voice) -> dict[str, str]:
    """A finding as a remark beside its source."""
    title, more = voice.finding(finding)
    return {
        "code": finding.code,
        "level": finding.level,
        "icon": ICONS[finding.level],
        "title": title,
        "more": more,
        "says": voice.t(f"level.{finding.level}"),
    }


def done(repair: Repair, voice: Voice) -> str:
    """What a repair did, in a sentence."""
    numbers = {"changed": repair.changed, "removed": repair.removed, "made": repair.made, "count": _touched(repair)}
    return voice.coded("repair", f"{repair.code}.done", **{**numbers, **repair.parameters})


def numbers(repair: Repair, voice: Voice) -> list[tuple[str, str, str]]:
    """What there was before and is now, where that differs."""
    changed = [(name, repair.before.get(name, 0), repair.after.get(name, 0)) for name in COUNTED]
    for group in ("stop", "warn"):
        was, now = (sum(counts.get(level, 0) for level in GROUPS[group]) for counts in (repair.before, repair.after))
        changed.append((group, was, now))
    return [
        (voice.t(f"counted.{name}"), voice.number(was), voice.number(now)) for name, was, now in changed if was != now
    ]


def _finding(finding: Finding, voice: Voice) -> dict[str, object]:
    places = [{"where": _where(place, voice), "text": place.text} for place in finding.places]
    code = next((code for code in finding.repairs if voice.has(f"repair.{code}")), None)
    return {
        **brief(finding, voice),
        "places": places,
        "hidden": max(finding.count - len(places), 0) if len(places) >= 200 else 0,
        "repair": {
            "code": code,
            "label": voice.coded("repair", code, count=finding.count),
            "will": voice.coded("repair", f"{code}.will"),
        }
        if code
        else None,
    }


def _where(place: Place, voice: Voice) -> str:
    parts = [place.name or PurePosixPath(place.source).name]
    if place.page is not None:
        parts.append(voice.t("place.page", n=str(place.page)))
    if place.row is not None:
        parts.append(voice.t("place.row", n=str(place.row)))
    return ", ".join(part for part in parts if part)


def _just(repairs: Sequence[Repair], voice: Voice) -> dict[str, object] | None:
    """The last repair, made or taken back a moment ago."""
    if not repairs:
        return None
    last = max(repairs, key=lambda repair: repair.undone or repair.created)
    if datetime.now(UTC) - datetime.fromisoformat(last.undone or last.created) > JUST:
        return None
    if last.undone:
        says, lost = voice.t("health.back", what=done(last, voice)), int(last.parameters.get("lost", 0))
        says += f". {voice.count('health.lost', lost)}" if lost else ""
        return {"id": last.id, "undoable": False, "says": says, "numbers": []}
    return {"id": last.id, "undoable": True, "says": done(last, voice), "numbers": numbers(last, voice)}


def _record(repairs: Sequence[Repair], history: Sequence[Past], voice: Voice) -> list[dict[str, object]]:
    """Everything that was done with the material, the newest first."""
    lines = [
        (
            repair.created,
            {
                "id": repair.id,
                "says": done(repair, voice),
                "numbers": numbers(repair, voice),
                "undone": voice.date(repair.undone) if repair.undone else "",
            },
        )
        for repair in repairs
    ]
    lines += [
        (
            past.at,
            {"id": "", "says": voice.coded("history", past.what, **past.parameters), "numbers": [], "undone": ""},
        )
        for past in history
        if past.what not in REPAIRED and voice.has(f"history.{past.what}")
    ]
    newest = sorted(lines, key=lambda line: line[0], reverse=True)[:RECORD]
    return [{"date": voice.date(at), **line} for at, line in newest]


def _touched(repair: Repair) -> int:
    return repair.changed + repair.removed + repair.made
