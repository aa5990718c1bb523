"""Starts, finds and ends the child processes in which models live; any number of processes may ask at once.

A child says where it is in `<private>/<name>.json`. It is taken over when its process is the one that wrote the file (pid
and start time) and of this version; otherwise it is ended and a new one started, under a file lock. Output goes to a log
file: a pipe nobody reads would one day stop the child.
"""

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple

import psutil

import studio
from studio.base import files
from studio.base.errors import Unavailable
from studio.base.settings import Settings

Name = Literal["host", "embedder"]

START_SECONDS = 90.0
STOP_SECONDS = 5.0
ENDING_SECONDS = 2.0  # a killed process gives its memory back first, and counts as living until it has
_LOG_BYTES = 2_000_000


class Address(NamedTuple):
    """Where a living child answers."""

    url: str
    token: str
    pid: int


class Child:
    """One kind of child of one studio."""

    def __init__(self, name: Name, settings: Settings) -> None:
        self._name = name
        self._settings = settings
        self._file = settings.private / f"{name}.json"
        self._started: subprocess.Popen[bytes] | None = None

    def address(self) -> Address:
        """Where the child answers; it is started when none lives.

        Raises Unavailable("engine_not_started", log=) when it does not come up.
        """
        return self._living() or self._start()

    def hung_up(self) -> None:
        """Called when the child no longer answers: one that is just ending gets the time to, so that the next `address` is
        that of a new one.
        """
        process = _process(files.read_json(self._file) or {})
        if process is not None:
            psutil.wait_procs([process], ENDING_SECONDS)

    def stop(self) -> None:
        """End the child, gently first; returns when it is gone. Nothing happens when none lives."""
        with self._lock():
            self._end()

    def _start(self) -> Address:
        with self._lock():
            found = self._living()  # someone else may have been faster
            if found is not None:
                return found
            self._end()
            log = self._settings.private / f"{self._name}.log"
            if log.is_file() and log.stat().st_size > _LOG_BYTES:
                log.replace(log.with_suffix(".log.1"))
            with log.open("ab") as output:
                self._started = subprocess.Popen(
                    [sys.executable, "-P", "-m", f"studio.engines.{self._name}"],
                    cwd=self._settings.private,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            # someone must wait for it, or the system keeps it listed after its end; it may outlive this object, though
            threading.Thread(target=self._started.wait, daemon=True).start()
            deadline = time.monotonic() + START_SECONDS
            while time.monotonic() < deadline and self._started.poll() is None:
                found = self._living()
                if found is not None:
                    return found
                time.sleep(0.02)
            self._end()
            raise Unavailable("engine_not_started", log=str(log))

    def _living(self) -> Address | None:
        said = files.read_json(self._file)
        if not isinstance(said, dict) or said.get("version") != studio.__version__ or _process(said) is None:
            return None
        return Address(f"http://127.0.0.1:{said['port']}", said["token"], said["pid"])

    def _end(self) -> None:
        """End whatever wrote the file and whatever this object started."""
        doomed = {process.pid: process for process in (_process(files.read_json(self._file) or {}),) if process}
        if self._started is not None and self._started.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):  # it may end between the two looks
                doomed.setdefault(self._started.pid, psutil.Process(self._started.pid))
        for process in doomed.values():
            try:
                process.terminate()
            except psutil.NoSuchProcess:
                continue
        _, stubborn = psutil.wait_procs(list(doomed.values()), STOP_SECONDS)
        for process in stubborn:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(stubborn, STOP_SECONDS)
        self._file.unlink(missing_ok=True)

    def _lock(self) -> Any:
        from filelock import FileLock

        return FileLock(self._settings.private / f".{self._name}.lock", timeout=START_SECONDS + 2 * STOP_SECONDS)

    def _environment(self) -> dict[str, str]:
        package = str(Path(studio.__file__).resolve().parent.parent)
        paths = [package, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "AMEDIDA_PROJECTS": str(self._settings.projects.resolve()),
            "AMEDIDA_THREADS": str(self._settings.threads),
            "AMEDIDA_EMBEDDER": self._settings.embedder,
        }


def _process(said: dict[str, Any]) -> psutil.Process | None:
    """The living process that wrote this file; a number used again by another process does not count."""
    try:
        process = psutil.Process(int(said["pid"]))
        same = abs(process.create_time() - float(said["pid_start"])) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (KeyError, TypeError, ValueError, psutil.Error):
        return None
