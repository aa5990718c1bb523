"""Words as questions over tables compare them: without their forms, one for all that mean the same in both languages."""

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from studio.answering.figures import WORDS as KNOWN
from studio.base.folding import fold
from studio.retrieval import terms

WORDS: dict[str, Any] = json.loads((Path(__file__).parent / "computing.json").read_text(encoding="utf-8"))


@cache
def meaning(word: str) -> str:
    """The one word that stands for all that mean the same, in both languages."""
    known, stem = _same(), terms.stem(word)
    return known.get(word) or known.get(stem, stem)


@lru_cache(maxsize=50_000)
def meanings(text: str, language: str) -> tuple[str, ...]:
    """The words of a name or a cell as they are compared; which ones carry none depends on the language."""
    small = filler(language)
    return tuple(meaning(word) for word in words(text) if word not in small)


def listed(key: str) -> frozenset[str]:
    """A list of computing.json, by meaning."""
    return frozenset(meaning(word) for word in WORDS[key].split())


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+(?:[.,'’/-][^\W_]+)*", fold(text))


@cache
def filler(language: str) -> frozenset[str]:
    """Small words; one language's may mean something in the other ("sea")."""
    return frozenset(WORDS["filler"][language].split())


@cache
def empty() -> frozenset[str]:
    """Words that say nothing in such a question: "list", "do you have"."""
    return frozenset(fold(WORDS["empty"]).split())


@cache
def _same() -> dict[str, str]:
    made: dict[str, str] = {}
    for line in (*WORDS["same"], *KNOWN["same"]):
        alike = [word for word in line.split("|") if " " not in word]
        for word in alike:
            made.setdefault(
                word, terms.stem(alike[0])
            )  # "plazas" are seats and "plazo" is a deadline; their stem is one
            made.setdefault(terms.stem(word), terms.stem(alike[0]))
    return made
