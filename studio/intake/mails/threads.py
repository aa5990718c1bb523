"""Which mails belong together, and who is who in them.

A reply says what it replies to; where that is lost, the same subject without "Re:" within a month is the same thread.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Protocol, TypeVar

from studio.intake.mails import replies

REPLY = re.compile(r"^\s*(?:(?:re|rv|fw|fwd|rs|aw|wg|res|enc|tr|reenv)\s*(?:\[\d+\])?\s*:\s*)+", re.I)
SAME_SUBJECT_WITHIN = timedelta(days=31)


class Mail(Protocol):
    """What is needed of a mail to find its place."""

    @property
    def row(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def refers(self) -> tuple[str, ...]: ...
    @property
    def subject(self) -> str: ...
    @property
    def author(self) -> str: ...
    @property
    def to(self) -> str: ...
    @property
    def at(self) -> datetime | None: ...


M = TypeVar("M", bound=Mail)


def of(mails: Sequence[M]) -> list[list[M]]:
    """The mails by thread, each thread the oldest first, threads in the order they begin in the mailbox."""
    by_id: dict[str, int] = {}
    by_subject: dict[str, tuple[int, datetime | None]] = {}
    thread_of: dict[int, int] = {}
    joined: dict[int, int] = {}

    def top(thread: int) -> int:
        while joined.get(thread, thread) != thread:
            thread = joined[thread]
        return thread

    for place, mail in sorted(enumerate(mails), key=lambda each: (each[1].at or datetime.min, each[0])):  # noqa: DTZ901
        tied = {top(by_id[name]) for name in (mail.id, *mail.refers) if name in by_id}
        subject = plain(REPLY.sub("", mail.subject))
        is_reply = bool(REPLY.match(mail.subject)) or bool(mail.refers)
        if not tied and is_reply and subject in by_subject and _near(mail.at, by_subject[subject][1]):
            tied = {top(by_subject[subject][0])}
        thread = min(tied, default=place)
        for other in tied:
            joined[other] = thread
        thread_of[place] = thread
        for name in filter(None, (mail.id, *mail.refers)):
            by_id[name] = thread
        if subject:
            by_subject[subject] = (thread, mail.at)
    found: dict[int, list[M]] = {}
    for place in thread_of:  # in the order of time
        found.setdefault(top(thread_of[place]), []).append(mails[place])
    return sorted(found.values(), key=lambda thread: min(mail.row for mail in thread))


def people(thread: Sequence[Mail]) -> dict[str, str]:
    """By address and by bare name: everybody as their own mails show them."""
    known: dict[str, str] = {}
    for mail in thread:
        for shown in _each(mail):
            name, address = parseaddr(shown)
            for key in filter(None, (address.lower(), plain(name))):
                known.setdefault(key, shown)
    return known


def author(announced: str, known: Mapping[str, str]) -> str:
    """Somebody announced above a quotation, as their own mails show them."""
    name = plain(parseaddr(announced)[0] or announced)
    return known.get(replies.address(announced)) or known.get(name) or announced


def plain(text: str) -> str:
    return " ".join(text.lower().split())


def _each(mail: Mail) -> Iterator[str]:
    yield mail.author
    yield from filter(None, (each.strip() for each in mail.to.split(", ")))


def _near(one: datetime | None, other: datetime | None) -> bool:
    return one is None or other is None or abs(one - other) <= SAME_SUBJECT_WITHIN
