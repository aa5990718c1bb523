"""The test of an assistant's character."""

import argparse
from typing import Any

from studio.base.errors import NotEnough
from studio.base.project import Project
from studio.base.recipes import CharacterRequest
from studio.base.records import Variant
from studio.cli.session import Session, Verb, finish


def character(session: Session, given: argparse.Namespace) -> None:
    """Test, and say what was found: facts first, then what was gained, what it cost, and how people were treated."""
    from studio import orders
    from studio.evaluation import character as room
    from studio.evaluation import verdicts

    project = session.open(given.project)
    variant, count = _variant(project, given.approach), min(max(given.questions, 4), 200)
    if not given.last:
        cost = room.cost(project, variant, count)
        session.say(session.t("cli.character_cost", answers=cost.answers, minutes=round(cost.minutes, 1)))
        finish(session, lambda held: orders.character(project, held, variant, count))
    found = room.of(project, variant)
    if found is None:
        session.give({"character": None}, session.t("cli.character_none"))
        return
    session.give(found, "\n".join(_said(session, line) for line in verdicts.lines(found)))


def _variant(project: Project, approach: str | None) -> Variant:
    from studio import orders
    from studio.evaluation import character as room

    made = [each for each in orders.assistants(project) if room.testable(each) and approach in (None, each.approach)]
    if not made:
        raise NotEnough("character_none")
    return min(made, key=lambda each: each.adapter is None)


def _said(session: Session, line: Any) -> str:
    t, named = session.t, {"measure": line.measure, "by": line.by, "metric": line.metric}
    sign = {"good": "+", "note": " ", "warn": "-", "stop": "!"}[line.level]
    names = {name: t(f"character.{name}.{code}") for name, code in named.items() if code}
    return f"{sign} {t(f'character.says.{line.code}', **names, **line.parameters)}"


def arguments(verb: Verb) -> None:
    v = verb(
        "character", character, "test what an assistant's voice gained and cost, and how it treats people", "project"
    )
    v.add_argument("--approach", help="which assistant (default: the one that has learnt, else the first with a voice)")
    v.add_argument(
        "--questions",
        type=int,
        default=CharacterRequest.model_fields["questions"].default,
        metavar="N",
        help="how many with an answer (default: %(default)s)",
    )
    v.add_argument("--last", action="store_true", help="show what was last found and ask nothing")
