"""When nothing in the documents answers a question: found out by asking the index questions it cannot answer.

Cosines of a small embedder all lie close together (.75 to .92), so no fixed number tells found from not
found. Every index is asked the probes of `probes.json`, and the similarity that 95 % of them stay below
becomes its threshold. A probe whose words do stand in the documents is about this company's trade after all
and is left out.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from studio.base.records import LANGUAGES, Language
from studio.retrieval import terms

PROBES = Path(__file__).parent / "probes.json"
QUANTILE = 0.95
ON_TOPIC = 0.6  # a probe this much covered by the passage it found is no probe for these documents
COVER_WEIGHT = 0.04  # a question whose words are all there may lie this much lower than one with none of them there
NEUTRAL_COVER = 0.75


class Frequencies:
    """In how many passages each word occurs; a word of one passage weighs like one that occurs nowhere."""

    def __init__(self, passages: int, counts: dict[str, int]) -> None:
        self.passages = passages
        self.counts = counts

    @classmethod
    def count(cls, texts: Iterable[str]) -> "Frequencies":
        counted: Counter[str] = Counter()
        passages = 0
        for text in texts:
            counted.update(set(terms.content(text)))
            passages += 1
        return cls(passages, {word: times for word, times in sorted(counted.items()) if times > 1})

    def weight(self, word: str) -> float:
        """Inverse document frequency, as BM25 has it (Robertson and Spärck Jones 1976)."""
        times = self.counts.get(word, 1)
        return math.log(1 + (self.passages - times + 0.5) / (times + 0.5))

    def cover(self, question: str, texts: Sequence[str]) -> float:
        """How much of the question's weight the best of these texts contains, in 0..1; 1 for a question of
        filler words.
        """
        asked = set(terms.content(question))
        whole = sum(self.weight(word) for word in asked)
        if not whole:
            return 1.0
        return max((self._weight_in(asked, set(terms.content(text))) / whole for text in texts), default=0.0)

    def _weight_in(self, asked: Collection[str], there: Collection[str]) -> float:
        return sum(self.weight(word) for word in asked if word in there)


def probes() -> dict[Language, list[str]]:
    """Questions about many things, by language."""
    written = json.loads(PROBES.read_text(encoding="utf-8"))
    return {language: written[language] for language in LANGUAGES}


def threshold(asked: Sequence[str], nearest: Sequence[tuple[float, str]], frequencies: Frequencies) -> float:
    """The similarity that `QUANTILE` of the off-topic probes stay below. `nearest`: best cosine and its text
    for each.
    """
    off_topic = sorted(
        cosine
        for question, (cosine, text) in zip(asked, nearest, strict=True)
        if frequencies.cover(question, [text]) < ON_TOPIC
    )
    kept = off_topic or sorted(cosine for cosine, _ in nearest)
    place = QUANTILE * (len(kept) - 1)
    below, above = kept[math.floor(place)], kept[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))


def answerable(similarity: float, cover: float, threshold: float) -> bool:
    """Whether the passages found are about the question: meaning decides, and its words tip the scales.

    A question of the same trade that the documents leave open comes closer to them than any probe; its words give it
    away. On the four templates (148 answerable questions, 28 of that kind) this keeps 145 and refuses 14; similarity
    alone kept 147 and refused 11. What is off the subject is refused far more surely: that is what the probes are.
    """
    return similarity + COVER_WEIGHT * (cover - NEUTRAL_COVER) >= threshold
