"""The material is looked over and mended."""

import argparse

from studio.base import words
from studio.base.errors import NotFound
from studio.base.records import Finding, Repair
from studio.base.runs import Runs
from studio.cli.session import Session, Verb

SHOWN_PLACES = 3


def check(session: Session, given: argparse.Namespace) -> None:
    """What the page shows: every finding, where, and which repair there is for it."""
    from studio import health

    found = health.report(session.open(given.project))
    session.give({"findings": found}, "\n".join(line for each in found for line in _finding(session, each)))


def repair(session: Session, given: argparse.Namespace) -> None:
    from studio import orders

    project = session.open(given.project)
    made = orders.repair(project, Runs(session.settings), given.code)
    session.give(made, _repair(session, made))


def undo(session: Session, given: argparse.Namespace) -> None:
    """Take a repair back: the one that is named, or the last one."""
    from studio import orders

    project = session.open(given.project)
    standing = [each.id for each in project.store.all(Repair) if not each.undone]
    if not given.repair and not standing:
        raise NotFound("repair_missing", name="-")
    undone = orders.undo(project, Runs(session.settings), given.repair or standing[-1])
    session.give(undone, session.t("health.back", what=_done(session, undone)))


def _finding(session: Session, finding: Finding) -> list[str]:
    t = session.t
    title, more = words.of_finding(finding, t)
    lines = [f"[{t(f'level.{finding.level}')}] {title}: {more}"]
    for place in finding.places[:SHOWN_PLACES]:
        row = f", {t('place.row', n=str(place.row))}" if place.row is not None else ""
        page = f", {t('place.page', n=str(place.page))}" if place.page is not None else ""
        lines.append(f"    {place.name}{page}{row}: {place.text}")
    lines += [f"    -> studio repair PROJECT {code}" for code in finding.repairs[:1]]
    return lines


def _done(session: Session, made: Repair) -> str:
    touched = made.changed + made.removed + made.made
    numbers = {"changed": made.changed, "removed": made.removed, "made": made.made, "count": touched}
    return session.t(f"repair.{made.code}.done", **{**numbers, **made.parameters})


def _repair(session: Session, made: Repair) -> str:
    counted = [(session.t(f"counted.{name}"), name) for name in ("documents", "examples", "questions")]
    lines = [f"  {label}: {made.before.get(name, 0)} -> {made.after.get(name, 0)}" for label, name in counted]
    return "\n".join([_done(session, made), *lines, f"  -> studio undo PROJECT {made.id}"])


def arguments(verb: Verb) -> None:
    verb("check", check, "look the material over", "project")
    verb("repair", repair, "do a repair that check names", "project", "code")
    v = verb("undo", undo, "take a repair back", "project")
    v.add_argument("repair", nargs="?", help="id of the repair (default: the last one)")
