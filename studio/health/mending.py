"""Apply a repair to a project and take it back. The originals in `sources/` are never touched.

Before the first record changes, what it takes to undo it is on disk: the private folder of the studio holds it, for the
owner of this machine's account alone, so that who gets the project folder does not get what was hidden in it. A process
that is killed half way leaves a repair that was made or one that was not; the next one finds out which (`_settle`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import filelock

from studio.base import files, records
from studio.base.errors import NotFound, Refused
from studio.base.project import Project
from studio.base.records import Change, Record, Repair
from studio.health import masking
from studio.health.checking import SEVERITY
from studio.health.material import Material
from studio.health.repairs import REPAIRS
from studio.health.reporting import report

MASKS = {"mask_personal": False, "mask_everything": True}
TRIES = 3


class _Step(Record):
    """One record as it was, and the digest of what the repair made of it (None: it was taken out)."""

    kind: Literal["document", "example", "question"]
    id: str
    before: str | None
    after: str | None


class _Undo(Record):
    """All it takes to undo a repair. `sources` are those its records come from: path -> digest and date of reading."""

    repair: Repair
    steps: tuple[_Step, ...]
    sources: dict[str, str]


def repair(project: Project, code: str, private: Path) -> Repair:
    """Do the repair `code` and tell the project's history.

    Look what would change; write what undoes it; change the material in one transaction; keep the record with the counts
    before and after. Where there is nothing to do, nothing is kept. Raises NotFound("repair_missing"), and
    Refused("material_busy") when somebody else keeps changing the material meanwhile.
    """
    if code not in REPAIRS:
        raise NotFound("repair_missing", name=code)
    with _alone(project, private) as folder:
        _settle(project, folder)
        before = _counts(project)
        for _ in range(TRIES):
            digest = project.store.material_digest()
            changes = _changes(project, code, private)
            made = _record(code, changes, before)
            if changes:
                _write(folder, _Undo(repair=made, steps=_steps(changes), sources=_sources(project)))
            if project.store.material_digest() == digest:
                break
            _forget(folder, made.id)
        else:
            raise Refused("material_busy")
        if not changes:
            return made.model_copy(update={"after": before})
        project.store.change(changes)
        made = made.model_copy(update={"after": _counts(project)})
        project.store.put(made)
        _told(project, "repaired", made)
        return made


def undo(project: Project, repair_id: str, private: Path) -> Repair:
    """Put back what is still as the repair left it; `parameters` say how many records were (`back`) and were not (`lost`).

    A record is lost when it was changed or taken out since, or its source was removed or read again. Those that a later
    repair changed can still come back once that one is undone: undo again then. Raises NotFound("repair_missing") and
    NotFound("undo_missing") when it was made on another machine or account.
    """
    with _alone(project, private) as folder:
        _settle(project, folder)
        made = project.store.get(Repair, repair_id)
        if made is None:
            raise NotFound("repair_missing", name=repair_id)
        kept = _read(folder, repair_id)
        if kept is None:
            if made.undone:
                return made
            raise NotFound("undo_missing", name=made.code)
        ready, left = _sorted(project, kept)
        project.store.change(ready)
        if left:
            _write(folder, kept.model_copy(update={"steps": tuple(left)}))
        else:
            _forget(folder, repair_id)
        back = int(made.parameters.get("back", 0)) + len(ready)
        undone = _mark(project, made, back=back, lost=len(left))
        _told(project, "undone", undone)
        return undone


# ---- what changes ------------------------------------------------------------------------------------------------------


def _changes(project: Project, code: str, private: Path) -> list[Change]:
    store = project.store
    material = Material(
        store.documents(), store.examples(), store.questions(), project.card.goal, masking.known(project, private)
    )
    if code not in MASKS:
        return REPAIRS[code](material)
    masked = masking.mask(material, everything=MASKS[code])
    masking.keep(project, private, masked)
    return masked.changes


def _record(code: str, changes: Sequence[Change], before: dict[str, int]) -> Repair:
    removed = sum(change.after is None for change in changes)
    made = sum(change.before is None for change in changes)
    return Repair(code=code, changed=len(changes) - removed - made, removed=removed, made=made, before=before)


def _steps(changes: Sequence[Change]) -> tuple[_Step, ...]:
    return tuple(_Step(kind=c.kind, id=c.id, before=c.before, after=_digest(c.after)) for c in changes)


def _sorted(project: Project, kept: _Undo) -> tuple[list[Change], list[_Step]]:
    """What can be put back, and what cannot."""
    now = _now(project)
    sources = _sources(project)
    ready: list[Change] = []
    left: list[_Step] = []
    for step in kept.steps:
        current = now.get((step.kind, step.id))
        source = _source_of(step)
        removed = source in kept.sources and kept.sources[source] != sources.get(source)
        if _digest(current) != step.after or removed:
            left.append(step)
        else:
            ready.append(Change(kind=step.kind, id=step.id, before=current, after=step.before))
    return ready, left


def _source_of(step: _Step) -> str:
    import json

    return str(json.loads(step.before).get("source", "")) if step.before and step.kind != "question" else ""


def _sources(project: Project) -> dict[str, str]:
    return {each.source: f"{each.sha256} {each.added}" for each in project.store.all_sources()}


def _now(project: Project) -> dict[tuple[str, str], str]:
    """Every record of the material as it is stored."""
    store = project.store
    return {
        **{("document", each.id): each.model_dump_json() for each in store.documents()},
        **{("example", each.id): each.model_dump_json() for each in store.examples()},
        **{("question", each.id): each.model_dump_json() for each in store.questions()},
    }


def _counts(project: Project) -> dict[str, int]:
    """Documents, examples, questions, characters, and findings by how serious they are."""
    documents, examples, questions = project.store.documents(), project.store.examples(), project.store.questions()
    characters = sum(len(each.text) for each in documents)
    characters += sum(len(message.content) for each in examples for message in each.messages)
    levels = Counter(finding.level for finding in report(project))
    return {
        "documents": len(documents),
        "examples": len(examples),
        "questions": len(questions),
        "characters": characters,
        **{level: levels[level] for level in SEVERITY},
    }


# ---- what is kept ------------------------------------------------------------------------------------------------------


@contextmanager
def _alone(project: Project, private: Path) -> Iterator[Path]:
    """The project's undo folder, with nobody else repairing meanwhile."""
    folder = private / "undo" / project.id
    for each in (private, folder.parent, folder):
        each.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.parent.chmod(0o700)
    folder.chmod(0o700)
    try:
        with filelock.FileLock(folder / ".lock", timeout=60):
            yield folder
    except filelock.Timeout as error:
        raise Refused("material_busy") from error


