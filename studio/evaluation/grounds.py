"""How much of an answer rests on the passages found for its question.

Counted are its words of meaning and its figures: those that stand in the passage nearest to their sentence. A figure that
stands there for something else does not; a sentence with a figure that is nowhere there, or one that denies what stands
there, has nothing. Words of the question count as standing. What is put in other words altogether counts as not there.
"""

import re
from collections.abc import Iterator, Sequence

from studio.answering import support
from studio.answering.citing import without_markers
from studio.base.records import Passage
from studio.evaluation import subjects
from studio.evaluation.facts import rewritten
from studio.retrieval import chunking, sentences

_OPENING = re.compile(r"^\s*(?:(?:[-*•·–]|\d{1,3}[.)])\s+|(?:no|yes|s[ií])\s*[,.;:–—-]+\s*)+", re.I)


def share(text: str, question: str, passages: Sequence[Passage]) -> float | None:
    """0 to 1; None where nothing is claimed or there is nothing to hold it against."""
    sources = [rewritten(chunking.headed(passage.chunk)) for passage in passages]
    asked = frozenset(support.meaning(question))
    have = claimed = 0
    for sentence in _claims(rewritten(without_markers(text))):
        said = support.stretch(sentence)
        have += max((_standing(sentence, said, asked, source) for source in sources), default=0)
        claimed += len(said.words) + len(said.figures)
    return have / claimed if claimed and sources else None


def _claims(text: str) -> Iterator[str]:
    for start, end in sentences.spans(text):
        sentence = _OPENING.sub("", text[start:end]).strip()
        if not sentence.endswith("?"):
            yield sentence


def _standing(sentence: str, said: support.Stretch, asked: frozenset[str], source: str) -> int:
    """How many of the sentence's words and figures stand in one passage."""
    known = support.read(source)
    lacking = any(not any(support.agree(figure, other) for other in known.figures) for figure in said.figures)
    if lacking or (len(said.words) > 1 and support.opposed(said, known)):  # one word is too little to deny something
        return 0
    words = sum(
        word in asked or word in known.words or word[: support.LETTERS] in known.beginnings for word in said.words
    )
    there = subjects.of(source)
    return words + sum(not subjects.elsewhere(subject, there) for subject in subjects.of(sentence))
