"""Further wordings of questions, made by leaving words out: what is learnt must not hang on every word of them.

Nobody asks as the examples do. "Which clause covers flood damage?" learnt as "Clause covers damage?" too is found again by
"My cellar is under water, which clause applies?": of 60 facts in unseen wordings the starter model said 50 with it and 43
without, all else alike, and with more left out (a third for a fifth of the words, eight wordings) 52 where it had said 49
(one seed each, 2026-11-22; more in `planning`). Knows texts and chance, no tokens and no model. Only questions of facts are
reworded: of what is to be translated, sorted or summarised every word counts.
"""

# ruff: noqa: SIM905 - a list of words reads best as one line of words

import random
from collections import defaultdict
from collections.abc import Callable, Sequence

from studio.base.records import Example
from studio.intake import language

WORDINGS = 6  # of each question
TRIES = 12
LEFT_OUT, SMALL_LEFT_OUT = 0.3, 0.5  # how often a word goes, and a word that says little
FEWEST, MOST = 3, 40  # words of a question that is reworded
ENOUGH = 2_000  # so many examples differ enough among themselves
ASKING = frozenset(
    "who what which when where why how whose many much quién quiénes qué cuál cuáles cuándo dónde cómo cuánto cuánta "
    "cuántos cuántas quien cuando donde cuanto not no sin without".split()
)
SMALL = (language.STOP_WORDS["en"] | language.STOP_WORDS["es"] | set("a me i at did".split())) - ASKING


def wordings(examples: Sequence[Example], seed: int) -> list[tuple[Example, ...]]:
    """For every example the same answer to its question in fewer words, up to WORDINGS of them; the same for the same
    examples and seed. None that would fit the question of another answer as well.
    """
    if len(examples) > ENOUGH:
        return [()] * len(examples)
    fits, found = _fitting(examples), []
    for example in examples:
        words, dice = example.question.split(), random.Random(f"{seed}/{example.question}")
        made: dict[str, None] = {}
        if _may(example, words):
            for _ in range(TRIES):
                fewer = _fewer(words, dice)
                if len(made) < WORDINGS and len(fewer) < len(words) and fits(fewer) <= {example.answer}:
                    made[_text(fewer, words)] = None
        found.append(tuple(_asked(example, question) for question in made))
    return found


def _may(example: Example, words: Sequence[str]) -> bool:
    turns = [message.role for message in example.messages[-2:]]
    return example.task == "answer" and turns == ["user", "assistant"] and FEWEST <= len(words) <= MOST


def _fewer(words: Sequence[str], dice: random.Random) -> list[str]:
    """Some of the words, in their order, at least two of them; a number is never left out."""

    def stays(word: str) -> bool:
        chance = SMALL_LEFT_OUT if _plain(word) in SMALL else LEFT_OUT
        return dice.random() >= chance or any(letter.isdigit() for letter in word)

    kept = [word for word in words if stays(word)]
    return kept if len(kept) > 1 else [words[at] for at in sorted(dice.sample(range(len(words)), 2))]


def _fitting(examples: Sequence[Example]) -> Callable[[Sequence[str]], set[str]]:
    """Which answers belong to questions that have all of some words."""
    places: dict[str, set[int]] = defaultdict(set)
    for number, example in enumerate(examples):
        for word in example.question.split():
            places[_plain(word)].add(number)

    def answers(words: Sequence[str]) -> set[str]:
        by_rarity = sorted((places[_plain(word)] for word in words), key=len)
        return {examples[number].answer for number in by_rarity[0].intersection(*by_rarity[1:])}

    return answers


def _text(kept: Sequence[str], words: Sequence[str]) -> str:
    text, end = " ".join(kept), words[-1][-1]
    return text[0].upper() + text[1:] + ("" if end.isalnum() or text.endswith(end) else end)


def _plain(word: str) -> str:
    return word.casefold().strip("¿?¡!.,;:\"'()")


def _asked(example: Example, question: str) -> Example:
    *before, asked, answer = example.messages
    return example.model_copy(update={"messages": (*before, asked.model_copy(update={"content": question}), answer)})
