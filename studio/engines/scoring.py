"""How likely a fixed answer is under many variations of one prompt, for the fewest tokens run through the model.

Here conversations become rows of tokens; `token_tree` reads them. Knows nothing of players, values or adapters. Not for two
threads at once.
"""

import hashlib
import sys
from array import array
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from studio.base.errors import BadInput
from studio.base.records import Message
from studio.engines.prompts import neutral, special_tokens
from studio.engines.speech import Scores
from studio.engines.token_tree import Pair, Row, TokenTree

Unit = tuple[int, int, int]  # which message, and from which to which character of its content

REMEMBERED = 20_000  # rows of log-probabilities


class Scorer:
    """Scores answers with one model in its present state. What it remembers holds only while the weights stay as they are:
    one Scorer per adapter, or `forget()` after switching.

    `model` is a transformers causal language model, `tokenizer` its fast tokenizer. `render` writes a conversation out as
    the prompt that asks for the next answer: `Prompts.render`, so that what is scored is what was answered to; without it
    the tokenizer's own template is taken.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        render: Callable[[Sequence[Message]], str] | None = None,
        pack_tokens: int | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._write = render or self._by_own_template
        self._tree = TokenTree(model, pack_tokens)
        self.forget()

    def forget(self) -> None:
        """Drop everything that was remembered about prompts seen before."""
        self._memo: dict[bytes, list[float]] = {}
        self._tree.forget()

    def score(self, conversations: Sequence[Sequence[Message]], answer: str) -> Scores:
        """Natural log-probability of each answer token after each conversation (teacher forcing; the end token is not
        counted).

        Raises BadInput("conversation_too_long") when a prompt and the answer do not fit the model.
        """
        answer_ids, pieces = self._answer(answer)
        if not answer_ids:
            return Scores(tokens=(), logprobs=tuple(() for _ in conversations), forwarded=0)
        prompts = self._ids([self._render(conversation) for conversation in conversations])
        self._check_length(max(map(len, prompts), default=0) + len(answer_ids))
        before = self._tree.forwarded
        found = self._found([(prompt, answer_ids) for prompt in prompts])
        logprobs = tuple(tuple(found[prompt, answer_ids]) for prompt in prompts)
        return Scores(tokens=pieces, logprobs=logprobs, forwarded=self._tree.forwarded - before)

    def score_each(self, asked: Sequence[tuple[Sequence[Message], str]]) -> tuple[Scores, ...]:
        """`score` for conversations with an answer of their own each, read side by side. An answer that does not fit the
        model has no row of log-probabilities.
        """
        answers = [self._answer(answer) for _, answer in asked]
        prompts = self._ids([self._render(conversation) for conversation, _ in asked])
        pairs = [(prompt, ids) for prompt, (ids, _) in zip(prompts, answers, strict=True)]
        limit = self._tree.limit or sys.maxsize
        found = self._found([pair for pair in pairs if pair[1] and sum(map(len, pair)) <= limit])
        return tuple(
            Scores(tokens=pieces, logprobs=(tuple(found[pair]),) if pair in found else ())
            for pair, (_, pieces) in zip(pairs, answers, strict=True)
        )

    def score_masked(
        self, conversation: Sequence[Message], units: Sequence[Unit], masks: Sequence[Sequence[bool]], answer: str
    ) -> Scores:
        """Like `score` for the conversation with some units taken out, but the prompt is read only once: what follows the
        last unit is read again for each mask (True keeps a unit) without looking at what was taken out.

        Kept text between units has already read what is taken out later, so this is an approximation of removal: good for
        passages and sentences (r >= 0.995 with true removal), poor for single words. It is exact when what is taken out
        is the end of the stretch of units, in particular for all and for none of several adjoining units.
        Raises BadInput("conversation_too_long").
        """
        answer_ids, pieces = self._answer(answer)
        if not answer_ids:
            return Scores(tokens=(), logprobs=tuple(() for _ in masks), forwarded=0)
        text = self._render(conversation)
        prompt = self._ids([text])[0]
        self._check_length(len(prompt) + len(answer_ids))
        owners = self._owners(conversation, units, text, prompt)
        if owners is None or not self._tree.packs([prompt], answer_ids):
            return self.score([without(conversation, units, mask) for mask in masks], answer)
        before = self._tree.forwarded
        rows = self._tree.masked(prompt, owners, masks, answer_ids)
        return Scores(tokens=pieces, logprobs=tuple(map(tuple, rows)), forwarded=self._tree.forwarded - before)

    def _found(self, pairs: Sequence[Pair]) -> dict[Pair, list[float]]:
        """What is remembered of these prompts and answers, and the rest read; it is remembered in turn."""
        keys = {pair: _key(*pair) for pair in pairs}
        found = {pair: self._memo[key] for pair, key in keys.items() if key in self._memo}
        missing = sorted(keys.keys() - found.keys())
        if missing:
            found |= zip(missing, self._tree.each(missing), strict=True)
        fresh = {keys[pair]: values for pair, values in found.items()}
        self._memo = fresh if len(self._memo) + len(missing) > REMEMBERED else self._memo | fresh
        return found

    # ---- text to tokens

    @cached_property
    def _specials(self) -> tuple[str, ...]:
        return special_tokens(self._tokenizer)

    def _render(self, conversation: Sequence[Message]) -> str:
        """The conversation as the model's own template writes it, ending where the answer begins."""
        return self._write([m.model_copy(update={"content": neutral(m.content, self._specials)}) for m in conversation])

    def _by_own_template(self, conversation: Sequence[Message]) -> str:
        messages = [{"role": m.role, "content": m.content} for m in conversation]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _ids(self, texts: list[str]) -> list[Row]:
        return [tuple(ids) for ids in self._tokenizer(texts, add_special_tokens=False)["input_ids"]] if texts else []

    def _answer(self, answer: str) -> tuple[Row, tuple[str, ...]]:
        """The answer's tokens, and the stretch of text that each stands for: together they spell the answer."""
        text = neutral(answer, self._specials)
        encoded = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        ids, ends = tuple(encoded["input_ids"]), [end for _, end in encoded["offset_mapping"]]
        if not ids:
            return (), ()
        ends[-1] = len(answer)
        return ids, tuple(answer[start:end] for start, end in pairwise([0, *ends]))

    def _check_length(self, tokens: int) -> None:
        limit = self._tree.limit
        if limit and tokens > limit:
            raise BadInput("conversation_too_long", tokens=tokens, limit=limit)

    def _owners(
        self, conversation: Sequence[Message], units: Sequence[Unit], text: str, prompt: Row
    ) -> list[int] | None:
        """For each prompt token the unit it belongs to, or -1. None when the template changed the contents too much."""
        starts = self._content_starts(conversation, text)
        if starts is None:
            return None
        owner = [-1] * len(text)
        for number, (message, start, end) in enumerate(units):
            first = starts[message] + start
            owner[first : first + end - start] = [number] * (end - start)
        offsets = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        owners = [_most(owner[start:end]) for start, end in offsets]
        return owners if owners[-1] < 0 and len(owners) == len(prompt) else None

    def _content_starts(self, conversation: Sequence[Message], text: str) -> list[int] | None:
        """Where each message's content begins in the rendered text; a template that trims its ends may do so."""
        marks = [f"\u241e{n}\u241e" for n in range(len(conversation))]
        frame = self._render(
            [m.model_copy(update={"content": mark}) for m, mark in zip(conversation, marks, strict=True)]
        )
        starts, at, rest = [], 0, frame
        for message, mark in zip(conversation, marks, strict=True):
            literal, found, rest = rest.partition(mark)
            if not found or not text.startswith(literal, at):
                return None
            at += len(literal)
            content = neutral(message.content, self._specials)
            stripped = content.strip()
            whole = text.startswith(content, at)
            if not whole and not text.startswith(stripped, at):
                return None
            starts.append(at if whole else at - content.find(stripped))
            at += len(content) if whole else len(stripped)
        return starts if text[at:] == rest else None


