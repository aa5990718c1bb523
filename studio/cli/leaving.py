"""An assistant is taken home: into a folder, to the Hub."""

import argparse
from typing import Any

from studio.base.project import Project
from studio.base.records import Exported, Variant
from studio.cli.session import Session, Verb, assistants, finish


def export(session: Session, given: argparse.Namespace) -> None:
    project = session.open(given.project)
    variant = assistants(project, given.approach)[-1]
    made = exported(session, project, variant, given.form, anyway=given.anyway)
    if given.push:
        from studio import orders

        token = _token(session)
        finish(
            session,
            lambda held: orders.push(project, held, made, given.push, token, private=not given.public),
        )
        made = project.store.get(Exported, made.id) or made
    session.give(made, text(session, project, made))


def exported(session: Session, project: Project, variant: Variant, form: Any, *, anyway: bool = False) -> Exported:
    from studio import orders

    finish(session, lambda held: orders.export(project, held, variant, form, anyway=anyway))
    return project.store.all(Exported)[-1]


def text(session: Session, project: Project, made: Exported) -> str:
    where = made.url or str(project.path(made.path))
    return session.t("cli.exported", where=where, megabytes=round(made.bytes / 1e6, 1))


def _token(session: Session) -> str:
    import getpass
    import os

    return os.environ.get("HF_TOKEN") or getpass.getpass(session.t("cli.token"))


def arguments(verb: Verb) -> None:
    v = verb("export", export, "take an assistant home", "project")
    v.add_argument("--approach", default="trained")
    v.add_argument("--form", choices=("adapter", "merged"), default="merged")
    v.add_argument(
        "--push",
        metavar="REPOSITORY",
        help="also upload to the Hub; the token is read from HF_TOKEN or asked for",
    )
    v.add_argument("--public", action="store_true", help="make the repository public")
    v.add_argument("--anyway", action="store_true", help="also when its voice or training was found to cost facts")
