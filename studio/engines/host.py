"""The process in which language models live: `python -m studio.engines.host`, speaking OpenAI's chat protocol on loopback.

POST /v1/chat/completions (`model` is a name of the catalogue; the extra field `adapter` a PEFT folder inside the projects
folder), GET /v1/models, POST /v1/score, /v1/score_each and /v1/score_masked, GET /health, POST /stop. On a processor
llama.cpp answers and transformers scores; on a GPU, or without a GGUF file, transformers does both with one set of weights.
torch is not imported before it is needed. It downloads nothing: a model that is not here is an error with a sentence.
"""

import logging
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from pydantic import AliasChoices, ConfigDict, Field, ValidationError, model_validator

from studio.base import files, machine, settings
from studio.base.errors import BadInput, NotFound, NotPossibleHere, Refused
from studio.base.records import Message, Record, Role
from studio.base.settings import Settings
from studio.engines import adapter as conversion
from studio.engines import identity, serving, shelf, starter
from studio.engines.catalogue import catalogue, model
from studio.engines.llama import CONTEXT, Llama, Say, Spoken
from studio.engines.prompts import Prompts
from studio.engines.rerankers import Rerankers
from studio.engines.serving import Reply, Service
from studio.engines.torch_model import TorchModel, adapter_key

MAX_VOICES = 4
SCORER_IDLE_SECONDS = 5 * 60

R = TypeVar("R", bound=Record)

log = logging.getLogger(__name__)


class Part(Record):
    """A piece of a message's content. Only text can be read here."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["text"]
    text: str


class Turn(Record):
    """A message as OpenAI's clients send it: with a name, tool calls and what else, its content whole or in parts."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    role: Role | Literal["developer"]
    content: str | tuple[Part, ...]

    def message(self) -> Message:
        role: Role = "system" if self.role == "developer" else self.role  # OpenAI's newer word for it
        text = self.content if isinstance(self.content, str) else "\n".join(part.text for part in self.content)
        return Message(role=role, content=text)


