"""The nouns of the house: frozen records that rooms hand to each other.

A record holds facts and no behaviour beyond reading them. Nothing in here knows where it is stored or how it is shown.
"""

from datetime import UTC, datetime
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

Language = Literal["en", "es"]
Approach = Literal["plain", "instructions", "examples", "documents", "whole", "trained", "both"]
Level = Literal["stop", "warn", "note", "good"]
Split = Literal["train", "validation", "test"]
Role = Literal["system", "user", "assistant"]
Parameter = str | int | float
RunKind = Literal[
    "intake",
    "check",
    "draft",
    "rehearse",
    "build",
    "calibrate",
    "attune",
    "fetch",
    "evaluate",
    "explain",
    "export",
    "push",
]
ColumnRole = Literal["question", "answer", "topic", "more", "text", "ignore"]
RunState = Literal["queued", "running", "done", "failed", "stopped"]

LANGUAGES: tuple[Language, ...] = ("en", "es")
PLACES = 200
FAULTS = 200
APPROACHES_THAT_SEARCH: frozenset[Approach] = frozenset({"documents", "both"})
APPROACHES_THAT_TRAIN: frozenset[Approach] = frozenset({"trained", "both"})


def new_id() -> str:
    """Twelve hexadecimal digits, unguessable enough to never meet twice on one machine."""
    return uuid4().hex[:12]


def now() -> str:
    """The present moment, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Record(BaseModel):
    """Frozen, and unknown fields are an error: a misspelt field is never lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


# ---- what the person wants ---------------------------------------------------------------------------------------------


class Goal(Record):
    """The answers of the Goal step."""

    kind: Literal["answer", "write", "sort", "other"] = "answer"
    text: str = Field(default="", max_length=4_000)
    facts_or_style: Literal["facts", "style", "both"] = "facts"
    change: Literal["daily", "weekly", "monthly", "rarely"] = "monthly"
    matters: tuple[Literal["facts", "sources", "tone", "speed", "private"], ...] = (
        "facts",
        "sources",
        "private",
    )


class Profile(Record):
    """Who speaks and to whom; turned into instructions by `answering`."""

    address: Literal["", "tú", "usted"] = ""
    tone: Literal["warm", "neutral", "formal"] = "neutral"
    length: Literal["short", "medium", "long"] = "short"


# ---- material ----------------------------------------------------------------------------------------------------------


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
    """A conversation whose last message is the answer to learn. `source` and `row` say where it comes from."""

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
    """A test item. `must_contain` are the facts a right answer states; "14|fourteen" accepts either."""

    id: str = Field(default_factory=new_id)
    question: str
    reference: str = ""
    expected_source: str | None = None
    answerable: bool = True
    segment: str = ""
    must_contain: tuple[str, ...] = ()


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
    answer may take to count as one.
    """

    columns: tuple[ColumnRole, ...] = ()
    business: tuple[str, ...] = ()
    hours: float | None = Field(default=None, gt=0, le=24 * 14)


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


# ---- retrieval ---------------------------------------------------------------------------------------------------------


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


# ---- assistants and their answers --------------------------------------------------------------------------------------


class Variant(Record):
    """Everything that decides an answer. `adapter` is a path inside the project folder (`models/<id>`).

    `quotes`: the answer is the best sentence that was found, word for word, for models too small to do better.
    """

    id: str
    approach: Approach
    model: str
    adapter: str | None = None
    instructions: str = ""
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


class Score(Record):
    """A measured share or mean with its 95 % interval; `n` is the number of questions it rests on."""

    metric: str
    value: float
    low: float
    high: float
    n: int


class Graded(Record):
    """One test question answered by one variant, and whether the answer was right."""

    question_id: str
    answer: Answer
    right: bool
    declined: bool = False
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class VariantScores(Record):
    variant: str
    scores: tuple[Score, ...]
    graded: tuple[Graded, ...] = ()


class Scorecard(Record):
    """All variants on the same questions. `difference` entries compare pairs (see `evaluation`)."""

    id: str = Field(default_factory=new_id)
    variants: tuple[VariantScores, ...]
    differences: tuple["Difference", ...] = ()
    created: str = Field(default_factory=now)


class Difference(Record):
    """Paired comparison of two variants on right answers: exact McNemar test on the discordant questions."""

    better: str
    worse: str
    wins: int
    losses: int
    p_value: float
    verdict: Literal["better", "none_found", "too_few"]


class Vote(Record):
    """A person's choice among the answers shown for one question. `winner` is a variant id, None for "neither" or, with
    `equal`, for "equally good". `shown` are the variants in the order in which they stood, `lengths` their answers' words.

    `round` is the blind vote it was cast in, "" where the names were visible; `voter` the id of an invitation, "" for the
    person at the studio.
    """

    id: str = Field(default_factory=new_id)
    question: str
    shown: tuple[str, ...]
    winner: str | None
    equal: bool = False
    answers: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    round: str = ""
    voter: str = ""
    seconds: float = Field(default=0.0, ge=0)
    created: str = Field(default_factory=now)


class Ballot(Record):
    """One question of a blind vote and the answers to it, in the order of the round's variants."""

    question: str
    answers: tuple[str, ...]


