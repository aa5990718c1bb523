"""Material is brought, and how it was read is shown; a folder can be watched.

Passwords and keys are asked for or read from the environment, and never taken from the command line, where everybody on
the machine could read them.
"""

import argparse
import getpass
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args
from urllib.parse import quote, urlsplit

from studio.base import words
from studio.base.errors import BadInput, StudioError
from studio.base.project import Project
from studio.base.recipes import DatabaseRequest, DatasetRequest, WebRequest
from studio.base.records import TASKS, Added, ColumnRole, Finding, How, Source
from studio.cli.session import Session, Verb, added_line, finish

PASSWORD = "AMEDIDA_PASSWORD"  # noqa: S105 - the name of a variable
DATABASES = ("postgresql", "postgres", "mysql", "mariadb", "sqlite")
SITE_DEPTH = 3
DATABASE_FILES = (".db", ".db3", ".sqlite", ".sqlite3")


def add(session: Session, given: argparse.Namespace) -> None:
    """Files, folders, web addresses, databases and data sets, each told by itself; one bad one never stops the rest."""
    project = session.open(given.project)
    secret = _secret(session, given.password)
    added: list[Added] = []
    refused: list[dict[str, str]] = []
    for what in given.what:
        try:
            if _is_file(what):
                added += [_take(project, file, given, secret) for file in _files(what)]
            else:
                added += _fetch(session, project, what, given, secret)
        except StudioError as error:
            name = what if "://" not in what else urlsplit(what).hostname or what
            refused.append({"name": name, "error": error.code, "message": words.of_fault(error, session.t)})
    lines = [line for each in added for line in (added_line(session, each), *_remarks(session, each.findings))]
    session.give({"added": added, "refused": refused}, "\n".join([*lines, *(each["message"] for each in refused)]))
    if refused and not added:
        sys.exit(1)


def sources(session: Session, given: argparse.Namespace) -> None:
    """Each source, how it was read, and which rows were mended or left out."""
    project = session.open(given.project)
    known = project.store.all_sources()
    session.give({"sources": known}, "\n".join(line for each in known for line in _source(session, each)))


def watch(session: Session, given: argparse.Namespace) -> None:
    """The watched folder; with a path, watch that one (it is looked at while the studio serves), with --stop, none."""
    from studio import watching

    project = session.open(given.project)
    if given.stop or given.folder:
        folder = "" if given.stop else str(Path(given.folder).expanduser().resolve())
        watching.watch(project, folder, session.settings.projects)
    known = watching.state(project)
    title = known.folder or session.t("cli.watches_nothing")
    session.give(known, "\n".join([title, *(f"  {name}" for name in sorted(known.files))]))


def _is_file(what: str) -> bool:
    return "://" not in what and not what.startswith("hf:") and Path(what).suffix.lower() not in DATABASE_FILES


def _files(what: str) -> list[Path]:
    """The file, or every file in the folder."""
    path = Path(what)
    if not path.is_dir():
        return [path]
    return [each for each in sorted(path.rglob("*")) if each.is_file() and not each.name.startswith((".", "~$"))]


def _take(project: Project, file: Path, given: argparse.Namespace, secret: str) -> Added:
    from studio import intake

    added = intake.add(project, file, password=secret)
    how = How(columns=_roles(given.columns), business=tuple(given.business), hours=given.hours, task=given.task)
    return intake.read_again(project, added.source, how, secret) if how != How() else added


def _fetch(session: Session, project: Project, what: str, given: argparse.Namespace, secret: str) -> list[Added]:
    """Fetch from an address as a run, and what came of it."""
    from studio import orders
    from studio.intake import fetching

    wanted: dict[str, Any]
    if what.startswith("hf:"):
        token = secret or os.environ.get("HF_TOKEN", "")
        wanted = {"dataset": DatasetRequest(name=what.removeprefix("hf:"), split=given.split), "secret": token}
    elif what.startswith(("http://", "https://")):
        depth = SITE_DEPTH if given.pages > 1 else 0
        wanted = {"web": WebRequest(address=what, pages=given.pages, depth=depth)}
    else:
        if not (given.table or given.query):
            raise BadInput("database_nothing_asked")
        address = _with_password(what, secret)
        request = DatabaseRequest(shown=fetching.shown(address), table=given.table, query=given.query)
        wanted = {"database": request, "secret": address}
    before = project.store.sources()
    finish(session, lambda held: orders.fetch(project, held, **wanted))
    new = [each for each in project.store.all_sources() if before.get(each.source) != each.sha256]
    examples, documents = project.store.examples(), project.store.documents()
    return [
        Added(
            name=Path(each.source).name,
            source=each.source,
            documents=sum(document.source == each.source for document in documents),
            examples=sum(example.source == each.source for example in examples),
            findings=each.findings,
        )
        for each in new
    ]