class ChatRequest(Record):
    """The part of OpenAI's request we honour; anything else in it is ignored, and null is what is left out."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str
    messages: tuple[Turn, ...] = Field(min_length=1)
    adapter: str | None = None
    max_tokens: int = Field(
        default=160, ge=1, le=8192, validation_alias=AliasChoices("max_tokens", "max_completion_tokens")
    )
    temperature: float = Field(default=0.0, ge=0, le=2)
    stop: str | tuple[str, ...] = ()
    stream: bool = False

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: Any) -> Any:
        return {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else given


class ScoreRequest(Record):
    model: str
    adapter: str | None = None
    conversations: tuple[tuple[Message, ...], ...]
    answer: str


class EachRequest(Record):
    model: str
    adapter: str | None = None
    asked: tuple[tuple[tuple[Message, ...], str], ...]


class MaskedRequest(Record):
    model: str
    adapter: str | None = None
    conversation: tuple[Message, ...]
    units: tuple[tuple[int, int, int], ...]
    masks: tuple[tuple[bool, ...], ...]
    answer: str


class RerankRequest(Record):
    """A question and the documents to put in order, as rerank services take it."""

    model: str
    query: str
    documents: tuple[str, ...] = Field(max_length=1_000)


class Voice(Protocol):
    def speak(self, ids: list[int], max_tokens: int, temperature: float, say: Say) -> Spoken: ...


class _Torch(NamedTuple):
    """A voice of the transformers model with one adapter."""

    torch: TorchModel
    adapter: Path | None

    def speak(self, ids: list[int], max_tokens: int, temperature: float, say: Say) -> Spoken:
        return self.torch.speak(ids, self.adapter, max_tokens, temperature, say)


class Host:
    """The models in memory: a few llama.cpp instances, at most one model in transformers."""

    def __init__(self, studio: Settings, service: Service) -> None:
        self._settings = studio
        self._service = service
        self._threads = studio.threads or max(machine.cores() - 1, 1)
        self._gpu = machine.look(studio.private).gpu is not None
        self._rerankers = Rerankers(studio, self._threads)
        self._prompts: dict[str, Prompts] = {}
        self._llamas: dict[str, Llama] = {}  # least recently used first
        self._identities: dict[str, str] = {}  # of each, as it was loaded
        self._busy: dict[str, int] = {}
        self._torch: tuple[str, TorchModel] | None = None
        self._torch_busy = 0
        self._torch_asked = 0.0
        self._lock = threading.Lock()
        self._torch_lock = threading.Condition()

    def routes(self) -> dict[str, serving.Route]:
        return {
            "GET /health": lambda body, reply: reply.json(
                {"status": "ok", "loaded": [*self._llamas, *self._torch_names()]}
            ),
            "GET /v1/models": self.models,
            "POST /v1/chat/completions": self.chat,
            "POST /v1/score": self.score,
            "POST /v1/score_each": self.score_each,
            "POST /v1/score_masked": self.score_masked,
            "POST /v1/rerank": self.rerank,
            "POST /stop": self.stop,
        }

    # ---- what is asked

    def models(self, body: dict[str, Any], reply: Reply) -> None:
        here = [
            m
            for m in catalogue()
            if m.package or shelf.here(m.name, self._settings, "gguf") or shelf.here(m.name, self._settings, "weights")
        ]
        reply.json({"object": "list", "data": [{"id": m.name, "object": "model", "owned_by": m.hub_id} for m in here]})

    def chat(self, body: dict[str, Any], reply: Reply) -> None:
        """Answer once or as a stream; in a stream the last event before [DONE] carries the usage."""
        asked = _read(ChatRequest, body)
        adapter = self._adapter(asked.adapter)
        stops = (asked.stop,) if isinstance(asked.stop, str) else asked.stop
        frame = {"id": f"chatcmpl-{time.time_ns():x}", "created": int(time.time()), "model": asked.model}
        with self._voice(asked.model, adapter) as (voice, prompts, who):
            frame["system_fingerprint"] = who
            ids = prompts.ids([turn.message() for turn in asked.messages])
            begun = time.monotonic()
            first: list[float] = []
            pieces: list[str] = []
            utterance = Utterance(stops)

            def say(piece: str) -> bool:
                if reply.gone():
                    return True
                told = utterance.add(piece)
                if told:
                    if not first:
                        first.append(time.monotonic() - begun)
                    pieces.append(told)
                    if asked.stream:
                        reply.event(
                            {**frame, "object": "chat.completion.chunk", "choices": [_delta({"content": told})]}
                        )
                return utterance.ended

            if asked.stream:
                reply.event(
                    {
                        **frame,
                        "object": "chat.completion.chunk",
                        "choices": [_delta({"role": "assistant", "content": ""})],
                    }
                )
            spoken = voice.speak(ids, asked.max_tokens, asked.temperature, say)
        rest = utterance.rest()
        seconds = time.monotonic() - begun
        usage = {
            "prompt_tokens": spoken.prompt_tokens,
            "completion_tokens": spoken.tokens,
            "total_tokens": spoken.prompt_tokens + spoken.tokens,
            "seconds": round(seconds, 4),
            "first_token_seconds": round(first[0] if first else seconds, 4),
        }
        finish = "stop" if utterance.ended else spoken.finish
        if asked.stream:
            if rest:
                reply.event({**frame, "object": "chat.completion.chunk", "choices": [_delta({"content": rest})]})
            reply.event({**frame, "object": "chat.completion.chunk", "choices": [_delta({}, finish)]})
            reply.event({**frame, "object": "chat.completion.chunk", "choices": [], "usage": usage})
            reply.event("[DONE]")
        else:
            message = {"role": "assistant", "content": "".join(pieces) + rest}
            choice = {"index": 0, "message": message, "finish_reason": finish}
            reply.json({**frame, "object": "chat.completion", "choices": [choice], "usage": usage})

    def score(self, body: dict[str, Any], reply: Reply) -> None:
        asked = _read(ScoreRequest, body)
        with self._transformers(asked.model) as torch:
            scores = torch.score(asked.conversations, asked.answer, self._adapter(asked.adapter))
        reply.json(scores.model_dump())

    def score_each(self, body: dict[str, Any], reply: Reply) -> None:
        asked = _read(EachRequest, body)
        with self._transformers(asked.model) as torch:
            scores = torch.score_each(asked.asked, self._adapter(asked.adapter))
        reply.json({"scores": [each.model_dump() for each in scores]})

    def score_masked(self, body: dict[str, Any], reply: Reply) -> None:
        asked = _read(MaskedRequest, body)
        with self._transformers(asked.model) as torch:
            scores = torch.score_masked(
                asked.conversation, asked.units, asked.masks, asked.answer, self._adapter(asked.adapter)
            )
        reply.json(scores.model_dump())

    def rerank(self, body: dict[str, Any], reply: Reply) -> None:
        asked = _read(RerankRequest, body)
        scores = self._rerankers.scores(asked.model, asked.query, asked.documents)
        results = [{"index": at, "relevance_score": score} for at, score in enumerate(scores)]
        reply.json({"model": asked.model, "results": results})

    def stop(self, body: dict[str, Any], reply: Reply) -> None:
        reply.json({"stopping": True})
        self._service.stop()

    def tick(self, idle: float) -> None:
        """Give the memory of what scores or ranks back when nobody has asked for it in a while."""
        self._rerankers.tick()
        if not self._torch_lock.acquire(blocking=False):
            return
        try:
            if self._torch and not self._torch_busy and time.monotonic() - self._torch_asked > SCORER_IDLE_SECONDS:
                self._drop_torch()
        finally:
            self._torch_lock.release()

    # ---- which model answers

    @contextmanager
    def _voice(self, name: str, adapter: Path | None) -> Iterator[tuple[Voice, Prompts, str]]:
        """Who answers, how it is prompted, and what files it was loaded from."""
        prompts = self._prompts_of(name)
        if not self._gpu:
            try:
                instance = self._llama(name, adapter)
            except NotPossibleHere as reason:
                if reason.code not in ("no_gguf", "no_llama", "adapter_not_for_llama"):
                    raise
                log.info("%s answers through transformers: %s", name, reason.code)
            else:
                key, llama = instance
                try:
                    yield llama, prompts, self._identities[key]
                finally:
                    with self._lock:
                        self._busy[key] -= 1
                return
        with self._transformers(name) as torch:
            yield _Torch(torch, adapter), prompts, identity.of(name, adapter, "weights", self._settings)

    def _llama(self, name: str, adapter: Path | None) -> tuple[str, Llama]:
        """An instance for this model and adapter, counted as busy; older idle ones make room for it."""
        folder = shelf.here(name, self._settings, "gguf")
        if folder is None:
            if shelf.here(name, self._settings, "weights"):
                raise NotPossibleHere("no_gguf", name=name)
            raise NotPossibleHere("model_not_here", name=name)
        key = f"{name} {adapter_key(adapter) if adapter else ''}"
        with self._lock:
            if key not in self._llamas:
                self._service.in_main(lambda: self._load(key, name, folder, adapter))
            self._llamas[key] = llama = self._llamas.pop(key)
            self._busy[key] = self._busy.get(key, 0) + 1
            return key, llama

    def _load(self, key: str, name: str, folder: Path, adapter: Path | None) -> None:
        for old in list(self._llamas):
            crowded = len(self._llamas) >= MAX_VOICES or not old.startswith(f"{name} ")
            if crowded and not self._busy.get(old):
                self._llamas.pop(old).close()
        base = files.read_json(folder / "config.json") or {}
        converted = conversion.convert(adapter, base) if adapter else None
        begun = time.monotonic()
        self._identities[key] = identity.of(name, adapter, "gguf", self._settings)
        context = min(model(name).context, int(base.get("max_position_embeddings") or CONTEXT))
        self._llamas[key] = Llama(folder / starter.GGUF_NAME, converted, context, self._threads)
        log.info("loaded %s in %.2f s", key, time.monotonic() - begun)

    @contextmanager
    def _transformers(self, name: str) -> Iterator[TorchModel]:
        with self._torch_lock:
            self._torch_lock.wait_for(lambda: not self._torch_busy or self._loaded(name))
            if not self._loaded(name):
                self._drop_torch()
                folder = self._folder(name)
                begun = time.monotonic()
                self._torch = (name, TorchModel(folder, self._threads))
                log.info("loaded %s into transformers in %.2f s", name, time.monotonic() - begun)
            torch = self._torch[1] if self._torch else None
            assert torch is not None
            self._torch_busy += 1
        try:
            yield torch
        finally:
            with self._torch_lock:
                self._torch_busy -= 1
                self._torch_asked = time.monotonic()
                self._torch_lock.notify_all()

    def _loaded(self, name: str) -> bool:
        return self._torch is not None and self._torch[0] == name

    def _drop_torch(self) -> None:
        if self._torch:
            self._torch[1].close()
            self._torch = None

    def _folder(self, name: str) -> Path:
        folder = shelf.here(name, self._settings, "weights")
        if folder is None:
            raise NotPossibleHere("model_not_here", name=name)
        return folder

    def _prompts_of(self, name: str) -> Prompts:
        wanted = model(name)
        if wanted.package:
            shelf.weights(name, self._settings)  # the starter is made here in seconds when nobody did so before
        folder = shelf.here(name, self._settings, "gguf") or self._folder(name)
        if name not in self._prompts:
            self._prompts[name] = Prompts(folder)
        return self._prompts[name]

    def _adapter(self, given: str | None) -> Path | None:
        """The adapter's folder. Raises Refused("path_outside") for one that lies outside the projects folder."""
        if not given:
            return None
        path = Path(given)
        if not path.is_absolute() or not path.resolve().is_relative_to(self._settings.projects.resolve()):
            raise Refused("path_outside", path=path.name)
        if not path.is_dir():
            raise NotFound("adapter_missing", name=path.name)
        return path.resolve()

    def _torch_names(self) -> list[str]:
        return [f"{self._torch[0]} (transformers)"] if self._torch else []


