"""Which model speaks, by what its files hold: so that an answer can be held against the assistant it is shown for.

The host says it of the instance that speaks, taken when that was loaded; who asks reckons it from the files that were
asked for (`client`). The two meet only when the right files were loaded and nobody has changed them since.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Literal

from studio.base.errors import NotFound, NotPossibleHere
from studio.base.settings import Settings
from studio.engines import shelf, starter
from studio.engines.adapter import WEIGHTS

Form = Literal["gguf", "weights"]
SHOWN = 16  # hexadecimal digits of each digest
BLOCK = 1 << 20


def of(name: str, adapter: Path | None, form: Form, settings: Settings) -> str:
    """`<form>:<digest of the model>+<digest of the adapter>`; a model without an adapter ends after its own digest.

    Raises NotPossibleHere("model_not_here") and NotFound("adapter_missing").
    """
    return f"{form}:{_model(name, form, settings)}" + (f"+{_adapter(adapter)}" if adapter else "")


def same(said: str, name: str, adapter: Path | None, settings: Settings) -> bool:
    """Whether what a host said of itself is this model with this adapter, as their files are now."""
    form, _, _ = said.partition(":")
    return form in ("gguf", "weights") and said == of(name, adapter, "gguf" if form == "gguf" else "weights", settings)


def _model(name: str, form: Form, settings: Settings) -> str:
    """The weights' own digest was taken when they arrived; llama.cpp's file is read, once each time it changes."""
    folder = shelf.here(name, settings, form)
    if folder is None:
        raise NotPossibleHere("model_not_here", name=name)
    known = shelf.identity(name, settings) if form == "weights" else ""
    return known[:SHOWN] or digest(folder / starter.GGUF_NAME if form == "gguf" else folder / "model.safetensors")


def _adapter(adapter: Path) -> str:
    if not (adapter / WEIGHTS).is_file():
        raise NotFound("adapter_missing", name=adapter.name)
    return digest(adapter / WEIGHTS)


def digest(file: Path) -> str:
    """The first digits of a file's sha256; a file that did not change since is not read again."""
    state = file.stat()
    return _digest(file, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(file: Path, _size: int, _changed: int) -> str:
    made = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            made.update(block)
    return made.hexdigest()[:SHOWN]
