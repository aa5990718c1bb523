"""Reading happens in a process of its own, with limits: a parser that crashes, loops or eats memory costs one file.

The parent starts `python -I` with a bare environment (a hostile file's parser has no business seeing tokens), hands
over the file's path and takes one JSON file back. The limits are set by the child itself before it parses, because
setting them between fork and exec is not safe in a process with threads.
"""

import gc
import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from studio.base.errors import Unreadable
from studio.base.records import Fault, Record
from studio.intake import members
from studio.intake.pages import ocr
from studio.intake.reading import Origin, Reading

MEMORY = 1536 << 20  # bytes of address space
CPU_SECONDS = 60
CPU_SECONDS_A_MEGABYTE = 2
LARGEST_RESULT = 1 << 30
TIDY = (200_000, 20, 100)  # garbage of so short a life is looked for rarely: records are many, and none goes in circles
KEPT_ENVIRONMENT = ("PATH", "SYSTEMROOT", "TESSDATA_PREFIX", "TMPDIR", "TEMP", "TMP", "LANG", "LC_ALL")
BARE = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}  # nothing that is installed beside us has business in here
NETWORK = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"})
ROOT = Path(__file__).resolve().parents[2]
START = "import sys; sys.path.insert(0, sys.argv.pop(1)); from studio.intake.child import main; main(sys.argv[1:])"

log = logging.getLogger(__name__)


class Outcome(Record):
    """What the child hands back: a reading or an answer, or why there is none."""

    reading: Reading = Reading()
    answer: str = ""
    fault: Fault | None = None


def read(file: Path, origin: Origin) -> Reading:
    """What the file gives, read in a child process, and then the files it holds, each in a child of its own.

    Raises the importer's Unreadable, or file_crashed_reader, file_too_slow, file_too_big_to_read when a limit was met.
    """
    return _read(file, origin, members.Allowance(origin.room))


def ask(file: Path, question: str, name: str) -> str:
    """The answer of `looking` to a question about a file, both as JSON, found in a child process.

    Raises Unreadable as `read` does.
    """
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        outcome = _in_child(file, name, question, Path(folder), "look")
    if outcome.fault is not None:
        raise Unreadable(outcome.fault.code, **outcome.fault.parameters)
    return outcome.answer


def _read(file: Path, origin: Origin, allowance: members.Allowance) -> Reading:
    with tempfile.TemporaryDirectory(prefix="reading-") as name:
        folder = Path(name)
        outcome = _in_child(file, origin.name, origin.model_dump_json(), folder)
        if outcome.fault is not None:
            raise Unreadable(outcome.fault.code, **outcome.fault.parameters)
        if not outcome.reading.members:
            return outcome.reading
        return members.read(outcome.reading, origin, folder, allowance, lambda inner, its: _read(inner, its, allowance))


def _in_child(file: Path, name: str, asked: str, folder: Path, *verb: str) -> Outcome:
    seconds = CPU_SECONDS + CPU_SECONDS_A_MEGABYTE * (file.stat().st_size >> 20)
    patience = 2 * seconds + 30 + ocr.patience(file)
    result = folder / "result.json"
    # What is asked goes through standard input: every user of the machine could read it on the command line, and the
    # password in it has no business on a disk.
    with (folder / "said").open("w+b") as said:
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", START, str(ROOT), str(file.resolve()), str(result), str(seconds), *verb],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=said,
            env={name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ} | BARE,
            start_new_session=True,
        )
        try:
            child.communicate(asked.encode(), timeout=patience)
        except subprocess.TimeoutExpired as error:
            raise Unreadable("file_too_slow", name=name, seconds=patience) from error
        finally:
            _end(child)
        if child.returncode != 0 or not result.is_file():
            said.seek(0)
            told = said.read()[-2000:].decode(errors="replace")
            log.warning("reading %s ended with %s: %s", name, child.returncode, told)
            slow = {"seconds": seconds} if _slow(child.returncode) else {}
            raise Unreadable(_crash(child.returncode), name=name, **slow)
    return Outcome.model_validate_json(result.read_bytes())


def main(arguments: list[str]) -> None:
    """The child's work: FILE RESULT CPU_SECONDS [look], and the origin, or the question, on standard input."""
    file, result, seconds = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    asked = sys.stdin.buffer.read()
    tempfile.tempdir = str(result.parent)  # what is unpacked lies where the parent clears up
    sys.addaudithook(_no_network)
    gc.set_threshold(*TIDY)
    _limit(seconds)
    try:
        outcome = _look(file, asked) if arguments[3:] == ["look"] else _reading(file, asked)
    except Unreadable as error:
        outcome = Outcome(fault=error.fault)
    except MemoryError:
        outcome = Outcome(fault=Fault(code="file_too_big_to_read", parameters={"name": file.name}))
    result.write_text(outcome.model_dump_json(), encoding="utf-8", errors="replace")


def _reading(file: Path, asked: bytes) -> Outcome:
    from studio.intake import importers

    origin = Origin.model_validate_json(asked)
    try:
        return Outcome(reading=importers.read(file, origin))
    except MemoryError as error:
        raise Unreadable("file_too_big_to_read", name=origin.name) from error


def _look(file: Path, asked: bytes) -> Outcome:
    from studio.intake.pages import looking

    return Outcome(answer=looking.answer(file, asked))


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


def _no_network(event: str, _: tuple[object, ...]) -> None:
    """No file has business with the network: links, pictures and entities in it are never fetched."""
    if event in NETWORK:
        raise PermissionError(event)


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
