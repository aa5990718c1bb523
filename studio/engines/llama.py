"""Answers through llama.cpp (`xllamacpp`): one base model or one adapter on it, several answers at a time.

Weights are mapped from the file, so a second instance for an adapter shares them with the first. One instance for all
adapters would make them wait for each other: llama.cpp puts only answers of the same adapter into one batch.
Prompts come as token ids; nothing here knows templates.
"""

import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.errors import BadInput, NotPossibleHere, Unavailable

PARALLEL = 4
CONTEXT = 8192  # tokens all answers of one instance share
_BATCH = 256  # tokens read between two looks at whether anybody still listens
_LEAST_ANSWER = 16


class Spoken(NamedTuple):
    prompt_tokens: int
    tokens: int
    finish: str  # "stop" or "length"


Say = Callable[[str], bool]
"""Called with each new piece ("" while the prompt is read); True ends the answer."""


class Llama:
    """An instance of llama.cpp's server inside this process. Make and `close` it in the main thread: it takes over signals.

    Raises NotPossibleHere("no_llama") without the library and Unavailable("model_not_loaded", name=) for a file it refuses.
    """

    def __init__(self, model: Path, adapter: Path | None, context: int, threads: int) -> None:
        try:
            import xllamacpp
        except ImportError as error:
            raise NotPossibleHere("no_llama") from error
        self.context = min(context, CONTEXT)
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(model)
        parameters.n_ctx = self.context
        parameters.n_parallel = PARALLEL
        parameters.kv_unified = True  # one pool: a long question may use what short ones leave
        parameters.n_batch = parameters.n_ubatch = _BATCH
        parameters.cache_ram_mib = 0
        parameters.n_ctx_checkpoints = 0
        parameters.warmup = False
        parameters.verbosity = -1
        for processor in (parameters.cpuparams, parameters.cpuparams_batch):
            processor.n_threads = threads
            processor.poll = 0  # threads that wait for work must not burn the core another process needs
        # the library always opens a port of its own; nobody knows this key, and its pages are off
        parameters.api_keys = [secrets.token_urlsafe(32)]
        parameters.ui = False
        parameters.endpoint_slots = False
        if adapter is not None:
            parameters.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
        try:
            self._server: Any = xllamacpp.Server(parameters)
        except RuntimeError as error:
            raise Unavailable("model_not_loaded", name=model.parent.name) from error
        self._free = self.context
        self._room = threading.Condition()

    def speak(self, ids: Sequence[int], max_tokens: int, temperature: float, say: Say) -> Spoken:
        """Answer a prompt. Raises BadInput("conversation_too_long", tokens=, limit=) when no room is left for an answer."""
        room = self.context - len(ids)
        if room < _LEAST_ANSWER:
            raise BadInput("conversation_too_long", tokens=len(ids), limit=self.context - _LEAST_ANSWER)
        answer = min(max_tokens, room)
        needed = min(len(ids) + answer, self.context)
        with self._room:
            self._room.wait_for(lambda: self._free >= needed)
            self._free -= needed
        try:
            return self._speak(ids, answer, temperature, say)
        finally:
            with self._room:
                self._free += needed
                self._room.notify_all()

    def _speak(self, ids: Sequence[int], max_tokens: int, temperature: float, say: Say) -> Spoken:
        tokens, finish, fault = 0, "stop", ""

        def heard(chunk: dict[str, Any]) -> bool:
            nonlocal tokens, finish, fault
            if "code" in chunk or "error" in chunk:
                fault = str(chunk.get("message") or chunk.get("error"))
                return True
            choices = chunk.get("choices") or [{}]
            if choices[0].get("finish_reason"):
                finish = str(choices[0]["finish_reason"])
            usage = chunk.get("usage")
            if usage:
                tokens = int(usage["completion_tokens"])
            elif "prompt_progress" not in chunk:
                tokens += 1
            return say(choices[0].get("text") or "")

        request = {
            "prompt": list(ids),
            "max_tokens": max_tokens,
            "temperature": temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,
        }
        self._server.handle_completions(request, heard)
        if fault:
            raise Unavailable("engine_failed", reason=fault[:300])
        return Spoken(len(ids), tokens, finish)

    def close(self) -> None:
        """Give the memory back. No answer may be under way."""
        self._server = None
