"""A folder of this machine whose files are a project's material: taken in when they appear or change, out when they vanish.

It looks at names, sizes and times only; reading is intake's, the queue's order is that of `orders`. No link is followed, no
file is taken while it still changes, and nothing is taken out because the folder as a whole is out of reach.
"""

import hashlib
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import filelock

from studio import orders
from studio.base import files, records
from studio.base import project as projects
from studio.base.errors import BadInput, NotFound, Refused, StudioError
from studio.base.project import Project
from studio.base.records import Finding, Record
from studio.base.runs import Runs

EVERY = 5.0  # seconds between two looks
SETTLED = 3.0  # seconds for which a file must stay the same before it counts
MOST = 20_000  # files; more is a whole disk, and a mistake
FACT = "watched"
UNFINISHED = (".part", ".crdownload", ".download", ".tmp", ".partial")
LEFT_BY_SYSTEMS = {"thumbs.db", "desktop.ini"}


class Taken(Record):
    """A file as it was last taken in, and what it is called among the sources."""

    size: int
    changed: int
    sha256: str
    source: str


class Watched(Record):
    """What is known of the watched folder: its files by their paths in it, the disk it lies on, what is wrong now."""

    folder: str = ""
    device: int = 0
    files: dict[str, Taken] = {}  # noqa: RUF012 - frozen
    findings: tuple[Finding, ...] = ()


class Stamp(NamedTuple):
    size: int
    changed: int


class Look(NamedTuple):
    """The files of a folder, and the parts of it that could not be looked into."""

    device: int
    files: dict[str, Stamp]
    closed: tuple[str, ...]


def watch(project: Project, folder: str, root: Path) -> None:
    """Watch this folder from now on; empty watches none, and what was taken in stays.

    Raises BadInput("watched_not_a_folder"), Refused("watched_is_ours") for one in, or around, the `root` of the projects.
    """
    path = Path(folder).expanduser()
    if folder and not (path.is_absolute() and path.is_dir()):
        raise BadInput("watched_not_a_folder", name=folder)
    path, ours = path.resolve(), root.resolve()
    if folder and (path.is_relative_to(ours) or ours.is_relative_to(path)):
        raise Refused("watched_is_ours", name=folder)
    project.change(watched=str(path) if folder else "")
    project.store.put_fact(FACT, Watched(folder=project.card.watched))


def state(project: Project) -> Watched:
    """What is known of the project's watched folder."""
    written = project.store.fact(FACT)
    known = Watched.model_validate_json(written) if written else Watched()
    return known if known.folder == project.card.watched else Watched(folder=project.card.watched)


@contextmanager
def keep(runs: Runs) -> Iterator[None]:
    """While inside, the watched folders of all projects are looked at, unless another process already does."""
    over = threading.Event()
    thread = threading.Thread(target=_keep, args=(runs, over), name="watching", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=5)


class Watcher:
    """Looks again and again; remembers since when each file has been as it is."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._since: dict[tuple[str, str], tuple[Stamp | None, float]] = {}

    def look(self, project: Project) -> Watched:
        """One look at a project's folder, once what was ordered before is done. 1. See what is there. 2. Take out what
        vanished. 3. Order an intake of what is new or has changed. 4. Remember what was taken, and what is wrong.
        """
        before, latest = state(project), self._runs.latest(project, "intake")
        if latest is not None and latest.state in ("queued", "running"):
            return before  # nobody knows yet what became of it
        seen = look(Path(before.folder))
        if seen is None or _unplugged(before, seen):
            gone = Finding(
                code="watched_gone", level="warn", names=(before.folder,), parameters={"name": before.folder}
            )
            return _remember(project, before, findings=(gone,))
        if len(seen.files) > MOST:
            many = Finding(code="watched_too_many", level="warn", names=(before.folder,), parameters={"limit": MOST})
            return _remember(project, before, findings=(many,))
        known = dict(before.files)
        for name in [name for name in known if name not in seen.files and not name.startswith(seen.closed or ("\0",))]:
            if self._is_settled(project, name, None):
                _take_out(project, known, name)
        new = {name: stamp for name, stamp in seen.files.items() if _is_new(known.get(name), stamp)}
        ready = {name: stamp for name, stamp in sorted(new.items()) if self._is_settled(project, name, stamp)}
        findings = _take_in(project, self._runs, Path(before.folder), ready, known) if ready else list(before.findings)
        findings = [each for each in findings if each.code.startswith("watched_") and each.code != "watched_gone"]
        findings = [each for each in findings if set(each.names) & set(new)]
        return _remember(project, before, device=seen.device, files=known, findings=tuple(findings))

    def _is_settled(self, project: Project, name: str, stamp: Stamp | None) -> bool:
        now = time.monotonic()
        last, since = self._since.get((project.id, name), (None, now))
        if (project.id, name) not in self._since or last != stamp:
            since = now
        self._since[project.id, name] = (stamp, since)
        return now - since >= SETTLED


def look(folder: Path) -> Look | None:
    """The files under a folder as a person sees them; None when it cannot be looked into."""
    try:
        device = folder.stat().st_dev
        todo = [("", list(os.scandir(folder)))]
    except OSError:
        return None
    found: dict[str, Stamp] = {}
    closed: list[str] = []
    while todo and len(found) <= MOST:
        above, entries = todo.pop()
        for entry in entries:
            name = f"{above}{entry.name}"
            if _is_left_alone(entry.name):
                continue
            try:
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(about.st_mode):
                    todo.append((f"{name}/", list(os.scandir(entry.path))))
                elif stat.S_ISREG(about.st_mode):
                    found[name] = Stamp(about.st_size, about.st_mtime_ns)
            except FileNotFoundError:
                continue
            except OSError:
                closed.append(name)
    return Look(device, found, tuple(closed))


def _keep(runs: Runs, over: threading.Event) -> None:
    watcher = Watcher(runs)
    lock = filelock.FileLock(runs.settings.private / "watching.lock")
    while not over.wait(EVERY):
        try:
            with lock.acquire(timeout=0):
                for project in projects.find(runs.root):
                    if project.card.watched:
                        watcher.look(project)
        except filelock.Timeout:
            continue
        except (
            OSError,
            StudioError,
            RuntimeError,
        ) as error:  # a project deleted, a full disk: the next look tries again
            runs.note(error)


def _take_out(project: Project, known: dict[str, Taken], name: str) -> None:
    """Take a vanished file's source out, unless the person has already; its twins are taken in again in its place."""
    gone = known.pop(name)
    try:
        orders.remove(project, gone.source)
    except NotFound:
        return
    for twin in [other for other, taken in known.items() if taken.sha256 == gone.sha256]:
        known[twin] = known[twin].model_copy(update={"size": -1, "sha256": ""})


