"""Words as they are compared: without case, accents, endings and filler words, alike in English and Spanish.

Light on purpose: the search index has a real stemmer; this one decides what a question and a passage share.
"""

import json
import re
import unicodedata
from pathlib import Path

from studio.base.folding import NUMBER, number, numbers

__all__ = ["content", "fold", "language", "numbers", "stem"]

_WORD = re.compile(r"[^\W_]+(?:[.,'’][^\W_]+)*")

_LISTS = json.loads((Path(__file__).parent / "wordlists.json").read_text(encoding="utf-8"))
_FILLER = frozenset(" ".join(_LISTS["filler"]).split())
_SPANISH = frozenset(" ".join(_LISTS["tells_spanish"]).split())
_ENGLISH = frozenset(" ".join(_LISTS["tells_english"]).split())


def fold(text: str) -> str:
    """Lower case and without accents: "Avería" and "AVERIA" become one."""
    plain = unicodedata.normalize("NFD", text.lower())
    return unicodedata.normalize("NFC", "".join(c for c in plain if not unicodedata.combining(c)))


def content(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order; numbers in one form whatever their separators."""
    folded = fold(text)
    return [stem(word) for word in _WORD.findall(folded) if word not in _FILLER and (len(word) > 1 or word.isdigit())]


def stem(word: str) -> str:
    """A folded word without its plural and gender, or a number in its plain form."""
    if word[0].isdigit():
        return number(word) if NUMBER.fullmatch(word) else word
    word = word.removesuffix("'s").removesuffix("’s")
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if len(word) > len(ending) + 3:
            word = word.removesuffix(ending)
    if len(word) > 3 and word[-1] in "aoe":
        word = word[:-1]
    return word[:-1] + "i" if word.endswith("y") else word


def language(text: str, otherwise: str) -> str:
    """ "es" or "en", told by small words and Spanish letters; `otherwise` where neither speaks up."""
    lowered = text.lower()
    words = re.findall(r"[^\W\d_]+", fold(text))
    spanish = (
        sum(word in _SPANISH for word in words)
        + 2 * sum(c in "ñ¿¡" for c in lowered)
        + sum(c in "áéíóú" for c in lowered)
    )
    english = sum(word in _ENGLISH for word in words)
    return otherwise if spanish == english else "es" if spanish > english else "en"