def without(conversation: Sequence[Message], units: Sequence[Unit], mask: Sequence[bool]) -> tuple[Message, ...]:
    """The conversation with the text of the units whose mask is False taken out. With everything kept it is the same.

    A unit owns the space before it; where the first words of a line go, the space that then opens the line goes too.
    """
    gone: dict[int, list[tuple[int, int]]] = {}
    for (message, start, end), kept in zip(units, mask, strict=True):
        if not kept:
            gone.setdefault(message, []).append((start, end))
    return tuple(
        m.model_copy(update={"content": _cut(m.content, sorted(gone[n]))}) if n in gone else m
        for n, m in enumerate(conversation)
    )


def _cut(text: str, spans: Sequence[tuple[int, int]]) -> str:
    made, at = "", 0
    for start, end in spans:
        made += text[at:start] if at == start or at == 0 else _joined(made, text[at:start])
        at = end
    return made + _joined(made, text[at:])


def _joined(left: str, right: str) -> str:
    """`right` without the spaces that would stand at the beginning of a line after `left`."""
    return right.lstrip(" \t") if not left or left[-1].isspace() else right


def _key(prompt: Row, answer: Row) -> bytes:
    return hashlib.blake2b(array("q", (*prompt, -1, *answer)).tobytes(), digest_size=16).digest()


def _most(owners: Sequence[int]) -> int:
    """The unit that most characters of a token belong to, or -1."""
    return max(sorted(set(owners), reverse=True), key=owners.count, default=-1)
