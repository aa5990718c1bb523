"""Mails and mailboxes: a document a mail or thread, the attachments as files of their own, and what was asked and answered.

A mail's new text comes first, what it quotes and its signature after that; a mail that is in the mailbox itself is not
quoted again. Attachments are unpacked under numbers and read like any other file (see `members`).
"""

import mailbox
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from email.utils import getaddresses, parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple

from studio.base import files
from studio.base.errors import Unreadable
from studio.base.records import Document, Fault
from studio.intake import archives, kinds
from studio.intake.chats import talks
from studio.intake.chats.turns import Turn
from studio.intake.mails import replies, threads
from studio.intake.members import DEEPEST
from studio.intake.papers import markup
from studio.intake.reading import Draft, Member, Origin, Reading, digest

MOST_MEMBERS = 10_000
MOST_PARTS = 2_000
NO_SUBJECT = "…"
UNKNOWN = "?"


class Letter(NamedTuple):
    """A mail as it was meant: whom from, whom to, when, about what; its own text and the mails quoted under it."""

    row: int
    id: str
    refers: tuple[str, ...]
    subject: str
    author: str
    to: str
    at: datetime | None
    written: str
    parts: tuple[replies.Part, ...]
    attached: tuple[MIMEPart, ...] = ()


def read(file: Path, origin: Origin) -> Reading:
    """One mail. Raises Unreadable: file_damaged when it holds neither headers nor text, file_no_text."""
    return of_message(BytesParser(policy=policy.default).parsebytes(file.read_bytes()), origin, "eml")


def of_message(message: EmailMessage, origin: Origin, kind: str) -> Reading:
    letter = _letter(message, 1)
    draft = Draft()
    _write(letter, draft, history=True)
    documents = draft.documents(origin, kind)
    members = tuple(_members([letter], origin, ""))
    if not documents and not members:
        raise Unreadable("file_no_text", name=origin.name)
    said = _talk([[letter]], origin)
    return said.model_copy(update={"documents": documents, "members": members})


def read_box(file: Path, origin: Origin) -> Reading:
    """All mails of a mailbox, a document a thread. Raises Unreadable("file_damaged") when there is no mail in it."""
    letters = list(_letters(file))
    if not letters:
        raise Unreadable("file_damaged", name=origin.name)
    found = threads.of(letters)
    documents: list[Document] = []
    names = archives.numbered([files.clean_title(thread[0].subject) or NO_SUBJECT for thread in found])
    there = {letter.id for letter in letters if letter.id}
    for name, thread in zip(names, found, strict=True):
        draft = Draft()
        for letter in thread:
            _write(letter, draft, history=not there.intersection(letter.refers))
        own = origin.model_copy(update={"name": f"{origin.name}/{name}"})
        documents += draft.documents(own, "mbox")
    members = tuple(_members(letters, origin, "{row}/"))
    if not documents and not members:
        raise Unreadable("file_no_text", name=origin.name)
    said = _talk(found, origin)
    return said.model_copy(update={"documents": tuple(documents), "members": members})


def turns(thread: Sequence[Letter]) -> list[Turn]:
    """What was said in a thread, the oldest first: each mail without what it quotes, and quoted mails that are not there."""
    known = threads.people(thread)
    said: list[Turn] = []
    seen: set[str] = set()
    for letter in thread:
        quoted = [part for part in letter.parts[1:] if digest(threads.plain(part.text)) not in seen]
        for part in reversed(quoted):
            said.append(Turn(threads.author(part.who, known), None, part.text, letter.row))
            seen.add(digest(threads.plain(part.text)))
        own = letter.parts[0].text
        if own:
            said.append(Turn(letter.author, letter.at, own, letter.row))
            seen.add(digest(threads.plain(own)))
    return said


def _talk(found: Sequence[Sequence[Letter]], origin: Origin) -> Reading:
    """Questions with their answers, where anybody answers anybody."""
    said = [(turns(thread), thread[0].subject) for thread in found]
    said = [each for each in said if each[0]]
    if not any(len({turn.author for turn in each}) > 1 for each, _ in said):
        return Reading()
    return talks.threads_reading([each for each, _ in said], origin, "email", titles=[subject for _, subject in said])


def _letters(file: Path) -> Iterator[Letter]:
    box = mailbox.mbox(str(file), factory=None, create=False)
    try:
        for row, key in enumerate(box.iterkeys(), start=1):
            message = BytesParser(policy=policy.default).parsebytes(box.get_bytes(key))
            if message.keys():
                yield _letter(message, row)
    finally:
        box.close()


def _letter(message: EmailMessage, row: int) -> Letter:
    body, attached = _body_and_attached(message)
    sent = _date(message)
    refers = (*_ids(message, "In-Reply-To"), *reversed(_ids(message, "References")))
    return Letter(
        row=row,
        id=next(iter(_ids(message, "Message-ID")), ""),
        refers=tuple(dict.fromkeys(refers)),
        subject=" ".join(_header(message, "Subject").split()),
        author=_people(message, "From") or _people(message, "Sender") or UNKNOWN,
        to=", ".join(filter(None, (_people(message, "To"), _people(message, "Cc")))),
        at=_in_utc(sent),
        written=f"{sent:%Y-%m-%d %H:%M}" if sent else _header(message, "Date"),
        parts=tuple(replies.parts(body)),
        attached=tuple(attached),
    )


