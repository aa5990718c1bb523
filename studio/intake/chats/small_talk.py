"""Words that carry a talk but teach nothing: greetings, thanks, smileys; and those that show a question or a follow-up.

The words themselves, English and Spanish, lie in `small_talk.json`.
"""

import json
import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path

from studio.base.folding import plain
from studio.intake.chats.turns import Turn

LONGEST = 120  # a greeting is short
FEW_WORDS = 3
WORD = re.compile(r"[^\W_]+")


def left(
    thread: Sequence[Turn], business: Collection[str], names: Collection[str] = ()
) -> tuple[list[Turn], list[Turn]]:
    """The turns that say something, and those that do not. A bare yes or no does,
    as the business's answer or after the other's question.
    """
    called = frozenset(word for name in names for word in plain(name).split())
    kept: list[Turn] = []
    skipped: list[Turn] = []
    for turn in thread:
        if not says_nothing(turn.text, called) or (_decides(turn.text) and _was_asked(turn, kept, business)):
            kept.append(turn)
        else:
            skipped.append(turn)
    return kept, skipped


def says_nothing(text: str, called: Collection[str] = ()) -> bool:
    """A greeting, thanks, a smiley, or a few of these; `called` are words of the names of those who talk."""
    if len(text) > LONGEST:
        return False
    words = plain(_phrases().sub(" ", text.lower())).split()
    if not words:
        return bool(_phrases().search(text.lower())) or not WORD.search(text)
    small = _words("words")
    beside = frozenset[str]() if _decides(text) else _words("beside")  # "sí, a las dos" says something
    if not all(word in small or word in beside or word in called for word in words):
        return False
    return any(word in small for word in words) or bool(_phrases().search(text.lower()))


def asks(text: str) -> bool:
    """Whether somebody wants to know something, with or without a question mark."""
    if "?" in text or "¿" in text:
        return True
    return any(_begins(line, "asks") for line in text.split("\n"))


def follows(text: str) -> bool:
    """Whether a question only makes sense after the one before: "And in blue?", "¿Y a Ceuta?", "How long?"."""
    return _begins(text, "follows") or len(plain(text).split()) <= FEW_WORDS


def _was_asked(turn: Turn, before: Sequence[Turn], business: Collection[str]) -> bool:
    last = next((other for other in reversed(before) if other.author != turn.author), None)
    return last is not None and (turn.author in business or "?" in last.text)


def _decides(text: str) -> bool:
    return any(word in _words("decides") for word in plain(text).split())


def _begins(text: str, kind: str) -> bool:
    return bool(_starts(kind).match(plain(text)))


@cache
def _starts(kind: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(map(plain, _lists()[kind]))})\b")


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(plain(" ".join(_lists()[kind])).split())


@cache
def _phrases() -> re.Pattern[str]:
    return re.compile("|".join(rf"\b(?:{phrase})\b" for phrase in _lists()["phrases"]))


@cache
def _lists() -> dict[str, tuple[str, ...]]:
    """The lists of both languages, each as one."""
    return {kind: tuple(_all(value)) for kind, value in _data().items()}


def _all(value: str | list[str] | dict[str, str | list[str]]) -> Iterator[str]:
    """Words stand in a string, phrases in a list; either may be given by language."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from _all(inner)
    else:
        yield from value.split() if isinstance(value, str) else value


def _data() -> dict[str, str | list[str] | dict[str, str | list[str]]]:
    found: dict[str, str | list[str] | dict[str, str | list[str]]] = json.loads(
        Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    )
    return found


def words(kind: str) -> frozenset[str]:
    """A list of `small_talk.json` in both languages, without accents."""
    return _words(kind)
