"""Assistants and what they say."""

from typing import Literal

from pydantic import Field

from studio.base.records.goal import Profile
from studio.base.records.material import Message, Place
from studio.base.records.record import Approach, Parameter, Record, new_id, now
from studio.base.records.search import Passage


class Variant(Record):
    """Everything that decides an answer. `adapter` is a path inside the project folder (`models/<id>`).

    `quotes`: the answer is the best sentence that was found, word for word, for models too small to do better. `frame`: the
    system message within which a trained assistant learnt its answers.
    """

    id: str
    approach: Approach
    model: str
    adapter: str | None = None
    instructions: str = ""
    frame: str = ""
    profile: Profile = Profile()
    passages: int = Field(default=4, ge=1, le=20)
    quotes: bool = False
    max_tokens: int = Field(default=160, ge=1, le=4096)


class Citation(Record):
    """`[number]` in an answer, and the passage it points to (its position in `Answer.passages`)."""

    number: int
    passage: int


class Support(Record):
    """What stands behind one sentence of an answer, `Answer.text[start:end]`: the position of the passage it was compared
    with, and what that passage does not say or says otherwise (figures and names, as the answer writes them).
    """

    start: int
    end: int
    state: Literal["supported", "unsupported", "contradicting"]
    passage: int | None = None
    missing: tuple[str, ...] = ()


class Cited(Record):
    """One sentence of an answer, `Answer.text[start:end]`, and where it stands: the passage at position `passage` of
    `Answer.passages`, of which `text` is the part that carries it. `chunk_start`/`chunk_end` are offsets into the
    passage's text; `document_start`/`document_end` into the document's, None where the part is a table's repeated header.
    """

    start: int
    end: int
    number: int
    passage: int
    text: str
    chunk_start: int
    chunk_end: int
    document_id: str
    document: str
    page: int | None = None
    document_start: int | None = None
    document_end: int | None = None


class Computed(Record):
    """An answer that was reckoned from the rows of a table: how, in words and as SQL, and from which rows.

    `value` is the number (or the date) itself and `text` how it is said; `rows` are the first PLACES of `count`, and
    `left_out` is how many of the rows that fit had nothing to reckon with in the column.
    """

    question: str
    text: str
    value: str
    words: str
    sql: str
    document_id: str
    document: str
    sheet: str = ""
    columns: tuple[str, ...] = ()
    count: int = 0
    left_out: int = 0
    rows: tuple[Place, ...] = ()


class Lost(Record):
    """At which step a document that should have answered a question was lost (`lost.<code>` in the locales), and what can
    be done about it (`repair`, "" where nothing is lost).

    `passage` is the best one of that document, `rank` its place among all (from 1; None beyond those looked at), `limit`
    how many are used. `missing` are words of the question that stand nowhere in the document, `alike` those that stand
    there in another form ("asked → there").
    """

    code: Literal[
        "not_read",
        "not_searchable",
        "no_words",
        "word_form",
        "split",
        "ranked",
        "cut_by_limit",
        "below_threshold",
        "ignored",
        "used",
    ]
    repair: Literal[
        "", "read_again", "build_again", "add_question", "raise_passages", "lower_caution", "use_larger_model"
    ] = ""
    document_id: str
    document: str
    question: str
    passage: Passage | None = None
    rank: int | None = None
    limit: int = 0
    score: float = 0.0
    similarity: float = 0.0
    cover: float = 0.0
    threshold: float = 0.0
    missing: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    parameters: dict[str, Parameter] = {}


Declined = Literal["", "nothing", "unsure", "unknown", "against"]


class Answer(Record):
    """What one variant said. `messages` is the prompt as sent, so that the answer can be explained later, word for word.

    `understood` is the question as it was searched for where it leans on the conversation before it, "" where it stands
    alone; `computed` how the answer was reckoned, where it was; `spoken_by` the model and the adapter that spoke, by their
    hashes, "" where none did or it cannot be known (another server). `declined` says why nothing is answered: nothing was
    found, what was found is not sure enough, the model said so, or what it said is against its source.
    """

    id: str = Field(default_factory=new_id)
    variant: str
    question: str
    text: str
    messages: tuple[Message, ...] = ()
    passages: tuple[Passage, ...] = ()
    citations: tuple[Citation, ...] = ()
    support: tuple[Support, ...] = ()
    refused: bool = False
    declined: Declined = ""
    quoted: bool = False
    understood: str = ""
    computed: Computed | None = None
    spoken_by: str = ""
    seconds: float = 0.0
    first_token_seconds: float = 0.0
    prompt_tokens: int = 0
    tokens: int = 0
    created: str = Field(default_factory=now)
