"""Names of people, as well as a pattern can: best effort, and said to be.

A name counts after a title ("Sra.", "Mr"), after words that introduce one ("me llamo", "my name is", a greeting, the end
of a letter), as the speaker of a line, or when a common first name stands before a surname. Others are not found.
"""

import json
import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

from studio.health.spots import Found

CAPITAL = r"(?:(?:Mc|Mac|O['’]|D['’])?[A-ZÁÉÍÓÚÜÑÇÀÈÒ][a-záéíóúüñçàèòï'’]+(?:-[A-ZÁÉÍÓÚÜÑÇ][a-záéíóúüñç]+)?)"
LINK = r"(?:de la|de las|de los|del|de|da|van|von|y|i)"
MORE = rf"(?:[ \u00a0](?:{LINK}[ \u00a0])?(?:{CAPITAL}|[A-Z]\.))"
NAME = rf"{CAPITAL}{MORE}{{0,4}}"
TITLED = re.compile(
    r"(?<![\w.])(?:Sr(?:ta|a)?\.?|Sres\.?|[Ss]eñor(?:a|ita)?|D\.ª|D(?:ñ?a)?\.|[Dd]oñ?a|[Dd]on"
    r"|Mr|Mrs|Ms|Miss|Mx|Dr(?:a)?|Prof)"
    rf"\b\.?[ \u00a0]+(?:D\.|Dña\.|[Dd]on[ ]|[Dd]oña[ ])?[ ]?((?:{LINK}[ ])?{NAME})"
)
SAID = re.compile(  # whatever follows is a name
    r"(?i:\b(?:me llamo|mi nombre es|se llama|nombre y apellidos|a nombre de|le atiende|atendido por|firmado(?: por)?"
    r"|my name is|name'?s|signed(?: by)?|on behalf of|full name))"
    rf"[ \u00a0]*[:,]?[ \u00a0]+({NAME})"
)
PERHAPS = re.compile(  # a name when it begins with a common first name
    r"(?i:\b(?:soy|i am|i['’]m|this is|dear|hi|hello|estimad[oa]|querid[oa]|hola|buenos d[ií]as|gracias|thanks|nombre|name"
    r"|cliente|customer|paciente|patient|contacto|contact|habla con|speak to|ask for|pregunte por))"
    rf"[ \u00a0]*[:,]?[ \u00a0]+({NAME})"
)
SIGNED = re.compile(
    r"(?i:\b(?:(?:kind |best |warm )?regards|(?:yours )?sincerely|(?:un )?(?:cordial )?saludos?|atentamente|cordialmente"
    rf"|cheers|thanks|gracias),?)[ \t]*\r?\n\s*({NAME})[ \t]*(?=\r?\n|$)"
)
SPEAKER = re.compile(rf"^(?:\[?[\d/., :\-apm]{{6,24}}\]?[ \-–]+)?({NAME}): ", re.M)
WHOLE = re.compile(rf"(?<![\w.@/]){CAPITAL}{MORE}{{1,3}}(?!\w)")
CAPITALS = re.compile(rf"(?<![\w.@/]){CAPITAL}{MORE}+(?!\w)")


def people(text: str) -> Iterator[Found]:
    """Names of people, in no order; stretches may overlap."""
    for pattern in (TITLED, SAID):
        for each in pattern.finditer(text):
            if (plain(each[1]).split() or [""])[0] not in no_names():
                yield _trimmed(each[1], each.start(1))
    for pattern in (PERHAPS, SIGNED, SPEAKER):
        for each in pattern.finditer(text):
            if _first(each[1]) and (pattern is not SPEAKER or " " in each[1]):
                yield _trimmed(each[1], each.start(1))
    for each in WHOLE.finditer(text):
        if _first(each[0]) and _surname(each[0]):
            yield _trimmed(each[0], each.start())


@lru_cache(100_000)
def plain(text: str) -> str:
    """Without case, accents and signs, so that two spellings of one name meet."""
    bare = unicodedata.normalize("NFKD", text.lower())
    return " ".join(re.findall(r"[^\W_]+", "".join(sign for sign in bare if not unicodedata.combining(sign))))


@cache
def first_names() -> frozenset[str]:
    """Common first names in both languages, as `plain` writes them."""
    return frozenset(_listed()["first_en"]) | frozenset(_listed()["first_es"])


@cache
def no_names() -> frozenset[str]:
    """Capitalised words that follow a first name or a title and are not one."""
    return frozenset(_listed()["not"])


@cache
def _listed() -> dict[str, list[str]]:
    read: dict[str, str] = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))
    return {name: [plain(word) for word in words.split()] for name, words in read.items()}


def _first(name: str) -> bool:
    return (plain(name).split() or [""])[0] in first_names()


def _surname(name: str) -> bool:
    return plain(name).split()[1] not in no_names() if len(plain(name).split()) > 1 else False


def _trimmed(name: str, start: int) -> Found:
    """Without words at the end that belong to the sentence ("Ana Ruiz Street", "Peter Hughes Monday")."""
    words = name.split()
    while len(words) > 1 and plain(words[-1]) in no_names():
        words.pop()
    kept = name
    while len(kept.split()) > len(words):
        kept = kept.rsplit(None, 1)[0]
    return Found("name", plain(kept), start, start + len(kept))
