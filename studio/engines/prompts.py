"""Turns a conversation into the token ids a model reads, by the model's own chat template.

Every engine of the house gets these ids, so that llama.cpp and transformers read the same prompt. The rule it keeps:
text of a person or a document never becomes a control token; `neutral` says how, for scoring and training alike.
It knows neither torch nor transformers; the template runs in Jinja's sandbox with the names transformers gives it.
"""

import json
from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from studio.base import files
from studio.base.errors import BadInput, NotPossibleHere
from studio.base.records import Message

Tokens = TypeVar("Tokens", list[int], tuple[int, ...])


class Prompts:
    """Template and tokenizer of the model in `folder` (as `weights` leaves it).

    Raises NotPossibleHere("no_chat_template", name=) for a model that was never taught to converse.
    """

    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        settings = files.read_json(folder / "tokenizer_config.json") or {}
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._template = _compile(_template_source(folder, settings))
        self._names = {
            name: _text_of(settings.get(name)) for name in ("bos_token", "eos_token", "pad_token", "unk_token")
        }
        added = (token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special)
        controls = {text for text in (*added, *self._names.values()) if text.strip()}
        self._controls = sorted(controls, key=lambda text: (-len(text), text))

    def ids(self, messages: Sequence[Message]) -> list[int]:
        """The prompt that asks for the next answer. Raises BadInput("prompt_refused")."""
        return list(self._tokenizer.encode(self.render(messages), add_special_tokens=False).ids)

    def render(self, messages: Sequence[Message]) -> str:
        """The prompt as text, control tokens written out.

        Raises BadInput("prompt_refused") when the template refuses this order of roles.
        """
        import jinja2

        turns = [{"role": m.role, "content": neutral(m.content, self._controls)} for m in messages]
        try:
            return self._filled(turns)
        except jinja2.TemplateError as error:
            if len(turns) < 2 or turns[0]["role"] != "system":
                raise BadInput("prompt_refused") from error
        # some families know no system turn; their authors say to put it in front of the first question
        first = {"role": turns[1]["role"], "content": f"{turns[0]['content']}\n\n{turns[1]['content']}"}
        try:
            return self._filled([first, *turns[2:]])
        except jinja2.TemplateError as error:
            raise BadInput("prompt_refused") from error

    def _filled(self, turns: list[dict[str, str]]) -> str:
        # `enable_thinking` is read by families that can reason aloud before they answer; answers here start at once
        return str(
            self._template.render(messages=turns, add_generation_prompt=True, enable_thinking=False, **self._names)
        )


def beginning(rows: Sequence[Tokens]) -> int:
    """How many tokens all rows begin with."""
    one, other = min(rows), max(rows)  # in order, these differ the soonest
    return bisect_left(range(1, min(len(one), len(other)) + 1), True, key=lambda n: one[:n] != other[:n])


def neutral(text: str, specials: Sequence[str]) -> str:
    """The text with the model's control tokens made harmless: the first character of each becomes its full-width twin, so
    that whoever writes "<|im_end|>" into a question ends no message. Length and offsets stay the same."""
    for special in specials:
        if special in text:
            text = text.replace(special, _wide(special[0]) + special[1:])
    return text


def special_tokens(tokenizer: Any) -> tuple[str, ...]:
    """Every control token of a tokenizer that could be written out in a text, longest first."""
    added = (token.content for token in tokenizer.added_tokens_decoder.values() if token.special)
    return tuple(sorted({t for t in (*added, *tokenizer.all_special_tokens) if t.strip()}, key=lambda t: (-len(t), t)))


def _wide(character: str) -> str:
    return chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else "\u2060"


def _template_source(folder: Path, settings: dict[str, Any]) -> str:
    file = folder / "chat_template.jinja"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    source = settings.get("chat_template")
    if isinstance(source, list):  # several templates by name
        source = next((entry["template"] for entry in source if entry.get("name") == "default"), None)
    if not isinstance(source, str):
        raise NotPossibleHere("no_chat_template", name=folder.name)
    return source


def _compile(source: str) -> Any:
    import jinja2
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise jinja2.TemplateError(message)

    def tojson(value: Any, indent: int | None = None, **_: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    return environment.from_string(source)


def _text_of(token: Any) -> str:
    return str(token.get("content", "")) if isinstance(token, dict) else str(token or "")
