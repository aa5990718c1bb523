"""What each figure of a text is of: the words that stand with it, up to the next figure of its kind.

"The frame has 5 years, the battery 2": 5 years are the frame's, 2 the battery's. By position alone; knows no grammar.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from studio.answering import support
from studio.answering.figures import Figure, blanked, figures

_HARD = re.compile(r"[.;:!?]+(?=\s|$)|\n")
_SPANS = ("hours", "days", "months")
_SOFT = re.compile(r",(?=\s)|\b(?:and|but|or|plus|y|e|o|u|pero|sino)\b", re.I)


class Subject(NamedTuple):
    figure: Figure
    words: frozenset[str]


@lru_cache(maxsize=1_000)
def of(text: str) -> tuple[Subject, ...]:
    """Every figure with its words, in no order."""
    every = figures(text)
    words = blanked(text, every)
    ends = [found.end() for found in _HARD.finditer(words)]
    made: list[Subject] = []
    for start, end in zip([0, *ends], [*ends, len(text)], strict=True):
        here = [each for each in every if start <= each.start < end]
        made += _divided(words, start, end, here) if here else []
    return tuple(made)


def elsewhere(subject: Subject, among: Sequence[Subject]) -> bool:
    """Whether what a figure is said to be of has, among others, another value of its kind: more of its words stand there
    than with the same value, or nothing there has that value."""
    alike = [each for each in among if kind(each.figure) == kind(subject.figure)]
    same = [len(each.words & subject.words) for each in alike if support.agree(subject.figure, each.figure)]
    others = [len(each.words & subject.words) for each in alike if not support.agree(subject.figure, each.figure)]
    return bool(others) and max(others) > max(same, default=-1)


def kind(figure: Figure) -> str:
    """What it can be compared with: all spans of time are one kind, what is counted is each its own."""
    return "time" if figure.kind.startswith(_SPANS) else f"{figure.kind} {figure.of}"


def _divided(text: str, start: int, end: int, here: Sequence[Figure]) -> list[Subject]:
    """A clause's figures with the words around each: divided at the last comma or "and" between two of them, or else, if
    they are of one kind, right behind the first."""
    cuts = []
    for one, other in pairwise(here):
        soft = [found.start() for found in _SOFT.finditer(text, one.end, other.start)]
        cuts += soft[-1:] or ([one.end] if kind(one) == kind(other) else [])
    behind = _SOFT.search(text, here[-1].end, end) if len(here) > 1 else None
    edges = [start, *cuts, *([behind.start()] if behind else []), end]
    return [
        Subject(figure, frozenset(support.meaning(text[low:high])))
        for low, high in pairwise(edges)
        for figure in here
        if low <= figure.start < high
    ]
