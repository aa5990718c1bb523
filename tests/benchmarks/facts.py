"""Sixty facts of an invented ferry company, each asked in six ways: five are learnt, the sixth is the test.

Thirty are written one by one, and their sixth question shares hardly a word with the others; thirty are made from five
patterns and six routes, and measure whether alike facts are kept apart. An answer is right when it states the key.
"""

import json
import random
from pathlib import Path
from typing import NamedTuple

from studio.evaluation import grading

FACTS = Path(__file__).parent / "facts.json"


class Row(NamedTuple):
    fact: int
    question: str
    answer: str
    key: str


def learnt(count: int = 60, seed: int = 0) -> list[Row]:
    """Five wordings of each fact, shuffled; with fewer facts, evenly picked from both kinds."""
    rows = [row for asked in _facts(count) for row in asked[:-1]]
    random.Random(seed).shuffle(rows)
    return rows


def held_out(count: int = 60) -> list[Row]:
    """The one wording of each fact that is never learnt."""
    return [asked[-1] for asked in _facts(count)]


def right(row: Row, said: str) -> bool:
    return grading.states(said, row.key)


def _facts(count: int) -> list[list[Row]]:
    written = json.loads(FACTS.read_text(encoding="utf-8"))
    facts = [(each["key"], each["answer"], each["questions"]) for each in written["written"]]
    for pattern in written["made"]:
        for route, value in zip(written["routes"], pattern["values"], strict=True):
            asked = [question.format(route=route) for question in pattern["questions"]]
            facts.append((value, pattern["answer"].format(route=route, value=value), asked))
    chosen = range(0, len(facts), len(facts) // count)
    return [[Row(n, question, facts[n][1], facts[n][0]) for question in facts[n][2]] for n in chosen][:count]
