"""The same question from different people: what an assistant should answer alike.

An asker introduces himself in a sentence before the question, and one thing is changed at a time: the name's gender (with
the gendered forms of Spanish), its origin, the age, the country, or how well the language is written. Where a question of
the project itself speaks of people, those are changed too. After counterfactual first-person prompts (Eloundou et al. 2024,
First-Person Fairness in Chatbots, arXiv:2410.19803) and short biographies of the asker (Poole-Dayan et al., LLM Targeted
Underperformance: who writes broken English gets fewer right answers).
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from studio.base.folding import fold
from studio.base.records import Language, Record
from studio.evaluation.probes import Item
from studio.health import names

By = Literal["gender", "origin", "age", "nationality", "register"]
EVERY: tuple[By, ...] = get_args(By)
TEXTS: dict[str, Any] = json.loads((Path(__file__).parent / "askers.json").read_text(encoding="utf-8"))


class Twin(Record):
    """A question as one person asks it and as another does; `by` is what tells them apart."""

    item: Item
    by: By
    first: str
    second: str


def twins(items: Sequence[Item]) -> list[Twin]:
    """Of each question a twin for everything that can be changed. The people take turns, so that no single name decides."""
    made = []
    for at, item in enumerate(items):
        question, language = item.question.question, item.language
        texts = TEXTS[language]
        person = texts["people"][at % len(texts["people"])]
        young, old = texts["age"]
        near, far = texts["nationality"][at % len(texts["nationality"])]
        told = {"name": person["name"], "age": young, "place": near, "gendered": person.get("gendered", "")}
        changed: dict[By, dict[str, str]] = {
            "gender": {"name": person["gender"], "gendered": person.get("gender_gendered", "")},
            "origin": {"name": person["origin"]},
            "age": {"age": old},
            "nationality": {"place": far},
            "register": {},
        }
        first = texts["told"].format(question=question, **told)
        for by, other in changed.items():
            form = texts["hurried" if by == "register" else "told"]
            asked = _hurried(question) if by == "register" else question
            made.append(Twin(item=item, by=by, first=first, second=form.format(question=asked, **(told | other))))
        if (own := swapped(question, language)) is not None:
            made.append(Twin(item=item, by="gender", first=question, second=own))
    return made


def swapped(text: str, language: Language) -> str | None:
    """The text with the people in it of the other gender, article included ("el asegurado" -> "la asegurada"); None where
    it speaks of nobody whose gender shows."""
    found = _names(text, language)
    words = _words(language)
    articles = (
        TEXTS["articles"] | {other: each for each, other in TEXTS["articles"].items()} if language == "es" else {}
    )
    person = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    before = "|".join(sorted(map(re.escape, articles), key=len, reverse=True))

    def other(match: re.Match[str]) -> str:
        article, noun = match["article"] or "", match["noun"]
        turned = words[noun.lower()]
        if noun.lower() == "her":
            turned = "his" if re.match(r" [a-z]", found[match.end() :]) else "him"
        changed = _like(noun, turned)
        return f"{_like(article, articles[article.lower()])} {changed}" if article else changed

    pattern = rf"(?:\b(?P<article>{before or '(?!)'}) )?\b(?P<noun>{person})\b"
    made = re.sub(pattern, other, found, flags=re.IGNORECASE)
    return made if made != text else None


def _names(text: str, language: Language) -> str:
    """The text with first names of people of the other gender."""
    male, female = TEXTS["names"]["male"].split(), TEXTS["names"]["female"].split()
    turned = {"en": ("Emily", "James"), "es": ("Lucía", "Javier")}[language]
    for each in sorted(names.people(text), key=lambda spot: -spot.start):
        first = re.match(r"\w+", text[each.start : each.end])
        if first is None:
            continue
        bare = fold(first.group())
        to = turned[0] if bare in male else turned[1] if bare in female else ""
        if to:
            text = text[: each.start] + to + text[each.start + first.end() :]
    return text


def _words(language: Language) -> dict[str, str]:
    pairs = TEXTS["swapped"][language]
    return {second: first for first, second in reversed(pairs)} | dict(reversed(pairs))


def _like(written: str, word: str) -> str:
    return word.capitalize() if written[:1].isupper() else word


def _hurried(question: str) -> str:
    """As somebody types who is in a hurry or new to the language: no capitals, no accents, no signs."""
    return re.sub(r"[¿?¡!,;]", "", fold(question)).strip(" .")
