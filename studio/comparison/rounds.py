"""A blind vote from its beginning to its end: who stands, on which questions, in which order, and what was chosen.

Nobody who votes learns who is who before the round is closed; the order of the sides is drawn anew for every voter and
question, from a seed that is kept. What the votes prove is `proving`'s business.
"""

import hashlib
import random
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from studio.base.errors import BadInput, NotEnough, NotFound, Refused
from studio.base.project import Project
from studio.base.records import Answer, Ballot, Round, Scorecard, Variant, Vote, now
from studio.comparison.genuine import verify
from studio.comparison.looks import PLANS

if TYPE_CHECKING:
    from studio.engines import Engine

LETTERS = "ABCD"
LONGEST = 3600.0  # seconds; who comes back after lunch did not think for so long
Choice = Literal["A", "B", "C", "D", "equal", "neither"]


def begin(
    project: Project,
    variants: Sequence[Variant],
    engine: "Engine",
    *,
    planned: int = PLANS[-1],
    own: bool = False,
    seed: int | None = None,
) -> Round:
    """Open a blind vote between two to four assistants on the test questions that all of them have answered, with the
    answers of the last test; or, with `own`, on questions that are still to be asked (`add`).

    Raises BadInput("round_sides", "round_planned"), Refused("round_open", "wrong_side") and NotEnough("round_untested").
    """
    ids = tuple(variant.id for variant in variants)
    if not 2 <= len(set(ids)) == len(ids) <= len(LETTERS):
        raise BadInput("round_sides", count=len(ids))
    if planned not in PLANS:
        raise BadInput("round_planned", value=planned)
    if current(project) is not None:
        raise Refused("round_open")
    found = Round(
        variants=ids, planned=planned, seed=secrets.randbelow(2**31) if seed is None else seed, index=index_of(project)
    )
    asked = {} if own else _tested(project, ids)
    if not own and not asked:
        raise NotEnough("round_untested")
    project.store.put(found)
    project.store.remember("round_begun", sides=len(ids), questions=len(asked), planned=planned)
    for question, answers in asked.items():
        found = add(project, found, question, answers, engine)
    return found


def add(project: Project, round: Round, question: str, answers: Sequence[Answer], engine: "Engine") -> Round:
    """Put a question and everyone's answer to it to the vote; each answer is held against its assistant first.

    A question that is there already gets the new answers. Raises Refused("round_closed", "wrong_side") and
    BadInput("answers_mixed").
    """
    if round.closed:
        raise Refused("round_closed")
    by_variant = {answer.variant: answer for answer in answers}
    if set(by_variant) != set(round.variants) or len(answers) != len(by_variant):
        raise BadInput("answers_mixed")
    spoken = {id: verify(project, project.variant(id), answer, engine) for id, answer in by_variant.items()}
    identities = round.identities | {id: said for id, said in spoken.items() if said}
    if any(round.identities.get(id, said) != said for id, said in identities.items()):
        raise Refused("wrong_side", name=project.variant(round.variants[0]).model)
    ballot = Ballot(question=question, answers=tuple(by_variant[id].id for id in round.variants))
    others = tuple(each for each in round.ballots if each.question != question)
    changed = round.model_copy(update={"ballots": (*others, ballot), "identities": identities})
    project.store.put(*answers, changed)
    return changed


def current(project: Project) -> Round | None:
    """The round that is open, if there is one."""
    return next((each for each in reversed(project.store.all(Round)) if not each.closed), None)


def last(project: Project) -> Round | None:
    """The open round, or else the one that ended last."""
    found = project.store.all(Round)
    return current(project) or (max(found, key=lambda each: each.closed) if found else None)


def refuse_sealed(project: Project, question: str) -> None:
    """Who wrote which answer must not be seen while a question is being voted on: raises Refused("question_sealed")."""
    if sealed(current(project), question) is not None:
        raise Refused("question_sealed")


def sealed(running: Round | None, question: str) -> Ballot | None:
    """The question's ballot in the open round, if there is one: whatever was answered to it is shown without names."""
    ballots, asked = running.ballots if running else (), _bare(question)
    return next((ballot for ballot in ballots if _bare(ballot.question) == asked), None)


