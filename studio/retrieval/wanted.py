"""Which kind of fact a question asks for (a day, money, a number of years), and which sentences have one.

Patterns over words alone (answerability.json); whether the fact is the right one nobody here knows.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from studio.base.folding import fold
from studio.retrieval import terms

LEARNT = Path(__file__).parent / "answerability.json"
NOUN = 4  # letters by which "years" and "year", "días" and "día" are the same
NOUNS = 2  # after "how many": "working days"


class Wanted(NamedTuple):
    """`kind` as `tells` names it, empty for none; `counted` are the beginnings of what "how many" counts."""

    kind: str
    counted: tuple[str, ...]


def wanted(question: str) -> Wanted:
    """What the question asks for."""
    folded = fold(question)
    kind = next((kind for kind, pattern in _asks() if pattern.search(folded)), "")
    found = _how_many().search(folded)
    words = [word for word in found[1].split() if terms.content(word)][:NOUNS] if found else []
    return Wanted(kind, tuple(word[:NOUN] for word in words))


def told(sought: Wanted, sentence: str) -> float:
    """1 where the sentence has such a fact, 0.5 where it has a number but of something else, otherwise 0."""
    if sought.counted and (_counting(sought.counted).search(fold(sentence))):
        return 1.0
    if not sought.kind or not _tells()[sought.kind].search(sentence):
        return 0.0
    return 0.5 if sought.counted else 1.0


def tells(question: str, offered: Sequence[str]) -> list[float]:
    """For each sentence, how far it has the kind of fact that is asked for; 0 for all where nothing special is."""
    sought = wanted(question)
    return [told(sought, each) for each in offered]


@cache
def learnt() -> dict[str, Any]:
    """What stands in answerability.json."""
    written: dict[str, Any] = json.loads(LEARNT.read_text(encoding="utf-8"))
    return written


@cache
def _counting(nouns: tuple[str, ...]) -> re.Pattern[str]:
    beginnings = "|".join(map(re.escape, nouns))
    return re.compile(rf"\b(?:\d[\d.,]*|{learnt()['numerals']})\b\W+(?:[^\W\d_]+\W+){{0,2}}?(?:{beginnings})")


@cache
def _how_many() -> re.Pattern[str]:
    return re.compile(learnt()["how_many"])


@cache
def _asks() -> list[tuple[str, re.Pattern[str]]]:
    return [(kind, re.compile(pattern)) for kind, pattern in learnt()["asks"]]


@cache
def _tells() -> dict[str, re.Pattern[str]]:
    return {kind: re.compile(pattern) for kind, pattern in learnt()["tells"].items()}
