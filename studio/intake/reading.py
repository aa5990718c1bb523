"""What one file gave: documents to search, examples to learn from, findings about what was left out.

`Draft` builds a document's text and its sections together, so that offsets are right by construction.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence

from studio.base.records import Document, Example, Fault, Finding, How, Layout, Level, Message, Record, Section
from studio.intake.language import of
from studio.intake.tables import bulk

SHOWN_ROWS = 20
_HALF = re.compile("[\ud800-\udfff]")


class Origin(Record):
    """The file a reading comes from: its name as shown, its path inside the project, the digest of its bytes.

    `how` is what the person decided about reading it; `password` opens it and is kept nowhere. A file found in another
    one has its path in there as `inside`, and is `depth` files deep; `room` is how many bytes it may still unpack to.
    """

    name: str
    source: str
    sha256: str
    how: How = How()
    password: str = ""
    inside: str = ""
    depth: int = 0
    room: int = 500 << 20


class Member(Record):
    """A file found in another one: its name in there ("" when it is all there is), and where it was unpacked to, or why
    it was not.
    """

    name: str
    file: str = ""
    fault: Fault | None = None


class Reading(Record):
    """All that an importer understood of one file, and the files it holds, which are still to be read (see `members`)."""

    documents: tuple[Document, ...] = ()
    examples: tuple[Example, ...] = ()
    findings: tuple[Finding, ...] = ()
    layout: Layout | None = None
    members: tuple[Member, ...] = ()


class Draft:
    """A document being written, section by section. `rows` is how many rows of tables are in it."""

    def __init__(self) -> None:
        self.rows = 0
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
        self.rows += row is not None
        self._sections.append(Section(start=start, end=self._length, page=page, heading=heading, sheet=sheet, row=row))

    def add_rows(
        self, texts: Sequence[str], numbers: Sequence[int], *, sheet: str = "", together: int = 1, gap: str = "\n"
    ) -> None:
        """Append many rows at once, a section for each, or for every `together` of them; empty ones are left out.

        The same as `add` row by row, three times as fast.
        """
        if not all(texts):
            kept = [at for at, text in enumerate(texts) if text]
            texts, numbers = [texts[at] for at in kept], [numbers[at] for at in kept]
        if not texts:
            return
        self.rows += len(texts)
        if together > 1:
            texts = ["\n".join(texts[at : at + together]) for at in range(0, len(texts), together)]
            numbers = numbers[::together]
        at = self._length + (len(gap) if self._parts else 0)
        block = "\n".join(texts)
        try:
            block.encode("latin-1")  # ten times as fast where it is enough
        except UnicodeEncodeError:
            block = whole(block)
        self._sections += bulk.sections(texts, numbers, at, sheet)
        self._parts += [gap, block] if self._parts else [block]
        self._length = at + len(block)

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
    if any(_HALF.search(message.content) for message in messages):
        messages = [Message(role=message.role, content=whole(message.content)) for message in messages]
    content = [part for message in messages for part in (message.role, message.content)]
    return Example(
        id=digest(_place(origin), sheet, str(row), *content),
        messages=tuple(messages),
        task=task,
        topic=whole(topic),
        source=origin.source,
        row=row,
    )


def answered(
    origin: Origin, rows: Iterable[tuple[int, str, str, str]], *, sheet: str = "", task: str = "answer"
) -> list[Example]:
    """For each row, question, answer and topic the same as `example` of one `turn`; tables have many."""
    before = "\x1f".join((_place(origin), sheet, ""))
    turns: list[tuple[str, int, str, str, str]] = []
    halved: list[tuple[int, Example]] = []
    for row, question, answer, topic in rows:
        try:
            key = f"{before}{row}\x1fuser\x1f{question}\x1fassistant\x1f{answer}".encode()
            if topic:
                topic.encode()
        except UnicodeEncodeError:  # half a letter
            each = example(origin, row, turn(question, answer), topic=topic, sheet=sheet, task=task)
            halved.append((len(turns) + len(halved), each))
        else:
            turns.append((hashlib.sha256(key).hexdigest()[:12], row, question, answer, topic))
    made = bulk.examples(turns, origin.source, task)
    for at, each in halved:
        made.insert(at, each)
    return made


def turn(question: str, answer: str) -> tuple[Message, ...]:
    return Message(role="user", content=question), Message(role="assistant", content=answer)


def rows_finding(code: str, origin: Origin, rows: Iterable[int], level: Level = "warn") -> tuple[Finding, ...]:
    """One finding that names the rows by number, or none."""
    numbers = sorted(set(rows))
    if not numbers:
        return ()
    listed = ", ".join(map(str, numbers[:SHOWN_ROWS])) + (" …" if len(numbers) > SHOWN_ROWS else "")
    return (Finding(code=code, level=level, count=len(numbers), names=(origin.name,), parameters={"rows": listed}),)


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
    try:
        text.encode()  # ten times as fast as looking for halves, of which there are hardly ever any
    except UnicodeEncodeError:
        return _HALF.sub("\ufffd", text)
    return text


def digest(*parts: str) -> str:
    """Twelve hexadecimal digits that follow from the parts."""
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _place(origin: Origin) -> str:
    return f"{origin.source}/{origin.inside}" if origin.inside else origin.source
