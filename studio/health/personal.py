"""Data about people in a text: e-mail addresses, phone numbers, accounts, cards and Spanish identity numbers.

A number counts only when its check digits are right, a phone number only when it is in use and written or announced
like one; so order numbers, prices and barcodes are left in peace. Names of people are not looked for.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

Kind = Literal["email", "phone", "iban", "card", "id"]

KINDS: tuple[Kind, ...] = ("email", "phone", "iban", "card", "id")
EMAIL = re.compile(r"(?<![\w.+-])[\w.+%-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]){11,30}(?!\w)")
CARD = re.compile(r"(?<![\w-])(?:\d[ -]?){12,18}\d(?![\w-])")
IDENTITY = re.compile(r"(?<![\w.-])(?:\d{1,2}\.?\d{3}\.?\d{3}|[XYZxyz][ -]?\d{7})[ -]?[A-Za-z](?!\w)")
COMPANY = re.compile(r"(?<![\w.-])[A-HJNP-SUVW][ -]?\d{7}[ -]?[0-9A-J](?!\w)")
DIGITS = re.compile(r"\d(?:[ .\-/()]{0,3}\d){6}")
ANNOUNCED = re.compile(
    r"\b(tel|tel[eé]fono|tfno|m[oó]vil|ll[aá]m\w*|whats?app|contact\w*|phone|call|mobile|ring|cell|fax"
    r"|mi n[uú]mero|my number)\b\W*(\w+\W+){0,3}$",
    re.I,
)
REGIONS = {"es": ("ES",), "en": ("GB", "US", "IE"), "": ("ES", "GB", "US")}
PHONE = re.compile(r"(?<![\w.,/-])(?:\+|00)?\(?\d(?:[ .\-/()]{0,2}\d){6,14}(?!\w)")


class Found(NamedTuple):
    """One piece of personal data and where it stands: `text[start:end]`."""

    kind: Kind
    value: str
    start: int
    end: int


def find(text: str, language: str = "") -> list[Found]:
    """Everything personal in the text, in order and without overlaps."""
    found: list[Found] = []
    if "@" in text:
        found += [Found("email", each[0].lower(), each.start(), each.end()) for each in EMAIL.finditer(text)]
    if DIGITS.search(text):
        for each in (*_ibans(text), *_cards(text), *_identities(text), *_phones(text, language)):
            if not any(each.start < other.end and other.start < each.end for other in found):
                found.append(each)
    return sorted(found, key=lambda each: each.start)


def values(texts: Iterable[tuple[str, str]]) -> dict[Kind, set[str]]:
    """The different values of each kind in (text, language) pairs."""
    gathered: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
    for text, language in texts:
        for each in find(text, language):
            gathered[each.kind].add(each.value)
    return gathered


def _ibans(text: str) -> Iterator[Found]:
    from stdnum import iban

    for each in IBAN.finditer(text):
        written = each[0]  # the pattern runs on into the words that follow: shorten it until the check digits are right
        while len(written) >= 15 and not iban.is_valid(written):
            written = written[:-1]
        if len(written) >= 15:
            yield Found("iban", iban.compact(written), each.start(), each.start() + len(written))


def _cards(text: str) -> Iterator[Found]:
    from stdnum import luhn

    for each in CARD.finditer(text):
        digits = re.sub(r"\D", "", each[0])
        if 13 <= len(digits) <= 19 and digits[0] in "3456" and luhn.is_valid(digits):
            yield Found("card", digits, each.start(), each.end())


def _identities(text: str) -> Iterator[Found]:
    """DNI, NIE and CIF. The library does not know the dots that people write into a DNI."""
    from stdnum.es import cif, dni, nie

    for each in IDENTITY.finditer(text):
        bare = re.sub(r"[ .-]", "", each[0]).upper()
        if nie.is_valid(bare) if bare[0] in "XYZ" else dni.is_valid(bare.zfill(9)):
            yield Found("id", bare, each.start(), each.end())
    for each in COMPANY.finditer(text):
        if cif.is_valid(each[0]):
            yield Found("id", cif.compact(each[0]), each.start(), each.end())


def _phones(text: str, language: str) -> Iterator[Found]:
    """Numbers written like a telephone's (+34 …, (212) …) or announced as one ("tel.", "call me at")."""
    for each in PHONE.finditer(text):
        before = text[max(each.start() - 40, 0) : each.start()]
        if each[0].startswith(("+", "00", "(")) or ANNOUNCED.search(before):
            numbers = (_number(each[0], region) for region in REGIONS.get(language, REGIONS[""]))
            if value := next(filter(None, numbers), ""):
                yield Found("phone", value, each.start(), each.end())


@lru_cache(10_000)
def _number(written: str, region: str) -> str:
    """The number in its international form when it is in use in that region or names its country; "" otherwise."""
    import phonenumbers

    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
