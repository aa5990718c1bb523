"""What one file gave: documents to search, examples to learn from, findings about what was left out.

`Draft` builds a document's text and its sections together, so that offsets are right by construction.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from studio.base.records import Document, Example, Finding, How, Layout, Message, Record, Section
from studio.intake.language import of

SHOWN_ROWS = 20
_HALF = re.compile("[\ud800-\udfff]")


class Origin(Record):
    """The file a reading comes from: its name as shown, its path inside the project, the digest of its bytes.

    `how` is what the person decided about reading it; `password` opens it and is kept nowhere.
    """

    name: str
    source: str
    sha256: str
    how: How = How()
    password: str = ""


class Reading(Record):
    """All that an importer understood of one file."""

    documents: tuple[Document, ...] = ()
    examples: tuple[Example, ...] = ()
    findings: tuple[Finding, ...] = ()
    layout: Layout | None = None


class Draft:
    """A document being written, section by section."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._sections: list[Section] = []
        self._length = 0

    def add(
        self,
        text: str,
        *,
        page: int | None = None,
        heading: str = "",
        sheet: str = "",
        row: int | None = None,
        gap: str = "\n\n",
    ) -> None:
        """Append a section, `gap` between it and the one before; nothing happens when it holds no visible text."""
        text, heading, sheet = whole(text), whole(heading), whole(sheet)
        if not text.strip():
            return
        if self._parts:
            self._parts.append(gap)
            self._length += len(gap)
        start, self._length = self._length, self._length + len(text)
        self._parts.append(text)
        self._sections.append(Section(start=start, end=self._length, page=page, heading=heading, sheet=sheet, row=row))

    def documents(self, origin: Origin, kind: str) -> tuple[Document, ...]:
        """The one document written so far, or none when nothing visible was added."""
        if not self._parts:
            return ()
        text = "".join(self._parts)
        made = Document(
            id=digest(origin.sha256, origin.name),
            name=origin.name,
            kind=kind,
            text=text,
            source=origin.source,
            sha256=origin.sha256,
            language=of(text),
            sections=tuple(self._sections),
        )
        return (made,)


def example(
    origin: Origin,
    row: int,
    messages: Sequence[Message],
    *,
    topic: str = "",
    sheet: str = "",
    task: str = "answer",
) -> Example:
    """An example whose id follows from where it stands and what it says: read again, it is the same one."""
    messages = [Message(role=message.role, content=whole(message.content)) for message in messages]
    content = [part for message in messages for part in (message.role, message.content)]
    return Example(
        id=digest(origin.source, sheet, str(row), *content),
        messages=tuple(messages),
        task=task,
        topic=whole(topic),
        source=origin.source,
        row=row,
    )


def turn(question: str, answer: str) -> tuple[Message, ...]:
    return Message(role="user", content=question), Message(role="assistant", content=answer)


def rows_finding(code: str, origin: Origin, rows: Iterable[int]) -> tuple[Finding, ...]:
    """One warning that names the rows by number, or none."""
    numbers = sorted(set(rows))
    if not numbers:
        return ()
    listed = ", ".join(map(str, numbers[:SHOWN_ROWS])) + (" …" if len(numbers) > SHOWN_ROWS else "")
    return (Finding(code=code, level="warn", count=len(numbers), names=(origin.name,), parameters={"rows": listed}),)


def joined(readings: Iterable[Reading]) -> Reading:
    """Several readings as one; the layout is the first one's that has any."""
    every = list(readings)
    return Reading(
        layout=next((reading.layout for reading in every if reading.layout), None),
        documents=tuple(d for reading in every for d in reading.documents),
        examples=tuple(e for reading in every for e in reading.examples),
        findings=tuple(f for reading in every for f in reading.findings),
    )


def whole(text: str) -> str:
    """The text with U+FFFD for every half of a letter (a lone surrogate): an emoji cut in two, which JSON can hold
    and no UTF-8 file can.
    """
    return _HALF.sub("\ufffd", text)


def digest(*parts: str) -> str:
    """Twelve hexadecimal digits that follow from the parts."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]
