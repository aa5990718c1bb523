"""Telephone numbers: in use somewhere we know, and announced or written like one."""

import re
from collections.abc import Iterator
from functools import lru_cache

from studio.health.spots import Found, before, of_something_else

ANNOUNCED = re.compile(
    r"(?:\b(?:tel[eé]?f?s?|tel[eé]fonos?|tfnos?|tlfn?o?s?|tf|m[oó]vil(?:es)?|ll[aá]m\w*|whats?app|wasap"
    r"|contact\w*|phones?|telephones?|call(?:ing|ed)?|mob|mobiles?|ring|rang|cell|fax|texting|dial|marc(?:ar|a|ando|que|ad)|sms|hotline|helpline|reach"
    r"|mi n[uú]mero|su n[uú]mero|my number|our number|nuestro n[uú]mero)\b|[☎📞📱✆])\W*(?:[^\W\d]+\W+){0,4}$",
    re.I,
)
UNITS = re.compile(
    r"\s{0,2}(?:[€$£%]|(?:kwh|mwh|wh|m2|m3|m²|m³|km|kg|g|mg|cm|mm|l|ml|uds?|unidades|units|eur|euros?|usd|d[oó]lares"
    r"|dollars|pesos|soles|pounds|libras|habitantes|people|personas|puntos|points|bytes|[kmg]b|clientes|customers|visitas|views|pasos|hits)\b)",
    re.I,
)
BEFORE_ALONE = re.compile(r"(?:^|[\n,;:(|/–—>]|\b(?:al|on|o|or|y|and))[ \t]*$")
AFTER_ALONE = re.compile(r"[ \t]*(?:$|[\n,;.)|/<]|(?:y|o|and|or|desde|from|de \d)\b)")
PHONE = re.compile(r"(?<![\w.,/-])\(?(?:\+|00)?\(?\d(?:[ .\-/()\u00a0]{0,3}\d){6,14}(?!\w)(?![.,]\d)")
ALIKE = re.compile(  # groups that only a telephone number is written in: Spain, United States, United Kingdom
    r"[679]\d\d[ .-]\d\d[ .-]\d\d[ .-]\d\d|9\d[ .-]\d{3}[ .-]\d\d[ .-]\d\d|[2-9]\d\d([-.])[2-9]\d\d\1\d{4}"
    r"|0\d{4} \d{6}|0\d{3} \d{3} \d{4}|02\d \d{4} \d{4}|07\d{3} \d{3} ?\d{3}"
)
THREES = re.compile(r"[67]\d\d([ .-])\d{3}\1\d{3}|[89]\d\d([ .-])\d{3}\2\d{3}|[67]\d{8}")
REGIONS = {"es": ("ES", "GB", "US", "IE", "MX", "AR", "CO", "CL", "PE"), "en": ("GB", "US", "IE", "ES")}
ALL_REGIONS = ("ES", "GB", "US", "IE")


def phones(text: str, language: str) -> Iterator[Found]:
    """Numbers with their country (+34 …), announced as a telephone's ("tel.", "call me at"), or grouped like one."""
    for each in PHONE.finditer(text):
        written = each[0] if each[0].count("(") == each[0].count(")") else each[0].lstrip("(")
        start = each.end() - len(written)
        told = before(text, start)
        if of_something_else(text, start) or UNITS.match(text, each.end()):
            continue
        if (
            written.startswith(("+", "00", "("))
            or ANNOUNCED.search(told)
            or _is_alike(written, told, text[each.end() :][:12])
        ):
            numbers = (_number(written, region) for region in REGIONS.get(language, ALL_REGIONS))
            if value := next(filter(None, numbers), "") or _british_mobile(written, told):
                yield Found("phone", value, start, each.end())


def _british_mobile(written: str, told: str) -> str:
    """Announced and of the right shape is enough, for the same reason as in `_number`."""
    digits = re.sub(r"\D", "", written)
    return f"+44{digits[1:]}" if re.fullmatch(r"07\d{9}", digits) and ANNOUNCED.search(told) else ""


def _is_alike(written: str, told: str, after: str) -> bool:
    if ALIKE.fullmatch(written):
        return True
    return bool(THREES.fullmatch(written) and BEFORE_ALONE.search(told) and AFTER_ALONE.match(after))


@lru_cache(10_000)
def _number(written: str, region: str) -> str:
    """The number in its international form when it is in use in that region; "" otherwise.

    Where the country is written ("+52 …") the right length is enough: the library's lists of blocks in use lag behind.
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        return ""
    told = written.lstrip("(").startswith("+")
    if told and phonenumbers.is_possible_number_with_reason(number) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    if not told and not phonenumbers.is_valid_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
