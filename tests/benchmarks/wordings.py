"""The same question as people type it: without accents, in capitals, in the plural. By rule, so always the same."""

import re
import unicodedata
from collections.abc import Callable

_PLURALS = {"el": "los", "la": "las", "un": "unos", "una": "unas", "del": "de los", "al": "a los", "the": "the"}
_NOUN = re.compile(rf"\b({'|'.join(_PLURALS)}) ([a-záéíóúüñ]{{4,}})\b", re.IGNORECASE)
_STRESSED = {"ón": "ones", "án": "anes", "és": "eses", "ín": "ines"}


def unaccented(question: str) -> str:
    """As on a keyboard without accents; the tilde of ñ goes too."""
    apart = unicodedata.normalize("NFD", question)
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


def shouted(question: str) -> str:
    return question.upper()


def plural(question: str) -> str:
    """Every word after an article, with it: "el plazo" becomes "los plazos", "the deadline" "the deadlines"."""
    return _NOUN.sub(_plural, question)


FORMS: dict[str, Callable[[str], str]] = {"no accents": unaccented, "capitals": shouted, "plural": plural}


def _plural(match: re.Match[str]) -> str:
    article, noun = match[1], match[2]
    if noun.endswith("s"):
        return match[0]
    before = _PLURALS[article.lower()]
    return f"{before.capitalize() if article[0].isupper() else before} {_many(noun, article.lower() == 'the')}"


def _many(noun: str, english: bool) -> str:
    if english:
        return noun[:-1] + "ies" if noun[-1] == "y" and noun[-2] not in "aeiou" else noun + "s"
    if noun[-2:] in _STRESSED:
        return noun[:-2] + _STRESSED[noun[-2:]]
    if noun.endswith("z"):
        return noun[:-1] + "ces"
    return noun + ("s" if noun[-1] in "aeiouáéó" else "es")