def _body_and_attached(message: EmailMessage) -> tuple[str, list[MIMEPart]]:
    """The text of the mail (its plain form, else its page as text), and what is attached to it."""
    try:
        body = message.get_body(preferencelist=("plain", "html"))
    except (KeyError, ValueError, AttributeError, MessageError):
        body = None
    attached: list[MIMEPart] = []
    shown: set[int] = {id(body)}
    for part in _parts(message):
        if id(part) in shown:
            continue
        if part.get_content_maintype() == "text" and not part.get_filename() and not part.is_attachment():
            continue  # the same text in its other form
        if part.get_content_maintype() == "multipart":  # it says it has parts and has none
            body = body or part
            continue
        attached.append(part)
    text = _text(body) if body is not None else ""
    if not text.strip() and (page := message.get_body(preferencelist=("html",))) is not None:
        text = _text(page)
    return text, attached


def _parts(message: MIMEPart) -> Iterator[MIMEPart]:
    """The leaves of a mail; a mail within it is one of them."""
    waiting, seen = [message], 0
    while waiting and seen < MOST_PARTS:
        part = waiting.pop(0)
        seen += 1
        if part.is_multipart() and part.get_content_type() != "message/rfc822":
            waiting[:0] = [each for each in part.iter_parts() if isinstance(each, MIMEPart)]
        else:
            yield part


def _text(part: MIMEPart) -> str:
    content = _bytes(part)
    said = str(part.get_content_charset() or "")
    text = markup.text_of(content, said) or content.decode("latin-1")
    if part.get_content_subtype() == "html":
        text = "\n".join(line.text for line in markup.lines(text, quotes=True))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _bytes(part: MIMEPart) -> bytes:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0) if part.is_multipart() else None
        return inner.as_bytes() if isinstance(inner, MIMEPart) else b""
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError):
        content = None
    return content if isinstance(content, bytes) else b""


def _members(letters: Iterable[Letter], origin: Origin, place: str) -> Iterator[Member]:
    """The attachments, unpacked under numbers. Pictures and programs are named and left where they are."""
    found = [(letter, part) for letter in letters for part in letter.attached]
    if not found:
        return
    shown = archives.numbered([place.format(row=letter.row) + _file_name(part) for letter, part in found])
    folder, left = Path(tempfile.mkdtemp(prefix="members-")), origin.room
    for number, ((_, part), name) in enumerate(zip(found, shown, strict=True)):
        content = _bytes(part)
        left -= len(content)
        if number >= MOST_MEMBERS or left < 0 or origin.depth >= DEEPEST:
            deep = origin.depth >= DEEPEST
            yield Member(name=name, fault=Fault(code="archive_too_deep" if deep else "members_too_many"))
        elif kinds.is_picture(content[:4096]) and part.get("Content-ID"):
            continue  # a picture in the text, mostly the sender's logo
        elif kinds.of_no_use(content[:4096], name):
            yield Member(name=name, fault=Fault(code="kind_unknown"))
        else:
            target = folder / str(number)
            target.write_bytes(content)
            yield Member(name=name, file=str(target))


def _file_name(part: MIMEPart) -> str:
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0) if part.is_multipart() else None
        subject = _header(inner, "Subject") if isinstance(inner, MIMEPart) else ""
        return f"{files.file_name(files.clean_title(subject, 100) or 'mail')}.eml"
    try:
        said = part.get_filename() or ""
    except (ValueError, LookupError):
        said = ""
    return files.file_name(said) if said else f"attachment.{part.get_content_subtype()[:20]}"


def _write(letter: Letter, draft: Draft, history: bool) -> None:
    """Who wrote to whom, when and about what; the text; then signature and what is quoted, which searching may need."""
    people = " → ".join(filter(None, (letter.author.removeprefix(UNKNOWN), letter.to)))
    head = "\n".join(filter(None, (letter.subject, " · ".join(filter(None, (people, letter.written))))))
    own = letter.parts[0]
    if own.text or letter.subject:
        draft.add("\n\n".join(filter(None, (head, own.text))), heading=letter.subject, row=letter.row)
    draft.add(own.signature, heading=letter.subject, row=letter.row)
    for part in letter.parts[1:] if history else ():
        who = part.who.removeprefix(UNKNOWN)
        text = "\n\n".join(filter(None, (f"{who}:" if who else "", part.text, part.signature)))
        draft.add(text, heading=letter.subject, row=letter.row)


def _header(message: MIMEPart, name: str) -> str:
    try:
        return str(message.get(name) or "").strip()
    except (ValueError, LookupError, IndexError, AttributeError, TypeError, MessageError):
        return ""  # a header so broken that the library stumbles over it


def _people(message: EmailMessage, name: str) -> str:
    """ "Ana Ruiz <ana@x.es>, tienda@y.es"; the display names decoded."""
    said = getaddresses([_header(message, name)])
    return ", ".join(f"{who} <{at}>" if who and who != at else at or who for who, at in said if who or at)


def _ids(message: EmailMessage, name: str) -> list[str]:
    return [word.strip("<>,") for word in _header(message, name).split() if word.strip("<>,")]


def _date(message: EmailMessage) -> datetime | None:
    try:
        return parsedate_to_datetime(_header(message, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _in_utc(sent: datetime | None) -> datetime | None:
    """Without a zone: the mails of one thread come from several, and only differences matter."""
    try:
        return sent.astimezone(UTC).replace(tzinfo=None) if sent and sent.tzinfo else sent
    except (ValueError, OverflowError):
        return None
