"""A run, worked off: what was asked is read (`run.json`), what is done is said (`events.jsonl`) and, last of all and
atomically, how it ended is written (`exit.json`). Nothing is decided about the queue, and nothing worded.
"""

import errno
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType

from studio.base import events, files, machine, settings
from studio.base.errors import OutOfMemory, Stopped, StudioError
from studio.base.project import Project
from studio.base.records import Fault, Outcome
from studio.work import Work
from studio.work.kinds import do


def main(folder: Path) -> int:
    """Work a run off and write how it ended. Returns the process's exit status."""
    settings.silence_libraries()
    stopped = _listen()
    try:
        outcome = _work(folder, lambda: bool(stopped) or (folder / "stop").exists())
    except BaseException as error:  # whatever it is, the reason must reach the person: the process ends here
        traceback.print_exc()
        files.write_json(folder / "exit.json", {"ok": False, "fault": _fault(error).model_dump()})
        return 1
    files.write_json(folder / "exit.json", {"ok": True, "outcome": outcome.model_dump(mode="json")})
    return 0


def _work(folder: Path, should_stop: events.ShouldStop) -> Outcome:
    asked = files.read_json(folder / "run.json") or {}
    attempt = files.read_json(folder / "attempt.json") or {}
    given = settings.load()
    work = Work(Project(folder.parent.parent), folder, given, events.write(folder), should_stop, attempt.get("after"))
    if asked.get("kind") in ("build", "rehearse", "seek", "prefer"):
        from studio.training import prepare_environment

        prepare_environment(machine.threads_for_heavy_work(given.threads), folder)
    return do(work, asked.get("kind", ""), asked.get("request"))


def _listen() -> list[int]:
    """Signals that ask us to end, collected; a second one ends the process at once."""
    got: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        got.append(number)
        if len(got) > 1:
            os._exit(128 + number)

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    return got


def _fault(error: BaseException) -> Fault:
    match error:
        case StudioError():
            return error.fault
        case MemoryError():
            return OutOfMemory("out_of_memory").fault
        case OSError() if error.errno == errno.ENOSPC:
            return Fault(code="disk_full")
        case KeyboardInterrupt():
            return Stopped().fault
        case _:
            return Fault(code="unexpected", parameters={"reason": f"{type(error).__name__}: {error}"[:300]})


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
