"""Outlook's own file of a mail (.msg): its properties are read and given on as the mail they once were.

Knows the container and the numbers of the properties ([MS-OXMSG], [MS-OXPROPS]); what a mail means is `mail`'s business.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import HeaderParser
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from studio.base.errors import Unreadable
from studio.intake.mails import mail
from studio.intake.papers import packed_rtf, rich_text
from studio.intake.reading import Origin, Reading

SUBJECT, BODY, HTML, PACKED_RTF, HEADERS = "0037", "1000", "1013", "1009", "007D"
SENDER, SENDER_ADDRESS, SENDER_SMTP, TO, CC, MESSAGE_ID, IN_REPLY_TO = (
    "0C1A",
    "0C1F",
    "5D01",
    "0E04",
    "0E03",
    "1035",
    "1042",
)
FILE_DATA, LONG_NAME, SHORT_NAME, CONTENT_ID = "3701", "3707", "3704", "3712"
SENT, ARRIVED, CODE_PAGE = b"\x40\x00\x39\x00", b"\x40\x00\x06\x0e", b"\x03\x00\xde\x3f"
PROPERTIES = "__properties_version1.0"
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
DEEPEST = 3
KEPT_HEADERS = ("Message-ID", "In-Reply-To", "References", "Date", "From", "To", "Cc", "Subject")


def read(file: Path, origin: Origin) -> Reading:
    """Raises Unreadable: file_damaged, file_no_text."""
    import olefile  # type: ignore[import-untyped]

    try:
        with olefile.OleFileIO(str(file)) as container:
            message = _message(container, [], origin)
    except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError, RecursionError) as error:
        raise Unreadable("file_damaged", name=origin.name) from error
    return mail.of_message(message, origin, "msg")


def _message(container: Any, place: list[str], origin: Origin, depth: int = 0) -> EmailMessage:
    numbers = _numbers(container, place)
    page = _code_page(numbers)

    def text(number: str) -> str:
        return _text(container, place, number, page)

    made = EmailMessage(policy=policy.default.clone(raise_on_defect=False))
    for name, value in _headers(text, numbers):
        if value:
            made[name] = " ".join(value.split())
    _set_body(made, container, place, text, origin)
    for inside in _folders(container, place, "__attach_version1.0_"):
        _attach(made, container, inside, page, origin, depth)
    return made


def _headers(text: Any, numbers: bytes) -> Iterator[tuple[str, str]]:
    """The headers the mail came with; of a draft or a mail that was sent, what the properties say."""
    sent = HeaderParser(policy=policy.default).parsestr(text(HEADERS))
    address = text(SENDER_SMTP) or (text(SENDER_ADDRESS) if "@" in text(SENDER_ADDRESS) else "")
    own = {
        "Subject": text(SUBJECT),
        "From": f'"{_quotable(text(SENDER))}" <{address}>' if address else _quotable(text(SENDER)),
        "To": text(TO).replace(";", ","),
        "Cc": text(CC).replace(";", ","),
        "Message-ID": text(MESSAGE_ID),
        "In-Reply-To": text(IN_REPLY_TO),
        "Date": _date(numbers),
    }
    for name in KEPT_HEADERS:
        try:
            said = str(sent.get(name) or "")
        except (ValueError, IndexError, AttributeError, TypeError):
            said = ""
        yield name, said or own.get(name, "")


def _quotable(name: str) -> str:
    return name.replace('"', "").replace("\\", "")


def _set_body(made: EmailMessage, container: Any, place: list[str], text: Any, origin: Origin) -> None:
    if (plain := text(BODY)).strip():
        made.set_content(plain)
    elif html := _bytes(container, place, HTML) or text(HTML).encode():
        made.set_content(html, maintype="text", subtype="html", cte="base64")
    elif packed := _bytes(container, place, PACKED_RTF):
        made.set_content(rich_text.text_of(packed_rtf.unpacked(packed), origin))
    else:
        made.set_content("")


def _attach(made: EmailMessage, container: Any, inside: list[str], page: str, origin: Origin, depth: int) -> None:
    name = _text(container, inside, LONG_NAME, page) or _text(container, inside, SHORT_NAME, page)
    nested = [*inside, f"__substg1.0_{FILE_DATA}000D"]
    if container.exists(nested) and container.get_type(nested) == 1:
        if depth < DEEPEST and container.exists([*nested, PROPERTIES]):
            made.add_attachment(_message(container, nested, origin, depth + 1))
        else:
            made.add_attachment(b"", maintype="application", subtype="octet-stream", filename=name or "object.ole")
        return
    content = _bytes(container, inside, FILE_DATA)
    if content:
        cid = _text(container, inside, CONTENT_ID, page)
        made.add_attachment(
            content,
            maintype="application",
            subtype="octet-stream",
            filename=name or "file.bin",
            cid=f"<{cid}>" if cid else None,
        )


def _folders(container: Any, place: list[str], start: str) -> list[list[str]]:
    depth = len(place)
    found = {
        entry[depth]
        for entry in container.listdir(streams=True, storages=True)
        if len(entry) > depth and entry[:depth] == place and entry[depth].startswith(start)
    }
    return [[*place, name] for name in sorted(found)]


def _text(container: Any, place: list[str], number: str, page: str) -> str:
    for kind, encoding in (("001F", "utf-16-le"), ("001E", page)):
        path = [*place, f"__substg1.0_{number}{kind}"]
        if container.exists(path):
            return str(container.openstream(path).read().decode(encoding, "replace")).rstrip("\x00")
    return ""


def _bytes(container: Any, place: list[str], number: str) -> bytes:
    path = [*place, f"__substg1.0_{number}0102"]
    return bytes(container.openstream(path).read()) if container.exists(path) else b""


def _numbers(container: Any, place: list[str]) -> bytes:
    """The properties of fixed size, sixteen bytes each, after a header whose length depends on where the mail stands."""
    path = [*place, PROPERTIES]
    content = bytes(container.openstream(path).read()) if container.exists(path) else b""
    return content[24 if place else 32 :]


def _number(numbers: bytes, tag: bytes) -> int:
    for at in range(0, len(numbers) - 15, 16):
        if numbers[at : at + 4] == tag:
            return int.from_bytes(numbers[at + 8 : at + 16], "little")
    return 0


def _code_page(numbers: bytes) -> str:
    page = _number(numbers, CODE_PAGE) & 0xFFFFFFFF
    if page == 65001:
        return "utf-8"
    try:
        "".encode(f"cp{page}")
    except LookupError:
        return "cp1252"
    return f"cp{page}"


def _date(numbers: bytes) -> str:
    """Windows counts tenths of microseconds from the year 1601."""
    ticks = _number(numbers, SENT) or _number(numbers, ARRIVED)
    try:
        return format_datetime(EPOCH + timedelta(microseconds=ticks // 10)) if ticks else ""
    except OverflowError:
        return ""
