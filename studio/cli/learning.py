"""What a model would learn and cost, what it would be shown, and its dials.

Every field of the recipe is an option, made from the recipe itself; a file holds the same.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from studio.base import events
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.recipes import PreferRequest, TrainingRecipe
from studio.base.records import Parameter, Reason, Sought
from studio.base.runs import Runs
from studio.cli.session import Session, Verb, finish


def plan(session: Session, given: argparse.Namespace) -> None:
    from studio import orders

    project = session.open(given.project)
    turn(project, given)
    offered = orders.offer(project, Runs(session.settings))
    if given.save:
        given.save.write_text(json.dumps(offered.plan.recipe.model_dump(), indent=2) + "\n", encoding="utf-8")
    session.give(offered, "\n".join(_told(session, offered)))


def rehearse(session: Session, given: argparse.Namespace) -> None:
    from studio import orders

    project = session.open(given.project)
    turn(project, given)
    run = finish(session, lambda held: orders.rehearse(project, held))
    said = events.fold(events.read(Path(run.folder)))
    offered = orders.offer(project, Runs(session.settings))
    shown = [_batch(session, said.batch)] if said.batch else []
    session.give({"offer": offered, "batch": said.batch}, "\n".join([*shown, *_told(session, offered)]))


def seek(session: Session, given: argparse.Namespace) -> None:
    """Ctrl-C keeps what was tried: the same command goes on there."""
    from studio import orders

    project, held = session.open(given.project), Runs(session.settings)
    expected = orders.outlook(project, held)
    minutes = expected.enough if given.minutes is None else given.minutes
    session.say(session.t("seek.outlook", least=expected.least, enough=expected.enough, answers=expected.answers))
    finish(session, lambda held: orders.seek(project, held, minutes))
    found = project.sought()
    assert found is not None
    session.give(found, "\n".join(_sought(session, found)))


def prefer(session: Session, given: argparse.Namespace) -> None:
    from studio import improvement, orders, training

    project, t = session.open(given.project), session.t
    known = improvement.preferences(project)
    if given.count:
        told = {"of": training.NEEDED, "n": len(known.pairs), **known._asdict()}
        left = [t(f"prefer.{name}", n=told[name]) for name in ("equal", "against", "sealed") if told[name]]
        session.give(told, "\n".join([t("prefer.count", n=len(known.pairs), needed=training.NEEDED), *left]))
        return
    finish(session, lambda held: orders.prefer(project, held, given.method, given.rate))
    found = project.preferred()
    session.give(found, session.t(f"prefer.found.{found.reason}") if found else "")


def add_dials(parser: argparse.ArgumentParser) -> None:
    """The options of a recipe; `dials` reads them back."""
    group = parser.add_argument_group(
        "training", "What is not set is chosen for the examples, the model and the machine."
    )
    group.add_argument("--recipe", type=Path, metavar="FILE", help="a JSON file with any of the settings below")
    group.add_argument("--chosen", action="store_true", help="forget the settings made before")
    group.add_argument("--price", type=float, metavar="HOUR", help="what an hour of this machine costs")
    for name, field in TrainingRecipe.model_fields.items():
        option, kind = f"--{name.replace('_', '-')}", field.annotation
        says = (field.description or "").replace("%", "%%")  # argparse fills in what follows a percent sign
        if kind is bool:
            group.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=says)
        elif get_origin(kind) is Literal:
            group.add_argument(option, choices=get_args(kind), help=says)
        else:
            group.add_argument(option, type=float if kind is float else int, metavar="N", help=says)


def turn(project: Project, given: argparse.Namespace) -> None:
    """Set what was given, on top of the file, on top of what was set before."""
    from studio import orders

    before = {} if given.chosen else project.card.dials
    told = {name: value for name in TrainingRecipe.model_fields if (value := getattr(given, name)) is not None}
    orders.turn(project, {**before, **_file(given.recipe), **told}, given.price)


def _sought(session: Session, found: Sought) -> list[str]:
    t, lines = session.t, []
    for n, each in enumerate(found.trials, 1):
        told = {"n": n, "rate": each.learning_rate, "rounds": each.epochs, "share": round(each.share * 100)}
        loss = each.loss if each.loss is not None else t(f"seek.state.{each.state}")
        lines.append(t("seek.trial", **told, loss=loss, seconds=round(each.seconds)))
    return [*lines, t(f"sought.{found.reason}", **found.told)]


def _told(session: Session, offered: Any) -> list[str]:
    t, lines = session.t, []
    for name, value in offered.plan.recipe.model_dump().items():
        lines.append(f"{t(f'recipe.{name}'):<44} {value}")
    lines += [f"- {_reason(session, reason)}" for reason in offered.plan.reasons]
    if offered.fault:
        return [*lines, t(f"error.{offered.fault.code}", **offered.fault.parameters)] + [
            f"  > {_reason(session, reason)}" for reason in offered.instead
        ]
    cost = offered.cost
    lines.append(t("cost.line", minutes=cost.minutes, memory=cost.memory_gb, kwh=cost.kwh, watts=cost.watts))
    if cost.money:
        lines.append(t("cost.money", money=cost.money))
    return [*lines, t("cost.measured" if cost.measured else "cost.rule")]


def _batch(session: Session, batch: events.Batch) -> str:
    """Every token on its own ground: [[learnt]], the rest is read."""
    texts = []
    for tokens in batch.examples:
        text, inside = "", False
        for token in tokens:
            if token.learnt != inside:
                text, inside = text + ("[[" if token.learnt else "]]"), token.learnt
            text += token.text
        texts.append(text + "]]" * inside)
    return "\n\n".join([session.t("batch.cli"), *texts, ""])


def _reason(session: Session, reason: Reason) -> str:
    return session.t(f"reason.{reason.code}", **reason.parameters)


def _file(path: Path | None) -> Mapping[str, Parameter | bool]:
    if path is None:
        return {}
    from studio import training

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput("recipe_unreadable", name=path.name) from error
    return training.read_recipe(text, path.name)


def arguments(verb: Verb) -> None:
    v = verb("plan", plan, "say how a project would be trained, and what it would cost", "project")
    add_dials(v)
    v.add_argument(
        "--save", type=Path, metavar="FILE", help="write the recipe to a file, to be used again with --recipe"
    )
    v = verb("rehearse", rehearse, "time a few steps of the training and show its first batch", "project")
    add_dials(v)
    v = verb("seek", seek, "look for settings of the training that bring more than the studio's own", "project")
    v.add_argument(
        "--minutes", type=float, metavar="N", help="how long it may take; as long as a verdict needs if not set"
    )

    v = verb("prefer", prefer, "let the model learn from votes and corrections, once there are enough", "project")
    v.add_argument(
        "--method", choices=("dpo", "orpo"), default="dpo", help=PreferRequest.model_fields["method"].description
    )
    v.add_argument(
        "--rate", type=float, default=0.0, metavar="N", help=PreferRequest.model_fields["learning_rate"].description
    )
    v.add_argument("--count", action="store_true", help="only say how many judgements there are")