def _take_in(
    project: Project, runs: Runs, folder: Path, ready: dict[str, Stamp], known: dict[str, Taken]
) -> list[Finding]:
    """Copy these files and order their reading; those that cannot be copied are named."""
    batch = records.new_id()
    coming = project.incoming / batch
    coming.mkdir()
    findings, names = list[Finding](), list[str]()
    limit = runs.settings.max_upload_mb
    taken = {one.source for one in known.values()}
    for name, stamp in ready.items():
        if stamp.size > limit << 20:
            findings.append(_named("watched_too_large", name, limit=limit))
            continue
        called = _called(project, name, known.get(name), taken)
        try:
            sha256 = _copied(folder, name, coming / called)
            same = look_at(folder / name) == stamp
        except OSError:
            findings.append(_named("watched_file_not_taken", name))
            continue
        before = known.get(name)
        if not same or (before is not None and before.sha256 == sha256):
            (coming / called).unlink()  # written to meanwhile: later; or the same as before
        else:
            names.append(called)
        if same:
            known[name] = Taken(size=stamp.size, changed=stamp.changed, sha256=sha256, source=f"sources/{called}")
            taken.add(known[name].source)
    if names:
        orders.take_in(project, runs, batch, names)
    else:
        shutil.rmtree(coming)
    return findings


def look_at(path: Path) -> Stamp:
    about = path.lstat()
    return Stamp(about.st_size, about.st_mtime_ns)


def _copied(folder: Path, name: str, target: Path) -> str:
    """Copy a file of the folder, and of nowhere else; its sha256."""
    if not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise OSError(name)
    opened = os.open(folder / name, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(opened, "rb") as coming, target.open("wb") as copy:
        shutil.copyfileobj(coming, copy, 1 << 20)
    with target.open("rb") as copied:
        return hashlib.file_digest(copied, "sha256").hexdigest()


def _called(project: Project, name: str, before: Taken | None, taken: set[str]) -> str:
    """What the file is called among the sources, where subfolders have no place: never like another one."""
    if before is not None:
        return Path(before.source).name
    path = Path(files.file_name(" - ".join(Path(name).parts)[-150:]))
    others = set(project.store.sources()) | taken
    for number in range(1, 10_000):
        called = path.name if number == 1 else f"{path.stem} ({number}){path.suffix}"
        if f"sources/{called}" not in others:
            return called
    raise Refused("path_outside", path=name)


def _unplugged(before: Watched, seen: Look) -> bool:
    """Another disk without any of our files: what was mounted here is not."""
    return bool(before.files) and seen.device != before.device and not before.files.keys() & seen.files.keys()


def _is_new(taken: Taken | None, stamp: Stamp) -> bool:
    return taken is None or (taken.size, taken.changed) != stamp


def _is_left_alone(name: str) -> bool:
    return name.startswith((".", "~$")) or name.lower() in LEFT_BY_SYSTEMS or name.lower().endswith(UNFINISHED)


def _named(code: str, name: str, **parameters: int) -> Finding:
    return Finding(code=code, level="warn", names=(name,), parameters={"name": name, **parameters})


def _remember(project: Project, before: Watched, **now: object) -> Watched:
    made = before.model_copy(update=now)
    if made != before:
        project.store.put_fact(FACT, made)
    return made
