"""Everyday questions in English and Spanish (`everyday.json`), to hold a model to what it said before: `replay`."""

import json
import random
from functools import cache
from math import ceil
from pathlib import Path

QUESTIONS = Path(__file__).parent / "everyday.json"


def questions(count: int, seed: int) -> list[str]:
    """So many of the questions, mixed, both languages in turn until one has no more."""
    dice = random.Random(seed)
    parts = [dice.sample(part, len(part)) for part in _questions()]
    turns = ((part[n] for part in parts if n < len(part)) for n in range(max(map(len, parts))))
    return [question for turn in turns for question in turn][:count]


def asked(share: float, examples: int, rounds: float) -> int:
    """How many are asked for a training: `share` beside each example in each round, or all there are."""
    return min(ceil(share * examples * rounds), known())


def known() -> int:
    """How many questions there are."""
    return sum(map(len, _questions()))


@cache
def _questions() -> tuple[tuple[str, ...], ...]:
    written = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    return tuple(tuple(written[language]) for language in ("en", "es"))
