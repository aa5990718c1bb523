"""Postal addresses, as well as a pattern can: a street and a number, and the town that follows. Best effort."""

import re
from collections.abc import Iterator

from studio.health.names import plain
from studio.health.spots import Found

_STREET = r"(?:[A-ZÁÉÍÓÚÑÜ][\w'’.áéíóúñü]*|\d{1,2})"
_OF = r"(?:[ ](?:de la|de las|de los|del|de|la|las|los|el|y|e|i))?"
_FLAT = (
    r"(?:,?[ ](?:\d{1,2}[ ]?[ºª°o](?:[ ]?(?:[A-Z]|izq\w*\.?|dcha?\.?|\d{1,2}[ªº]?))?\b"
    r"|[Pp](?:iso|ta\.?|uerta)[ ]\w{1,4}|[Bb]ajo\b|[Ee]sc\.?[ ]\w{1,3}))"
)
SPANISH = re.compile(
    r"(?<!\w)(?:C/|C\.(?=[ ][A-Z])|[Cc]alle|CALLE|[Aa]vda\.?|[Aa]v\.|[Aa]venida|[Pp]laza|[Pp]za\.?|[Pp]l\.|[Pp]aseo"
    r"|[Pp]º|[Pp]so\.?|[Cc]arrer|[Cc]amino|[Cc]tra\.?|[Cc]arretera|[Rr]onda|[Tt]raves[ií]a"
    r"|[Gg]lorieta|[Uu]rb\.|[Uu]rbanizaci[oó]n|[Pp]asaje)[ ]?"
    rf"{_OF}[ ]?{_STREET}(?:{_OF}[ ]{_STREET}){{0,4}}"
    r",?[ ](?:n[º°o.ú]\w*\.?[ ]?|número[ ]|s/n\b|km\.?[ ])?(?:(?<=s/n)|\d{1,4}[A-Za-z]?\b)"
    r"(?![.,]\d|[ ]?(?:[€%hº]|euros|horas|personas|metros))"
    rf"{_FLAT}{{0,3}}(?:,?[ ]\d{{5}}\b)?(?:(?<=\d{{5}}),?[ ]{_STREET}(?:{_OF}[ ][A-ZÁÉÍÓÚÑ]\w+){{0,3}})?"
)
_ROAD = (
    r"(?:Street|St\.?|Road|Rd\.?|Avenue|Ave\.?|Lane|Ln\.?|Drive|Dr\.|Boulevard|Blvd\.?|Close|Court|Ct\.?|Crescent|Place|Terrace"
    r"|Square|Gardens|Grove|Row|Mews|Quay|Parade|Hill|Green|Park|Way|Walk)"
)
_POSTCODE = r"(?:GIR ?0AA|[A-PR-UWYZ](?:\d{1,2}|[A-HK-Y]\d[\dA-Z]?|\d[A-Z])[ ]?\d[ABD-HJLNP-UW-Z]{2})"
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]"
    r"|W[AIVY])"
)
_EIRCODE = r"[AC-FHKNPRTV-Y]\d[\dW][ ]?[0-9AC-FHKNPRTV-Y]{4}"
ENGLISH = re.compile(
    r"(?<![\w.,/-])(?:(?:Flat|Apt\.?|Apartment|Unit|Suite)[ ]\w{1,4},?[ ])?\d{1,5}[A-Za-z]?,?[ ]"
    rf"(?:[A-Z][\w'’.]*[ ]){{1,4}}{_ROAD}(?!\w)"
    r"(?:,?[ ](?:Flat|Apt\.?|Apartment|Unit|Suite|#)[ ]?\w{1,4}\b)?"
    rf"(?:,?\s(?:[A-Z][a-zA-Z'’.-]+[ ]?){{1,3}}(?=,?\s?(?:{_POSTCODE}|{_STATE}[ ]\d{{5}}|{_EIRCODE})\b))?"
    rf"(?:,?\s?(?:{_POSTCODE}|{_STATE}[ ]\d{{5}}(?:-\d{{4}})?|{_EIRCODE})\b)?"
)
HAS_ROAD = re.compile(
    r"\d[A-Za-z]?,? (?:[A-Z][\w'’.]* ){1,4}(?:St|R|Av|La|Ln|D|B|C|P|T|S|G|M|Q|H|W)|C/|(?i:\b(?:calle|av"
    r"|pla?z|pl\.|p\.?º|pº|pso|paseo|carr|cam|ctra|ronda|trav|glor|urb|pasaj)|\bC\. )"
)


def addresses(text: str) -> Iterator[Found]:
    """Postal addresses that name a street and a number: "C/ Mayor, 12, 28013 Madrid", "12 High Street, Leeds LS1 4DY"."""
    if not HAS_ROAD.search(text):
        return
    for pattern in (SPANISH, ENGLISH):
        for each in pattern.finditer(text):
            written = each[0].rstrip(" ,;:.")
            yield Found("address", plain(written), each.start(), each.start() + len(written))
