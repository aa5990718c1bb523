"""Two sets of sixty facts of an invented company, each asked in six ways: five are learnt, the sixth is the test.

In each set thirty are written one by one, and their sixth question often shares hardly a word with the others; thirty are
made from five patterns and six names (routes of a ferry company, products of an insurer), and measure whether alike facts
are kept apart. The insurer's conversations begin with a system message. An answer is right when it states the key.
"""

import json
import random
from pathlib import Path
from typing import Any, Literal, NamedTuple

from studio.evaluation import lookup

Name = Literal["ferry", "insurer"]
FACTS = {"ferry": "facts.json", "insurer": "facts_insurer.json"}


class Row(NamedTuple):
    fact: int
    question: str
    answer: str
    key: str


def learnt(count: int = 60, seed: int = 0, name: Name = "ferry") -> list[Row]:
    """Five wordings of each fact, shuffled; with fewer facts, evenly picked from both kinds."""
    rows = [row for asked in _facts(count, name) for row in asked[:-1]]
    random.Random(seed).shuffle(rows)
    return rows


def held_out(count: int = 60, name: Name = "ferry") -> list[Row]:
    """The one wording of each fact that is never learnt."""
    return [asked[-1] for asked in _facts(count, name)]


def frame(name: Name) -> str:
    """The system message of the set's conversations, or nothing."""
    return str(_written(name).get("frame", ""))


def right(row: Row, said: str) -> bool:
    return lookup.states(said, row.key)


def _facts(count: int, name: Name) -> list[list[Row]]:
    written = _written(name)
    facts = [(each["key"], each["answer"], each["questions"]) for each in written["written"]]
    for pattern in written["made"]:
        for route, value in zip(written["routes"], pattern["values"], strict=True):
            asked = [question.format(route=route) for question in pattern["questions"]]
            facts.append((value, pattern["answer"].format(route=route, value=value), asked))
    chosen = range(0, len(facts), len(facts) // count)
    return [[Row(n, question, facts[n][1], facts[n][0]) for question in facts[n][2]] for n in chosen][:count]


def _written(name: Name) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((Path(__file__).parent / FACTS[name]).read_text(encoding="utf-8"))
    return found
