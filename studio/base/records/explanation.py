"""Why an answer came out."""

from typing import Literal

from pydantic import Field

from studio.base.records.record import Record, new_id, now


class Unit(Record):
    """A player of an explanation and its Shapley value in nats, for the whole answer and for each of its sentences.

    `error` is the standard error of `value` (0 when it is exact), `error_by_sentence` those of `by_sentence`. `without` is
    what the answer loses when this alone is taken out, `lime` the weight a second method gives it; None where unknown.
    """

    text: str
    value: float
    by_sentence: tuple[float, ...] = ()
    error: float = 0.0
    error_by_sentence: tuple[float, ...] = ()
    passage: int | None = None
    without: float | None = None
    lime: float | None = None


class Game(Record):
    """One set of players, the rest of the prompt kept. `full - base` is what the units together explain (nats).

    `evaluations`, `tokens` (run through the model) and `seconds` are what it cost; `answer_tokens` is the answer's length.
    `inside` is the passage whose sentences play; `alone` is the quick look that tries one part at a time.
    """

    kind: Literal["question", "passages", "instructions", "sentences"]
    units: tuple[Unit, ...]
    base: float
    full: float
    method: Literal["exact", "permutation", "kv_exact", "kv_permutation", "alone"]
    detail: Literal["phrases", "words"] = "phrases"
    inside: int | None = None
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

    @property
    def asks(self) -> tuple[str, str, int | None]:
        """What it is about; a newer game about the same takes its place."""
        return self.kind, self.detail, self.inside


class Shift(Record):
    """The same answer to the same prompt, in nats: by the model before its training, and by the trained one."""

    before: float
    after: float
    before_by_sentence: tuple[float, ...] = ()
    after_by_sentence: tuple[float, ...] = ()
    answer_tokens: int


class Lesson(Record):
    """A training example that is alike (`similarity`, cosine): what may have taught an answer, which is not proven."""

    example: str
    question: str
    answer: str
    similarity: float


class Explanation(Record):
    """Why a variant gave this answer. `sentences` are those of the answer, in order; `shift` and `lessons` are there
    when the variant was trained.
    """

    id: str = Field(default_factory=new_id)
    answer_id: str
    variant: str
    question: str
    answer: str
    sentences: tuple[str, ...] = ()
    games: tuple[Game, ...] = ()
    shift: Shift | None = None
    lessons: tuple[Lesson, ...] = ()
    created: str = Field(default_factory=now)
