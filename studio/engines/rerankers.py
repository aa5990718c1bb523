"""The rerankers on offer (`rerankers.json` as records), where they lie, and the one in memory: cross-encoders that read a
question and a passage together.

All of them are under licences that let a company use them; jina-reranker and others for research alone are left out, and so
is whatever needs code of its own. They lie where embedders do, fetched once and whole by `prepare_reranker`.
"""

import json
import threading
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from studio.base import files, machine, records
from studio.base.errors import NotFound, NotPossibleHere, Unavailable
from studio.base.events import Emit, ShouldStop
from studio.base.records import Record
from studio.base.settings import Settings
from studio.engines import encoders

FILE = Path(__file__).parent / "rerankers.json"
IDENTITY = "identity.json"
AT_ONCE = 8  # pairs a pass
IDLE_SECONDS = 5 * 60


class RerankerCard(Record):
    """A reranker by the name projects call it: its origin on the Hub, licence (SPDX), size to fetch and memory it takes."""

    name: str
    title: str
    hub_id: str
    licence: str
    licence_link: str
    languages: tuple[str, ...]
    size_gb: float
    max_tokens: int = 512
    memory_gb: float = 1.0


@cache
def rerankers() -> tuple[RerankerCard, ...]:
    """Every reranker on offer, the one that suits most first."""
    return tuple(RerankerCard.model_validate(entry) for entry in json.loads(FILE.read_text(encoding="utf-8")))


def reranker(name: str) -> RerankerCard:
    """Raises NotFound("model_missing", name=)."""
    found = next((card for card in rerankers() if card.name == name), None)
    if found is None:
        raise NotFound("model_missing", name=name)
    return found


def reranker_is_here(name: str, settings: Settings) -> bool:
    return (folder_of(name, settings) / IDENTITY).is_file()


def folder_of(name: str, settings: Settings) -> Path:
    return settings.private / "models" / "rerankers" / reranker(name).name


def prepare_reranker(name: str, settings: Settings, emit: Emit, should_stop: ShouldStop) -> None:
    """Make sure that this reranker can be loaded; nothing happens when it is here.

    Says Stage("download_model") and Progress in bytes when it fetches. Raises as `shelf.weights` does, and Stopped.
    """
    from filelock import FileLock

    from studio.engines import hub

    card, folder = reranker(name), folder_of(name, settings)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if not reranker_is_here(name, settings):
            revision = hub.download_embedder(card, card.hub_id, "", folder, emit, should_stop)
            files.write_json(folder / IDENTITY, {"source": card.hub_id, "revision": revision, "made": records.now()})


class Rerankers:
    """The reranker in memory: loaded when first asked, gone when nobody has asked for a while."""

    def __init__(self, settings: Settings, threads: int) -> None:
        self._settings = settings
        self._threads = threads
        self._loaded: tuple[str, Any] | None = None
        self._asked = 0.0
        self._lock = threading.Lock()

    def scores(self, name: str, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question; only their order means something.

        Raises NotFound("model_missing"), NotPossibleHere("reranker_not_here", "reranker_memory"), Refused("remote_code"),
        Unavailable("reranker_not_loaded").
        """
        card = reranker(name)
        if not reranker_is_here(name, self._settings):
            raise NotPossibleHere("reranker_not_here", name=card.title)
        import torch  # after what may be refused

        where = encoders.device()
        kind = "cuda" if where.startswith("cuda") else where
        with self._lock:
            model = self._model(name)
            self._asked = time.monotonic()
            half = where != "cpu" or encoders.multiplies_bfloat16()
            if where == "cpu":
                torch.set_num_threads(self._threads)
            with torch.inference_mode(), torch.autocast(kind, torch.bfloat16) if half else nullcontext():
                told = model.predict(
                    [(question, text) for text in texts],
                    batch_size=AT_ONCE,
                    activation_fn=torch.nn.Identity(),
                    show_progress_bar=False,
                    convert_to_tensor=True,
                )
            return [float(score) for score in told.float().reshape(len(texts), -1)[:, -1]] if texts else []

    def tick(self) -> None:
        """Give the memory back when nobody has asked for a while."""
        if self._loaded and time.monotonic() - self._asked > IDLE_SECONDS and self._lock.acquire(blocking=False):
            self._loaded = None
            self._lock.release()

    def _model(self, name: str) -> Any:
        if self._loaded is not None and self._loaded[0] == name:
            return self._loaded[1]
        card, folder = reranker(name), folder_of(name, self._settings)
        encoders.refuse_code(folder, card.name)
        self._loaded = None
        here = machine.look(folder)
        if here.gpu is None and card.memory_gb > here.free_memory_gb:
            raise NotPossibleHere(
                "reranker_memory", name=card.title, needed_gb=card.memory_gb, free_gb=here.free_memory_gb
            )
        self._loaded = (name, _load(card, folder))
        return self._loaded[1]


def _load(card: RerankerCard, folder: Path) -> Any:
    from sentence_transformers.cross_encoder import CrossEncoder

    try:
        made = CrossEncoder(
            str(folder),
            device=encoders.device(),
            max_length=card.max_tokens,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # the library raises whatever its many loaders raise
        raise Unavailable("reranker_not_loaded", name=card.title, reason=str(error)[:200]) from error
    return made.float() if encoders.device() == "cpu" else made
