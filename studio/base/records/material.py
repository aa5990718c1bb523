"""What was brought: documents, examples, questions, and what was understood, found and changed."""

from typing import Literal

from pydantic import Field

from studio.base.records.record import ColumnRole, Level, Parameter, Record, Role, Split, Task, new_id, now

PLACES = 200


FAULTS = 200


class Section(Record):
    """A stretch `text[start:end]` of a document and where a reader finds it: a page, a sheet, a row, a heading."""

    start: int
    end: int
    page: int | None = None
    heading: str = ""
    sheet: str = ""
    row: int | None = None


class Document(Record):
    """One readable source as plain text. `source` is its path inside the project folder, `sha256` that of the original,
    `date` the day it is from (ISO 8601), where the file says so.
    """

    id: str
    name: str
    kind: str
    text: str
    source: str
    sha256: str
    language: str = ""
    sections: tuple[Section, ...] = ()
    date: str = ""


class Message(Record):
    role: Role
    content: str


class Example(Record):
    """A conversation whose last message is the answer to learn. `source` and `row` say where it comes from, `task` is one
    of TASKS."""

    id: str
    messages: tuple[Message, ...]
    task: str = "answer"
    split: Split = "train"
    topic: str = ""
    source: str = ""
    row: int | None = None

    @property
    def question(self) -> str:
        return next((m.content for m in reversed(self.messages[:-1]) if m.role == "user"), "")

    @property
    def answer(self) -> str:
        return self.messages[-1].content if self.messages else ""


class Question(Record):
    """A test item. `must_contain` are the facts a right answer states; "14|fourteen" accepts either. What states one of
    `must_not_contain` is wrong.
    """

    id: str = Field(default_factory=new_id)
    question: str
    reference: str = ""
    expected_source: str | None = None
    answerable: bool = True
    segment: str = ""
    must_contain: tuple[str, ...] = ()
    must_not_contain: tuple[str, ...] = ()


class Place(Record):
    """Where a finding stands. `id` is that of the document, example or question; `text` a short excerpt (120 characters
    at most) in which personal data is already hidden.
    """

    name: str
    source: str = ""
    id: str = ""
    page: int | None = None
    row: int | None = None
    text: str = ""


class Finding(Record):
    """Something the person should know about their material. Worded by `finding.<code>` in the locales.

    `count` is how many there are, `places` the first of them (PLACES at most), `repairs` the codes of the repairs that
    `health.repairs` can do about it, the best one first.
    """

    code: str
    level: Level
    count: int = 1
    names: tuple[str, ...] = ()
    parameters: dict[str, Parameter] = {}
    places: tuple[Place, ...] = ()
    repairs: tuple[str, ...] = ()


class Column(Record):
    """A column of a table: its header, what we (or the person) take it for, and its first filled cells."""

    name: str
    role: ColumnRole = "text"
    samples: tuple[str, ...] = ()


class Speaker(Record):
    """Somebody in a conversation, how much they said, and whether they speak for the business."""

    name: str
    messages: int
    business: bool = False


class RowFault(Record):
    """A row that was repaired or refused: its number as the person's own program shows it, and why (`row.<code>`)."""

    row: int
    code: str
    sheet: str = ""


class Layout(Record):
    """How a source was understood, so that the person can see and change it.

    `rows` is how many rows (or messages) there were; each of them was read, read after a repair, or refused:
    rows == read + refused_count, and `repaired_count` of the `read` were mended. The two lists name the first FAULTS.
    """

    columns: tuple[Column, ...] = ()
    speakers: tuple[Speaker, ...] = ()
    encoding: str = ""
    delimiter: str = ""
    rows: int = 0
    read: int = 0
    repaired_count: int = 0
    refused_count: int = 0
    repaired: tuple[RowFault, ...] = ()
    refused: tuple[RowFault, ...] = ()


class How(Record):
    """What the person has decided about reading a source; whatever is empty is decided by us.

    `columns` are the roles from left to right, `business` the speakers who answer for the company, `hours` how long an
    answer may take to count as one, `task` what all examples of the source teach, None what its rows or we say.
    """

    columns: tuple[ColumnRole, ...] = ()
    business: tuple[str, ...] = ()
    hours: float | None = Field(default=None, gt=0, le=24 * 14)
    task: Task | None = None


class Source(Record):
    """Where material comes from: its path inside the project (`sources/…`) and digest, how it is read, what was understood.

    `origin` is empty for a file, otherwise the address, query or data set it was fetched from.
    """

    source: str
    sha256: str
    added: str = ""
    origin: str = ""
    how: How = How()
    layout: Layout | None = None
    findings: tuple[Finding, ...] = ()


class Past(Record):
    """A line of the project's history: what was done (`history.<what>` in the locales), when, with which numbers."""

    at: str
    what: str
    parameters: dict[str, Parameter] = {}


class Added(Record):
    """What became of one source: how much was read, what was refused and why."""

    name: str
    source: str = ""
    documents: int = 0
    examples: int = 0
    questions: int = 0
    characters: int = 0
    findings: tuple[Finding, ...] = ()
    known: bool = False


class Change(Record):
    """One record of the material before and after a repair, as JSON; `before` None was made new, `after` None taken out."""

    kind: Literal["document", "example", "question"]
    id: str
    before: str | None
    after: str | None


class Repair(Record):
    """A repair that was made: its code and date, how many records it changed and took out, the counts before and after.

    The changes themselves are kept apart, for the owner's eyes (see `health.mending`); `undone` is when it was taken back.
    """

    id: str = Field(default_factory=new_id)
    code: str
    changed: int = 0
    removed: int = 0
    made: int = 0
    before: dict[str, int] = {}
    after: dict[str, int] = {}
    parameters: dict[str, Parameter] = {}
    created: str = Field(default_factory=now)
    undone: str | None = None


class Proposal(Record):
    """A question and its answer that a model drafted from a passage. Nothing is used of it until a person approves it.

    `passage` is the text it rests on, `document[start:end]`; `checks` are codes of doubts about it (`doubt.<code>`).
    """

    id: str = Field(default_factory=new_id)
    question: str
    answer: str
    document_id: str
    document: str
    source: str
    start: int
    end: int
    passage: str
    page: int | None = None
    heading: str = ""
    model: str = ""
    checks: tuple[str, ...] = ()
    state: Literal["waiting", "approved", "rejected"] = "waiting"
    created: str = Field(default_factory=now)