def close(project: Project, round: Round) -> Round:
    """End the vote; from now on the names may be shown, and no vote is taken any more."""
    if round.closed:
        return round
    closed = round.model_copy(update={"closed": now()})
    project.store.put(closed)
    project.store.remember("round_closed", votes=len(votes_of(project, round)))
    return closed


def order(round: Round, question: str, voter: str = "") -> tuple[int, ...]:
    """Which of the round's variants stands on the first, second, ... side, for this voter and question."""
    sides = list(range(len(round.variants)))
    random.Random(f"{round.seed}\n{voter}\n{question}").shuffle(sides)
    return tuple(sides)


def sides(project: Project, round: Round, ballot: Ballot, voter: str = "") -> tuple[Answer, ...]:
    """The answers to one question as this voter sees them. Raises NotFound("answer_missing")."""
    found = []
    for side in order(round, ballot.question, voter):
        answer = project.store.get(Answer, ballot.answers[side])
        if answer is None:
            raise NotFound("answer_missing", name=ballot.answers[side])
        found.append(answer)
    return tuple(found)


def waiting(round: Round, votes: Sequence[Vote], voter: str = "") -> tuple[Ballot, ...]:
    """The questions this voter has not voted on yet, in an order of their own."""
    done = {vote.question for vote in votes if vote.voter == voter}
    left = [ballot for ballot in round.ballots if ballot.question not in done]
    return tuple(sorted(left, key=lambda each: hashlib.sha256(f"{round.seed}{voter}{each.question}".encode()).digest()))


def cast(project: Project, round: Round, question: str, choice: str, *, voter: str = "", seconds: float = 0.0) -> Vote:
    """Keep a vote: a letter of a side, "equal" or "neither". Voting again on a question replaces the vote before.

    Raises Refused("round_closed"), NotFound("question_missing") and BadInput("choice_unknown").
    """
    if round.closed:
        raise Refused("round_closed")
    ballot = next((each for each in round.ballots if each.question == question), None)
    if ballot is None:
        raise NotFound("question_missing", name=question[:80])
    answers = sides(project, round, ballot, voter)
    letters = LETTERS[: len(answers)]
    if choice not in (*letters, "equal", "neither"):
        raise BadInput("choice_unknown", name=choice[:20])
    winner = answers[letters.index(choice)].variant if choice in letters else None
    vote = Vote(
        question=question,
        shown=tuple(answer.variant for answer in answers),
        winner=winner,
        equal=choice == "equal",
        answers=tuple(answer.id for answer in answers),
        lengths=tuple(len(answer.text.split()) for answer in answers),
        round=round.id,
        voter=voter,
        seconds=round_seconds(seconds),
    )
    project.store.put(vote)
    return vote


def votes_of(project: Project, round: Round) -> list[Vote]:
    """The last word of each voter on each question, in the order in which they first spoke on it."""
    said: dict[tuple[str, str], Vote] = {}
    for vote in project.store.all(Vote):
        if vote.round == round.id:
            said[vote.voter, vote.question] = vote
    return list(said.values())


def index_of(project: Project) -> str:
    """A digest of the material that is searched, so that a record can say on which state of it was voted."""
    indexed = project.indexed()
    if indexed is None:
        return ""
    return hashlib.sha256(f"{project.store.material_digest()}\n{indexed.embedder}".encode()).hexdigest()[:16]


def round_seconds(seconds: float) -> float:
    return round(min(max(seconds, 0.0), LONGEST), 1)


def _bare(question: str) -> str:
    return " ".join(question.split()).casefold()


def _tested(project: Project, ids: Sequence[str]) -> Mapping[str, list[Answer]]:
    """Test question -> the answers of all of these variants in the last test that knew them all."""
    questions = {question.id: question.question for question in project.store.questions()}
    for card in reversed(project.store.all(Scorecard)):
        given = {
            scores.variant: {graded.question_id: graded.answer for graded in scores.graded} for scores in card.variants
        }
        if not set(ids) <= set(given):
            continue
        asked = {}
        for id, question in questions.items():
            answers = [given[variant][id] for variant in ids if id in given[variant]]
            if len(answers) == len(ids):
                asked[question] = answers
        return asked
    return {}
