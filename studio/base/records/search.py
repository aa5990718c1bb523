"""What is searched, what was found, and what was measured about it."""

from typing import Literal

from pydantic import Field

from studio.base.records.record import Record, now


class Chunk(Record):
    """A passage as it is searched and cited. `start`/`end` are offsets into the document's text."""

    id: str
    document_id: str
    document: str
    text: str
    start: int
    end: int
    page: int | None = None
    heading: str = ""
    sheet: str = ""
    row: int | None = None
    language: str = ""
    date: str = ""


class Filter(Record):
    """Which passages may be found; whatever is empty lets everything through. Days are ISO 8601, both included;
    a passage without a date is found only where no day is asked for.
    """

    documents: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    since: str = Field(default="", pattern=r"^(\d{4}-\d\d-\d\d)?$")
    until: str = Field(default="", pattern=r"^(\d{4}-\d\d-\d\d)?$")


class Passage(Record):
    """A chunk found for a question. `similarity` is the raw cosine in [-1, 1]; `score` only orders this one result."""

    chunk: Chunk
    score: float
    similarity: float


class Position(Record):
    """One setting of the dial. Of 1 answer given, the share `wrong`; of 1 question asked, the share that goes to a
    `person`; both with their 95 % interval.
    """

    caution: float
    wrong: float
    wrong_low: float
    wrong_high: float
    person: float
    person_low: float
    person_high: float


class Calibration(Record):
    """What the settings of the dial amount to for this project's index, from the most helpful to the most cautious.

    Measured on so many questions that the documents answer and that they leave open; `own` of them the person's. Weighed
    as if the share `left_open` of all questions had no answer. `offset` moves the whole dial of this project, `made_for` is
    the index and material it was made for.
    """

    positions: tuple[Position, ...]
    answerable: int
    unanswerable: int
    own: int
    left_open: float
    offset: float = 0.0
    made_for: str = ""
    created: str = Field(default_factory=now)


class Proof(Record):
    """Two ways of searching on the same `n` questions that were kept back: for what share the right passage came first and
    was among the `limit` an answer is made of. `wins` and `losses` count the questions for which only the new or only the
    old way put it first; `p_value` is that of the exact one-sided McNemar test on them.
    """

    n: int
    limit: int
    first_before: float
    first_after: float
    given_before: float
    given_after: float
    wins: int
    losses: int
    p_value: float
    kept: bool


class Tuned(Record):
    """How much meaning weighs beside the words in this project's search (`weight`, with this `embedder`), and how that was
    found. Worded by `tuned.<reason>`; `questions` is how many there were to measure with, `made_for` the index and
    questions.
    """

    weight: float
    default: float
    embedder: str
    reason: Literal["kept", "same", "not_proven", "too_few", "unfinished"]
    questions: int
    proof: Proof | None = None
    made_for: str = ""
    created: str = Field(default_factory=now)


class Attuned(Record):
    """An embedder that learnt from the project's own questions and passages. `embedder` is where it lies in the project
    (`models/<id>`), "" when it found no more than `base` and was not kept (`attuned.<reason>`).
    """

    id: str
    base: str
    embedder: str = ""
    reason: Literal["kept", "not_proven", "forgets"]
    pairs: int
    proof: Proof
    seconds: float = 0.0
    created: str = Field(default_factory=now)
