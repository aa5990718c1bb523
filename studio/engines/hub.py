"""Fetches models from the Hugging Face Hub (or the server `HF_ENDPOINT` names): data only, never code.

Safetensors, JSON, tokenizer and template files; a model that needs its own Python code or comes only as a pickle is
refused. Foreign exceptions end here, as errors with a sentence.
"""

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from studio.base import files
from studio.base.errors import NotFound, NotPossibleHere, Refused, Stopped, StudioError, Unavailable
from studio.base.events import Emit, Progress, ShouldStop, Stage
from studio.engines.catalogue import Model
from studio.engines.starter import GGUF_NAME

SMALL = ("*.json", "*.jinja", "tokenizer.model", "LICENSE*", "USE_POLICY*", "NOTICE*")
WEIGHTS = ("*.safetensors",)
MODULES = ("[0-9]*_*/config.json", "[0-9]*_*/*.safetensors")  # what a sentence-transformers model keeps in folders
NAMES_CODE = ("config.json", "tokenizer_config.json")  # where a model says that it needs Python code of its own
_TIMEOUT = 15.0


class Wanted(Protocol):
    """What is fetched: a model of either catalogue."""

    @property
    def title(self) -> str: ...
    @property
    def memory_gb(self) -> float: ...


class _File(NamedTuple):
    repo: str
    revision: str
    path: str
    size: int
    etag: str  # names the unfinished file


def download(wanted: Model, part: str, folder: Path, emit: Emit, should_stop: ShouldStop) -> str:
    """Bring one part ("weights" or "gguf") of a model into `folder`; returns the sha256 of the weights, "" for a GGUF.

    First the small files that say whether it needs code of its own; then everything else. A download that was cut off
    fetches only the files that are not there yet. Raises as `shelf.weights` says, and Stopped.
    """
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(int(_TIMEOUT)))
    emit(Stage(name="download_model"))
    with _translated(wanted, wanted.hub_id or ""):
        own = _listed(wanted.hub_id or "", SMALL + (WEIGHTS if part == "weights" else ()))
        for file in own:
            if file.path in NAMES_CODE:
                _fetch(file, folder, should_stop)
        _refuse_code(wanted, folder)
        if part == "weights" and not any(fnmatch(file.path, "*.safetensors") for file in own):
            raise Refused("remote_code", name=wanted.title)
        if part == "weights" or wanted.gguf is None:
            _fetch_all(own, folder, emit, should_stop)
            return _digest(sorted(folder.glob("*.safetensors")))
    with _translated(wanted, wanted.gguf.repo):
        compact = _listed(wanted.gguf.repo, (wanted.gguf.file,))
        if not compact:
            raise NotFound("model_not_on_hub", name=wanted.title, link=_link(wanted.gguf.repo))
        _fetch_all([*own, *compact], folder, emit, should_stop)
        (folder / wanted.gguf.file).replace(folder / GGUF_NAME)
    return ""


def download_embedder(
    wanted: Wanted, repo: str, revision: str, folder: Path, emit: Emit, should_stop: ShouldStop
) -> str:
    """Bring a sentence-transformers model into `folder`, at this revision or the newest; returns the revision it is.

    Raises as `download` does.
    """
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(int(_TIMEOUT)))
    emit(Stage(name="download_model"))
    with _translated(wanted, repo):
        own = _listed(repo, SMALL + WEIGHTS + MODULES, revision or None)
        for file in own:
            if file.path in NAMES_CODE:
                _fetch(file, folder, should_stop)
        _refuse_code(wanted, folder)
        if not any(fnmatch(file.path, "*.safetensors") and "/" not in file.path for file in own):
            raise Refused("remote_code", name=wanted.title)
        _fetch_all(own, folder, emit, should_stop)
    return own[0].revision