class Round(Record):
    """A blind vote: who stands, on which questions, how many votes are planned, and what everyone was made of.

    Names stay hidden until it is `closed`. `seed` decides the order of the sides, together with voter and question.
    `identities` are what answered, by variant (see `engines.identity`), `index` the digest of the search index.
    """

    id: str = Field(default_factory=new_id)
    variants: tuple[str, ...] = Field(min_length=2, max_length=4)
    ballots: tuple[Ballot, ...] = ()
    planned: int = Field(default=60, ge=1)
    seed: int = 0
    identities: dict[str, str] = {}
    index: str = ""
    created: str = Field(default_factory=now)
    closed: str = ""


class Invitation(Record):
    """A link that opens the voting page of one round, and nothing else, until it is `revoked` or the round closed."""

    id: str = Field(default_factory=new_id)
    round: str
    name: str = Field(default="", max_length=60)
    created: str = Field(default_factory=now)
    revoked: str = ""


class Feedback(Record):
    """A correction or a remark about one answer."""

    id: str = Field(default_factory=new_id)
    question: str
    answer: str = ""
    correction: str = ""
    good: bool | None = None
    variant: str = ""
    used: bool = False
    created: str = Field(default_factory=now)


# ---- explanation -------------------------------------------------------------------------------------------------------


class Unit(Record):
    """A player of an explanation and its Shapley value in nats, for the whole answer and for each of its sentences.

    `error` is the standard error of `value` (0 when it is exact), `error_by_sentence` those of `by_sentence`.
    """

    text: str
    value: float
    by_sentence: tuple[float, ...] = ()
    error: float = 0.0
    error_by_sentence: tuple[float, ...] = ()
    passage: int | None = None


class Game(Record):
    """One set of players, the rest of the prompt kept. `full - base` is what the units together explain (nats).

    `evaluations`, `tokens` (run through the model) and `seconds` are what it cost; `answer_tokens` is the answer's length.
    """

    kind: Literal["question", "passages", "instructions", "sentences"]
    units: tuple[Unit, ...]
    base: float
    full: float
    method: Literal["exact", "permutation", "kv_exact"]
    evaluations: int
    tokens: int = 0
    seconds: float = 0.0
    answer_tokens: int = 0
    base_by_sentence: tuple[float, ...] = ()
    full_by_sentence: tuple[float, ...] = ()

    @property
    def gap(self) -> float:
        """Efficiency check: what the values leave unexplained, in nats. 0 up to rounding for every method we use."""
        return (self.full - self.base) - sum(unit.value for unit in self.units)


