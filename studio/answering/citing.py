"""Which passage carries which sentence of an answer. Small models cannot be trusted to say so themselves.

A sentence is credited to a passage when every number in it stands there and most of its content words do; a
`[2]` the model wrote itself is only kept when that holds. A sentence nothing carries gets no citation.
Nothing is rewritten.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from studio.base.records import Citation, Passage
from studio.retrieval import chunking, sentences, terms

ENOUGH = 0.5  # of a sentence's content words
ENOUGH_IF_CLAIMED = 0.34  # when the model itself named the passage
_MARKER = re.compile(r"[ \t]*\[\s*(\d{1,2})\s*\]")
_TAIL = re.compile(r"[.!?…:]*[\"»”’')\]]*\s*$")


class Cited(NamedTuple):
    """The answer with its markers, and what they point to."""

    text: str
    citations: tuple[Citation, ...]


def cite(text: str, passages: Sequence[Passage]) -> Cited:
    """Put `[n]` before the full stop of every sentence that passage n (its position, from 1) carries."""
    kept = [_Source.of(passage) for passage in passages]
    made, at = [], 0
    used: list[int] = []
    for start, end in sentences.spans(text):
        sentence = text[start:end]
        found = _carrier(without_markers(sentence), _claims(sentence), kept)
        made.append(text[at:start])
        made.append(_marked(without_markers(sentence), found))
        at = end
        if found is not None and found not in used:
            used.append(found)
    return Cited("".join([*made, text[at:]]).strip(), tuple(Citation(number=n + 1, passage=n) for n in sorted(used)))


def without_markers(text: str) -> str:
    """The answer as the model would have written it: without `[n]`."""
    return _MARKER.sub("", text)


class _Source(NamedTuple):
    words: frozenset[str]
    numbers: frozenset[str]

    @classmethod
    def of(cls, passage: Passage) -> "_Source":
        text = chunking.headed(passage.chunk)
        return cls(frozenset(terms.content(text)), terms.numbers(text))


def _carrier(sentence: str, claims: Sequence[int], passages: Sequence[_Source]) -> int | None:
    """The position of the passage that carries the sentence best; of equal ones the first, or the one
    claimed.
    """
    words = set(terms.content(sentence))
    numbers = terms.numbers(sentence)
    if not words or sentence.rstrip().endswith("?"):
        return None  # nothing is claimed
    best: tuple[float, int, int] | None = None
    for position, passage in enumerate(passages):
        share = len(words & passage.words) / len(words)
        claimed = position + 1 in claims
        if numbers <= passage.numbers and share >= (ENOUGH_IF_CLAIMED if claimed else ENOUGH):
            candidate = (share + 0.1 * claimed, -position, position)
            best = max(best, candidate) if best else candidate
    return best[2] if best else None


def _claims(sentence: str) -> list[int]:
    return [int(number) for number in _MARKER.findall(sentence)]


def _marked(sentence: str, position: int | None) -> str:
    if position is None:
        return sentence
    tail = _TAIL.search(sentence)
    cut = tail.start() if tail else len(sentence)
    return f"{sentence[:cut]} [{position + 1}]{sentence[cut:]}"
