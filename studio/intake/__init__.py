"""Take in what people have: files become documents to search and examples to learn from.

Every file is copied into the project's `sources/` untouched and read in a process of its own. One that cannot be read
is refused with its reason and stops nobody else; every row and page of the others is kept or named.
"""

import hashlib
import logging
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from studio.base import files
from studio.base.errors import NotFound, StudioError, Unreadable
from studio.base.events import Emit, Found, Progress
from studio.base.records import Added, Finding, How
from studio.intake import child
from studio.intake.kinds import READABLE
from studio.intake.reading import Origin, Reading

if TYPE_CHECKING:  # the reading process starts three times as fast without the database
    from studio.base.project import Project

FOLDER = "sources"
LOCKED = frozenset({"pdf_password_needed", "pdf_password_wrong", "archive_locked", "password_wrong"})  # open with one
LARGEST_MB = 500

log = logging.getLogger(__name__)

__all__ = ["LOCKED", "READABLE", "Reading", "add", "add_all", "read", "read_again", "remove"]


def read(file: Path, name: str | None = None) -> Reading:
    """What a file would give, without adding it to anything. Raises NotFound and Unreadable."""
    called = files.file_name(name or file.name)
    return child.read(_existing(file), _origin(file, called))


def add(
    project: "Project",
    file: Path,
    name: str | None = None,
    *,
    origin: str = "",
    password: str = "",
    move: bool = False,
    largest_mb: int = LARGEST_MB,
) -> Added:
    """Copy a file into the project and take in what it holds; `name` is what the person calls it, `origin` the address
    or query it was fetched from, `password` opens it and is not kept. With `move` the file itself is taken, without a
    second copy of something large; one that cannot be read stays where it was.

    1. The same content already there: nothing is done. 2. Copy. 3. Read the copy. 4. Put it in place of an older file
    of that name. 5. Store what it gave. A file that cannot be read leaves the project as it was.
    Raises NotFound("file_missing") and Unreadable.
    """
    called = files.file_name(name or _existing(file).name)
    if _existing(file).stat().st_size > largest_mb << 20:
        raise Unreadable("file_too_large", name=called, mb=file.stat().st_size >> 20, limit=largest_mb)
    source = f"{FOLDER}/{called}"
    sha256 = _sha256(file)
    known = project.store.sources()
    if same := next((other for other, sha in known.items() if sha == sha256 and _is_read(project, other)), None):
        if move:
            file.unlink()
        return _known(project, same)
    handle, temporary = tempfile.mkstemp(dir=project.sources, prefix=".coming-")
    os.close(handle)
    try:
        if move:
            shutil.move(file, temporary)
        else:
            shutil.copyfile(file, temporary)
        how = _how(project, source)
        reading = child.read(
            Path(temporary), Origin(name=called, source=source, sha256=sha256, how=how, password=password)
        )
        Path(temporary).replace(project.sources / called)
    except StudioError:
        if move:
            shutil.move(temporary, file)
        raise
    finally:
        Path(temporary).unlink(missing_ok=True)
    replaced = (Finding(code="replaced", level="note", names=(called,)),) if source in known else ()
    return _store(project, source, sha256, reading, replaced, how, origin)


def read_again(project: "Project", source: str, how: How, password: str = "") -> Added:
    """Read a source's original once more, the way the person has decided; what it gave before is replaced.

    Raises NotFound and Unreadable; then the project stays as it was.
    """
    known = project.store.source(source)
    if known is None or not project.path(source).is_file():
        raise NotFound("source_missing", name=Path(source).name)
    path = project.path(source)
    asked = Origin(
        name=source.removeprefix(f"{FOLDER}/"), source=source, sha256=_sha256(path), how=how, password=password
    )
    return _store(project, source, asked.sha256, child.read(path, asked), (), how, known.origin)


