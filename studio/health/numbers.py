"""Accounts, cards and identity numbers of people and companies: those whose check digits are right."""

import re
from collections.abc import Callable, Iterator

from studio.health.spots import Found, before, of_something_else

IBAN = re.compile(r"(?<!\w)[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?!\w)")
ACCOUNT = re.compile(r"(?<![\w-])\d{4}[ -]?\d{4}[ -]?\d{2}[ -]?\d{10}(?![\w-])")
CARD = re.compile(r"(?<![\w-])(?<!\d[.,])(?<![A-Z]\d\d[ -])(?:\d[ .-]{0,2}){12,18}\d(?![\w-])(?![.,]\d)")
ISSUERS = re.compile(
    r"4(?:.{12}|.{15}|.{18})|5[1-5].{14}|(?:222[1-9]|22[3-9].|2[3-6]..|27[01].|2720).{12}|3[47].{13}|3(?:0[0-5]|[68].).{11}"
    r"|(?:6011|65..|64[4-9].).{12}|35(?:2[89]|[3-8].).{12}|62.{14,17}|(?:5018|5020|5038|5893|6304|6759|676[1-3]).{8,15}"
)
IDENTITY = re.compile(
    r"(?<![\w.-])(?:ES-?)?(?:\d{1,2}[. ]?\d{3}[. ]?\d{3}(?:-?[A-Za-z]|[ ]-?[ ]?[A-Z])"
    r"|[XYZxyz][ -]?\d{7}(?:-?[A-Za-z]|[ ][A-Z]))(?!\w)"
)
COMPANY = re.compile(
    r"(?<![\w.-])(?:ES-?)?[A-HJNP-SUVWa-hjnp-suvw][ .-]?(?:\d{7}|\d{2}[.]\d{3}[.]\d{2})[ -]?[0-9A-Ja-j](?![\w-])"
)
OTHER_IDENTITY = re.compile(  # United States, United Kingdom, Mexico
    r"(?<![\w-])(?:(?P<ssn>\d{3}-\d{2}-\d{4})|(?P<nino>[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D])"
    r"|(?P<curp>[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d))(?![\w-])"
)
SOCIAL = re.compile(r"(?<![\w/])\d{2}[ /-]?\d{7,8}[ /-]?\d{2}(?![\w/])")
ANNOUNCED_ACCOUNT = re.compile(r"(?i)\b(?:cuenta|ccc|c/c|cta|account)\b[^\n]{0,30}$")
ANNOUNCED_CARD = re.compile(r"(?i)tarjeta|card|visa|maestro|master")
ANNOUNCED_SOCIAL = re.compile(r"(?i)seguridad social|\bn\.?s\.?s\b|\bnaf\b|afiliaci[oó]n|\bSS\b")
PASSPORT = re.compile(
    r"(?i:\b(?:pasaporte|passport)\b\W*(?:n[º°o.]\W*|no\W+|number\W+|n[uú]mero\W+|es\W+|is\W+){0,3})"
    r"([A-Z]{1,3}\d{6,8})\b"
)


def accounts(text: str) -> Iterator[Found]:
    """IBAN, and Spanish accounts as they were written before there was one."""
    from stdnum import iban
    from stdnum.es import ccc

    at = 0
    while each := IBAN.search(text, at):
        written = each[0]  # the pattern runs on into the words that follow: shorten it until the check digits are right
        while len(written) >= 15 and not iban.is_valid(written):
            written = written[:-1].rstrip(" -")
        at = each.start() + (len(written) if len(written) >= 15 else 2)
        if len(written) >= 15 and not of_something_else(text, each.start()):
            yield Found("iban", iban.compact(written), each.start(), at)
    for each in ACCOUNT.finditer(text):
        if ANNOUNCED_ACCOUNT.search(before(text, each.start())) and ccc.is_valid(each[0]):
            yield Found("iban", iban.compact(ccc.to_iban(each[0])), each.start(), each.end())


def cards(text: str) -> Iterator[Found]:
    """Numbers in the ranges of the card issuers; those as long as a barcode only where a card is spoken of."""
    from stdnum import luhn

    for each in CARD.finditer(text):
        digits = re.sub(r"\D", "", each[0])
        if not ISSUERS.fullmatch(digits) or not luhn.is_valid(digits) or of_something_else(text, each.start()):
            continue
        if len(digits) not in (13, 19) or ANNOUNCED_CARD.search(before(text, each.start())):
            yield Found("card", digits, each.start(), each.end())


def identities(text: str) -> Iterator[Found]:
    """DNI, NIE and CIF, with what people write into them; then those of other countries."""
    from stdnum.es import cif, dni, nie

    for pattern in (IDENTITY, COMPANY):
        for each in pattern.finditer(text):
            bare = re.sub(r"[ .-]", "", each[0]).upper().removeprefix("ES")
            right: Callable[[str], bool] = nie.is_valid if bare[0] in "XYZ" else dni.is_valid
            if (cif.is_valid(bare) if pattern is COMPANY else right(bare.zfill(9))) and not of_something_else(
                text, each.start()
            ):
                yield Found("id", bare, each.start(), each.end())
    for each in OTHER_IDENTITY.finditer(text):
        if _is_foreign(each) and not of_something_else(text, each.start()):
            yield Found("id", re.sub(r"[ -]", "", each[0]), each.start(), each.end())
    for each in SOCIAL.finditer(text):
        digits = re.sub(r"\D", "", each[0])
        body = int(digits[:2] + digits[2:-2].lstrip("0")) if digits[2] == "0" else int(digits[:-2])
        if body % 97 == int(digits[-2:]) and ANNOUNCED_SOCIAL.search(before(text, each.start())):
            yield Found("id", digits, each.start(), each.end())
    for each in PASSPORT.finditer(text):
        yield Found("id", each[1], each.start(1), each.end(1))


def _is_foreign(each: re.Match[str]) -> bool:
    from stdnum.mx import curp
    from stdnum.us import ssn

    match each.lastgroup:
        case "ssn":
            return bool(ssn.is_valid(each[0]))
        case "curp":
            return bool(curp.is_valid(each[0]))
        case _:
            return True
