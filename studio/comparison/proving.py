"""What a blind vote proves, in numbers and a code; the sentence is `evidence.<code>` in the locales.

The votes are looked at when a planned look is reached, and when the vote is closed, never in between. Two sides: the exact
sign test on those who preferred one. More: the one that leads must beat each of the others, at a level divided among them
(whoever is wrongly called best is so at most in 5 of 100 votes, `looks.allowed` sharing these out among the looks).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from studio.base.chance import LEVEL, sign_test
from studio.base.records import Record, Round, Vote
from studio.comparison.agreement import Agreement, agreement
from studio.comparison.length import Length, Side, length
from studio.comparison.looks import bar, looks
from studio.comparison.statistics import Interval, interval, needed
from studio.comparison.strengths import Choice, Strengths, strengths

MOST_MORE = 300  # votes; nobody is asked for more
ABOUT = 5  # what is asked for is a multiple of this


class Place(Record):
    """One variant in the standing: how often it was shown and how often it was chosen."""

    variant: str
    shown: int
    chosen: int


class Duel(Record):
    """The leader against one other: choices for either, how many it needs at this look (None: even all would be too few),
    the plain two-sided p-value, and the share of those who chose it, with its interval.
    """

    rival: str
    wins: int
    losses: int
    needed: int | None
    p_value: float
    share: Interval
    proven: bool


class Evidence(Record):
    """`votes` were cast, `seen` of them were looked at; `equal` and `neither` of these are counted and prove nothing about
    who is better. `next_look` is the number of votes at which it is looked again (None: no more). `more` is how many
    further votes would probably be enough if they went on like this (None: more than anybody should be asked for).

    `questions` are those on which somebody preferred one of the two that lead, `for_leader` those where most preferred the
    leader; `repeated` says that several votes are about the same question and that counted by question it may be luck.
    """

    code: Literal["none", "waiting", "proven", "not_yet", "no_difference"]
    votes: int
    planned: int
    seen: int = 0
    equal: int = 0
    neither: int = 0
    next_look: int | None = None
    places: tuple[Place, ...] = ()
    leader: str | None = None
    duels: tuple[Duel, ...] = ()
    more: int | None = None
    questions: int = 0
    for_leader: int = 0
    repeated: bool = False
    strengths: Strengths | None = None
    length: Length | None = None
    agreement: Agreement | None = None
    first_side: Interval | None = None


def evidence(round: Round, votes: Sequence[Vote]) -> Evidence:
    """What the votes of one round (each voter's last word on each question, in the order of arrival) prove by now."""
    cast, planned = len(votes), round.planned
    reached = [look for look in looks(planned) if look <= cast]
    ended = bool(round.closed) and cast < planned
    seen_at = [*reached, cast] if ended and cast and cast not in reached else reached
    following = next((look for look in looks(planned) if look > cast), None) if not round.closed else None
    if not seen_at:
        return Evidence(code="waiting" if cast else "none", votes=cast, planned=planned, next_look=following)
    seen = list(votes[: seen_at[-1]])
    chosen = Counter(vote.winner for vote in seen if vote.winner)
    places = _places(round, seen, chosen)
    leader = places[0].variant
    duels = _duels(round, chosen, seen_at, leader) if places[0].chosen else ()
    proven = bool(duels) and all(duel.proven for duel in duels)
    closest = min(duels, key=lambda duel: (duel.wins - duel.losses, duel.rival)) if duels else None
    questions, for_leader = _by_question(seen, leader, closest.rival) if closest else (0, 0)
    repeated = proven and closest is not None and questions < closest.wins + closest.losses
    return Evidence(
        code="proven" if proven else "no_difference" if seen_at[-1] >= planned else "not_yet",
        votes=cast,
        planned=planned,
        seen=len(seen),
        equal=sum(vote.equal for vote in seen),
        neither=sum(vote.winner is None and not vote.equal for vote in seen),
        next_look=following,
        places=places,
        leader=leader if places[0].chosen else None,
        duels=duels,
        more=None if proven or closest is None else _more(closest, len(seen), len(round.variants)),
        questions=questions,
        for_leader=for_leader,
        repeated=repeated and sign_test(for_leader, questions) >= LEVEL,
        strengths=strengths([Choice(among=vote.shown, best=vote.winner) for vote in seen]),
        length=length(_lengths(seen, leader, closest.rival)) if closest else None,
        agreement=agreement(_said(seen)),
        first_side=interval(sum(vote.winner == vote.shown[0] for vote in seen if vote.winner), sum(chosen.values())),
    )


def _places(round: Round, seen: Sequence[Vote], chosen: Counter[str]) -> tuple[Place, ...]:
    shown = Counter(variant for vote in seen for variant in vote.shown)
    made = [Place(variant=id, shown=shown[id], chosen=chosen[id]) for id in round.variants]
    return tuple(sorted(made, key=lambda place: (-place.chosen, place.variant)))


def _duels(round: Round, chosen: Counter[str], seen_at: Sequence[int], leader: str) -> tuple[Duel, ...]:
    """The leader against each other one, at the last look."""
    rivals = sorted(id for id in round.variants if id != leader)
    found = []
    for rival in rivals:
        wins, losses = chosen[leader], chosen[rival]
        wanted = bar(wins + losses, seen_at, round.planned, LEVEL / len(rivals))
        found.append(
            Duel(
                rival=rival,
                wins=wins,
                losses=losses,
                needed=wanted,
                p_value=sign_test(wins, wins + losses),
                share=interval(wins, wins + losses),
                proven=wanted is not None and wins >= wanted,
            )
        )
    return tuple(sorted(found, key=lambda duel: (-duel.losses, duel.rival)))


def _more(closest: Duel, seen: int, sides: int) -> int | None:
    """How many more votes, ties among them as now, would show the share that was seen; in steps of ABOUT."""
    decided = closest.wins + closest.losses
    wanted = needed(closest.wins / decided, LEVEL / (sides - 1)) if decided else None
    if wanted is None:
        return None
    votes = max(math.ceil(wanted * seen / decided) - seen, 1)
    about = math.ceil(votes / ABOUT) * ABOUT
    return about if about <= MOST_MORE else None


def _by_question(seen: Sequence[Vote], leader: str, rival: str) -> tuple[int, int]:
    """Each question once: those with a majority for one of the two, and those with one for the leader."""
    lead: Counter[str] = Counter()
    for vote in seen:
        if vote.winner in (leader, rival):
            lead[vote.question] += 1 if vote.winner == leader else -1
    decided = [balance for balance in lead.values() if balance]
    return len(decided), sum(balance > 0 for balance in decided)


def _lengths(seen: Sequence[Vote], leader: str, rival: str) -> list[Side]:
    made = []
    for vote in seen:
        if vote.winner in (leader, rival) and {leader, rival} <= set(vote.shown) and vote.lengths:
            words = dict(zip(vote.shown, vote.lengths, strict=True))
            made.append(Side(won=vote.winner == leader, words=words[leader], other_words=words[rival]))
    return made


def _said(seen: Sequence[Vote]) -> dict[str, dict[str, str]]:
    """Voter -> question -> what they said."""
    said: dict[str, dict[str, str]] = {}
    for vote in seen:
        said.setdefault(vote.voter, {})[vote.question] = vote.winner or ("equal" if vote.equal else "neither")
    return said
