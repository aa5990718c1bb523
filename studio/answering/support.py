"""What stands behind each sentence of an answer: every figure, date and name in it is looked up in the text it rests on.

`check` compares; it asks no model, changes no word and decides nothing. "contradicting" is said where the passage speaks
of the same thing with another value of the same kind, or says the opposite; "unsupported" where it is silent.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from studio.answering.citing import without_markers
from studio.answering.figures import WORDS, Figure, Name, blanked, figures, names
from studio.base.folding import fold
from studio.base.records import Answer, Passage, Support
from studio.retrieval import chunking, sentences, terms

SAID = 0.5  # of a sentence's words, where it states no figure, that a passage must share to stand behind it
SAID_WITH_FIGURES = 0.2  # where it states some, and all of them are there
SAME_SUBJECT = 0.6  # of the words that say what a figure is of
OPPOSED = 0.7  # of a sentence's words shared with one that says no where it says yes
LETTERS = 5  # "cancelled" and "cancellation", "Sevilla" and "Seville"
MARKER = re.compile(r"\[\s*(\d{1,2})\s*\]")
_BULLET = re.compile(r"^\s*(?:[-*•·–]|\d{1,3}[.)])\s+")
_REPLY = re.compile(r"^(?:no|yes|s[ií])\s*[,.;:–—-]+\s*", re.I)  # "No, it is not covered" says no once
_LIMITING = re.compile(WORDS["limiting"])  # "no later than", "not until then": these deny nothing
_CONTRACTED = re.compile(r"\b\w+n['’]t\b", re.I)


def check(answer: Answer) -> tuple[Support, ...]:
    """A mark for every sentence of the answer that claims something; none without passages.

    A sentence is compared with the passages it cites, otherwise with each; the one that misses least counts. What stands
    there word for word is supported.
    """
    return tuple(
        mark
        for start, end in sentences.spans(answer.text)
        if answer.passages and (mark := _mark(answer, start, end)) is not None
    )


def contradicted(answer: Answer) -> bool:
    """Whether the answer's main fact is against its source: the first sentence that states a figure, or else the first."""
    marks = answer.support
    stating = [mark for mark in marks if figures(without_markers(answer.text[mark.start : mark.end]))]
    return bool(marks) and (stating or list(marks))[0].state == "contradicting"


class Stretch(NamedTuple):
    """A sentence, or a part of one: its words of meaning, its figures, and whether it says no."""

    words: frozenset[str]
    figures: tuple[Figure, ...]
    negated: bool


class Source(NamedTuple):
    """A passage as it is looked things up in."""

    text: str
    folded: str
    words: frozenset[str]
    beginnings: frozenset[str]
    figures: tuple[Figure, ...]
    stretches: tuple[Stretch, ...]


class _Compared(NamedTuple):
    state: str
    missing: tuple[str, ...]
    share: float


def _mark(answer: Answer, start: int, end: int) -> Support | None:
    raw = answer.text[start:end]
    said = _REPLY.sub("", _BULLET.sub("", without_markers(raw)).strip())
    claim, stated = stretch(said), names(said)
    if said.endswith("?") or not (claim.words or claim.figures or stated):
        return None
    cited = [int(number) - 1 for number in MARKER.findall(raw)]
    asked = [n for n in cited if n < len(answer.passages)] or range(len(answer.passages))
    best: tuple[tuple[float, ...], int, _Compared] | None = None
    for position in asked:
        found = _compare(said, claim, stated, _source(answer.passages[position]))
        rank = (found.state == "supported", -len(found.missing), found.share, -position)
        if best is None or rank > best[0]:
            best = (rank, position, found)
    if best is None:
        return None
    _, position, found = best
    return Support.model_validate(
        {"start": start, "end": end, "state": found.state, "passage": position, "missing": found.missing}
    )


def _compare(said: str, claim: Stretch, stated: Sequence[Name], source: Source) -> _Compared:
    share = len(claim.words & source.words) / max(len(claim.words), 1)
    if _verbatim(said, source):
        return _Compared("supported", (), 1.0)
    lacking = [figure for figure in claim.figures if not any(agree(figure, other) for other in source.figures)]
    unnamed = [name for name in stated if not named(name, source)]
    missing = tuple(dict.fromkeys([*(said[f.start : f.end] for f in lacking), *(name.text for name in unnamed)]))
    if unnamed or lacking:
        against = not unnamed and any(_otherwise(figure, claim, source) for figure in lacking)
        return _Compared("contradicting" if against else "unsupported", missing, share)
    if opposed(claim, source):
        return _Compared("contradicting", (), share)
    enough = 0.0 if claim.figures and not claim.words else SAID_WITH_FIGURES if claim.figures else SAID  # "2 hours."
    return _Compared("supported" if share >= enough else "unsupported", (), share)


