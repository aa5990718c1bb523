"""Which languages the material is written in, and whether that is what the project expects.

English and Spanish are told apart by `intake.language`; of the neighbours only that a text is in one of them, by their
small words, and never of a text of a few words.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from studio.base.records import Document, Example, Finding, Language, Level, Place
from studio.health import places, wording
from studio.intake import language as spoken

MINORITY = 0.03
FEWEST_WORDS = 8
LEAD = 2
FEWEST_SURE = 5
SMALL_SHARE = 0.15  # of the words of a text are small ones, in any language
LOOKED_AT = 1_500
FOREIGN_LETTER = re.compile(r"[^\W\d_\u0000-\u024f]")  # no Latin one
OTHER = {name: frozenset(words.split()) for name, words in wording.LISTS["other"].items()}
SPOKEN_IN = {
    word: [name for name, small in (*OTHER.items(), *spoken.STOP_WORDS.items()) if word in small]
    for word in frozenset().union(*OTHER.values(), *spoken.STOP_WORDS.values())
}
NAMES: dict[str, str] = wording.LISTS["names"]
Piece = tuple[str, Document | Example]


def of(text: str) -> str:
    """en, es, another language's code, "other" for another script, or empty when the words do not tell."""
    text = text[:LOOKED_AT]
    if (foreign := len(FOREIGN_LETTER.findall(text))) and foreign > sum(map(str.isalpha, text)) / 2:
        return "other"
    found = spoken.of(text)
    words = spoken.WORD.findall(text.lower())
    if len(words) < FEWEST_WORDS:
        return found
    hits = _hits(words)
    best = max(OTHER, key=lambda name: hits[name])
    enough = hits[best] >= max(hits["en"], hits["es"]) + LEAD and hits[best] >= SMALL_SHARE * len(words)
    return best if enough else found


def languages(
    documents: Sequence[Document], examples: Sequence[Example], language: Language | None = None
) -> list[Finding]:
    """Two languages in one project, another one than the project speaks, and answers in another than their question."""
    pieces = [(of(text), piece) for text, piece in _pieces(documents, examples)]
    counts = Counter(name for name, _ in pieces if name)
    found: list[Finding] = []
    foreign = [(name, piece) for name, piece in pieces if name not in ("", "en", "es")]
    if foreign:
        found.append(_about("languages_other", "warn", foreign, {"languages": _listed(foreign)}))
    if language and counts and not counts[language] and counts["es" if language == "en" else "en"]:
        found.append(_about(f"language_not_{language}", "warn", [(n, p) for n, p in pieces if n and n != language], {}))
    elif counts["en"] and counts["es"]:
        fewer = min(("en", "es"), key=lambda name: (name == language, counts[name]))
        minor = [(name, piece) for name, piece in pieces if name == fewer]
        written = any(isinstance(piece, Document) for _, piece in minor)
        if written or len(minor) >= max(MINORITY * len(examples), 3):
            found.append(_about("languages_mixed", "note", minor, {"en": counts["en"], "es": counts["es"]}))
    return [*found, *_crossed(examples)]


def _crossed(examples: Sequence[Example]) -> list[Finding]:
    """Asked in one language and answered in the other."""
    crossed = [e for e in examples if {_sure(e.question), _sure(e.answer)} == {"en", "es"}]
    if not crossed:
        return []
    shown = places.first(places.of_example(e, f"{e.question} → {e.answer}") for e in crossed)
    names = tuple(dict.fromkeys(map(places.name_of, crossed)))
    parameters = {"rows": places.rows(crossed), "example": shown[0].text}
    return [
        Finding(
            code="answers_other_language",
            level="warn",
            count=len(crossed),
            names=names,
            parameters=parameters,
            places=shown,
        )
    ]


def _sure(text: str) -> str:
    """The language of a text long enough to tell, when one of the two speaks up clearly."""
    words = spoken.WORD.findall(text[:LOOKED_AT].lower())
    if len(words) < FEWEST_SURE:
        return ""
    hits = _hits(words)
    best, other = ("en", "es") if hits["en"] >= hits["es"] else ("es", "en")
    return best if hits[best] >= 3 and hits[best] >= 4 * hits[other] else ""


def _hits(words: Sequence[str]) -> Counter[str]:
    """How many small words of each language there are."""
    return Counter(name for word in words if word in SPOKEN_IN for name in SPOKEN_IN[word])


def _pieces(documents: Sequence[Document], examples: Sequence[Example]) -> Iterator[Piece]:
    yield from ((document.text, document) for document in documents)
    yield from ((f"{example.question} {example.answer}", example) for example in examples)


def _listed(foreign: Sequence[tuple[str, Document | Example]]) -> str:
    """By their own names, which need no translation."""
    names = [NAMES[name] for name, _ in Counter(name for name, _ in foreign).most_common() if name in NAMES]
    return ", ".join(names) or "?"


def _about(
    code: str, level: Level, pieces: Sequence[tuple[str, Document | Example]], more: dict[str, str | int]
) -> Finding:
    names = dict.fromkeys(piece.name if isinstance(piece, Document) else places.name_of(piece) for _, piece in pieces)
    shown = places.first(map(_place, (piece for _, piece in pieces)))
    return Finding(code=code, level=level, count=len(pieces), names=tuple(names), parameters={**more}, places=shown)


def _place(piece: Document | Example) -> Place:
    return places.of_document(piece) if isinstance(piece, Document) else places.of_example(piece)
