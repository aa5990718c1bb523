"""A conversation as the model reads it: token ids, and which of them are to be learnt.

The prompt is the one the engines will ask with, to the token: nothing is learnt in a form that never comes up again.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio.base.records import Message
from studio.engines.prompts import Prompts, neutral, special_tokens

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NOT_LEARNT = -100  # the label cross-entropy ignores in torch, transformers and TRL


class Rendered(NamedTuple):
    """Token ids of a whole conversation, and the same with everything but the last answer masked by NOT_LEARNT."""

    input_ids: list[int]
    labels: list[int]


class Expected(NamedTuple):
    """For every token that is learnt: words that may come there, and the logarithms of how likely they are."""

    words: list[list[int]]
    likely: list[list[float]]


class Row(NamedTuple):
    """A rendered conversation as it joins the batches; `weight` is what each of its tokens counts beside others. With
    `expected` these likelihoods are learnt, not the words of the labels. `task` is "" for what is no example.
    `against` is the answer to the same prompt that was liked less, `ahead` by how much (log-probability) this one was
    likelier before anything was learnt (see `preferences`). `wordings` ask for the same answer in other words; which of
    them is learnt changes from time to time.
    """

    input_ids: list[int]
    labels: list[int]
    weight: float = 1.0
    expected: Expected | None = None
    task: str = ""
    against: "Row | None" = None
    ahead: float = 0.0
    wordings: "tuple[Row, ...]" = ()


class Renderer:
    """Renders conversations for one tokenizer; `prompts` must be of the same model."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase", prompts: Prompts) -> None:
        self._tokenizer, self._prompts = tokenizer, prompts
        self._signs = special_tokens(tokenizer)

    def render(self, messages: Sequence[Message]) -> Rendered:
        """The conversation up to the end of its last answer; only that answer and the token that ends it carry labels.

        Raises BadInput("prompt_refused") when the model's template does not take such a conversation.
        """
        asked = self._prompts.ids(messages[:-1])
        answered = self._answer(messages)
        return Rendered(asked + answered, [NOT_LEARNT] * len(asked) + answered)

    def prompt(self, messages: Sequence[Message]) -> list[int]:
        """What the model is asked with for the last answer of a conversation."""
        return self._prompts.ids(messages[:-1])

    def _answer(self, messages: Sequence[Message]) -> list[int]:
        """What the template writes after the prompt, up to the end of the turn; the plain answer when it is not to be found
        there (a template that rewrites what was said)."""
        from jinja2 import TemplateError

        turns = [{"role": m.role, "content": neutral(m.content, self._signs)} for m in messages[:-1]]
        answer = neutral(messages[-1].content.strip(), self._signs)
        turns.append({"role": "assistant", "content": answer})
        prompt = self._prompts.render(messages[:-1])
        try:
            whole = str(self._tokenizer.apply_chat_template(turns, tokenize=False, enable_thinking=False))
        except TemplateError:
            whole = ""
        text = whole[len(prompt) :] if whole.startswith(prompt) else answer
        ids = list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
        end = self._tokenizer.eos_token_id
        if end in ids:
            return ids[: len(ids) - ids[::-1].index(end)]  # templates put a line break after the end
        return ids if end is None else [*ids, end]