def _listed(repo: str, patterns: tuple[str, ...], revision: str | None = None) -> list[_File]:
    """The files of a repository that match, with their sizes, all of one revision; in folders only where a pattern
    names one.
    """
    from huggingface_hub import HfApi

    info = HfApi(token=_token()).model_info(repo, revision=revision, files_metadata=True, timeout=_TIMEOUT)
    return [
        _File(
            repo,
            info.sha or "main",
            each.rfilename,
            each.size or 0,
            each.lfs.sha256 if each.lfs else each.blob_id or "",
        )
        for each in info.siblings or []
        if any(
            fnmatch(each.rfilename, pattern) and pattern.count("/") == each.rfilename.count("/") for pattern in patterns
        )
    ]


def _fetch_all(wanted: list[_File], folder: Path, emit: Emit, should_stop: ShouldStop) -> None:
    total = sum(file.size for file in wanted)
    missing = (total - _arrived(wanted, folder)) / 1e9
    if missing > files.free_gb(folder) - 0.5:
        raise NotPossibleHere(
            "model_disk_full", needed_gb=round(missing + 0.5, 1), free_gb=round(files.free_gb(folder), 1)
        )
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(1.0):
            emit(Progress(done=_arrived(wanted, folder), of=total))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        for file in wanted:
            _fetch(file, folder, should_stop)
    finally:
        finished.set()
        watcher.join()
    emit(Progress(done=total, of=total))


def _fetch(file: _File, folder: Path, should_stop: ShouldStop) -> None:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.utils.tqdm import tqdm

    class Stoppable(tqdm):  # the bar is the only place where the library looks up on its way
        def update(self, n: float | None = 1) -> bool | None:
            if should_stop():
                raise Stopped
            return None

    if should_stop():
        raise Stopped
    hf_hub_download(
        file.repo,
        file.path,
        revision=file.revision,
        local_dir=folder,
        token=_token(),
        etag_timeout=_TIMEOUT,
        tqdm_class=Stoppable,
    )


def _arrived(wanted: list[_File], folder: Path) -> int:
    """Bytes of these files in the folder so far, unfinished ones included; nothing else that lies there counts."""
    unfinished = {path.name: _size(path) for path in (folder / ".cache").rglob("*.incomplete")}
    arrived = 0
    for file in wanted:
        begun = [size for name, size in unfinished.items() if file.etag and f".{file.etag}." in name]
        arrived += min(max([_size(folder / file.path), *begun]), file.size)
    return arrived


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # not there, or gone since it was listed


def _refuse_code(wanted: Wanted, folder: Path) -> None:
    for name in NAMES_CODE:
        if "auto_map" in (files.read_json(folder / name) or {}):
            raise Refused("remote_code", name=wanted.title)


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _token() -> str | None:
    """Only a token the person gave on purpose; one lying about in their home folder is not used."""
    return os.environ.get("HF_TOKEN") or None


@contextmanager
def _translated(wanted: Wanted, repo: str) -> Iterator[None]:
    from huggingface_hub import errors

    link = _link(repo)
    try:
        yield
    except StudioError:
        raise
    except errors.GatedRepoError as error:
        raise NotFound("model_gated", name=wanted.title, link=link) from error
    except (errors.RepositoryNotFoundError, errors.EntryNotFoundError, errors.RevisionNotFoundError) as error:
        if isinstance(error, errors.LocalEntryNotFoundError):
            raise _unreachable(wanted, error) from error
        raise NotFound("model_not_on_hub", name=wanted.title, link=link) from error
    except errors.OfflineModeIsEnabled as error:
        raise NotPossibleHere("model_not_here", name=wanted.title) from error
    except (errors.HfHubHTTPError, *_transport_errors()) as error:
        raise _unreachable(wanted, error) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NotPossibleHere("model_disk_full", needed_gb=wanted.memory_gb, free_gb=0.0) from error
        raise _unreachable(wanted, error) from error


def _link(repo: str) -> str:
    return f"https://huggingface.co/{repo}"


def _transport_errors() -> tuple[Any, ...]:
    import httpx

    return (httpx.HTTPError,)


def _unreachable(wanted: Wanted, error: BaseException) -> Unavailable:
    from huggingface_hub import constants

    return Unavailable("hub_unreachable", name=wanted.title, endpoint=constants.ENDPOINT)
