"""The report on a project's material, kept so that nobody waits for it twice."""

import hashlib
import json
from datetime import date
from functools import cache
from pathlib import Path

import filelock
from pydantic import TypeAdapter, ValidationError

import studio
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Finding
from studio.health import groups
from studio.health.checking import check, ordered

FACT = "health"
LONGEST_WAIT = 600  # seconds for somebody else who is at it
FINDINGS = TypeAdapter(list[Finding])


def report(project: Project) -> list[Finding]:
    """Every finding about the project's material as it is now.

    Computed once for each state of the material: of several who ask at the same time one looks, and the others wait for
    what it finds. A word list in the project's folder that cannot be understood is a finding itself.
    """
    known = _kept(project, state := _state(project))
    if known is not None:
        return known
    try:
        with filelock.FileLock(project.folder / ".health.lock", timeout=LONGEST_WAIT):
            known = _kept(project, state := _state(project))
            return _look(project, state) if known is None else known
    except filelock.Timeout:
        return _look(project, state)


def _look(project: Project, state: str) -> list[Finding]:
    store, own = project.store, []
    try:
        lists = groups.of_folder(project.folder)
    except BadInput as error:
        lists = groups.ours()
        own = [Finding(code=error.code, level="warn", names=("groups.json",), parameters=error.parameters)]
    found = check(
        store.documents(),
        store.examples(),
        store.questions(),
        project.card.goal,
        language=project.card.language,
        lists=lists,
    )
    found = ordered([*own, *found])
    if _state(project) == state:  # what was read while it changed belongs to no state
        store.put_fact(FACT, json.dumps({"state": state, "findings": FINDINGS.dump_python(found, mode="json")}))
    return found


def _state(project: Project) -> str:
    """What decides the report: material, goal, language, word lists, our rules, and the month, as dates run out."""
    own = project.folder / "groups.json"
    lists = own.stat().st_mtime_ns if own.is_file() else 0
    card = project.card
    told = [project.fingerprint, card.goal.model_dump(mode="json"), card.language, lists, studio.__version__, _rules()]
    return json.dumps([*told, f"{date.today():%Y-%m}"])  # noqa: DTZ011 - the person's own calendar


@cache
def _rules() -> str:
    """Another one for every change of a rule or a word list of this room: versions are farther apart than rules."""
    taken = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            taken.update(path.read_bytes())
    return taken.hexdigest()


def _kept(project: Project, state: str) -> list[Finding] | None:
    text = project.store.fact(FACT)
    if text is None:
        return None
    try:
        kept = json.loads(text)
        return FINDINGS.validate_python(kept["findings"]) if kept["state"] == state else None
    except (ValueError, KeyError, TypeError, ValidationError):  # written by another version: look again
        return None
