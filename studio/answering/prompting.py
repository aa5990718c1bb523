"""The exact words a model is sent.

Texts from outside (question, passages, examples) stand in it as they are, so that an explanation finds them
again. What a model's chat template would read as its own tokens is made harmless by `engines`, not here. For
larger models every passage stands between marks drawn anew for each answer, so that no document can close its own
quotation, and the model is told that what stands between them is quoted, and to say when it does not know. Models under
a billion parameters get the passages bare (numbers and headings they would copy) and one plain request, not the company's
instructions, so there is nothing they could be talked into giving away: on the insurance template's questions the starter
had 8 to 9 of 18 right when asked for "one sentence copied from the text", 3 when asked for "one short sentence", and 5
with the template's instructions in front. Told that it may say it does not know, it mostly does. Training shows questions
and answers without passages, so no trained variant depends on how these are set.
"""

import json
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.base.errors import NotFound
from studio.base.records import APPROACHES_THAT_SEARCH, Example, Language, Message, Passage, Variant
from studio.engines import model as model_named
from studio.retrieval import chunking, terms

PROMPTS: dict[str, Any] = json.loads((Path(__file__).parent / "prompts.json").read_text(encoding="utf-8"))
SMALL = 1_000_000_000  # parameters
HISTORY = {True: 4, False: 12}  # messages of the conversation so far, for small models and others
CHARACTERS_PER_TOKEN = 2.7  # Spanish through the starter's tokenizer, which was made for English
CONTEXT = 4096  # tokens, of a model that is not in the catalogue


def compose(
    variant: Variant,
    question: str,
    passages: Sequence[Passage],
    examples: Sequence[Example] = (),
    history: Sequence[Message] = (),
    mark: str = "",
) -> tuple[Message, ...]:
    """The prompt of a variant; `mark` stands around its passages, a fresh one unless one is given.

    `plain` and `trained`: the question alone (training saw nothing else, so nothing else is added); `trained` within the
    system message its examples had, if they all had the same.
    `instructions`: a system message before it. `examples`: past questions with their answers in between.
    `documents` and `whole`: the passages and the question in one message, the best passage last, next to the
    question. `both`: the same, with the system message of the examples in place of its own: of 60 facts learnt within one
    the starter then said 52 (55 without) beside the right passage, and 18 (10 without) beside a wrong one (one seed,
    2026-11-22). Passages are numbered by their position in `passages`, from 1. Of the conversation so far the latest
    messages are shown, as many as the model's context leaves room for.
    """
    language = language_of(question, variant, passages, history)
    asked = _user(_with_passages(variant, question, passages, language, mark or secrets.token_hex(4)))
    before = _latest(history, variant, len(asked.content) + sum(len(m.content) for e in examples for m in e.messages))
    shown = tuple(message for example in examples for message in example.messages[-2:])
    match variant.approach:
        case "plain":
            return (*before, _user(question))
        case "trained" | "both":
            frame = (Message(role="system", content=variant.frame),) if variant.frame else ()
            return (*frame, *before, asked if variant.approach == "both" else _user(question))
        case "instructions":
            return (_system(variant, language), *before, _user(question))
        case "examples":
            return (_system(variant, language), *shown, *before, _user(question))
        case "documents" | "whole":
            return (_system(variant, language), *before, asked)


def language_of(
    question: str, variant: Variant, passages: Sequence[Passage] = (), history: Sequence[Message] = ()
) -> Language:
    """The language to answer in: that of the question; where it does not say, that of the question before it, of the
    passages or of the instructions.
    """
    otherwise = passages[0].chunk.language if passages else terms.language(variant.instructions, "en")
    for message in history:
        otherwise = terms.language(message.content, otherwise) if message.role == "user" else otherwise
    return "es" if terms.language(question, otherwise) == "es" else "en"


def searches(variant: Variant) -> bool:
    return variant.approach in APPROACHES_THAT_SEARCH


def small(model: str) -> bool:
    """Whether a model needs to be spoken to in the simplest way; one that is not in the catalogue does
    not.
    """
    try:
        return model_named(model).parameters < SMALL
    except NotFound:
        return False


def _system(variant: Variant, language: Language) -> Message:
    words, profile = PROMPTS[language], variant.profile
    if variant.approach in ("documents", "whole") and small(variant.model):
        return Message(role="system", content=words["copy"])
    address, length = words[profile.address] if profile.address else "", words[profile.length]
    parts = [variant.instructions.strip() or words["role"], address, words[profile.tone], length]
    return Message(role="system", content=" ".join(part for part in parts if part))


def _latest(history: Sequence[Message], variant: Variant, taken: int) -> tuple[Message, ...]:
    """The end of the conversation, from a question on, within the room that is left in the model's context."""
    try:
        context = model_named(variant.model).context
    except NotFound:
        context = CONTEXT
    room = int((context - variant.max_tokens) * CHARACTERS_PER_TOKEN) - taken - len(variant.instructions) - 500
    kept: list[Message] = []
    for message in reversed(history[-HISTORY[small(variant.model)] :]):
        room -= len(message.content)
        if room < 0:
            break
        kept.insert(0, message)
    while kept and kept[0].role != "user":
        kept.pop(0)
    return tuple(kept)


def _with_passages(variant: Variant, question: str, passages: Sequence[Passage], language: Language, mark: str) -> str:
    words = PROMPTS[language]
    if not passages:
        return question
    asked = words["question"].format(question=question)
    if small(variant.model):
        listed = [passage.chunk.text for passage in passages]
        return "\n\n".join([*reversed(listed), f"{asked}\n{words['copy']}"])
    listed = [
        f"[{number}] {_place(passage)} ({mark})\n{passage.chunk.text}\n({mark})"
        for number, passage in enumerate(passages, start=1)
    ]
    return "\n\n".join([*reversed(listed), f"{words['end']} ({mark})", f"{words['rule'].format(mark=mark)}\n{asked}"])


def _place(passage: Passage) -> str:
    chunk = passage.chunk
    parts = (chunking.title(chunk.document), chunk.sheet or chunk.heading)
    return re.sub(r"\s+", " ", " · ".join(part for part in parts if part))


def _user(content: str) -> Message:
    return Message(role="user", content=content)
