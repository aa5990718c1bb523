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
from typing import Any, NamedTuple

from studio.base import files
from studio.base.errors import NotFound, NotPossibleHere, Refused, StudioError, Unavailable
from studio.base.events import Emit, Progress, Stage
from studio.engines.catalogue import Model
from studio.engines.starter import GGUF_NAME

SMALL = ("*.json", "*.jinja", "tokenizer.model", "LICENSE*", "USE_POLICY*", "NOTICE*")
WEIGHTS = ("*.safetensors",)
_TIMEOUT = 15.0


class _File(NamedTuple):
    repo: str
    revision: str
    path: str
    size: int


def download(wanted: Model, part: str, folder: Path, emit: Emit) -> str:
    """Bring one part ("weights" or "gguf") of a model into `folder`; returns the sha256 of the weights, "" for a GGUF.

    A broken download goes on where it stopped. Raises as `shelf.weights` says.
    """
    os.environ.setdefault("HF_HUB_DOWNLOAD_TIMEOUT", str(int(_TIMEOUT)))
    emit(Stage(name="download_model"))
    with _translated(wanted):
        own = _listed(wanted.hub_id or "", SMALL + (WEIGHTS if part == "weights" else ()))
        config = [file for file in own if file.path == "config.json"]
        for file in config:
            _fetch(file, folder)
        _refuse_code(wanted, folder)
        if part == "weights" and not any(fnmatch(file.path, "*.safetensors") for file in own):
            raise Refused("remote_code", name=wanted.name)
        if part == "gguf" and wanted.gguf is not None:
            own += _listed(wanted.gguf.repo, (wanted.gguf.file,))
        _fetch_all(own, folder, emit)
        if part == "gguf" and wanted.gguf is not None:
            (folder / wanted.gguf.file).replace(folder / GGUF_NAME)
            return ""
    return _digest(sorted(folder.glob("*.safetensors")))


def _listed(repo: str, patterns: tuple[str, ...]) -> list[_File]:
    """The files at the top of a repository that match, with their sizes, all of one revision."""
    from huggingface_hub import HfApi

    info = HfApi(token=_token()).model_info(repo, files_metadata=True, timeout=_TIMEOUT)
    return [
        _File(repo, info.sha or "main", each.rfilename, each.size or 0)
        for each in info.siblings or []
        if "/" not in each.rfilename and any(fnmatch(each.rfilename, pattern) for pattern in patterns)
    ]


def _fetch_all(wanted: list[_File], folder: Path, emit: Emit) -> None:
    total = sum(file.size for file in wanted)
    missing = (total - _arrived(folder)) / 1e9
    if missing > files.free_gb(folder) - 0.5:
        raise NotPossibleHere(
            "model_disk_full", needed_gb=round(missing + 0.5, 1), free_gb=round(files.free_gb(folder), 1)
        )
    finished = threading.Event()

    def watch() -> None:
        while not finished.wait(1.0):
            emit(Progress(done=min(_arrived(folder), total), of=total))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        for file in wanted:
            _fetch(file, folder)
    finally:
        finished.set()
        watcher.join()
    emit(Progress(done=total, of=total))


def _fetch(file: _File, folder: Path) -> None:
    from huggingface_hub import hf_hub_download

    hf_hub_download(
        file.repo, file.path, revision=file.revision, local_dir=folder, token=_token(), etag_timeout=_TIMEOUT
    )


def _arrived(folder: Path) -> int:
    """Bytes of model files in the folder so far, unfinished ones included."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _refuse_code(wanted: Model, folder: Path) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        if "auto_map" in (files.read_json(folder / name) or {}):
            raise Refused("remote_code", name=wanted.name)


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
def _translated(wanted: Model) -> Iterator[None]:
    from huggingface_hub import errors

    link = f"https://huggingface.co/{wanted.hub_id}"
    try:
        yield
    except StudioError:
        raise
    except errors.GatedRepoError as error:
        raise NotFound("model_gated", name=wanted.name, link=link) from error
    except (errors.RepositoryNotFoundError, errors.EntryNotFoundError, errors.RevisionNotFoundError) as error:
        if isinstance(error, errors.LocalEntryNotFoundError):
            raise _unreachable(wanted, error) from error
        raise NotFound("model_not_on_hub", name=wanted.name, link=link) from error
    except errors.OfflineModeIsEnabled as error:
        raise NotPossibleHere("model_not_here", name=wanted.name) from error
    except (errors.HfHubHTTPError, *_transport_errors()) as error:
        raise _unreachable(wanted, error) from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise NotPossibleHere("model_disk_full", needed_gb=wanted.memory_gb, free_gb=0.0) from error
        raise _unreachable(wanted, error) from error


def _transport_errors() -> tuple[Any, ...]:
    import httpx

    return (httpx.HTTPError,)


def _unreachable(wanted: Model, error: BaseException) -> Unavailable:
    from huggingface_hub import constants

    return Unavailable("hub_unreachable", name=wanted.name, endpoint=constants.ENDPOINT)