def _settle(project: Project, folder: Path) -> None:
    """Finish the book-keeping of a repair whose process was killed: made, and it gets its record; not made, no trace."""
    written = {path.stem for path in folder.glob("*.json")} - {Path(masking.VAULT).stem}
    now: dict[tuple[str, str], str] | None = None
    for id in sorted(written - {each.id for each in project.store.all(Repair)}):
        kept = _read(folder, id)
        if kept is None:
            continue
        now = _now(project) if now is None else now
        states = [(_digest(now.get((step.kind, step.id))), step) for step in kept.steps]
        if any(state == step.after and state != _digest(step.before) for state, step in states):
            made = kept.repair.model_copy(update={"after": _counts(project)})
            project.store.put(made)
            _told(project, "repaired", made)
        elif all(state == _digest(step.before) for state, step in states):
            _forget(folder, id)


def _mark(project: Project, made: Repair, *, back: int, lost: int) -> Repair:
    parameters: dict[str, records.Parameter] = {**made.parameters, "back": back, "lost": lost}
    undone = made.model_copy(update={"undone": made.undone or records.now(), "parameters": parameters})
    project.store.put(undone)
    return undone


def _told(project: Project, what: str, made: Repair) -> None:
    numbers = {"changed": made.changed, "removed": made.removed, "made": made.made, **made.parameters}
    project.store.remember(what, repair=made.code, id=made.id, **numbers)


def _write(folder: Path, kept: _Undo) -> None:
    files.write_atomically(folder / f"{kept.repair.id}.json", kept.model_dump_json())  # makes files of mode 0600


def _read(folder: Path, id: str) -> _Undo | None:
    written = files.read_json(folder / f"{id}.json")
    return _Undo.model_validate(written) if written else None


def _forget(folder: Path, id: str) -> None:
    (folder / f"{id}.json").unlink(missing_ok=True)


def _digest(text: str | None) -> str | None:
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
