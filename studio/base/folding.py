"""Texts as they are compared: without case and accents, and numbers without their way of writing.

One home for what people write differently and mean alike. Knows no language and no purpose.
"""

import re
import unicodedata

WORD = re.compile(r"[^\W_]+")
NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f]\d+)*")
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_SPANISH = tuple(zip("áéíóúüñ", "aeiouun", strict=True))
_GROUPED = re.compile(r"[1-9]\d{0,2}(?:([.,\u00a0\u202f])\d{3})(?:\1\d{3})*(?!\d)")


def fold(text: str) -> str:
    """Lower case and without accents: "Avería" and "AVERIA" become one."""
    bare = text.lower()
    if bare.isascii():
        return bare
    for accented, letter in _SPANISH:  # five times faster than the general way, for what most texts hold
        bare = bare.replace(accented, letter)
    if bare.replace("¿", "").replace("¡", "").replace("€", "").isascii():
        return bare
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", bare))


def plain(text: str) -> str:
    """Text without case, accents and signs: "Contestación (agente)" -> "contestacion agente"."""
    return " ".join(WORD.findall(fold(text)))


def numbers(text: str) -> frozenset[str]:
    """Every number in a text, written alike: "1,800" and "1.800" and "1800" are one, so are "3,50" and "3.50"."""
    return frozenset(number(match) for match in NUMBER.findall(text))


def number(written: str) -> str:
    """A number without its grouping and needless zeros, a point before its decimals."""
    if grouped := _GROUPED.match(written):
        head, rest = re.sub(r"\D", "", grouped.group()), written[grouped.end() :]
        bare = f"{head}.{rest[1:]}" if rest else head
    else:
        bare = re.sub(r"[\u00a0\u202f]", "", written).replace(",", ".")
    if bare.count(".") == 1:
        bare = bare.rstrip("0").rstrip(".")
    return bare.lstrip("0") or "0"
