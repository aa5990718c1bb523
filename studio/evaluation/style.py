"""Whether an answer sounds like the company's own: its length, sentences, way of addressing and marks of courtesy, counted.

`of` counts, `Own.from_texts` keeps what is usual, `likeness` says how many marks of an answer are usual, `distance` how far
the distribution of many answers lies from the company's. No model; by rule in English and Spanish.
"""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from studio.base.folding import fold
from studio.retrieval import sentences

FEWEST = 10  # own answers below which nothing is usual
USUAL = (0.05, 0.95)
_WORDS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_LINES = re.compile(r"^\s*(?:[-*•·]|\d{1,2}[.)])\s+\S", re.M)
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")


def of(text: str) -> dict[str, float]:
    """The marks of one answer. `familiar` and `formal` are shares of words that say tú or usted, 0 in English."""
    words = [fold(word) for word in _WORDS.findall(text)]
    count = max(len(words), 1)
    said = max(len(sentences.spans(text)), 1)
    marks = _marks()
    return {
        "words": float(len(words)),
        "sentences": float(said),
        "sentence_words": len(words) / said,
        "word_letters": sum(map(len, words)) / count,
        "familiar": sum(word in marks["familiar"] for word in words) / count,
        "formal": sum(word in marks["formal"] for word in words) / count,
        "courtesy": sum(word in marks["courtesy"] for word in words) / said,
        "contracted": sum("'" in word or "’" in word for word in words) / count,
        "exclaimed": text.count("!") / said,
        "listed": float(len(_LINES.findall(text))),
        "emoji": float(len(_EMOJI.findall(text))),
    }


class Own(NamedTuple):
    """What is usual in the company's own answers: all values of each mark, sorted, and their middle nine tenths."""

    values: dict[str, list[float]]
    usual: dict[str, tuple[float, float]]

    @classmethod
    def from_texts(cls, texts: Sequence[str]) -> "Own | None":
        """None with fewer than FEWEST of them."""
        counted = [of(text) for text in dict.fromkeys(texts) if text.strip()]
        if len(counted) < FEWEST:
            return None
        values = {mark: sorted(each[mark] for each in counted) for mark in counted[0]}
        last = len(counted) - 1
        usual = {mark: (each[round(USUAL[0] * last)], each[round(USUAL[1] * last)]) for mark, each in values.items()}
        return cls(values, usual)


def likeness(text: str, own: Own) -> float:
    """The share of the answer's marks that lie where nine tenths of the own answers do: 0 to 1."""
    counted = of(text)
    return sum(low <= counted[mark] <= high for mark, (low, high) in own.usual.items()) / len(own.usual)


def distance(counted: Sequence[dict[str, float]], own: Own) -> float:
    """0 (told apart by nothing) to 1: the mean over the marks of Kolmogorov and Smirnov's largest gap between the two
    distributions. `counted` are the marks of each answer, as `of` gives them.
    """
    import numpy as np

    gaps = []
    for mark, theirs in own.values.items():
        ours = np.sort([each[mark] for each in counted])
        at = np.concatenate([ours, theirs])
        mine = np.searchsorted(ours, at, side="right") / len(ours)
        others = np.searchsorted(theirs, at, side="right") / len(theirs)
        gaps.append(float(np.abs(mine - others).max()))
    return sum(gaps) / len(gaps)


@cache
def _marks() -> dict[str, frozenset[str]]:
    written = json.loads((Path(__file__).parent / "style.json").read_text(encoding="utf-8"))
    return {name: frozenset(fold(words).split()) for name, words in written.items()}