def add_all(project: "Project", emit: Emit = lambda event: None) -> list[Added]:
    """Take in whatever lies in `sources/` and is new or changed, and forget what no longer lies there.

    A file that cannot be read becomes a finding of its own and stops nobody else.
    """
    found = {_source(project, path): path for path in _lying(project.sources)}
    for gone in project.store.sources().keys() - found.keys():
        if gone.startswith(f"{FOLDER}/"):
            project.store.remove_source(gone)
            project.store.remember("removed", name=Path(gone).name)
    known = project.store.sources()
    added = []
    for number, (source, path) in enumerate(found.items(), start=1):
        added.append(_take(project, source, path, known))
        for finding in added[-1].findings:
            if not added[-1].known and finding.level in ("stop", "warn"):
                emit(Found(finding=finding))
        emit(Progress(done=number, of=len(found)))
    return added


def remove(project: "Project", source: str) -> None:
    """Take a source out of the project again: its file and everything that came from it. Raises NotFound."""
    if source not in project.store.sources():
        raise NotFound("source_missing", name=Path(source).name)
    path = project.path(source)
    project.store.remove_source(source)
    if path.is_relative_to(project.sources):
        path.unlink(missing_ok=True)
    project.store.remember("removed", name=path.name)


def _take(project: "Project", source: str, path: Path, known: dict[str, str]) -> Added:
    name = Path(source).name
    try:
        sha256 = _sha256(path)
        if known.get(source) == sha256:
            return _known(project, source)
        how = _how(project, source)
        reading = child.read(
            path, Origin(name=source.removeprefix(f"{FOLDER}/"), source=source, sha256=sha256, how=how)
        )
    except OSError as error:
        log.warning("cannot open %s: %s", path, error)
        return Added(
            name=name, findings=(Finding(code="file_not_open", level="stop", names=(name,), parameters={"name": name}),)
        )
    except StudioError as error:
        refused = Finding(code=error.code, level="stop", names=(name,), parameters=error.parameters)
        project.store.put_source(source, sha256, [], [], [refused])
        project.store.remember("refused", name=name, reason=error.code)
        return Added(name=name, findings=(refused,))
    return _store(project, source, sha256, reading, (), how)


def _how(project: "Project", source: str) -> How:
    """What the person had decided about a file of this name, so that its next version is read the same way."""
    known = project.store.source(source)
    return known.how if known else How()


def _store(
    project: "Project",
    source: str,
    sha256: str,
    reading: Reading,
    more: tuple[Finding, ...],
    how: How,
    origin: str = "",
) -> Added:
    if how.task:
        told = tuple(example.model_copy(update={"task": how.task}) for example in reading.examples)
        reading = reading.model_copy(update={"examples": told})
    findings = (*reading.findings, *more)
    project.store.put_source(
        source, sha256, reading.documents, reading.examples, findings, origin=origin, how=how, layout=reading.layout
    )
    added = _added(source, reading, findings)
    project.store.remember("added", name=added.name, documents=added.documents, examples=added.examples)
    return added


def _known(project: "Project", source: str) -> Added:
    documents = [document for document in project.store.documents() if document.source == source]
    examples = [example for example in project.store.examples() if example.source == source]
    findings = project.store.source_findings().get(source, ())
    reading = Reading(documents=tuple(documents), examples=tuple(examples))
    return _added(source, reading, findings).model_copy(update={"known": True})


def _added(source: str, reading: Reading, findings: tuple[Finding, ...]) -> Added:
    return Added(
        name=Path(source).name,
        source=source,
        documents=len(reading.documents),
        examples=len(reading.examples),
        characters=sum(len(document.text) for document in reading.documents),
        findings=findings,
    )


def _is_read(project: "Project", source: str) -> bool:
    """Whether this source is there and was understood; one that was refused may be tried again."""
    lies = project.path(source).is_file()
    return lies and all(finding.level != "stop" for finding in project.store.source_findings().get(source, ()))


def _lying(folder: Path) -> list[Path]:
    """The person's files: no links, nothing hidden, none of the files that systems leave in folders."""
    left_by_systems = {"thumbs.db", "desktop.ini"}
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not path.is_symlink()
        and not any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)
        and path.name.lower() not in left_by_systems
    ]


def _source(project: "Project", path: Path) -> str:
    return f"{FOLDER}/{path.relative_to(project.sources).as_posix()}"


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise NotFound("file_missing", name=files.file_name(file.name))
    return file


def _origin(file: Path, name: str) -> Origin:
    return Origin(name=name, source=f"{FOLDER}/{name}", sha256=_sha256(file))


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
