"""Which way to build, and the build."""

import argparse
from collections.abc import Sequence
from typing import Any

from studio.base.project import Project
from studio.base.records import Run, Scorecard
from studio.base.runs import Runs
from studio.cli import learning
from studio.cli.measuring import table
from studio.cli.session import Session, Verb, finish


def advise(session: Session, given: argparse.Namespace) -> None:
    from studio import orders

    project, held = session.open(given.project), Runs(session.settings)
    advice = orders.advise(project, held, orders.plan(project, held))
    lines = []
    for option in advice.options:
        mark = "*" if option.recommended else "-" if option.possible else "x"
        lines.append(f"{mark} {session.t(f'approach.{option.approach}')} ({option.minutes:g} min)")
        lines += [
            f"    {'+' if r.speaks == 'for' else '-'} {session.t(f'reason.{r.code}', **r.parameters)}"
            for r in option.reasons
        ]
    session.give(advice, "\n".join(lines))


def build(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    learning.turn(project, given)
    run = built(session, project, given.approach or project.card.chosen or ("instructions",), given.effort)
    card = project.store.newest(Scorecard)
    session.give({"run": run, "scorecard": card}, table(session, project, card) if card else session.t("cli.built"))


def built(session: Session, project: Project, approaches: Sequence[Any], effort: Any) -> Run:
    from studio import orders

    return finish(session, lambda held: orders.build(project, held, approaches, effort))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--approach",
        action="append",
        choices=("instructions", "examples", "documents", "whole", "trained", "both"),
    )
    parser.add_argument("--effort", choices=("quick", "balanced", "thorough"), default="balanced")


def arguments(verb: Verb) -> None:
    verb("advise", advise, "say which way to build", "project")
    v = verb("build", build, "build what was chosen", "project")
    add_arguments(v)
    learning.add_dials(v)
