"""Work that takes more than a second is a run: a row in one SQLite file, a folder, and a process of its own.

The row is the truth for queue, lease, attempts and stop; the folder holds what was asked (`run.json`), what was said
(`events.jsonl`), the log, checkpoints and, written last, `exit.json`. A process that is gone without `exit.json` was
killed: its run goes back to the queue and resumes. One that ended by its own error is not tried again.

    queued -> running -> done | failed | stopped        running -> queued   when its process vanished, three times at most
"""

import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import filelock
import psutil

import studio
from studio.base import events, files, handed, processes, records
from studio.base.errors import NotFound, StudioError
from studio.base.project import Project, open_by_id
from studio.base.records import Fault, Outcome, Record, Run, RunKind
from studio.base.settings import Settings
from studio.base.store import connect

ATTEMPTS = 3
ENOUGH = "enough"  # a file in a run's folder: learn no further, go on with what there is
LANES: dict[RunKind, str] = {
    "intake": "material",
    "check": "material",
    "draft": "heavy",
    "calibrate": "heavy",
    "attune": "heavy",
    "prefer": "heavy",
    "fetch": "light",
    "rehearse": "heavy",
    "seek": "heavy",
    "build": "heavy",
    "evaluate": "heavy",
    "character": "heavy",
    "judge": "heavy",
    "explain": "light",
    "export": "light",
    "push": "light",
}
SLOTS = {"heavy": 1, "light": 2, "material": 1}
ASK_SECONDS = 5.0  # how long a run may take to stop by itself
TERM_SECONDS = 3.0  # how long after SIGTERM until SIGKILL: together under the promised ten seconds

_COLUMNS = """id text primary key, kind text, project text, folder text, request text, lane text, state text,
    attempt integer default 0, cancel integer default 0, cancel_at real, created text, started text, finished text,
    pid integer, pid_start real, boot text, oom_kills integer, after text, fault text"""


