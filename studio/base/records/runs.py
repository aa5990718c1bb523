"""Work that was asked for, and what came of it."""

from typing import Literal

from pydantic import Field

from studio.base.records.answers import Variant
from studio.base.records.explanation import Explanation
from studio.base.records.material import Proposal
from studio.base.records.measures import Guarded, Score, Scorecard, SegmentScore
from studio.base.records.record import Parameter, Record, RunKind, RunState, new_id, now
from studio.base.records.search import Attuned


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


class Preferred(Record):
    """What learning from `pairs` liked and disliked answers brought, on others that were kept back.

    `before` and `after` are the shares of these in which the liked answer is the likelier one (a token's mean), `gain` with
    `low` and `high` what its chance beside the other rose by, `rise` what a token of the examples costs more, `fall` by how
    much less surely their answers are told from others like them, `unsaid` the share of the right words of its own answers
    to them that it no longer writes. `questions` are those learnt from: they test nothing any more.
    """

    method: Literal["dpo", "orpo"]
    pairs: int
    questions: tuple[str, ...]
    before: Score
    after: Score
    gain: float
    low: float
    high: float
    rise: float
    fall: float = 0.0
    unsaid: float = 0.0
    reason: Literal["kept", "not_learnt", "harms", "forgets"]
    created: str = Field(default_factory=now)


class Trained(Record):
    """A fine-tuned adapter and the evidence it came with. `recipe` is the full recipe as it was used.

    `scores` are shares over answers that were kept back (or, in `folds` rounds, over all): words that come right
    (`words_right`) and answers given word for word (`said_exactly`), before (`words_right_before`) and after learning.
    `general` is what it did to everyday questions, None where they were not asked. `packed` says whether rows went through
    the model behind their common beginning, and not padded; the maths are the same. `frame` is the system message that all
    examples began with: what was learnt within it is asked within it.
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
    packed: bool = False
    frame: str = ""
    scores: tuple[Score, ...] = ()
    segments: tuple[SegmentScore, ...] = ()
    general: Guarded | None = None
    preferred: Preferred | None = None
    created: str = Field(default_factory=now)


class Trial(Record):
    """One training with settings on trial; `number` 0 are the studio's own. It learnt a `share` of the examples.

    Settings are chosen by `loss`, a token's on answers kept aside for it. `right` is the share of words right in answers no
    choice rests on, other ones each `turn`; None where only a part was learnt. `moved` is how far it went from what the
    untrained model expects in everyday questions (0 is not at all). "cut": time ran out in the middle of it.
    """

    number: int
    learning_rate: float
    epochs: float
    share: float = 1.0
    turn: int = 0
    state: Literal["done", "diverged", "cut"] = "done"
    loss: float | None = None
    right: float | None = None
    moved: float | None = None
    seconds: float = 0.0


class Sought(Record):
    """What came of looking for better settings of the training (`sought.<reason>`); `dials` are those that were kept.

    `number` are the best settings among `trials`. `gain` is how much larger a share of words comes right with them than with
    the studio's own, on answers they were not chosen by, in `turns` pairs of trainings done for that (0: those they were
    chosen in). `needed` are minutes that would
    have been enough for a verdict, where they were not.
    """

    id: str
    reason: Literal["kept", "as_good", "unproven", "unconfirmed", "short"]
    dials: dict[str, Parameter | bool] = Field(default={})
    number: int = 0
    gain: Score | None = None
    turns: int = 0
    trials: tuple[Trial, ...] = ()
    examples: int = 0
    minutes: float = 0.0
    seconds: float = 0.0
    needed: float = 0.0
    created: str = Field(default_factory=now)

    @property
    def told(self) -> dict[str, Parameter]:
        """What its sentence needs; shares in hundredths."""
        own, best = (next((t for t in self.trials if t.number == n), None) for n in (0, self.number))
        score = self.gain or Score(metric="", value=0, low=0, high=0, n=0)
        return {
            "rate": best.learning_rate if best else 0.0,
            "rounds": best.epochs if best else 0.0,
            "own_rate": own.learning_rate if own else 0.0,
            "own_rounds": own.epochs if own else 0.0,
            "gain": round(100 * score.value, 1),
            "low": round(100 * score.low, 1),
            "high": round(100 * score.high, 1),
            "n": score.n,
            "turns": self.turns,
            "tried": len({trial.number for trial in self.trials}),
            "needed": self.needed,
        }


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
    preferred: Preferred | None = None
    sought: Sought | None = None
    scorecards: tuple[Scorecard, ...] = ()
    explanations: tuple[Explanation, ...] = ()
    exports: tuple[Exported, ...] = ()
    proposals: tuple[Proposal, ...] = ()
