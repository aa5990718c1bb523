"""Reading happens in a process of its own, with limits: a parser that crashes, loops or eats memory costs one file.

The parent starts `python -I` with a bare environment (a hostile file's parser has no business seeing tokens), hands
over the file's path and takes one JSON file back. The limits are set by the child itself before it parses, because
setting them between fork and exec is not safe in a process with threads.
"""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from studio.base.errors import Unreadable
from studio.base.records import Fault, Record
from studio.intake.reading import Origin, Reading

MEMORY = 1536 << 20  # bytes of address space
CPU_SECONDS = 60
CPU_SECONDS_A_MEGABYTE = 2
LARGEST_RESULT = 1 << 30
KEPT_ENVIRONMENT = ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL")
ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from studio.intake.child import main; main(sys.argv[1:])"

log = logging.getLogger(__name__)


class Outcome(Record):
    """What the child hands back: a reading, or why there is none."""

    reading: Reading = Reading()
    fault: Fault | None = None


def read(file: Path, origin: Origin) -> Reading:
    """What the file gives, read in a child process.

    Raises the importer's Unreadable, or file_crashed_reader, file_too_slow, file_too_big_to_read when a limit was met.
    """
    seconds = CPU_SECONDS + CPU_SECONDS_A_MEGABYTE * (file.stat().st_size >> 20)
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        result = Path(folder) / "result.json"
        asked = Path(folder) / "asked.json"  # not on the command line, where every user of the machine could read it
        asked.write_text(origin.model_dump_json(), encoding="utf-8")
        with (Path(folder) / "said").open("w+b") as said, asked.open("rb") as asking:
            child = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-c",
                    START,
                    str(ROOT),
                    str(file.resolve()),
                    str(result),
                    str(seconds),
                ],
                stdin=asking,
                stdout=said,
                stderr=said,
                env={name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ},
                start_new_session=True,
            )
            try:
                code = child.wait(timeout=2 * seconds + 30)
            except subprocess.TimeoutExpired as error:
                raise Unreadable("file_too_slow", name=origin.name, seconds=2 * seconds + 30) from error
            finally:
                _end(child)
            if code != 0 or not result.is_file():
                said.seek(0)
                log.warning(
                    "reading %s ended with %s: %s",
                    origin.name,
                    code,
                    said.read()[-2000:].decode(errors="replace"),
                )
                raise Unreadable(_crash(code), name=origin.name, **({"seconds": seconds} if _slow(code) else {}))
        outcome = Outcome.model_validate_json(result.read_bytes())
    if outcome.fault is not None:
        raise Unreadable(outcome.fault.code, **outcome.fault.parameters)
    return outcome.reading


def main(arguments: list[str]) -> None:
    """The child's work: FILE RESULT CPU_SECONDS, and the origin on standard input."""
    file, result, seconds = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    origin = Origin.model_validate_json(sys.stdin.buffer.read())
    _limit(seconds)
    from studio.intake import importers

    try:
        outcome = Outcome(reading=importers.read(file, origin))
    except Unreadable as error:
        outcome = Outcome(fault=error.fault)
    except MemoryError:
        outcome = Outcome(fault=Fault(code="file_too_big_to_read", parameters={"name": origin.name}))
    result.write_text(outcome.model_dump_json(), encoding="utf-8", errors="replace")


def _limit(seconds: int) -> None:
    """Memory, processor time and size of what is written; systems without such limits rely on the wall clock alone."""
    try:
        import resource
    except ImportError:
        return
    for kind, soft, hard in (
        (resource.RLIMIT_CPU, seconds, seconds + 5),
        (resource.RLIMIT_FSIZE, LARGEST_RESULT, LARGEST_RESULT),
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_AS, MEMORY, MEMORY),
    ):
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):
            continue  # a lower limit is already in force, or the system knows no such limit


def _crash(code: int) -> str:
    return "file_too_slow" if _slow(code) else "file_crashed_reader"


def _slow(code: int) -> bool:
    return os.name == "posix" and code == -signal.SIGXCPU


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child and all it may have started."""
    if child.poll() is None:
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
        child.wait()
