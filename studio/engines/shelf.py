"""Where the models of this machine lie: `<private>/models/<name>/`, made or fetched once, whole or not at all.

`identity.json` is written last: its `parts` say what is complete, its `sha256` which weights these are. Nothing is
fetched unless `prepare`, `weights` or `gguf` is called; the host only uses what is `here`.
"""

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from studio.base import files, machine, records
from studio.base.errors import NotPossibleHere, Stopped
from studio.base.events import Emit, Progress, ShouldStop, Stage
from studio.base.settings import Settings
from studio.engines import starter
from studio.engines.catalogue import Model, model

Part = Literal["weights", "gguf"]
IDENTITY = "identity.json"


def _silent(event: object) -> None: ...


def _never() -> bool:
    return False


def prepare(
    name: str, settings: Settings, emit: Emit = _silent, should_stop: ShouldStop = _never, *, train: bool = False
) -> None:
    """Make sure that all is here which answering with a model needs, and training it when `train`.

    Says Stage("prepare_model") or Stage("download_model") and Progress, in bytes or tensors, when there is something to
    do. Called again, it only fetches what is missing. Raises as `weights` does, and Stopped.
    """
    for part in _needed(name, settings, train):
        _get(model(name), part, settings, emit, should_stop)


def is_here(name: str, settings: Settings, *, train: bool = False) -> bool:
    """Whether `prepare` would need no network. Raises NotFound("model_missing")."""
    package = model(name).package
    if train and not (here(name, settings, "weights") or _installed(package)):
        return False  # without a look at the machine, which a page takes of every model
    return all(here(name, settings, part) or _installed(package) for part in _needed(name, settings, train))


def weights(name: str, settings: Settings, emit: Emit = _silent) -> Path:
    """The folder of a model for transformers: config.json, safetensors, tokenizer.json and chat template.

    The starter is made from its package without a network; others are downloaded, what has arrived whole only once.
    Raises NotFound("model_missing", "model_gated", "model_not_on_hub"), Refused("remote_code"),
    Unavailable("hub_unreachable") and NotPossibleHere("model_not_here", "model_disk_full").
    """
    return _get(model(name), "weights", settings, emit, _never)


def gguf(name: str, settings: Settings, emit: Emit = _silent) -> Path:
    """The model's file for llama.cpp; its tokenizer and template lie beside it. Raises as `weights` does.

    The starter's holds 16 bits a weight: with 8 its first words already differ from what training and scoring see.
    Raises NotPossibleHere("no_gguf", name=) for a model that has none.
    """
    return _get(model(name), "gguf", settings, emit, _never) / starter.GGUF_NAME


def here(name: str, settings: Settings, part: Part) -> Path | None:
    """The model's folder when that part of it is complete on this machine; None otherwise. Fetches nothing.

    Its largest file must still be there: people make room by deleting what is large, and it is then fetched again.
    """
    folder = folder_of(name, settings)
    if part not in (files.read_json(folder / IDENTITY) or {}).get("parts", ()):
        return None
    return folder if any(folder.glob("*.safetensors" if part == "weights" else starter.GGUF_NAME)) else None


def identity(name: str, settings: Settings) -> str:
    """The sha256 of the weights that lie here; empty before they do."""
    return str((files.read_json(folder_of(name, settings) / IDENTITY) or {}).get("sha256", ""))


def folder_of(name: str, settings: Settings) -> Path:
    return files.inside(settings.private / "models", name)


def _needed(name: str, settings: Settings, train: bool) -> tuple[Part, ...]:
    """What the host answers with: llama.cpp's file on a processor when there is one, else the weights, which training
    always takes. A remote endpoint answers with what it has itself.
    """
    if settings.remote_url:
        return ("weights",) if train else ()
    compact = model(name).package is not None or model(name).gguf is not None
    if not compact or importlib.util.find_spec("xllamacpp") is None or machine.look(settings.projects).gpu is not None:
        return ("weights",)
    return ("gguf", "weights") if train else ("gguf",)


def _installed(package: str | None) -> bool:
    return package is not None and importlib.util.find_spec(package.replace("-", "_")) is not None


def _get(wanted: Model, part: Part, settings: Settings, emit: Emit, should_stop: ShouldStop) -> Path:
    from filelock import FileLock

    found = here(wanted.name, settings, part)
    if found is not None:
        return found
    if part == "gguf" and wanted.package is None and wanted.gguf is None:
        raise NotPossibleHere("no_gguf", name=wanted.name)
    folder = folder_of(wanted.name, settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{wanted.name}.lock"):
        found = here(wanted.name, settings, part)  # another process may have been at it meanwhile
        if found is not None:
            return found
        if wanted.package is not None:
            _prepare(wanted, folder, emit, should_stop)
        else:
            from studio.engines import hub

            folder.mkdir(exist_ok=True)
            sha256 = hub.download(wanted, part, folder, emit, should_stop)
            known = files.read_json(folder / IDENTITY) or {"parts": [], "sha256": ""}
            _sign(wanted, folder, sorted({*known["parts"], part}), sha256 or known["sha256"])
    return folder


def _prepare(wanted: Model, folder: Path, emit: Emit, should_stop: ShouldStop) -> None:
    """The starter, in a folder of its own until it is whole."""

    def tick(done: int, of: int) -> None:
        if should_stop():
            raise Stopped
        emit(Progress(done=done, of=of))

    source = starter.package_file(wanted.package or "", wanted.name)
    emit(Stage(name="prepare_model"))
    if files.free_gb(folder.parent) < 1.0:
        raise NotPossibleHere("model_disk_full", needed_gb=1.0, free_gb=round(files.free_gb(folder.parent), 1))
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".tmp-"))
    try:
        written = starter.prepare(source, temporary, tick)
        _sign(wanted, temporary, ["gguf", "weights"], written.sha256)
        shutil.rmtree(folder, ignore_errors=True)  # what an interrupted attempt of an older version left
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _sign(wanted: Model, folder: Path, parts: list[str], sha256: str) -> None:
    source = wanted.package or wanted.hub_id
    files.write_json(
        folder / IDENTITY,
        {"name": wanted.name, "source": source, "sha256": sha256, "parts": parts, "made": records.now()},
    )
