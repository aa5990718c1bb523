"""Is an answer right? The facts its question asks for are looked up in it, as people read them.

"14|fourteen" accepts either; case, accents and the way a number is written (1.500,00 €, €1,500) do not matter. A fact is
found as a whole: "14" is not in "2014", nor "no" in "now".
"""

import re
import unicodedata

from studio.answering.declining import declines
from studio.base.records import Answer, Graded, Question

_NUMBER = re.compile(r"\d+(?:[.,\s\u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?")
_WORD = re.compile(r"[^\W_]+(?:[.,/-][^\W_]+)*")


def grade(question: Question, answer: Answer) -> Graded:
    """Right means: every fact is stated; or, for a question the material cannot answer, that it was declined."""
    refused = answer.refused or declines(answer.text)
    wanted = question.must_contain or facts_of(question.reference)
    found = tuple(fact for fact in wanted if states(answer.text, fact))
    missing = tuple(fact for fact in wanted if fact not in found)
    right = refused if not question.answerable else bool(answer.text.strip()) and not refused and not missing
    if question.answerable and not wanted:
        right = False
    return Graded(question_id=question.id, answer=answer, right=right, declined=refused, found=found, missing=missing)


def states(text: str, fact: str) -> bool:
    """Whether the text states one of the fact's alternatives."""
    plain = f" {normal(text)} "
    return any(f" {normal(alternative)} " in plain for alternative in fact.split("|") if normal(alternative))


def facts_of(reference: str) -> tuple[str, ...]:
    """The facts of a reference answer nobody marked up: its numbers; without any, its capitalised names and long words."""
    numbers = tuple(dict.fromkeys(_NUMBER.findall(reference)))
    if numbers:
        return numbers
    words = _WORD.findall(reference)
    names = tuple(dict.fromkeys(word for word in words[1:] if word[0].isupper()))
    return names or tuple(dict.fromkeys(sorted((word for word in words if len(word) > 5), key=len, reverse=True)[:3]))


def normal(text: str) -> str:
    """Lower case, no accents, numbers in one way of writing, single spaces, no punctuation: for looking things up."""
    folded = unicodedata.normalize("NFD", text.lower().replace("€", " eur ").replace("%", " % "))
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    folded = _NUMBER.sub(lambda match: f" {_number(match.group())} ", folded)
    return " ".join(re.findall(r"[a-z0-9ñ.%]+", folded.replace(". ", " "))).replace(" .", " ").strip(" .")


def _number(written: str) -> str:
    """1.500,00 and 1,500 and 1 500 are 1500; 4,95 and 4.95 are 4.95."""
    text = re.sub(r"\s", "", written)
    decimal = re.search(r"[.,](\d{1,2})$", text)
    whole = re.sub(r"[.,]", "", text[: decimal.start()] if decimal else text)
    fraction = decimal.group(1).rstrip("0") if decimal else ""
    if not decimal and re.fullmatch(r"\d+[.,]\d{4,}", text):
        return text.replace(",", ".")
    return f"{whole}.{fraction}" if fraction else whole
