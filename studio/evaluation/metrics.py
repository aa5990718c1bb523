"""What is measured of an answer without a judge model, and how each figure is to be read.

`METRICS` names them in the order in which they are shown; `measured` takes the value of one answer for all that need no
model. Those that do are in `modelled`. Usefulness (`right`, `facts`) and fluency (`fluent`, `odder`) stay apart: an
answer that reads well and misses its fact is `pretty`.
"""

import math
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from studio.answering import support
from studio.answering.citing import without_markers
from studio.answering.figures import figures
from studio.base.records import Graded, Passage, Question
from studio.evaluation import grounds
from studio.evaluation.chrf import chrf
from studio.evaluation.style import Own, likeness
from studio.intake import language as languages
from studio.retrieval import chunking, sentences, terms

Kind = Literal["share", "mean", "ratio"]
Group = Literal["useful", "grounded", "wording", "effort"]
_WORD = re.compile(r"\w+(?:['’.-]\w+)*")
_STUTTER = re.compile(r"\b(\w+(?:\W+\w+){0,3})(?:\W+\1\b){2}", re.I)
_LEFTOVER = re.compile(r"<\|?\w+\|?>|\[/?INST\]|\b(?:user|assistant|system):|[�]|\{\{|\}\}", re.I)


class Metric(NamedTuple):
    """`kind`: a "share" lies in 0..1, a "mean" is an amount, a "ratio" is kept as its natural logarithm, so that twice and
    half weigh alike, and shown as a factor. `better` is "" where neither more nor less is.
    """

    code: str
    group: Group
    kind: Kind
    better: Literal["more", "less", ""]


METRICS = (
    Metric("right", "useful", "share", "more"),
    Metric("right_known", "useful", "share", "more"),
    Metric("right_declined", "useful", "share", "more"),
    Metric("answered", "useful", "share", "more"),
    Metric("facts", "useful", "share", "more"),
    Metric("similar", "useful", "share", "more"),
    Metric("chrf", "useful", "share", "more"),
    Metric("grounded", "grounded", "share", "more"),
    Metric("figures_backed", "grounded", "share", "more"),
    Metric("cited_right", "grounded", "share", "more"),
    Metric("cited_source", "grounded", "share", "more"),
    Metric("fluent", "wording", "share", "more"),
    Metric("odder", "wording", "ratio", "less"),
    Metric("language", "wording", "share", "more"),
    Metric("length", "wording", "ratio", ""),
    Metric("style", "wording", "share", "more"),
    Metric("style_distance", "wording", "share", "less"),
    Metric("perplexity", "wording", "ratio", "less"),
    Metric("seconds", "effort", "mean", "less"),
    Metric("tokens", "effort", "mean", "less"),
    Metric("energy", "effort", "mean", "less"),
    Metric("money", "effort", "mean", "less"),
)
BY_CODE = {metric.code: metric for metric in METRICS}
ESTIMATED = ("energy", "money")  # reckoned from the seconds, and nothing is metered


def measured(
    question: Question, graded: Graded, found: Sequence[Passage] = (), own: Own | None = None
) -> dict[str, float]:
    """Every value this answer has, by metric; what cannot be said of it is left out, never counted as nought.

    `found` is what any assistant found for the question: an answer given without searching is held against it too.
    """
    answer, text = graded.answer, without_markers(graded.answer.text).strip()
    values = {"right": float(graded.right), "seconds": answer.seconds}
    if (spoken := tokens(graded)) is not None:
        values["tokens"] = spoken
    if not question.answerable:
        return values | {"right_declined": float(graded.declined)}
    values |= {"right_known": float(graded.right), "answered": float(bool(text) and not graded.declined)}
    wanted = len(graded.found) + len(graded.missing)
    if wanted:
        values["facts"] = 0.0 if graded.declined or graded.forbidden else len(graded.found) / wanted
    if not text or graded.declined:
        return values
    if question.reference.strip():
        values["chrf"] = chrf(text, question.reference)
        values["length"] = math.log(max(_words(text), 1) / max(_words(question.reference), 1))
    if own is not None:
        values["style"] = likeness(text, own)
    values["fluent"] = fluent(text)
    values["language"] = float(_speaks(text, question))
    return values | _grounded(question, graded, found)