class Utterance:
    """What of the spoken text is passed on: up to a stop string, and no further once it goes round in circles.

    Greedy answers of small models can fall into a loop. Penalties against repetition would also punish quoting the
    documents and change the distribution that is scored; ending the answer does neither.
    """

    _LOOP = re.compile(r"(.{4,200}?)\1{3,}$", re.DOTALL)
    _LOOP_CHARACTERS = 60

    def __init__(self, stops: tuple[str, ...] = ()) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._text = ""
        self._passed = 0
        self.ended = False

    def add(self, piece: str) -> str:
        """The part of what was said so far that is certain and new."""
        if self.ended or not piece:
            return ""
        self._text += piece
        cuts = [at for at in (self._text.find(stop) for stop in self._stops) if at >= 0]
        if cuts:
            self._text, self.ended = self._text[: min(cuts)], True
            return self._pass_on(len(self._text))
        looping = self._LOOP.search(self._text[-1000:])
        self.ended = bool(looping and len(looping.group()) >= self._LOOP_CHARACTERS and looping.group(1).strip())
        return self._pass_on(len(self._text) - self._may_become_stop())

    def rest(self) -> str:
        """What was held back in case a stop string would come of it."""
        return self._pass_on(len(self._text))

    def _pass_on(self, end: int) -> str:
        new = self._text[self._passed : end]
        self._passed = max(end, self._passed)
        return new

    def _may_become_stop(self) -> int:
        return max((n for stop in self._stops for n in range(1, len(stop)) if self._text.endswith(stop[:n])), default=0)


def _read(kind: type[R], body: dict[str, Any]) -> R:
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput("request_malformed", field=".".join(map(str, first["loc"]))) from error


def _delta(content: dict[str, str], finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": content, "finish_reason": finish}


def main() -> None:
    settings.silence_libraries()
    serving.log_to_stderr()
    studio = settings.load()
    service = Service("host", studio.private)
    host = Host(studio, service)
    service.run(host.routes(), host.tick)


if __name__ == "__main__":
    main()
