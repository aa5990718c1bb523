"""How every room speaks with models: `Engine`, light enough for the web process (no torch, no transformers).

Children are started when first needed and shared by all processes of a studio; one that died is started again once.
With `remote_url` set, another OpenAI-compatible server answers instead; scores need the local model all the same.
"""

import base64
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from studio.base import errors
from studio.base.errors import NotPossibleHere, Refused, StudioError, Unavailable
from studio.base.records import Message
from studio.base.settings import Settings
from studio.engines import identity
from studio.engines.children import Child
from studio.engines.speech import Embedder, Scores, Text, Usage

if TYPE_CHECKING:
    import httpx
    import numpy as np

EMBED_AT_ONCE = 64  # texts a request, so that a stop is heeded between two
_CONNECT = 5.0
_SILENCE = 180.0  # seconds without a byte before an engine counts as gone: a long prompt on a slow processor is silent
_SCORE_SECONDS = 1800.0
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


class Engine:
    """Chat, scores and embeddings of one studio. Cheap to make; safe to use from several threads and processes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._host = Child("host", settings)
        self._embedder = Child("embedder", settings)
        self._known: dict[str, Embedder] = {}

    def chat(
        self,
        messages: Sequence[Message],
        *,
        model: str,
        adapter: Path | None = None,
        max_tokens: int = 160,
        temperature: float = 0.0,
    ) -> Iterator[Text | Usage]:
        """The next answer, piece by piece, then what it took. Closing the iterator stops the model within two seconds.

        What speaks is held against the files that were asked for before its first word is handed on.
        Raises BadInput("conversation_too_long", tokens=, limit=), NotFound("model_missing", "adapter_missing"),
        NotPossibleHere("model_not_here", name=), Refused("wrong_side", name=) and
        Unavailable("engine_not_started", "engine_crashed", "remote_unreachable").
        """
        body: dict[str, Any] = {
            "model": model,
            "messages": [message.model_dump() for message in messages],
            "max_tokens": max_tokens,
            "temperature": temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if self._settings.remote_url:
            if adapter is not None:
                raise NotPossibleHere("adapter_needs_local_model")
            yield from _spoken(self._remote(body))
            return
        if adapter is not None:
            body["adapter"] = str(adapter.resolve())
        for attempt in (1, 2):
            begun = False
            try:
                events = self._stream(self._host, "/v1/chat/completions", body)
                for piece in _spoken(self._checked(events, model, adapter)):
                    begun = True
                    yield piece
                return
            except _Gone as error:
                if begun or attempt == 2:
                    raise Unavailable("engine_crashed") from error
                self._host.hung_up()

    def score(
        self, conversations: Sequence[Sequence[Message]], answer: str, *, model: str, adapter: Path | None = None
    ) -> Scores:
        """Log-probabilities (nats) of `answer` after each conversation.

        Raises NotPossibleHere("score_needs_local_model") with a remote endpoint, else as `chat` does.
        """
        body = {
            "conversations": [[message.model_dump() for message in each] for each in conversations],
            "answer": answer,
        }
        return Scores.model_validate(self._scored("/v1/score", body, model, adapter))

    def score_each(
        self, asked: Sequence[tuple[Sequence[Message], str]], *, model: str, adapter: Path | None = None
    ) -> tuple[Scores, ...]:
        """Like `score` for conversations with an answer of their own each, read side by side. An answer that does not fit
        the model has no row of log-probabilities.
        """
        pairs = [([message.model_dump() for message in conversation], answer) for conversation, answer in asked]
        said = self._scored("/v1/score_each", {"asked": pairs}, model, adapter)
        return tuple(Scores.model_validate(each) for each in said["scores"])

    def score_masked(
        self,
        conversation: Sequence[Message],
        units: Sequence[tuple[int, int, int]],
        masks: Sequence[Sequence[bool]],
        answer: str,
        *,
        model: str,
        adapter: Path | None = None,
    ) -> Scores:
        """Like `score` for one conversation, with the units a mask leaves out gone; a unit is (message, start, end)."""
        body = {
            "conversation": [message.model_dump() for message in conversation],
            "units": [list(unit) for unit in units],
            "masks": [list(mask) for mask in masks],
            "answer": answer,
        }
        return Scores.model_validate(self._scored("/v1/score_masked", body, model, adapter))

    def embed(
        self, texts: Sequence[str], kind: Literal["query", "passage"], embedder: str = ""
    ) -> "np.ndarray[Any, Any]":
        """One vector a text: float32 [n, dim], L2-normalised; by the embedder of this name (see `embedders`), or the
        studio's own. Raises Unavailable("engine_not_started", "engine_crashed", "embedder_not_loaded") and
        NotPossibleHere("model_not_here", name=).
        """
        import numpy as np

        parts = [np.empty((0, self.embedder(embedder).dim), np.float32)]
        for start in range(0, len(texts), EMBED_AT_ONCE):
            some = list(texts[start : start + EMBED_AT_ONCE])
            body = {"input": some, "kind": kind, "model": embedder, "encoding_format": "base64"}
            said = self._ask(self._embedder, "/v1/embeddings", body)
            parts += [np.frombuffer(base64.b64decode(each["embedding"]), "<f4")[None, :] for each in said["data"]]
        return np.concatenate(parts)

    def rerank(self, question: str, texts: Sequence[str], reranker: str) -> list[float]:
        """How well each text answers the question, by the reranker of that name (see `rerankers`); only their order means
        something. Raises NotFound("model_missing"), NotPossibleHere("reranker_not_here", "reranker_memory") and Unavailable.
        """
        body = {"model": reranker, "query": question, "documents": list(texts)}
        said = self._ask(self._host, "/v1/rerank", body)
        return [float(each["relevance_score"]) for each in sorted(said["results"], key=lambda each: each["index"])]

    def embedder(self, name: str = "") -> Embedder:
        """Which embedder `embed` uses for this name."""
        if name not in self._known:
            self._known[name] = Embedder.model_validate(self._ask(self._embedder, "/v1/embedder", {"model": name}))
        return self._known[name]

    def speaks(self, said: str, model: str, adapter: Path | None = None) -> bool:
        """Whether what a host once said of itself is this model with this adapter, as their files are now."""
        return identity.same(said, model, adapter, self._settings)

    def stop(self) -> None:
        """End the model host and the embedder and give their memory back; they start again when next needed."""
        self._host.stop()
        self._embedder.stop()

    # ---- how children are asked

    def _scored(self, path: str, body: dict[str, Any], model: str, adapter: Path | None) -> Any:
        if self._settings.remote_url:
            raise NotPossibleHere("score_needs_local_model")
        place = {"adapter": str(adapter.resolve())} if adapter is not None else {}
        return self._ask(self._host, path, {**body, "model": model, **place})

    def _ask(self, child: Child, path: str, body: dict[str, Any]) -> Any:
        """A whole answer; asked once more when the child died over it."""
        for attempt in (1, 2):
            try:
                address = child.address()
                with _translated(), _client(_SCORE_SECONDS, address.url) as client:
                    response = client.post(
                        address.url + path, json=body, headers={"Authorization": f"Bearer {address.token}"}
                    )
                    _raise_for(response.status_code, response.content)
                    return response.json()
            except _Gone as error:
                if attempt == 2:
                    raise Unavailable("engine_crashed") from error
                child.hung_up()
        raise AssertionError

    def _stream(self, child: Child, path: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        with _translated():
            address = child.address()
            yield from _events(address.url + path, {"Authorization": f"Bearer {address.token}"}, body)

    def _checked(self, events: Iterator[dict[str, Any]], model: str, adapter: Path | None) -> Iterator[dict[str, Any]]:
        """The events of the one that was asked. A host that has loaded something else does not get to speak."""
        for at, event in enumerate(events):
            if at == 0 and not identity.same(str(event.get("system_fingerprint")), model, adapter, self._settings):
                raise Refused("wrong_side", name=model)
            yield event

    def _remote(self, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The same protocol, spoken by someone else's server. Nothing is retried: an answer may cost money."""
        url = self._settings.remote_url.rstrip("/")
        headers = {"Authorization": f"Bearer {self._settings.remote_key}"} if self._settings.remote_key else {}
        try:
            with _translated():
                yield from _events(f"{url.removesuffix('/v1')}/v1/chat/completions", headers, body)
        except _Gone as error:
            raise Unavailable("remote_unreachable", url=url) from error


