"""Which of the studio's languages a text is written in, by its most frequent words.

Counting small words costs microseconds, loads nothing and is enough to tell two languages apart in a sentence. A text
of a few words without any of them gets no language rather than a guess.
"""

# ruff: noqa: SIM905 - a list of words reads best as one line of words

import re

WORD = re.compile(r"[^\W\d_]+")
SPANISH_LETTERS = "ñ¿¡áéíóú"
STOP_WORDS = {
    "es": frozenset(
        "de la el en y los las del se por con una un para que su al lo es como más pero sus le ya este "
        "sí porque esta entre cuando muy sin sobre también hay donde quien desde todo nos uno les ni ese "
        "eso mi qué cómo cuánto cuándo dónde está son tiene puedo hola gracias buenos días si mas "
        "tambien cuanto cuando donde esta".split()
    ),
    "en": frozenset(
        "the of and to in is that it was for on are as with they at be this have from or by not but what "
        "all were when we there can an your which their if will how each about them then would these her "
        "him has more do does i you my our please thanks hello where who why been".split()
    ),
}
LONGEST_LOOK = 20_000


def of(text: str) -> str:
    """The language, en or es; empty when the words do not tell."""
    words = WORD.findall(text[:LONGEST_LOOK].lower())
    english = sum(map(STOP_WORDS["en"].__contains__, words))
    spanish = sum(map(STOP_WORDS["es"].__contains__, words))
    if len(words) < 200:  # letters English does not have speak loudest in short texts
        spanish += sum(map(text[:LONGEST_LOOK].lower().count, SPANISH_LETTERS))
    if english == spanish:
        return ""
    return "en" if english > spanish else "es"
