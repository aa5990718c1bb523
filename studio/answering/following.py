"""A question that leans on the one before it ("and for bikes?", "¿y si es de noche?") as it must be searched for.

Told by its form: how it opens, whom its pronouns stand for, how little it says of its own. One that stands alone is never
touched. A model of a billion parameters writes it out; for smaller ones the words of the last question are carried over.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.answering.prompting import PROMPTS, small
from studio.base.errors import StudioError
from studio.base.folding import fold, numbers
from studio.base.records import Message
from studio.engines import Text
from studio.retrieval import terms

if TYPE_CHECKING:
    from studio.engines import Engine

FORMS: dict[str, Any] = json.loads((Path(__file__).parent / "following.json").read_text(encoding="utf-8"))
STANDING = 3  # words of its own with which a question with a pronoun still stands alone
REMEMBERED = 3  # questions; what was asked before that is another subject
LONGEST = 60  # words of a question that a model has written out
_SAID = re.compile(r"^[\s\"“«'*]+|[\s\"”»'*]+$")


def understood(question: str, history: Sequence[Message], engine: "Engine | None" = None, model: str = "") -> str:
    """The question with what it takes from the conversation, or as it is where it stands alone.

    With an engine and a model of a billion parameters or more the model writes it out; what it writes must be a question
    about the same things, or the rule's version is taken.
    """
    asked = [message.content.strip() for message in history if message.role == "user" and message.content.strip()]
    if not asked or not leans(question):
        return question
    by_rule = carried(question, asked)
    if engine is None or not model or small(model):
        return by_rule
    return _written(question, history, by_rule, engine, model)


def searched(question: str, understood_as: str) -> str:
    """What is searched for: the new words twice, beside what they lean on. On 64 made follow-ups the passage with the answer
    came first for 58 and among the first three for 62; for the new words alone 53 and 57, for both side by side 42 and 60.
    """
    if understood_as == question:
        return question
    rest = _opening(question)
    return f"{rest} {understood_as} {rest}"


def leans(question: str) -> bool:
    """Whether a question cannot be understood without the one before it."""
    text = " ".join(fold(question).replace("’", "'").split()).strip(" ?!.,¿¡")
    rest = _form("openings").sub("", text).strip(" ,¿")
    opened = rest != text
    rest = _form("impersonal").sub(" ", rest)
    said = terms.content(rest)
    own = [word for word in said if word not in _attributes()]
    if _form("strong").search(rest) and len(own) <= STANDING:
        return True
    if _form("pronouns").search(rest) and len(own) < STANDING:
        return True
    if _form("fragments").match(rest):
        return opened or len(own) <= STANDING
    if _form("questions").match(rest):
        return not own or (opened and len(said) < 2)
    return opened or len(own) < 2


def carried(question: str, asked: Sequence[str]) -> str:
    """The question behind the last one that stands alone and those that lean on it, each only where the next one takes its
    place no more: "How much is it for laptops?", "for bikes?" is asked of bikes.
    """
    known = ""
    for each in [*asked[-REMEMBERED:], question]:
        known = _joined(known, each) if known and leans(each) else each
    return known


def _joined(before: str, question: str) -> str:
    """The earlier question with its part of the same form replaced, otherwise followed by the later one."""
    rest = _opening(question)
    begins = re.match(r"\w+", fold(rest))
    if begins and begins.group() in FORMS["slots"].split():
        slot = re.compile(rf"\b{begins.group()}\b(?![^?.,;]*\b{begins.group()}\b)[^?.,;]*", re.I)
        if (place := slot.search(fold(before))) and len(fold(before)) == len(before):
            kept = before[: place.start()]
            if terms.content(kept):
                return f"{kept}{rest[0].lower()}{rest[1:].rstrip(' ?.!')}{before[place.end() :]}"
    return f"{before} {question}"


def _opening(question: str) -> str:
    """The question without its "And", "¿Y"."""
    bare = question.strip().lstrip("¿¡ ")
    found = _form("openings").match(fold(bare))
    return bare[found.end() :].lstrip(" ,¿") if found and len(fold(bare)) == len(bare) else bare


def _written(question: str, history: Sequence[Message], by_rule: str, engine: "Engine", model: str) -> str:
    language = "es" if terms.language(question, terms.language(by_rule, "en")) == "es" else "en"
    words = PROMPTS[language]
    said = "\n".join(f"{words[message.role]}: {message.content}" for message in history[-2 * REMEMBERED :])
    messages = (
        Message(role="system", content=words["rewrite"]),
        Message(role="user", content=f"{said}\n\n{words['follow_up'].format(question=question)}"),
    )
    try:
        written = "".join(
            piece.text
            for piece in engine.chat(messages, model=model, max_tokens=2 * LONGEST)
            if isinstance(piece, Text)
        )
    except StudioError:
        return by_rule
    written = _SAID.sub("", written.strip().split("\n")[0])
    return written if _sound(written, question, history, language) else by_rule


def _sound(written: str, question: str, history: Sequence[Message], language: str) -> bool:
    """One question in the same language that keeps the words of the new one and brings in no number of its own."""
    said = "\n".join([question, *(message.content for message in history)])
    kept = set(terms.content(question)) - _attributes()
    return (
        0 < len(written.split()) <= LONGEST
        and terms.language(written, language) == language
        and numbers(written) <= numbers(said)
        and len(kept & set(terms.content(written))) * 2 >= len(kept)
    )


@cache
def _form(name: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{each})" for each in FORMS[name]))


@cache
def _attributes() -> frozenset[str]:
    """Words that ask for something of whatever is spoken of: its price, its deadline."""
    return frozenset(terms.stem(word) for word in FORMS["attributes"].split())