class Runs:
    """The queue of one studio. Any number of processes may hold one; the supervisor's lock decides who starts and reaps."""

    def __init__(
        self, settings: Settings, command: tuple[str, ...] = (sys.executable, "-P", "-m", "studio.work")
    ) -> None:
        self.settings = settings
        self._command = command
        self.root = settings.projects.resolve()
        self._private = settings.private
        self._local = threading.local()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        with self._db.conn:
            self._db.execute(f"create table if not exists runs ({_COLUMNS})")

    @property
    def _db(self) -> Any:
        db = getattr(self._local, "db", None)
        if db is None:
            db = self._local.db = connect(self._private / "runs.db", synchronous="FULL")
        return db

    # ---- what people and rooms ask for

    def start(self, project: Project, kind: RunKind, request: Record, *, again: bool = False, secret: str = "") -> Run:
        """Put a run into the queue. The same request while it waits, runs or is done is the same run.

        One that failed or was stopped goes on from its last checkpoint. `again` makes a finished one start from nothing.
        `secret` (a token) reaches the child once, through a file only it and we can read, and is never stored with the run.
        """
        id = _identity(project, kind, request)
        folder = project.runs / id
        with self._db.conn:
            self._db.execute(
                "insert or ignore into runs (id, kind, project, folder, request, lane, state, created)"
                " values (?,?,?,?,?,?,?,?)",
                [
                    id,
                    kind,
                    project.id,
                    str(folder),
                    request.model_dump_json(),
                    LANES[kind],
                    "queued",
                    records.now(),
                ],
            )
            state = self._db.execute("select state from runs where id = ?", [id]).fetchone()[0]
            if state in ("failed", "stopped") or (state == "done" and again):
                self._db.execute(
                    "update runs set state='queued', folder=?, attempt=0, cancel=0, cancel_at=null, fault=null,"
                    " after=null, created=?, started=null, finished=null where id=?",
                    [str(folder), records.now(), id],
                )
            # still inside the transaction: no supervisor sees the row before its folder is ready
            if state == "done" and again:
                shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if state in ("failed", "stopped"):
                (folder / ENOUGH).unlink(missing_ok=True)
            if secret:
                handed.keep(self._private, id, secret)
            if not (folder / "run.json").exists():
                asked = {"id": id, "kind": kind, "request": json.loads(request.model_dump_json())}
                files.write_json(folder / "run.json", asked | {"versions": versions()})
        return self.get(id)

    def get(self, id: str) -> Run:
        rows = self._rows("id = ?", [id])
        if not rows:
            raise NotFound("run_missing", name=id)
        return _record(rows[0])

    def of(self, project: Project) -> list[Run]:
        """All runs of a project, the newest first."""
        return [_record(row) for row in self._rows("project = ? order by created desc, rowid desc", [project.id])]

    def latest(self, project: Project, kind: RunKind) -> Run | None:
        return next((run for run in self.of(project) if run.kind == kind), None)

    def waiting_before(self, run: Run) -> int:
        """How many runs of the same lane must end before this one starts."""
        if run.state != "queued":
            return 0
        query = (
            "lane = ? and (state = 'running' or (state = 'queued' and rowid < (select rowid from runs where id = ?)))"
        )
        return max(len(self._rows(query, [LANES[run.kind], run.id])) - SLOTS[LANES[run.kind]] + 1, 0)

    def said(self, run: Run) -> events.Said:
        return events.fold(events.read(Path(run.folder)))

    def stop(self, id: str) -> Run:
        """Ask a run to stop. A waiting one is stopped at once; a running one within ten seconds, keeping its checkpoints."""
        with self._db.conn:
            self._db.execute(
                "update runs set cancel=1, cancel_at=? where id=? and state in ('queued','running') and cancel=0",
                [time.time(), id],
            )
            self._db.execute(
                "update runs set state='stopped', finished=? where id=? and state='queued'",
                [records.now(), id],
            )
        run = self.get(id)
        if run.state == "running":
            with suppress(OSError):
                (Path(run.folder) / "stop").touch()
        else:
            handed.drop(self._private, id)
        return run

    def finish(self, id: str) -> Run:
        """Ask a running build to end its learning now and to go on with what it has learnt."""
        run = self.get(id)
        if run.state == "running":
            with suppress(OSError):
                (Path(run.folder) / ENOUGH).touch()
        return run

    def ending(self, run: Run | None) -> bool:
        """Whether it was asked to finish and still does so."""
        return run is not None and run.state == "running" and (Path(run.folder) / ENOUGH).exists()

    def forget(self, project: Project, seconds: float = 12.0) -> None:
        """Stop what runs for a project and drop its rows: the project is about to be deleted."""
        for run in self.of(project):
            self.stop(run.id)
        self.wait(lambda: all(run.state not in ("queued", "running") for run in self.of(project)), seconds)
        with self._db.conn:
            self._db.execute("delete from runs where project = ?", [project.id])

    def note(self, error: Exception) -> None:
        """Write down what went wrong beside the runs, for whoever looks for the reason."""
        _log(self._private, error)

    def wait(self, until: Any, seconds: float) -> bool:
        """Let time pass (ticking, if nobody else supervises) until `until()` holds; False when it never did."""
        end = time.monotonic() + seconds
        while not until():
            if time.monotonic() > end:
                return False
            with suppress(filelock.Timeout), self._lock.acquire(timeout=0):
                self.tick()
            time.sleep(0.1)
        return True

    # ---- the supervisor

    @contextmanager
    def supervise(self) -> Iterator[None]:
        """While inside, this process starts, watches and reaps runs, unless another process already does."""
        over = threading.Event()
        thread = threading.Thread(target=self._supervise, args=(over,), name="supervisor", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(timeout=5)

    def tick(self) -> None:
        """One look at everything: end what was stopped, reap what ended, start what fits. For the lock's holder."""
        for row in self._rows("state = 'running'"):
            try:
                if not self._alive(row):
                    self._reap(row)
                elif row["cancel"]:
                    self._press(row)
            except Exception as error:  # one damaged run must not hold up the others
                _log(self._private, error)
                self._end(row, "failed", Fault(code="unexpected", parameters={"reason": type(error).__name__}))
        for lane, slots in SLOTS.items():
            running = len(self._rows("state = 'running' and lane = ?", [lane]))
            for row in self._rows(
                "state = 'queued' and lane = ? order by created, rowid limit ?",
                [lane, max(slots - running, 0)],
            ):
                self._launch(row)

    @property
    def _lock(self) -> filelock.BaseFileLock:
        return filelock.FileLock(self._private / "supervisor.lock")

    def _supervise(self, over: threading.Event) -> None:
        while not over.is_set():
            try:
                with self._lock.acquire(timeout=0):
                    while not over.wait(0.3):
                        self.tick()
            except filelock.Timeout:
                over.wait(1.0)
            except (
                Exception
            ) as error:  # the supervisor outlives a full disk or a deleted folder; the next tick tries again
                _log(self._private, error)
                over.wait(1.0)

    def _launch(self, row: dict[str, Any]) -> None:
        folder = Path(row["folder"])
        with self._db.conn:
            got = self._db.execute(
                "update runs set state='running', attempt=attempt+1, started=coalesce(started, ?), pid=null, boot=?,"
                " oom_kills=?"
                " where id=? and state='queued' returning attempt",
                [records.now(), processes.boot_id(), processes.oom_kills(), row["id"]],
            ).fetchone()
        if not got:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in ("exit.json", "stop"):
                (folder / left).unlink(missing_ok=True)
            files.write_json(folder / "attempt.json", {"attempt": got[0], "after": row["after"]})
            with (folder / "output.log").open("ab") as log:
                child = subprocess.Popen(
                    [*self._command, str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=folder,
                    start_new_session=True,
                    env=self._environment(row["id"], row["kind"]),
                )
        except OSError as error:
            self._end(
                row,
                "failed",
                Fault(code="disk_or_folder", parameters={"reason": error.strerror or str(error)}),
            )
            return
        self._children[row["id"]] = child
        with suppress(psutil.NoSuchProcess), self._db.conn:
            self._db.execute(
                "update runs set pid=?, pid_start=? where id=?",
                [child.pid, psutil.Process(child.pid).create_time(), row["id"]],
            )

    def _environment(self, id: str, kind: str) -> dict[str, str]:
        environment = dict(os.environ)
        if kind == "push":  # it gets the token that was typed for it, and no other
            for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
                environment.pop(name, None)
        environment["AMEDIDA_PROJECTS"] = str(self.root)
        environment["PYTHONPATH"] = os.pathsep.join(
            [str(Path(studio.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        environment["OMP_WAIT_POLICY"] = "PASSIVE" if kind != "build" else environment.get("OMP_WAIT_POLICY", "PASSIVE")
        return environment

    def _alive(self, row: dict[str, Any]) -> bool:
        child = self._children.get(row["id"])
        if child is not None:
            return child.poll() is None
        return processes.alive(row["pid"], row["pid_start"], row["boot"])

    def _press(self, row: dict[str, Any]) -> None:
        """A run that was asked to stop and has not: first the flag, then SIGTERM, then SIGKILL to its whole group."""
        waited = time.time() - row["cancel_at"]
        with suppress(OSError):
            (Path(row["folder"]) / "stop").touch()
        if waited > ASK_SECONDS + TERM_SECONDS:
            processes.signal_group(row["pid"], getattr(signal, "SIGKILL", signal.SIGTERM))
        elif waited > ASK_SECONDS:
            processes.signal_group(row["pid"], signal.SIGTERM)

    def _reap(self, row: dict[str, Any]) -> None:
        child = self._children.pop(row["id"], None)
        code = child.wait() if child else None
        if child is not None:  # helpers it may have left behind
            processes.signal_group(child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        ended = files.read_json(Path(row["folder"]) / "exit.json")
        if ended is not None and ended.get("ok"):
            self._end(row, *self._take(row, ended))
        elif row["cancel"] or (ended is not None and ended["fault"]["code"] == "stopped"):
            self._end(row, "stopped", None)
        elif ended is not None:
            fault = Fault.model_validate(ended["fault"])
            if fault.code.endswith("out_of_memory") and row["after"] != "memory":
                self._queue_again(row, "memory")
            else:
                self._end(row, "failed", fault)
        else:
            self._vanished(row, code)

    def _vanished(self, row: dict[str, Any], code: int | None) -> None:
        """Gone without a word. Memory is to blame when the kernel says so, or when it cannot say and the exit code is -9."""
        kills = processes.oom_kills()
        memory = kills > row["oom_kills"] if kills >= 0 and row["oom_kills"] >= 0 else code == -9
        if row["boot"] != processes.boot_id():
            reason, memory = "restarted", False
        else:
            reason = "memory" if memory else "killed"
        if memory and row["after"] == "memory":
            self._end(row, "failed", Fault(code="out_of_memory"))
        elif row["attempt"] >= ATTEMPTS:
            self._end(row, "failed", Fault(code="run_lost", parameters={"times": row["attempt"]}))
        else:
            self._queue_again(row, "memory" if row["after"] == "memory" else reason)

    def _queue_again(self, row: dict[str, Any], after: str) -> None:
        with self._db.conn:
            self._db.execute(
                "update runs set state='queued', pid=null, after=? where id=? and state='running'",
                [after, row["id"]],
            )

    def _end(self, row: dict[str, Any], state: str, fault: Fault | None) -> None:
        with self._db.conn:
            self._db.execute(
                "update runs set state=?, fault=?, pid=null, finished=? where id=? and state='running'",
                [state, fault.model_dump_json() if fault else None, records.now(), row["id"]],
            )
        handed.drop(self._private, row["id"])

    def _take(self, row: dict[str, Any], ended: dict[str, Any]) -> tuple[str, Fault | None]:
        """Bring a finished run's results into its project; done again, harmlessly, after a crash in between."""
        try:
            project = open_by_id(self.root, row["project"])
            project.take(Outcome.model_validate(ended["outcome"]), Path(row["folder"]))
        except (StudioError, OSError, ValueError, KeyError, sqlite3.Error) as error:
            _log(self._private, error)
            return "failed", Fault(code="result_not_taken", parameters={"reason": str(error)})
        return "done", None

    def _rows(self, where: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        cursor = self._db.execute(f"select * from runs where {where}", values or [])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def versions() -> dict[str, str]:
    """Versions of what decides a result."""
    found = {"amedida": studio.__version__, "python": sys.version.split()[0]}
    for name in ("torch", "transformers", "unsloth", "trl", "peft", "datasets", "lancedb", "shap"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _identity(project: Project, kind: RunKind, request: Record) -> str:
    return hashlib.sha256(f"{project.id}\n{kind}\n{request.model_dump_json()}".encode()).hexdigest()[:12]


def _record(row: dict[str, Any]) -> Run:
    fault = Fault.model_validate_json(row["fault"]) if row["fault"] else None
    named = {
        name: row[name]
        for name in ("id", "kind", "project", "folder", "state", "attempt", "created", "started", "finished")
    }
    return Run(**named, cancel=bool(row["cancel"]), fault=fault)


def _log(private: Path, error: Exception) -> None:
    with suppress(OSError), (private / "supervisor.log").open("a", encoding="utf-8") as log:
        log.write(f"{records.now()} {type(error).__name__}: {error}\n")
