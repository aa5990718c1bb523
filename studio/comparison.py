"""Answers held side by side: a person's choice is kept, and what the choices so far prove is said.

Whether a lead is more than luck is an exact sign test between the two leading variants; the answer may be "not yet".
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Record, Vote

LEVEL = 0.05
LOOK_AHEAD = 200


class Place(Record):
    """One variant in the standing: how often it was shown and how often it was chosen."""

    variant: str
    shown: int
    chosen: int


class Standing(Record):
    """`leader` beats `second` by `wins` to `losses` where both were shown and one of them was chosen.

    `proven` when the exact two-sided sign test falls below 0.05; otherwise `more` is how many further votes would be
    enough if they went on like this (None when they are even).
    """

    votes: int
    places: tuple[Place, ...]
    leader: str | None = None
    second: str | None = None
    wins: int = 0
    losses: int = 0
    p_value: float = 1.0
    proven: bool = False
    more: int | None = None


def choose(project: Project, question: str, answers: Sequence[Answer], winner: str | None) -> Vote:
    """Keep which answer a person found best (None: none of them). The answers are kept with it."""
    shown = tuple(answer.variant for answer in answers)
    if winner is not None and winner not in shown:
        raise BadInput("winner_not_shown", name=winner)
    vote = Vote(question=question, shown=shown, winner=winner, answers=tuple(answer.id for answer in answers))
    project.store.put(*answers, vote)
    project.store.remember("chosen", question=question[:200], winner=winner or "")
    return vote


def latest(votes: Sequence[Vote]) -> list[Vote]:
    """The last word on each question: changing one's mind replaces the earlier vote of the same person."""
    return list({(vote.question, vote.voter, vote.shown): vote for vote in votes}.values())


def standing(votes: Sequence[Vote]) -> Standing:
    """Who leads, and whether that is more than luck."""
    counted = latest(votes)
    shown = Counter(variant for vote in counted for variant in vote.shown)
    chosen = Counter(vote.winner for vote in counted if vote.winner is not None)
    places = tuple(
        sorted(
            (Place(variant=v, shown=n, chosen=chosen[v]) for v, n in shown.items()),
            key=lambda p: (-p.chosen, p.variant),
        )
    )
    if len(places) < 2 or not places[0].chosen:
        return Standing(votes=len(counted), places=places)
    leader, second = _closest(counted, places)
    duel = [vote.winner for vote in counted if {leader, second} <= set(vote.shown) and vote.winner in (leader, second)]
    wins = duel.count(leader)
    p_value = sign_test(wins, len(duel))
    return Standing(
        votes=len(counted),
        places=places,
        leader=leader,
        second=second,
        wins=wins,
        losses=len(duel) - wins,
        p_value=p_value,
        proven=p_value < LEVEL and wins * 2 > len(duel),
        more=_votes_needed(wins, len(duel)) if p_value >= LEVEL else 0,
    )


def sign_test(wins: int, n: int) -> float:
    """Two-sided exact p-value for `wins` of `n` choices when both are equally good (Dixon & Mood 1946)."""
    from scipy.stats import binomtest

    return float(binomtest(wins, n, 0.5).pvalue) if n else 1.0


def _closest(votes: Sequence[Vote], places: Sequence[Place]) -> tuple[str, str]:
    """The most chosen variant and the one that comes nearest to it in direct choices."""
    leader = places[0].variant
    against: Counter[str] = Counter()
    for vote in votes:
        for a, b in combinations(vote.shown, 2):
            if leader in (a, b):
                against[b if a == leader else a] += vote.winner == (b if a == leader else a)
    rivals = [place.variant for place in places[1:]]
    return leader, max(rivals, key=lambda variant: (against[variant], -rivals.index(variant)))


def _votes_needed(wins: int, n: int) -> int | None:
    if n == 0 or wins * 2 <= n:
        return None
    share = wins / n
    return next(
        (extra for extra in range(1, LOOK_AHEAD) if sign_test(round(share * (n + extra)), n + extra) < LEVEL),
        None,
    )
