"""When nothing in the documents answers a question: found out by asking the index questions it cannot answer.

Cosines of a small embedder all lie close together (.75 to .92), so no fixed number tells found from not
found. Every index is asked the probes of `probes.json`: questions about the rest of the world, and questions
one may ask any company but whose answer hardly any writes down. What most of them score becomes the index's
threshold. A probe whose words do stand in the documents may have its answer there and is left out.
"""

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from studio.base.records import LANGUAGES, Language
from studio.retrieval import terms

PROBES = Path(__file__).parent / "probes.json"
Kind = Literal["elsewhere", "company"]
QUANTILES: dict[Kind, float] = {"elsewhere": 0.95, "company": 0.9}  # of the probes of a kind stay below the threshold
ON_TOPIC = 0.6  # a probe this much covered by a passage it found is no probe for these documents
COVER_WEIGHT = 0.06  # a question whose words are all there may lie this much lower than one with none of them there


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


class Probe(NamedTuple):
    """A probe and what the index found for it: the best raw cosine, and the cover of its passages."""

    kind: Kind
    similarity: float
    cover: float


def probes() -> dict[Language, list[tuple[Kind, str]]]:
    """Questions the documents hardly answer, by language."""
    written = json.loads(PROBES.read_text(encoding="utf-8"))
    return {
        language: [(kind, asked) for kind in QUANTILES for asked in written[kind][language]] for language in LANGUAGES
    }


def score(similarity: float, cover: float) -> float:
    """How much the passages are about the question: meaning decides, and its words tip the scales."""
    return similarity + COVER_WEIGHT * cover


def threshold(found: Sequence[Probe]) -> float:
    """The score that the off-topic probes of every kind stay below, but for the share `QUANTILES` leaves over."""
    off_topic = [probe for probe in found if probe.cover < ON_TOPIC] or found
    by_kind = {kind: sorted(score(p.similarity, p.cover) for p in off_topic if p.kind == kind) for kind in QUANTILES}
    return max(_quantile(scores, QUANTILES[kind]) for kind, scores in by_kind.items() if scores)


def answerable(similarity: float, cover: float, threshold: float) -> bool:
    """Whether the passages found are about the question.

    A question of the same trade that the documents leave open comes closer to them than one about the rest of the
    world; the company probes and its own words give it away. Of the four templates (148 answerable questions, 28 of that
    kind) this keeps 145 and declines 19; asked in the other language it keeps 105 and declines 25. Without the company
    probes it was 145 and 15, and 83 and 26. Both numbers chosen on one business alone keep 142 and decline 19 on the
    other; half of the company probes, drawn 200 times, keep 145.1 and decline 17.3 on average.
    """
    return score(similarity, cover) >= threshold


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))
