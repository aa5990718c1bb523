"""Answers held side by side: a person's choice is kept, and what the choices so far prove is said.

`rounds` is the blind vote, `inviting` who else may vote, `proving` what they prove (with `statistics`, `looks`,
`strengths`, `agreement` and `length`, which know counts only), `acceptance` the record it closes in. `genuine` makes sure
that an answer is from the assistant it stands for. Choices made with the names in sight are kept too, and prove nothing.
"""

from collections import Counter
from collections.abc import Sequence

from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Vote
from studio.comparison.genuine import verify
from studio.comparison.inviting import admitted, invite, invited, revoke, signature
from studio.comparison.looks import PLANS, looks, shows
from studio.comparison.proving import Evidence, Place, evidence
from studio.comparison.rounds import (
    LETTERS,
    add,
    begin,
    cast,
    close,
    current,
    last,
    order,
    refuse_sealed,
    sealed,
    sides,
    votes_of,
    waiting,
)

__all__ = [
    "LETTERS",
    "PLANS",
    "Evidence",
    "Place",
    "add",
    "admitted",
    "begin",
    "cast",
    "choose",
    "close",
    "current",
    "evidence",
    "invite",
    "invited",
    "last",
    "looks",
    "order",
    "refuse_sealed",
    "revoke",
    "sealed",
    "shows",
    "sides",
    "signature",
    "tally",
    "verify",
    "votes_of",
    "waiting",
]


def choose(project: Project, question: str, answers: Sequence[Answer], winner: str | None) -> Vote:
    """Keep which answer a person found best (None: none of them). The answers are kept with it."""
    shown = tuple(answer.variant for answer in answers)
    if winner is not None and winner not in shown:
        raise BadInput("winner_not_shown", name=winner)
    vote = Vote(
        question=question,
        shown=shown,
        winner=winner,
        answers=tuple(answer.id for answer in answers),
        lengths=tuple(len(answer.text.split()) for answer in answers),
    )
    project.store.put(*answers, vote)
    project.store.remember("chosen", question=question[:200], winner=winner or "")
    return vote


def tally(votes: Sequence[Vote]) -> tuple[Place, ...]:
    """What was chosen with the names in sight, the most chosen first: a count and no proof. The last word on a question
    counts.
    """
    counted = {(vote.question, vote.voter, vote.shown): vote for vote in votes if not vote.round}.values()
    shown = Counter(variant for vote in counted for variant in vote.shown)
    chosen = Counter(vote.winner for vote in counted if vote.winner is not None)
    places = [Place(variant=variant, shown=n, chosen=chosen[variant]) for variant, n in shown.items()]
    return tuple(sorted(places, key=lambda place: (-place.chosen, place.variant)))
