"""A model in transformers: scores answers everywhere, and answers itself where llama.cpp cannot (a GPU, no GGUF file).

One set of base weights; adapters are put on and off under a lock, so one request at a time. Text in and out of the model
is token ids and strings; nothing here knows HTTP.
"""

import gc
import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from studio.base import machine
from studio.base.errors import BadInput, NotFound, NotPossibleHere, OutOfMemory
from studio.base.records import Message
from studio.engines.llama import Say, Spoken
from studio.engines.prompts import Prompts
from studio.engines.speech import Scores

MAX_ADAPTERS = 4
_LEAST_ANSWER = 16

log = logging.getLogger(__name__)


class TorchModel:
    """The model in `folder`, loaded at once. bfloat16 where the hardware multiplies it, float32 elsewhere."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from transformers import utils

        # Only assisted generation and object detection use these; importing them is 2 of 6 CPU s (transformers 5.17).
        utils.is_sklearn_available = utils.is_scipy_available = lambda: False
        from transformers import AutoModelForCausalLM, AutoTokenizer

        torch.set_num_threads(threads)
        self._prompts = Prompts(folder)
        gpu = torch.cuda.is_available()
        half = gpu or machine.look(folder).bf16
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=torch.bfloat16 if half else torch.float32,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
            )
            self._base: Any = model.to("cuda" if gpu else "cpu").eval()
        except (MemoryError, torch.OutOfMemoryError) as error:
            raise OutOfMemory("model_out_of_memory") from error
        except OSError as error:
            raise NotPossibleHere("model_not_here", name=folder.name) from error
        self._model: Any = self._base
        self._adapters: dict[str, str] = {}  # path and time of training -> name inside PEFT, least recently used first
        self._lock = threading.Lock()
        self._scorer: tuple[str, Any] | None = None
        self.context = int(getattr(self._base.config, "max_position_embeddings", 0) or 4096)

    def speak(self, ids: Sequence[int], adapter: Path | None, max_tokens: int, temperature: float, say: Say) -> Spoken:
        """Answer a prompt, piece by piece. Raises BadInput("conversation_too_long", tokens=, limit=)."""
        import torch
        from transformers import StoppingCriteria, StoppingCriteriaList

        room = self.context - len(ids)
        if room < _LEAST_ANSWER:
            raise BadInput("conversation_too_long", tokens=len(ids), limit=self.context - _LEAST_ANSWER)
        tokenizer, said, ended = self._tokenizer, "", False

        class Saying(StoppingCriteria):  # type: ignore[misc,unused-ignore]
            """Hands on what is new after each token; an unfinished character waits for its other bytes."""

            def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
                nonlocal said, ended
                text = tokenizer.decode(input_ids[0, len(ids) :], skip_special_tokens=True)
                piece = "" if text.endswith("\ufffd") else text[len(said) :]
                said += piece
                ended = say(piece)
                return torch.full((input_ids.shape[0],), ended, device=input_ids.device, dtype=torch.bool)

        sampling: dict[str, Any] = (
            {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
        )
        with self._lock, self._with(adapter) as (model, _), torch.inference_mode():
            prompt = torch.tensor([list(ids)], device=model.device)
            if say(""):
                return Spoken(len(ids), 0, "stop")
            spoken = model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=min(max_tokens, room),
                stopping_criteria=StoppingCriteriaList([Saying()]),
                pad_token_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id,
                **sampling,
            )
        tokens = int(spoken.shape[1]) - len(ids)
        return Spoken(len(ids), tokens, "length" if tokens >= min(max_tokens, room) and not ended else "stop")

    def score(self, conversations: Sequence[Sequence[Message]], answer: str, adapter: Path | None) -> Scores:
        with self._lock, self._scoring(adapter) as scorer:
            scores: Scores = scorer.score(conversations, answer)
        return scores

    def score_each(self, asked: Sequence[tuple[Sequence[Message], str]], adapter: Path | None) -> tuple[Scores, ...]:
        with self._lock, self._scoring(adapter) as scorer:
            scores: tuple[Scores, ...] = scorer.score_each(asked)
        return scores

    def score_masked(
        self,
        conversation: Sequence[Message],
        units: Sequence[tuple[int, int, int]],
        masks: Sequence[Sequence[bool]],
        answer: str,
        adapter: Path | None,
    ) -> Scores:
        with self._lock, self._scoring(adapter) as scorer:
            scores: Scores = scorer.score_masked(conversation, units, masks, answer)
        return scores

    @contextmanager
    def _scoring(self, adapter: Path | None) -> Iterator[Any]:
        """The scorer of this adapter; what it remembers is kept until another adapter is asked for."""
        import torch

        from studio.engines.scoring import Scorer

        with self._with(adapter) as (model, key), torch.inference_mode():
            if self._scorer is None or self._scorer[0] != key:
                self._scorer = (key, Scorer(model, self._tokenizer, render=self._prompts.render))
            yield self._scorer[1]

    @contextmanager
    def _with(self, adapter: Path | None) -> Iterator[tuple[Any, str]]:
        """The model with this adapter on it (or none), and a key that names this state of it."""
        if adapter is None:
            if self._model is self._base:
                yield self._base, ""
            else:
                with self._model.disable_adapter():
                    yield self._model, ""
            return
        key = adapter_key(adapter)
        if key not in self._adapters:
            self._load(adapter, key)
        self._adapters[key] = name = self._adapters.pop(key)
        self._model.set_adapter(name)
        yield self._model, key

    def _load(self, adapter: Path, key: str) -> None:
        from peft import PeftModel

        name = f"a{abs(hash(key)):x}"
        try:
            if self._model is self._base:
                self._model = PeftModel.from_pretrained(
                    self._base, str(adapter), adapter_name=name, is_trainable=False
                ).eval()
            else:
                self._model.load_adapter(str(adapter), adapter_name=name, is_trainable=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise NotFound("adapter_missing", name=adapter.name) from error
        self._adapters[key] = name
        self._model.eval()
        while len(self._adapters) > MAX_ADAPTERS:
            oldest = next(iter(self._adapters))
            self._model.delete_adapter(self._adapters.pop(oldest))

    def close(self) -> None:
        with self._lock:
            self._model = self._base = self._scorer = None
            self._adapters.clear()
        gc.collect()


def adapter_key(adapter: Path) -> str:
    """An adapter and the moment it was trained; the same folder trained again is another adapter.

    Raises NotFound("adapter_missing", name=).
    """
    from studio.engines.adapter import WEIGHTS

    try:
        state = (adapter / WEIGHTS).stat()
    except OSError as error:
        raise NotFound("adapter_missing", name=adapter.name) from error
    return f"{adapter} {state.st_mtime_ns} {state.st_size}"