class Explanation(Record):
    """Why a variant gave this answer. `sentences` are those of the answer, in order."""

    id: str = Field(default_factory=new_id)
    answer_id: str
    variant: str
    question: str
    answer: str
    sentences: tuple[str, ...] = ()
    games: tuple[Game, ...] = ()
    created: str = Field(default_factory=now)


# ---- advice ------------------------------------------------------------------------------------------------------------


class Reason(Record):
    """One argument of a recommendation, worded by `reason.<code>`; `speaks` says whether for or against."""

    code: str
    speaks: Literal["for", "against"] = "for"
    parameters: dict[str, Parameter] = {}


class Option(Record):
    """One approach as advised: `fit` in 0..1 orders them, the reasons say why; `minutes` is the estimated building time."""

    approach: Approach
    fit: float = Field(ge=0, le=1)
    recommended: bool = False
    possible: bool = True
    minutes: float = 0.0
    reasons: tuple[Reason, ...] = ()


class Advice(Record):
    options: tuple[Option, ...]

    @property
    def recommended(self) -> tuple[Approach, ...]:
        return tuple(option.approach for option in self.options if option.recommended)


# ---- runs --------------------------------------------------------------------------------------------------------------


class Fault(Record):
    """Why something failed: a code with its sentence `error.<code>` in the locales, and what it is about."""

    code: str
    parameters: dict[str, Parameter] = {}


class Run(Record):
    """A row of the queue. `folder` is absolute; what the run has said so far is `events.read(run.folder)`."""

    id: str
    kind: RunKind
    project: str
    folder: str
    state: RunState
    attempt: int = 0
    cancel: bool = False
    created: str = ""
    started: str | None = None
    finished: str | None = None
    fault: Fault | None = None


class Exported(Record):
    """An export that lies in `path` (inside the project folder), and where it was pushed, if it was.

    `name` is a repository name to propose. `url`, `private` and `commit` tell of the last push, once there was one.
    """

    id: str = Field(default_factory=new_id)
    variant: str
    path: str
    form: Literal["adapter", "merged"]
    bytes: int = 0
    files: int = 0
    name: str = ""
    url: str | None = None
    private: bool = True
    commit: str = ""
    created: str = Field(default_factory=now)


class SegmentScore(Record):
    """A score of the examples alike in one respect: `by` topic, language, source or task, called `name`."""

    by: Literal["topic", "language", "source", "task"]
    name: str
    score: Score


class Trained(Record):
    """A fine-tuned adapter and the evidence it came with. `recipe` is the full recipe as it was used.

    `scores` are shares over answers that were kept back (or, in `folds` rounds, over all): words that come right
    (`words_right`) and answers given word for word (`said_exactly`), before (`words_right_before`) and after learning.
    """

    id: str
    model: str
    adapter: str
    examples: int
    steps: int
    seconds: float
    loss: float
    validation_loss: float | None = None
    recipe: dict[str, Parameter | bool | None] = {}
    versions: dict[str, str] = {}
    scores: tuple[Score, ...] = ()
    segments: tuple[SegmentScore, ...] = ()
    created: str = Field(default_factory=now)


class Indexed(Record):
    """What the search index holds."""

    documents: int
    chunks: int
    embedder: str
    threshold: float
    seconds: float = 0.0
    created: str = Field(default_factory=now)


class Outcome(Record):
    """What a finished run hands over to its project: files to take (run folder -> project folder) and records to keep.

    Taking the same outcome twice changes nothing: files that are already moved are skipped, records replace themselves.
    """

    moves: dict[str, str] = {}
    variants: tuple[Variant, ...] = ()
    trained: tuple[Trained, ...] = ()
    indexed: Indexed | None = None
    attuned: Attuned | None = None
    scorecards: tuple[Scorecard, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    exports: tuple[Exported, ...] = ()
    proposals: tuple[Proposal, ...] = ()
