"""What the numbers of a game amount to, for those who show them. Pure; words nothing.

Shares are of the sum of all amounts, so that they can stand side by side; strengths come in four steps, because people
read steps and misread shades; a value that could be chance is called "none".
"""

import math
from collections.abc import Iterable, Sequence
from statistics import StatisticsError, correlation
from typing import Literal

from studio.base.records import Game, Record, Unit

Strength = Literal["strong", "medium", "weak", "none"]

STRONG, MEDIUM, WEAK = 0.5, 0.2, 0.05  # of the largest value in the game
AGREES = 0.6  # rank correlation from which two methods are said to see the same
LEAST = 0.3  # nats: a game whose largest value is below this moved nothing (1.35 times as likely, for a whole answer)


class Gain(Record):
    """What all players together did for the answer.

    `nats` is full minus base; `share` in 0..1 is how much of the answer's surprise went away with them;
    `times_per_token` is how many times as likely each word of it became (geometric mean over tokens).
    """

    nats: float
    share: float
    times_per_token: float


class Agreement(Record):
    """How far a second method (LIME) sees the same: the rank correlation, and whether the same part comes first."""

    rank: float
    same_top: bool

    @property
    def verdict(self) -> Literal["agrees", "same_top", "differs"]:
        if self.same_top and self.rank >= AGREES:
            return "agrees"
        return "same_top" if self.same_top else "differs"


def agreement(game: Game) -> Agreement | None:
    """The second method beside the first; None where there is none, or nothing to compare."""
    mine, other = [unit.value for unit in game.units], [unit.lime for unit in game.units]
    theirs = [value for value in other if value is not None]
    if len(mine) < 2 or len(theirs) < len(mine) or max(map(abs, mine)) < LEAST or game.method == "alone":
        return None
    first = mine.index(max(mine, key=abs)) == theirs.index(max(theirs, key=abs))
    try:
        rank = correlation(_ranks(mine), _ranks(theirs))
    except StatisticsError:  # all alike
        rank = 0.0
    return Agreement(rank=rank, same_top=first)


def merged(old: Iterable[Game], new: Iterable[Game]) -> tuple[Game, ...]:
    """Games by what they are about: a newer one takes the older one's place."""
    return tuple({game.asks: game for game in (*old, *new)}.values())


def times(nats: float, tokens: int) -> float:
    """How many times as likely each token became, on average (geometric mean)."""
    return math.exp(min(nats / max(tokens, 1), 50.0))


def shares(game: Game, sentence: int | None = None) -> tuple[float, ...]:
    """Each unit's part of the sum of all amounts, in -1..1 with the value's sign; zeros when nothing moved."""
    values = [_value(unit, sentence) for unit in game.units]
    total = sum(map(abs, values))
    return tuple(value / total if total else 0.0 for value in values)


def strength(unit: Unit, game: Game, sentence: int | None = None) -> Strength:
    """How much a unit matters beside the largest of its game; its sign is that of its value.

    "none" when the value is smaller than two standard errors, or nothing in the game matters.
    """
    value, error = abs(_value(unit, sentence)), _error(unit, sentence)
    largest = max((abs(_value(each, sentence)) for each in game.units), default=0.0)
    if largest < LEAST or value < 2 * error:
        return "none"
    for least, name in ((STRONG, "strong"), (MEDIUM, "medium"), (WEAK, "weak")):
        if value >= least * largest:
            return name  # type: ignore[return-value]
    return "none"


def explained(game: Game) -> Gain:
    """How much of the answer's likelihood the units of this game account for."""
    nats = game.full - game.base
    share = min(max(nats / -game.base, 0.0), 1.0) if game.base < 0 else 0.0
    return Gain(nats=nats, share=share, times_per_token=times(nats, game.answer_tokens))


def _value(unit: Unit, sentence: int | None) -> float:
    return unit.value if sentence is None else unit.by_sentence[sentence]


def _error(unit: Unit, sentence: int | None) -> float:
    if sentence is None:
        return unit.error
    return unit.error_by_sentence[sentence] if unit.error_by_sentence else 0.0


def _ranks(values: Sequence[float]) -> list[float]:
    """Places from the smallest up; equal values share the mean of theirs."""
    ordered = sorted(values)
    return [(ordered.index(value) + len(ordered) - 1 - ordered[::-1].index(value)) / 2 for value in values]