class _Gone(Exception):
    """The other side hung up in the middle, or is not there."""


def _events(url: str, headers: dict[str, str], body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    ended = False
    with _client(_SILENCE, url) as client, client.stream("POST", url, json=body, headers=headers) as response:
        if response.status_code != 200:
            _raise_for(response.status_code, response.read())
        for line in response.iter_lines():
            if not line.startswith("data:"):
                continue
            data = line.removeprefix("data:").strip()
            if data == "[DONE]":
                ended = True
                break
            event = json.loads(data)
            if "error" in event:
                _raise_said(event["error"])
            yield event
    if not ended:
        raise _Gone


def _client(silence: float, url: str) -> "httpx.Client":
    """What stays on this machine never passes the proxy that the environment may name; and without TLS no certificates
    are read, which takes 50 ms of processor a client.
    """
    import httpx

    asked = httpx.URL(url)
    away = asked.host not in _THIS_MACHINE
    timeout = httpx.Timeout(silence, connect=_CONNECT)
    return httpx.Client(timeout=timeout, trust_env=away, verify=away or asked.scheme == "https")


def _spoken(events: Iterator[dict[str, Any]]) -> Iterator[Text | Usage]:
    begun, first, pieces = time.monotonic(), 0.0, 0
    usage: dict[str, Any] = {}
    who = ""
    for event in events:
        usage = event.get("usage") or usage
        who = str(event.get("system_fingerprint") or who)
        for choice in event.get("choices") or ():
            text = (choice.get("delta") or {}).get("content")
            if text:
                first = first or time.monotonic() - begun
                pieces += 1
                yield Text(text=text, spoken_by=who if pieces == 1 else "")
    seconds = time.monotonic() - begun
    yield Usage(
        prompt_tokens=int(usage.get("prompt_tokens", 0)),
        tokens=int(usage.get("completion_tokens", pieces)),
        seconds=float(usage.get("seconds", seconds)),
        first_token_seconds=float(usage.get("first_token_seconds", first)),
    )


def _raise_for(status: int, content: bytes) -> None:
    if status == 200:
        return
    if status == 401:
        raise Unavailable("remote_key_wrong")
    try:
        said = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        said = content[:200].decode("utf-8", "replace")
    if isinstance(said, dict) and {"code", "type", "param"} <= said.keys() and isinstance(said["param"], dict):
        _raise_said(said)
    text = str(said.get("message") if isinstance(said, dict) else said)[:300]
    raise Unavailable("remote_refused", status=status, reason=text)


def _raise_said(said: Any) -> None:
    """The same error the child raised, by its name."""
    known = {kind.__name__: kind for kind in _kinds(StudioError)}
    if isinstance(said, dict) and said.get("type") in known and isinstance(said.get("param"), dict):
        raise known[said["type"]](said["code"], **said["param"])
    text = said.get("message") if isinstance(said, dict) else said
    raise Unavailable("remote_refused", status=200, reason=str(text)[:300])


def _kinds(kind: type[StudioError]) -> Iterator[type[StudioError]]:
    for each in kind.__subclasses__():
        if each is not errors.Stopped:
            yield each
            yield from _kinds(each)


@contextmanager
def _translated() -> Iterator[None]:
    import httpx

    try:
        yield
    except (httpx.TransportError, httpx.InvalidURL, json.JSONDecodeError) as error:
        raise _Gone from error