def _verbatim(said: str, source: Source) -> bool:
    """Whether the sentence stands there word for word, whatever its full stop: "3 days" does not stand in "13 days"."""
    words = " ".join(said.split()).rstrip(" .")
    return bool(words) and bool(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", source.text))


def agree(one: Figure, other: Figure) -> bool:
    """Whether the passage's figure says what the sentence's does; a bare number agrees with the same number of anything."""
    if "number" in (one.kind, other.kind):
        return bool(one.raw and one.raw <= other.raw) or one.low == other.low
    if {one.kind, other.kind} == {"date", "month"}:
        return one.kind == "month" and one.low // 100 == other.low // 100
    if one.kind != other.kind:
        return False
    if one.kind == "date" and min(one.low, other.low) < 10_000:  # one of the two names no year
        return one.low % 10_000 == other.low % 10_000
    return {one.low, one.high} <= {other.low, other.high}


def named(name: Name, source: Source) -> bool:
    if name.folded in source.folded:
        return True
    meant = meaning(name.folded)
    return all(part in source.words or part[:LETTERS] in source.beginnings for part in meant) if meant else True


def _otherwise(figure: Figure, claim: Stretch, source: Source) -> bool:
    """Whether the passage gives another value of this kind for what the sentence speaks of."""
    for stretch in source.stretches:
        same_kind = [other for other in stretch.figures if other.kind == figure.kind and _counts(figure, other)]
        if not same_kind and figure.kind.startswith(("hours", "days")):
            same_kind = [other for other in stretch.figures if other.kind.startswith(("hours", "days"))]
        if same_kind and claim.words and len(claim.words & stretch.words) >= SAME_SUBJECT * len(claim.words):
            return True
    return False


def _counts(figure: Figure, other: Figure) -> bool:
    """Bare numbers are only held against each other when both count the same thing: "20 photos", "12 photos"."""
    return figure.kind != "number" or (figure.of != "" and figure.of == other.of)


def opposed(claim: Stretch, source: Source) -> bool:
    """Whether what the sentence affirms is denied by the part of the passage that is nearest to it, or the reverse."""
    best: tuple[float, float, bool] = (0.0, 0.0, claim.negated)
    for stretch in source.stretches:
        shared = len(claim.words & stretch.words)
        if shared:
            rank = (shared / len(claim.words), shared / len(stretch.words), stretch.negated)
            best = max(best, rank, key=lambda each: each[:2])
    return best[0] >= OPPOSED and best[2] != claim.negated


def _source(passage: Passage) -> Source:
    return read(chunking.headed(passage.chunk))


@lru_cache(maxsize=256)
def read(text: str) -> Source:
    split = sentences.split(text)
    parts = [part for sentence in split for part in re.split(WORDS["clauses"], sentence) if part.strip()]
    rows = text.split("\n") if " | " in text else []
    tabled = [f"{rows[0]} {row}" for row in rows[1:]]  # what a cell is of says its header
    stretches = tuple(stretch(part) for part in dict.fromkeys([*split, *parts, *tabled]))
    words = frozenset(meaning(text))
    return Source(
        " ".join(text.split()), fold(text), words, frozenset(w[:LETTERS] for w in words), figures(text), stretches
    )


def stretch(text: str) -> Stretch:
    found = figures(text)
    rest = _CONTRACTED.sub(" not ", blanked(text, found))
    plain = re.findall(r"[^\W_]+", _LIMITING.sub(" ", fold(rest)))
    opposites = sum(word in _opposites() for word in plain)
    denying = sum(word in noes() for word in plain)
    return Stretch(frozenset(meaning(rest)), found, bool((denying + opposites) % 2))


def meaning(text: str) -> list[str]:
    """The words that carry meaning, those of the two languages that mean one thing brought together."""
    known, opposite = _same(), _opposites()
    found = []
    for word in terms.content(text):
        plain = opposite.get(word, word)
        if plain not in _no_stems():
            found.append(known.get(plain, plain))
    return found


@cache
def _same() -> dict[str, str]:
    made: dict[str, str] = {}
    for line in WORDS["same"]:
        words = [word for word in line.split("|") if " " not in word]
        for word in words:
            made.setdefault(terms.stem(word), terms.stem(words[0]))
    return made


@cache
def _opposites() -> dict[str, str]:
    """The word and its stem -> the stem of what it denies: "excluded" denies "included"."""
    made: dict[str, str] = {}
    for line in WORDS["opposites"]:
        words, _, meant = line.partition(" > ")
        for word in words.split("|"):
            made[word] = made[terms.stem(word)] = terms.stem(meant)
    return made


@cache
def noes() -> frozenset[str]:
    return frozenset(WORDS["no"].split())


@cache
def _no_stems() -> frozenset[str]:
    return frozenset(map(terms.stem, noes()))
