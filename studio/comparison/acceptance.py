"""The acceptance record: everything a vote rested on and what came of it, as facts that anybody can check again.

It knows no sentence and no layout; `certificate` writes it in a language.
"""

import hashlib
import json
from collections import Counter

from studio import __version__
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Approach, Record, Round, Vote
from studio.base.records import now as present
from studio.comparison.inviting import invited
from studio.comparison.looks import looks
from studio.comparison.proving import Evidence, evidence
from studio.comparison.rounds import votes_of

SHOWN = 16


class Contender(Record):
    """One assistant as it stood for election. `spoken_by` are its files' digests ("" where it only quotes), `instructions`
    and `adapter` what was added to the model.
    """

    id: str
    approach: Approach
    model: str
    adapter: str
    spoken_by: str
    instructions: str
    passages: int
    shown: int
    chosen: int


class Asked(Record):
    """One question and how everybody voted on it."""

    question: str
    chosen: dict[str, int]
    equal: int
    neither: int


class Acceptance(Record):
    project: str
    project_id: str
    round: Round
    version: str
    voters: tuple[tuple[str, str, int], ...]  # id ("" for the person at the studio), name, votes
    contenders: tuple[Contender, ...]
    documents: int
    embedder: str
    looks: tuple[int, ...]
    evidence: Evidence
    asked: tuple[Asked, ...]
    votes: tuple[Vote, ...]
    first: str
    last: str
    made: str
    digest: str = ""


def acceptance(project: Project, round: Round, *, made: str | None = None) -> Acceptance:
    """All of it, with a digest over everything but the time it was written. Raises BadInput("round_running") before the
    vote is closed (it would give the names away) and BadInput("round_empty") without a vote.
    """
    if not round.closed:
        raise BadInput("round_running")
    votes = votes_of(project, round)
    if not votes:
        raise BadInput("round_empty")
    given, names = Counter(vote.voter for vote in votes), {each.id: each.name for each in invited(project, round)}
    chosen = Counter(vote.winner for vote in votes if vote.winner)
    indexed = project.indexed()
    facts = Acceptance(
        project=project.name,
        project_id=project.id,
        round=round,
        version=__version__,
        voters=tuple((id, names.get(id, ""), n) for id, n in sorted(given.items())),
        contenders=tuple(_contender(project, round, id, len(votes), chosen[id]) for id in round.variants),
        documents=indexed.documents if indexed else 0,
        embedder=indexed.embedder if indexed else "",
        looks=looks(round.planned),
        evidence=evidence(round, votes),
        asked=tuple(_asked(ballot.question, votes) for ballot in round.ballots),
        votes=tuple(votes),
        first=min(vote.created for vote in votes),
        last=max(vote.created for vote in votes),
        made="",
    )
    written = json.dumps(facts.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return facts.model_copy(update={"digest": hashlib.sha256(written.encode()).hexdigest(), "made": made or present()})


def _contender(project: Project, round: Round, id: str, shown: int, chosen: int) -> Contender:
    variant = project.variant(id)
    told = f"{variant.instructions}\n{variant.profile.model_dump_json()}" if variant.instructions else ""
    return Contender(
        id=id,
        approach=variant.approach,
        model=variant.model,
        adapter=variant.adapter or "",
        spoken_by=round.identities.get(id, ""),
        instructions=hashlib.sha256(told.encode()).hexdigest()[:SHOWN] if told else "",
        passages=variant.passages,
        shown=shown,
        chosen=chosen,
    )


def _asked(question: str, votes: list[Vote]) -> Asked:
    here = [vote for vote in votes if vote.question == question]
    return Asked(
        question=question,
        chosen=dict(Counter(vote.winner for vote in here if vote.winner)),
        equal=sum(vote.equal for vote in here),
        neither=sum(vote.winner is None and not vote.equal for vote in here),
    )