def tokens(graded: Graded) -> float | None:
    """How many the model wrote; None where it was cut off repeating itself, before it could say."""
    answer = graded.answer
    silent = answer.refused or answer.quoted or answer.computed is not None or not answer.text
    return float(answer.tokens) if answer.tokens or silent else None


def language(question: Question) -> Literal["en", "es"]:
    """The language in which an answer is expected."""
    return "es" if terms.language(f"{question.question} {question.reference}", "en") == "es" else "en"


def pretty(graded: Graded) -> bool:
    """Whether the answer reads well and is still wrong."""
    said = graded.measured.get("fluent")
    return said == 1.0 and not graded.right and not graded.declined


def fluent(text: str) -> float:
    """The share of sentences that are well formed: begun and ended as one begins and ends them, nothing said over and over,
    no bracket left open, none of a model's own marks in it.
    """
    parts = [text[start:end].strip() for start, end in sentences.spans(text)]
    return sum(map(_well_formed, parts)) / len(parts) if parts else 0.0


def _grounded(question: Question, graded: Graded, found: Sequence[Passage]) -> dict[str, float]:
    values: dict[str, float] = {}
    answer = graded.answer
    every = (*answer.passages, *(each for each in found if each.chunk.id not in {p.chunk.id for p in answer.passages}))
    if (share := grounds.share(answer.text, question.question, every)) is not None:
        values["grounded"] = share
    stated = figures(without_markers(answer.text))
    texts = [chunking.headed(each.chunk) for each in every]
    if stated and texts:
        known = [figure for text in (*texts, question.question) for figure in figures(text)]
        values["figures_backed"] = sum(any(support.agree(f, k) for k in known) for f in stated) / len(stated)
    if question.expected_source and answer.passages:
        cited = [answer.passages[each.passage].chunk.document for each in answer.citations]
        hits = [_same_source(name, question.expected_source) for name in cited]
        if hits:
            values["cited_right"] = sum(hits) / len(hits)
        values["cited_source"] = float(any(hits))
    return values


def _speaks(text: str, question: Question) -> bool:
    """Whether the answer is in its question's language, told by words that are no names, codes or addresses; where no word
    tells, it is.
    """
    wanted = language(question)
    known = set(f"{question.question} {question.reference}".split())
    words = [
        word for word in text.split() if not ("@" in word or (word[:1].isupper() and _bare(word) in map(_bare, known)))
    ]
    plain = " ".join(words)
    return (languages.of(plain) or terms.language(plain, wanted)) == wanted


def _bare(word: str) -> str:
    return word.strip(".,;:!?¿¡()\"'«»“”")


def _same_source(document: str, expected: str) -> bool:
    """Whether a document is the expected one, with or without its folder."""
    return document.rpartition("/")[2].casefold() == expected.rpartition("/")[2].casefold()


def _well_formed(sentence: str) -> bool:
    bare = re.sub(r"^(?:[-*•·–]|\d{1,3}[.)])\s+", "", sentence).strip()
    first = bare.lstrip("\"'“«(¿¡*_")[:1]
    return bool(
        bare
        and (first.isupper() or first.isdigit() or first in "€$£+@" or "@" in bare.split()[0])
        and re.search(r"[.!?…:]['\"”»)*_]*$", bare)
        and not _STUTTER.search(bare)
        and not _LEFTOVER.search(bare)
        and all(bare.count(a) == bare.count(b) for a, b in ("()", "[]", "«»", "“”"))
    )


def _words(text: str) -> int:
    return len(_WORD.findall(text))
