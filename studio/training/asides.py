"""Which answers settings of the training are chosen by, and which other ones prove the choice.

`inner` answers are asked after every trial and decide; `outer` ones decide nothing and are asked once, to say what the
choice is worth. An answer is on one side only, whatever is tried. Knows conversations, no tokens.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

from studio.base.errors import NotEnough
from studio.base.records import Example
from studio.training.lessons import Lessons, part, rounds, usable

FEWEST, GOOD = 8, 16  # answers on either side: fewer prove nothing; more than enough to choose by
FOLDS = (10, 8, 6, 5, 4)
MOST_INNER, MOST_OUTER = 64, 200
TURNS = 3  # pairs of trainings a verdict may rest on
PART, PART_LEARNS = 0.25, 40  # the share that is tried first, where it is so many examples at least


class Aside(NamedTuple):
    learnt: tuple[Example, ...]
    inner: tuple[Example, ...]
    outer: tuple[Example, ...]


def turns(examples: Sequence[Example]) -> list[Aside]:
    """The examples divided for every turn: always the same inner answers, other outer ones each time.

    Whoever marked examples as validation has decided which are asked: those then serve every turn. Raises NotEnough and
    BadInput as `lessons.usable` does, and NotEnough("seek_too_few", count=, needed=) when fewer than 8 answers could stand
    on either side: a fact asked in a single wording cannot be kept aside, or it would not be learnt at all.
    """
    material = usable(examples)
    marked = sorted((each for each in material if each.split == "validation"), key=_digest)
    if len(marked) >= 2 * FEWEST:
        learnt = tuple(each for each in material if each.split != "validation")
        inner, outer = tuple(marked[::2][:MOST_INNER]), tuple(marked[1::2][:MOST_OUTER])
        return [Aside(learnt, inner, outer)] * TURNS
    dealt: Sequence[Lessons] = ()
    for folds in FOLDS:
        divided = rounds(material, folds)
        dealt = divided if _least(divided) > _least(dealt) else dealt
        if _least(dealt) >= GOOD:
            break
    if _least(dealt) < FEWEST:
        raise NotEnough("seek_too_few", count=2 * _least(dealt), needed=2 * FEWEST)
    inner = tuple(sorted(dealt[0].kept_back, key=_digest)[:MOST_INNER])
    return [_without(material, inner, each.kept_back) for each in dealt[1 : TURNS + 1]]


def share(learnt: int) -> float:
    """How much of the examples is tried first: a part, or all where a part would be too few to tell anything."""
    return PART if learnt * PART >= PART_LEARNS else 1.0


def of(aside: Aside, share: float) -> Aside:
    """Only a share of what is learnt, and of what is chosen by the answers that could be known from it."""
    if share == 1:
        return aside
    learnt = part(aside.learnt, share)
    taught = {_plain(example.answer) for example in learnt}
    known = tuple(e for e in aside.inner if e.task != "answer" or _plain(e.answer) in taught)
    return Aside(learnt, known if len(known) >= FEWEST else aside.inner, ())


def name(example: Example) -> str:
    """What an answer is called where several turns are put together: wordings of one fact are one answer."""
    return _plain(example.answer) if example.task == "answer" else _digest(example)[:16]


def _least(divided: Sequence[Lessons]) -> int:
    """Answers on the smallest side, when there are enough rounds for two turns."""
    return min((len(each.kept_back) for each in divided[: TURNS + 1]), default=0) if len(divided) > 2 else 0


def _without(material: Sequence[Example], inner: Sequence[Example], outer: Sequence[Example]) -> Aside:
    outer = tuple(sorted(outer, key=_digest)[:MOST_OUTER])
    aside = {_text(example) for example in (*inner, *outer)}
    return Aside(tuple(each for each in material if _text(each) not in aside), tuple(inner), tuple(outer))


def _digest(example: Example) -> str:
    return hashlib.sha256(_text(example).encode()).hexdigest()


def _text(example: Example) -> str:
    return "\n".join(f"{message.role}\t{_plain(message.content)}" for message in example.messages)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
