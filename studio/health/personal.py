"""Data about people in a text: e-mail addresses, phones, accounts, cards, identity numbers, addresses, secrets, names.

A number counts only when its check digits are right and nothing before it says that it is an order, a meter or a price;
a phone number only when it is in use and announced or written like one. Names and addresses are best effort (`names`).
"""

import re
from collections.abc import Iterable, Iterator, Sequence

from studio.base.records import Document
from studio.health import addresses, names, numbers, passwords, phones
from studio.health.spots import Found, Kind, Stretches

__all__ = ["KINDS", "Found", "Kind", "find", "publishable", "published", "publishes", "told", "values"]

KINDS: tuple[Kind, ...] = ("email", "phone", "iban", "card", "id", "address", "secret", "name")
PUBLISHABLE: frozenset[Kind] = frozenset({"email", "phone", "address", "name"})
CONVERSATIONS = frozenset({"whatsapp", "telegram", "helpdesk", "email", "eml", "msg", "mbox"})
LIST_OF_PEOPLE = 3
MAILBOXES = re.compile(r"@(?:gmail|googlemail|hotmail|outlook|live|yahoo|ymail|icloud|me|proton|protonmail|aol|gmx)\.")
COMPANY_NUMBER = re.compile(r"^[ABCDEFGHJNPQRSUVW]\d{7}[0-9A-J]$")

EMAIL = re.compile(r"(?<![\w.+-])(?!['’])[\w.+%'’-]{1,64}@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
DIGITS = re.compile(r"\d(?:[ .\-/()]{0,3}\d){5}")


def find(text: str, language: str = "") -> list[Found]:
    """Everything personal in the text, in order and without overlaps; what is surer goes first."""
    free = Stretches()
    return sorted((each for each in _every(text, language) if free.take(each.start, each.end)), key=_start)


def values(texts: Iterable[tuple[str, str]]) -> dict[Kind, set[str]]:
    """The different values of each kind in (text, language) pairs."""
    gathered: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
    for text, language in texts:
        for each in find(text, language):
            gathered[each.kind].add(each.value)
    return gathered


def published(documents: Sequence[Document]) -> frozenset[tuple[Kind, str]]:
    """What the company itself tells everybody: contact data, names and company numbers that its documents give.

    A document with several accounts, cards, identity numbers or private mailboxes is a list of people, and publishes
    nothing; nor does what was said to somebody: a chat, a mail, a ticket.
    """
    return told(find(document.text, document.language) for document in documents if publishes(document))


def publishes(document: Document) -> bool:
    """Whether a document speaks to everybody, and not to somebody."""
    return document.kind not in CONVERSATIONS


def told(found: Iterable[Sequence[Found]]) -> frozenset[tuple[Kind, str]]:
    """`published`, from what was found in each document."""
    every: set[tuple[Kind, str]] = set()
    for each in found:
        held = {(one.kind, one.value) for one in each}
        intimate = sum(not publishable(kind, value) or bool(MAILBOXES.search(value)) for kind, value in held)
        if intimate < LIST_OF_PEOPLE:
            every |= {(kind, value) for kind, value in held if publishable(kind, value)}
    return frozenset(every)


def publishable(kind: Kind, value: str) -> bool:
    """Whether a company would print this in a leaflet. Accounts, cards, people's identity numbers and secrets never."""
    return kind in PUBLISHABLE or (kind == "id" and bool(COMPANY_NUMBER.match(value)))


def _every(text: str, language: str) -> Iterator[Found]:
    """What each of the detectors says, the surest first; stretches may overlap."""
    yield from passwords.secrets(text)
    if "@" in text:
        yield from (Found("email", each[0].lower(), each.start(), each.end()) for each in EMAIL.finditer(text))
    if DIGITS.search(text):
        yield from numbers.accounts(text)
        yield from numbers.cards(text)
        yield from numbers.identities(text)
        yield from phones.phones(text, language)
    yield from addresses.addresses(text)
    yield from names.people(text)


def _start(found: Found) -> int:
    return found.start
