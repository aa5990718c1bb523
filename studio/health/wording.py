"""What a text says, in forms that can be compared: word for word, its figures and its noes, its words of meaning."""

import json
import re
from pathlib import Path
from typing import NamedTuple

from studio.base.folding import WORD, fold, numbers, plain

LISTS = json.loads((Path(__file__).parent / "words.json").read_text(encoding="utf-8"))
FILLER = frozenset(" ".join(LISTS["filler"]).split())
NO = frozenset(" ".join(LISTS["no"]).split())
NONE: frozenset[str] = frozenset()
LONG = 6  # letters of a word in which a wrong one is a typing error and not another word
SOFT = re.compile(r"[;:!?¿¡'\"’‘“”«»…]+|[.,]+(?!\d)")  # signs that change nothing; €, %, + and the like do


def same(text: str) -> str:
    """Equal for texts that say the same word for word: case, accents, spaces and punctuation aside."""
    return " ".join(SOFT.sub(" ", fold(text)).split()) or " ".join(text.split())


class Claim(NamedTuple):
    """What may not differ between two texts that are to say the same."""

    numbers: frozenset[str]
    negated: bool


def claim(text: str) -> Claim:
    return Claim(numbers(text) if any(map(str.isdigit, text)) else NONE, negated(text))


def negated(text: str) -> bool:
    folded = fold(text)
    return "n't" in folded or "n’t" in folded or not NO.isdisjoint(WORD.findall(folded))


def content(text: str) -> tuple[str, ...]:
    """The words that carry meaning, in order, without plural: the same for two ways of asking one thing."""
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in plain(text).split()
        if word not in FILLER
    )


def misspelt(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, str] | None:
    """The one long word in which two equally long texts differ, by one letter that is missing, wrong or swapped."""
    if len(a) != len(b):
        return None
    unlike = [(one, other) for one, other in zip(a, b, strict=True) if one != other]
    if len(unlike) == 1 and min(map(len, unlike[0])) >= LONG - 1 and _one_slip(*unlike[0]):
        return unlike[0]
    return None


def _one_slip(a: str, b: str) -> bool:
    if len(a) > len(b):
        a, b = b, a
    at = next((n for n, letter in enumerate(a) if letter != b[n]), len(a))
    if len(b) - len(a) == 1:
        return a[at:] == b[at + 1 :]
    return len(a) == len(b) and (
        a[at + 1 :] == b[at + 1 :] or (a[at : at + 2] == b[at : at + 2][::-1] and a[at + 2 :] == b[at + 2 :])
    )
