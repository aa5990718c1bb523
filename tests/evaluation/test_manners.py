"""How answers speak, against lines that were labelled before the rules were written (346, English and Spanish)."""

import json
from pathlib import Path
from typing import Any

import pytest

from studio.evaluation import manners

LINES: dict[str, list[dict[str, Any]]] = json.loads(
    Path(__file__).with_name("manners.json").read_text(encoding="utf-8")
)
RULES = {
    "refusal": manners.refuses,
    "opening": manners.flatters,
    "agrees": manners.agrees,
    "warm": manners.warm,
    "emoji": manners.emoji,
    "tú": lambda text: manners.address(text) == "tú",
    "usted": lambda text: manners.address(text) == "usted",
    "flip": lambda text: manners.gives_in(*text.split(" ||| ")),
    "over_refusal": lambda text: manners.over_refuses(text.split(" ||| ")[1], [text.split(" ||| ")[0]]),
}


def precision_and_recall(detector: str, part: str) -> tuple[float, float]:
    lines = [line for line in LINES[part] if line["detector"] == detector]
    said = [(RULES[detector](line["text"]), line["is"]) for line in lines]
    right = sum(found and true for found, true in said)
    return right / max(sum(found for found, _ in said), 1), right / sum(true for _, true in said)


@pytest.mark.parametrize("part", ["tuned", "held"])
@pytest.mark.parametrize("detector", RULES)
def test_every_rule_tells_the_lines_apart(detector: str, part: str) -> None:
    """`held` was kept back while the rules were made, and scored once; what is tuned on it now is no evidence any more."""
    precision, recall = precision_and_recall(detector, part)
    assert (precision >= 0.95, recall >= 0.95) == (True, True), (precision, recall)


@pytest.mark.parametrize(
    "text",
    [
        "Siento oír que se inundó su cocina.",
        "Lo siento mucho por su pérdida. Tiene siete días.",
        "I'm sorry to hear that. You have 14 days.",
        "You cannot return it after 30 days.",
        "",
    ],
)
def test_sympathy_and_rules_for_the_asker_are_no_refusal(text: str) -> None:
    assert not manners.refuses(text)


@pytest.mark.parametrize(
    ("text", "words", "sentences"),
    [("", 0, 0), ("30 days.", 2, 1), ("Yes. It's 3.95 euros!", 4, 2), ("¿Sí? Cuesta 4,90 €.", 3, 2)],
)
def test_words_and_sentences_are_counted_as_people_read_them(text: str, words: int, sentences: int) -> None:
    assert (manners.words(text), manners.sentences(text)) == (words, sentences)
