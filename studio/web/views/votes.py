"""What the votes say: the meter in plain words, who was invited, and what a vote was closed with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio import comparison
from studio.base.records import Invitation, Round, Variant
from studio.comparison import said
from studio.comparison.proving import Evidence, Place
from studio.web.voice import Voice


@dataclass(frozen=True)
class Voter:
    """An invited person: the link, how many questions they have voted on, and whether it still opens anything."""

    invitation: Invitation
    link: str
    votes: int


@dataclass(frozen=True)
class Vote:
    """Everything the panel shows. `standing` are those that could stand in a new vote; `address` is where links lead, and
    `here` says that only this machine can open them.
    """

    project: str
    round: Round | None
    evidence: Evidence | None
    voters: Sequence[Voter]
    open_choices: Sequence[Place]
    known: Mapping[str, Variant]
    standing: Sequence[Variant]
    waiting: int
    here: bool


def panel(vote: Vote, voice: Voice) -> str:
    found, hidden = vote.evidence, vote.round is not None and not vote.round.closed
    names = {id: voice.t("evidence.someone") if hidden else _name(vote.known, id, voice) for id in _ids(vote.round)}
    sentence = voice.t("evidence.begin")
    if found is not None:
        key, numbers = said.verdict(found, names)
        sentence = voice.t(key, **numbers)
    return voice.html(
        "improve_votes.html",
        project=vote.project,
        round=vote.round,
        running=hidden,
        found=found,
        sentence=sentence,
        level=_level(found),
        remarks=[voice.t(key, **numbers) for key, numbers in said.remarks(found)] if found else [],
        votes=voice.count("evidence.votes", found.votes) if found else "",
        fraction=min(100 * found.votes / found.planned, 100) if found else 0,
        ticks=[100 * look / found.planned for look in comparison.looks(found.planned)[:-1]] if found else [],
        places=[] if hidden or not found else _bars(found.places, vote.known, voice),
        open_places=_bars(vote.open_choices, vote.known, voice),
        voters=vote.voters,
        waiting=vote.waiting,
        here=vote.here,
        standing=[(variant.id, voice.approach(variant.approach), at < 2) for at, variant in enumerate(vote.standing)],
        plans=[_plan(planned, voice) for planned in comparison.PLANS],
        default=comparison.PLANS[1],
        languages=("en", "es"),
    )


def _level(found: Evidence | None) -> str:
    """The tone of the verdict: what its sign and colour say beside the words."""
    codes = {"proven": "good", "no_difference": "note", "not_yet": "warn"}
    return codes.get(found.code, "") if found else ""


def _plan(planned: int, voice: Voice) -> tuple[int, str, str]:
    share = round(100 * comparison.shows(planned))
    return planned, voice.t("vote.plan", n=planned), voice.t("vote.plan.more", share=share)


def _bars(places: Sequence[Place], known: Mapping[str, Variant], voice: Voice) -> list[tuple[str, str, float]]:
    return [
        (
            _name(known, place.variant, voice),
            voice.t("improve.chosen", n=place.chosen, of=place.shown),
            100 * place.chosen / place.shown if place.shown else 0,
        )
        for place in places
        if place.variant in known
    ]


def _ids(round: Round | None) -> tuple[str, ...]:
    return round.variants if round else ()


def _name(known: Mapping[str, Variant], id: str, voice: Voice) -> str:
    return voice.approach(known[id].approach) if id in known else id