def _with_password(address: str, password: str) -> str:
    """The address with the password that was asked for; a path stays a path."""
    if "://" not in address:
        return str(Path(address).resolve())
    parts = urlsplit(address)
    who, _, where = parts.netloc.rpartition("@")
    if not password or parts.scheme.split("+")[0] not in DATABASES or ":" in who:
        return address
    return parts._replace(netloc=f"{who}:{quote(password, safe='')}@{where}").geturl()


def _roles(columns: str) -> tuple[ColumnRole, ...]:
    """`question,answer,ignore` as the roles of the columns, from left to right."""
    known = get_args(ColumnRole)
    roles = [role.strip() for role in columns.split(",")] if columns else []
    if wrong := next((role for role in roles if role not in known), None):
        raise BadInput("column_role_unknown", name=wrong, roles=", ".join(known))
    return How.model_validate({"columns": roles}).columns


def _secret(session: Session, wanted: bool) -> str:
    if not wanted:
        return ""
    return os.environ.get(PASSWORD) or getpass.getpass(session.t("cli.password"))


def _remarks(session: Session, findings: Sequence[Finding]) -> list[str]:
    return [f"  - {title}. {more}" for title, more in (words.of_finding(each, session.t) for each in findings)]


def _source(session: Session, source: Source) -> list[str]:
    t, layout = session.t, source.layout
    lines = [source.source + (f" ({source.origin})" if source.origin else "")]
    if layout:
        tally = [("rows.read", layout.read), ("rows.repaired", layout.repaired_count)]
        tally.append(("rows.refused", layout.refused_count))
        counts = [t(f"{key}.one") if n == 1 else t(key, n=n) for key, n in tally if n]
        lines += [f"  {', '.join(counts)}"] if counts else []
        lines += [f"  {column.name}: {t(f'role.{column.role}')}" for column in layout.columns]
        spoken = [(t("cli.business") if who.business else t("cli.customer"), who) for who in layout.speakers]
        lines += [f"  {who.name} ({who.messages}): {label}" for label, who in spoken]
        faults = [*layout.refused, *layout.repaired]
        for each in faults:
            where = ", ".join(filter(None, (each.sheet, t("place.row", n=str(each.row)))))
            lines.append(f"  {where}: {t(f'row.{each.code}')}")
    return [*lines, *_remarks(session, source.findings)]


def arguments(verb: Verb) -> None:
    v = verb(
        "add", add, "add files, folders, web addresses, databases (--table) or data sets (hf:owner/name)", "project"
    )
    v.add_argument("what", nargs="+", metavar="FILE_OR_ADDRESS")
    v.add_argument(
        "--task", choices=TASKS, help="what the examples teach; without, what a column named task says, else answering"
    )
    v.add_argument(
        "--columns", default="", help="roles of a table's columns from left to right: question,answer,ignore"
    )
    v.add_argument("--business", action="append", default=[], metavar="NAME", help="who answers for you in a chat")
    v.add_argument("--hours", type=float, help="how long an answer in a chat may take to count")
    v.add_argument("--pages", type=int, default=1, help="of a site: how many pages to read (default: only this one)")
    v.add_argument("--table", default="", help="of a database: the table to read")
    v.add_argument("--query", default="", help="of a database: a SELECT to read instead of a table")
    v.add_argument("--split", default="train", help="of a data set: which part")
    v.add_argument("--password", action="store_true", help=f"ask for a password (or take it from {PASSWORD})")
    verb("sources", sources, "list the sources and how each was read", "project")
    v = verb("watch", watch, "show, choose or stop the watched folder", "project")
    v.add_argument("folder", nargs="?")
    v.add_argument("--stop", action="store_true")
