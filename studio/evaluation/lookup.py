"""Texts as they are looked up in: letter by letter, but for case, accents and the way a number is written.

Knows no negation and no second value; `facts` does.
"""

import re
import unicodedata

NUMBER = re.compile(r"\d+(?:[.,\s\u00a0\u202f]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?")


def states(text: str, fact: str) -> bool:
    """Whether one of the fact's alternatives ("14|fourteen") stands in the text as a whole: "14" is not in "2014"."""
    plain = f" {normal(text)} "
    return any(f" {normal(alternative)} " in plain for alternative in fact.split("|") if normal(alternative))


def normal(text: str) -> str:
    """Lower case, no accents, numbers in one way of writing, single spaces, no punctuation: for looking things up."""
    folded = unicodedata.normalize("NFD", text.lower().replace("€", " eur ").replace("%", " % "))
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    folded = NUMBER.sub(lambda match: f" {_number(match.group())} ", folded)
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
