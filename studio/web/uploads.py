"""Files on their way in: streamed from the browser to the project's `incoming/<batch>` folder, never held in memory.

Gradio's own upload keeps a second copy in its cache and knows nothing of the project; here a file of any size is written
where it will be read from, its size is checked before and while it arrives, and what breaks off leaves nothing behind.
"""

import errno
import logging
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from studio.base import files
from studio.base.errors import BadInput, NotPossibleHere, StudioError
from studio.base.project import Project
from studio.base.records import LANGUAGES
from studio.web.studio import Studio
from studio.web.voice import Voice

log = logging.getLogger(__name__)

SMALL = 8_000_000  # bytes that are read at once, while the page waits
FEW = 20
BLOCK = 1 << 20
SPARE = 200_000_000  # bytes of the disk that an upload leaves free
BATCH = re.compile(r"[0-9a-f]{12}")
UNFINISHED = ".part-"
LENT = "lent-"
STALE_SECONDS = 24 * 3600
LOAN_SECONDS = 3600


@dataclass(frozen=True)
class Waiting:
    """A file that has arrived and was not read (yet)."""

    batch: str
    name: str
    bytes: int

    @property
    def where(self) -> str:
        return f"{self.batch}/{self.name}"


def routes(app: FastAPI, studio: Studio) -> None:
    voices = {language: Voice(language) for language in LANGUAGES}

    @app.post("/upload/{project_id}/{batch}")
    async def upload(request: Request, project_id: str, batch: str, name: str, lang: str = "en") -> Response:
        """One file, its bytes as they are; `name` may be a path inside the folder that was dropped."""
        voice = voices.get(lang, voices["en"])  # type: ignore[call-overload]
        try:
            project = await run_in_threadpool(studio.project, project_id)
            stored = await receive(request, project, batch, name, studio.settings.max_upload_mb)
        except ClientDisconnect:
            return Response(status_code=400)
        except StudioError as error:
            log.info("upload refused: %s", error)
            return JSONResponse({"code": error.code, "sentence": voice.fault(error)}, 400)
        return JSONResponse({"name": stored})


async def receive(request: Request, project: Project, batch: str, name: str, largest_mb: int) -> str:
    """Write the request's body into `incoming/<batch>`, and the name it got there.

    Raises BadInput("upload_odd", "file_too_large") and NotPossibleHere("upload_no_space").
    """
    folder = _folder(project, batch)
    called = files.file_name(name)
    announced = int(said) if (said := request.headers.get("content-length", "")).isdigit() else 0
    _check(project, called, announced, largest_mb)
    _sweep(project)
    folder.mkdir(exist_ok=True, mode=0o700)
    part = folder / f"{UNFINISHED}{time.time_ns()}"
    try:
        with part.open("wb") as file:
            block, arrived = bytearray(), 0
            async for chunk in request.stream():
                block += chunk
                arrived += len(chunk)
                if arrived > largest_mb << 20:
                    raise BadInput("file_too_large", name=called, mb=arrived >> 20, limit=largest_mb)
                if len(block) >= BLOCK:
                    await run_in_threadpool(file.write, block)
                    block = bytearray()
            await run_in_threadpool(file.write, block)
        final = _free(folder, name, called)
        part.replace(final)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_space(project, called, arrived) from error
    finally:
        part.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()
    return final.name


def arrived(project: Project, batch: str) -> list[Waiting]:
    """The files of a batch that are complete."""
    folder = _folder(project, batch)
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    whole = [path for path in found if path.is_file() and not path.is_symlink() and path.name[0] != "."]
    return [Waiting(batch, path.name, path.stat().st_size) for path in whole]


def waiting(project: Project, batches: Sequence[str] = ()) -> list[Waiting]:
    """Files of all batches but these (which are being read) that nobody has read."""
    if not (project.folder / "incoming").is_dir():
        return []
    names = [path.name for path in sorted(project.incoming.iterdir()) if BATCH.fullmatch(path.name)]
    return [each for name in names if name not in batches for each in arrived(project, name)]


def path(project: Project, batch: str, name: str) -> Path:
    """Where a file that has arrived lies. Raises BadInput("upload_odd") when it does not."""
    found = next((each for each in arrived(project, batch) if each.name == name), None)
    if found is None:
        raise BadInput("upload_odd", name=files.file_name(name))
    return _folder(project, batch) / found.name


def drop(project: Project, batch: str, name: str) -> None:
    """Throw away a file that arrived and is not wanted, and its folder with the last one."""
    path(project, batch, name).unlink(missing_ok=True)
    clear(project, batch)


def clear(project: Project, batch: str) -> None:
    """Take the batch's folder away when nothing is left in it."""
    folder = _folder(project, batch)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def lend(project: Project, batch: str, name: str) -> Path:
    """Keep a database file that arrived out of the way until `end_loans`: it is read by a query, not as a file."""
    folder = project.incoming / f"{LENT}{_folder(project, batch).name}"
    if (folder / files.file_name(name)).is_file():
        return folder / files.file_name(name)
    from_ = path(project, batch, name)
    folder.mkdir(exist_ok=True, mode=0o700)
    lent = from_.replace(folder / name)
    clear(project, batch)
    return lent


def end_loans(project: Project) -> None:
    """Throw lent files away; for when nothing is being read. One that was lent a moment ago may still be asked."""
    if (project.folder / "incoming").is_dir():
        for folder in project.incoming.glob(f"{LENT}*"):
            if folder.stat().st_mtime < time.time() - LOAN_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)


def is_small(batch: Sequence[Waiting]) -> bool:
    return len(batch) <= FEW and sum(each.bytes for each in batch) < SMALL


def _check(project: Project, name: str, bytes_: int, largest_mb: int) -> None:
    if bytes_ > largest_mb << 20:
        raise BadInput("file_too_large", name=name, mb=bytes_ >> 20, limit=largest_mb)
    if bytes_ + SPARE > shutil.disk_usage(project.folder).free:
        raise _no_space(project, name, bytes_)


def _no_space(project: Project, name: str, bytes_: int) -> NotPossibleHere:
    free = max(shutil.disk_usage(project.folder).free - SPARE, 0)
    return NotPossibleHere("upload_no_space", name=name, mb=max(bytes_ >> 20, 1), free=free >> 20)


def _folder(project: Project, batch: str) -> Path:
    if not BATCH.fullmatch(batch):
        raise BadInput("upload_odd", name=batch[:40])
    return project.incoming / batch


def _free(folder: Path, given: str, called: str) -> Path:
    """A name that no other file of the batch has: in two subfolders may lie files of the same name."""
    if not (folder / called).exists():
        return folder / called
    parents = PurePosixPath(given.replace("\\", "/")).parts[-3:]
    joined = files.file_name(" - ".join(parents))
    names = [joined, *(f"{Path(joined).stem} ({n}){Path(joined).suffix}" for n in range(2, 1000))]
    return next(folder / each for each in names if not (folder / each).exists())


def _sweep(project: Project) -> None:
    """What a broken connection left unfinished a day ago is gone."""
    for part in project.incoming.glob(f"*/{UNFINISHED}*"):
        if part.stat().st_mtime < time.time() - STALE_SECONDS:
            part.unlink(missing_ok=True)
