"""What people chose and corrected."""

from pydantic import Field

from studio.base.records.record import Record, new_id, now


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
