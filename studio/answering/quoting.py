"""The answer word for word: the sentence of the passages that fits the question best.

For models too small to put a passage into words of their own: the starter, asked to answer from the right passage, got 11
of 37 template questions right, and its mistakes read well. A quoted sentence cannot be made up. Which sentence is chosen,
and how surely, is a plain function of question and passages, so that `explanation` can ask it what mattered.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from studio.answering import quotable
from studio.base.records import Passage, Variant
from studio.retrieval import terms, wanted

if TYPE_CHECKING:
    import numpy as np

    from studio.engines import Engine

# Of the templates' 148 answerable questions, 140 are answered by the right statement (131 where headings and whole tables
# were quoted too, and the kind of fact was not looked at; 137 where only the order of the passages counted, not how well
# each was found). The weights were chosen on these questions.
COVER, FOUND = 0.1, 0.1
TELLS = 0.03  # for having the kind of fact that is asked for: a day for "when", a number of years for "how many years"
NAT = 0.02  # a lead of this much makes a sentence e times likelier: a fortieth of the range cosines live in
IMPOSSIBLE = math.log(1e-3)  # for a sentence whose passage is not there
SENTENCES = {"short": 1, "medium": 2, "long": 3}


class Candidate(NamedTuple):
    """A statement that may be the answer, the position of its passage, and how well that was found (0..1)."""

    text: str
    passage: int
    found: float = 1.0


def candidates(passages: Sequence[Passage]) -> list[Candidate]:
    """Everything quotable of every passage, in order, each once."""
    found: dict[str, Candidate] = {}
    for position, passage in enumerate(passages):
        for text in quotable.statements(passage.chunk):
            if terms.content(text):
                found.setdefault(text, Candidate(text, position, passage.score))
    return list(found.values())


def chosen(said: str, parts: Sequence[str], offered: Sequence[Candidate]) -> list[int]:
    """Which candidate each sentence of a quoted answer comes from: the longest one that was said and holds it."""
    spoken = [n for n, candidate in enumerate(offered) if candidate.text in said]
    return [
        max((n for n in spoken if part.strip() in offered[n].text), key=lambda n: (len(offered[n].text), -n), default=0)
        for part in parts
    ]


def quote(variant: Variant, question: str, passages: Sequence[Passage], engine: "Engine") -> list[Candidate]:
    """The sentences to answer with, the most fitting ones of all, in the order in which they stand."""
    offered = candidates(passages)
    if not offered:
        return []
    (fits,) = fit([question], offered, vectors(offered, engine), engine)
    best = sorted(range(len(offered)), key=lambda n: -fits[n])[: SENTENCES[variant.profile.length]]
    return [offered[n] for n in sorted(best)]


def vectors(offered: Sequence[Candidate], engine: "Engine") -> "np.ndarray[Any, Any]":
    """The sentences as the embedder sees them: [sentences, dim]."""
    return engine.embed([candidate.text for candidate in offered], "passage")


def fit(
    questions: Sequence[str], offered: Sequence[Candidate], known: "np.ndarray[Any, Any]", engine: "Engine"
) -> list[list[float]]:
    """How well each sentence answers each question: [questions][sentences]. A question without words fits none.

    `known` are the sentences' `vectors`.
    """
    asked = [question for question in questions if question.strip()]
    embedded = iter(engine.embed(asked, "query")) if asked else iter(())
    words = [set(terms.content(candidate.text)) for candidate in offered]
    fits: list[list[float]] = []
    for question in questions:
        if not question.strip():
            fits.append([0.0] * len(offered))
            continue
        near = known @ next(embedded)
        meant = set(terms.content(question))
        told = wanted.tells(question, [candidate.text for candidate in offered])
        fits.append(
            [
                float(near[n])
                + COVER * len(meant & words[n]) / max(len(meant), 1)
                + TELLS * told[n]
                + FOUND * candidate.found
                for n, candidate in enumerate(offered)
            ]
        )
    return fits


def chances(
    fits: Sequence[float], offered: Sequence[Candidate], chosen: Sequence[int], present: Sequence[bool]
) -> list[float]:
    """Log-probability (nats) that each chosen sentence is picked among those whose passage is present: a softmax of the
    fits. `present` is per passage; a sentence of an absent one is as good as impossible.
    """
    there = [n for n, candidate in enumerate(offered) if present[candidate.passage]]
    if not there:
        return [IMPOSSIBLE] * len(chosen)
    highest = max(fits[n] for n in there)
    total = math.log(sum(math.exp((fits[n] - highest) / NAT) for n in there))
    return [max((fits[n] - highest) / NAT - total, IMPOSSIBLE) if n in there else IMPOSSIBLE for n in chosen]
