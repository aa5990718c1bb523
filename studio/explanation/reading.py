"""What the numbers of a game amount to, for those who show them. Pure; words nothing.

Shares are of the sum of all amounts, so that they can stand side by side; strengths come in four steps, because people
read steps and misread shades; a value that could be chance is called "none".
"""

import math
from typing import Literal

from studio.base.records import Game, Record, Unit

Strength = Literal["strong", "medium", "weak", "none"]

STRONG, MEDIUM, WEAK = 0.5, 0.2, 0.05  # of the largest value in the game
LEAST = 0.3  # nats: a game whose largest value is below this moved nothing (1.35 times as likely, for a whole answer)


class Gain(Record):
    """What all players together did for the answer.

    `nats` is full minus base; `share` in 0..1 is how much of the answer's surprise went away with them;
    `times_per_token` is how many times as likely each word of it became (geometric mean over tokens).
    """

    nats: float
    share: float
    times_per_token: float


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
    return Gain(nats=nats, share=share, times_per_token=math.exp(nats / max(game.answer_tokens, 1)))


def _value(unit: Unit, sentence: int | None) -> float:
    return unit.value if sentence is None else unit.by_sentence[sentence]


def _error(unit: Unit, sentence: int | None) -> float:
    if sentence is None:
        return unit.error
    return unit.error_by_sentence[sentence] if unit.error_by_sentence else 0.0
