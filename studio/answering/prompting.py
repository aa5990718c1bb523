"""The exact words a model is sent. Pure: the same variant, question and passages always make the same
messages.

Texts from outside (question, passages, examples) stand in it as they are, so that an explanation finds them
again. What a model's chat template would read as its own tokens is made harmless by `engines`, not here. For
larger models passages stand between marks derived from their content, so that none can pretend to be the end
of them, and the model is told to say when it does not know. Models under a billion parameters get the
passages bare (numbers and headings they would copy) and one plain request, not the company's instructions: on
the insurance template's questions the starter had 8 to 9 of 18 right when asked for "one sentence copied from
the text", 3 when asked for "one short sentence", and 5 with the template's instructions in front. Told that
it may say it does not know, it mostly does.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from studio.base.errors import NotFound
from studio.base.records import APPROACHES_THAT_SEARCH, Example, Language, Message, Passage, Variant
from studio.engines import model as model_named
from studio.retrieval import chunking, terms

PROMPTS: dict[str, Any] = json.loads((Path(__file__).parent / "prompts.json").read_text(encoding="utf-8"))
SMALL = 1_000_000_000  # parameters
HISTORY = 4  # messages of the conversation so far that still fit beside passages in a small context


def compose(
    variant: Variant,
    question: str,
    passages: Sequence[Passage],
    examples: Sequence[Example] = (),
    history: Sequence[Message] = (),
) -> tuple[Message, ...]:
    """The prompt of a variant.

    `plain` and `trained`: the question alone (training saw nothing else, so nothing else is added).
    `instructions`: a system message before it. `examples`: past questions with their answers in between.
    `documents` and `whole`: the passages and the question in one message, the best passage last, next to the
    question. `both`: the same without the system message. Passages are numbered by their position in
    `passages`, from 1.
    """
    language = language_of(question, variant, passages)
    before = tuple(history[-HISTORY:])
    shown = tuple(message for example in examples for message in example.messages[-2:])
    match variant.approach:
        case "plain" | "trained":
            return (*before, _user(question))
        case "instructions":
            return (_system(variant, language), *before, _user(question))
        case "examples":
            return (_system(variant, language), *shown, *before, _user(question))
        case "documents" | "whole":
            return (_system(variant, language), *before, _user(_with_passages(variant, question, passages, language)))
        case "both":
            return (*before, _user(_with_passages(variant, question, passages, language)))


def language_of(question: str, variant: Variant, passages: Sequence[Passage] = ()) -> Language:
    """The language to answer in: that of the question; where it does not say, that of the passages or instructions."""
    otherwise = passages[0].chunk.language if passages else terms.language(variant.instructions, "en")
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


def _with_passages(variant: Variant, question: str, passages: Sequence[Passage], language: Language) -> str:
    words = PROMPTS[language]
    if not passages:
        return question
    asked = words["question"].format(question=question)
    if small(variant.model):
        listed = [passage.chunk.text for passage in passages]
        return "\n\n".join([*reversed(listed), f"{asked}\n{words['copy']}"])
    mark = _mark(question, passages)
    listed = [
        f"[{number}] {_place(passage)} ({mark})\n{passage.chunk.text}"
        for number, passage in enumerate(passages, start=1)
    ]
    return "\n\n".join([*reversed(listed), f"{words['end']} ({mark})", f"{words['rule']}\n{asked}"])


def _place(passage: Passage) -> str:
    chunk = passage.chunk
    return " · ".join(part for part in (chunking.title(chunk.document), chunk.sheet or chunk.heading) if part)


def _mark(question: str, passages: Sequence[Passage]) -> str:
    """Four characters nobody who writes a document can foresee, and always the same for the same prompt."""
    content = "\x1f".join([question, *(passage.chunk.text for passage in passages)])
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:4]


def _user(content: str) -> Message:
    return Message(role="user", content=content)
