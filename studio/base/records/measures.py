"""What answers are worth: shares with their intervals, and pairs."""

from typing import Literal

from pydantic import Field

from studio.base.records.answers import Answer
from studio.base.records.record import GeneralKind, Record, new_id, now


class Score(Record):
    """A measured share or mean with its 95 % interval; `n` is the number of questions it rests on."""

    metric: str
    value: float
    low: float
    high: float
    n: int


class Graded(Record):
    """One test question answered by one variant, and whether the answer was right. `forbidden` is what it states and must
    not; `measured` what else was measured of it, by metric (`evaluation.metrics`), `segment` and `language` its question's.
    """

    question_id: str
    answer: Answer
    right: bool
    declined: bool = False
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    measured: dict[str, float] = {}
    segment: str = ""
    language: str = ""


class VariantScores(Record):
    variant: str
    scores: tuple[Score, ...]
    graded: tuple[Graded, ...] = ()

    def score(self, metric: str) -> Score | None:
        return next((score for score in self.scores if score.metric == metric), None)


class Scorecard(Record):
    """All variants on the same questions. `difference` entries compare pairs (see `evaluation`). `watts` is what the machine
    was taken to draw, `price_hour` what an hour of it costs; 0 where nobody has said.
    """

    id: str = Field(default_factory=new_id)
    variants: tuple[VariantScores, ...]
    differences: tuple["Difference", ...] = ()
    watts: float = 0.0
    price_hour: float = 0.0
    created: str = Field(default_factory=now)


class Difference(Record):
    """Paired comparison of two variants on right answers: exact McNemar test on the discordant questions."""

    better: str
    worse: str
    wins: int
    losses: int
    p_value: float
    verdict: Literal["better", "none_found", "too_few"]


class SegmentScore(Record):
    """A score of the examples alike in one respect: `by` topic, language, source or task, called `name`."""

    by: Literal["topic", "language", "source", "task"]
    name: str
    score: Score


class KindScores(Record):
    """One kind of everyday questions, before a training and after it."""

    kind: GeneralKind
    before: Score
    after: Score


class Guarded(Record):
    """What a training did to general ability: `fall` is the share right before less the share right after, `low` to `high`
    its 95 % interval; `lost` and `won` are ids of questions."""

    before: Score
    after: Score
    kinds: tuple[KindScores, ...]
    lost: tuple[str, ...]
    won: tuple[str, ...]
    fall: float
    low: float
    high: float
    p_value: float
    verdict: Literal["kept", "slightly_lower", "lost"]
