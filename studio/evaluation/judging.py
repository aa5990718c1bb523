"""A model as a judge, and only as far as it has been seen to judge as people here do.

`judge` has a model choose between two answers, in both orders, so that the first place wins nothing. `measure` holds its
choices against the blind votes of people, and has it judge the answers of a test only where it chose like them more often
than chance would: a share whose 95 % interval begins above it. Of judges that only guess, 0 to 3 in 100 get through that
(1,500 drawn each of 5 kinds, 30 to 100 votes). The starter model is none: of 24 pairs of a right and a wrong answer, half
of them Spanish, it chose in none the same one in both orders, whether it was told the right answer or not.
"""

import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from pydantic import Field

from studio.base import chance
from studio.base.errors import NotEnough, Refused
from studio.base.events import Emit, ShouldStop, Stage, telling
from studio.base.project import Project
from studio.base.recipes import JudgeRequest
from studio.base.records import Answer, Message, Parameter, Question, Record, Round, Scorecard, Variant, Vote, now

if TYPE_CHECKING:
    from studio.engines import Engine

FEWEST_VOTES, MOST_VOTES = 30, 100
SECONDS_PER_PARAMETER = 0.25 / 134_515_008  # CPU, a pair in both orders: 24 pairs, the starter model
FACT = "judged"

Choice = Literal["first", "second", "equal"]

PROMPTS = json.loads((Path(__file__).parent / "judging.json").read_text(encoding="utf-8"))


class Agreement(Record):
    """In how many of `n` pairs a judge chose as people did: the share with its 95 % interval, and the share that two who
    know nothing of each other, but choose as often what these two chose, would reach by chance; and in how many pairs the
    judge chose neither, for the order decided."""

    model: str
    n: int
    alike: float
    low: float
    high: float
    chance: float
    equal: int = 0

    @property
    def kappa(self) -> float:
        """Cohen's (1960): 1 always alike, 0 as often as by chance; 0 also where both only ever say the same one thing."""
        return (self.alike - self.chance) / (1 - self.chance) if self.chance < 1 else 0.0

    @property
    def proven(self) -> bool:
        return self.low > self.chance


class Verdict(Record):
    question: str
    choice: Choice


class Judged(Record):
    """What a judge said of two assistants, the first and the second, and how far it may be heard: without proven agreement
    there are no verdicts. `made_for` is what `made_for` said of the votes and the test."""

    agreement: Agreement
    variants: tuple[str, str]
    verdicts: tuple[Verdict, ...] = ()
    made_for: str = ""
    created: str = Field(default_factory=now)


class Voted(NamedTuple):
    """A person's choice between two answers whose names were hidden."""

    question: Question
    first: str
    second: str
    choice: Choice


def votes(project: Project, most: int = MOST_VOTES) -> list[Voted]:
    """The last word of each voter on each question, in blind votes between two different answers that are over: in an open
    one nobody may learn by a model who is ahead."""
    closed = {round.id for round in project.store.all(Round) if round.closed and len(round.variants) == 2}
    known = {question.question: question for question in project.store.questions()}
    last = {(vote.round, vote.voter, vote.question): vote for vote in project.store.all(Vote) if vote.round in closed}
    newest, made = list(last.values())[-most:], []
    given = {each.id: each for each in project.store.some(Answer, [id for vote in newest for id in vote.answers])}
    for vote in newest:
        answers = [given[id] for id in vote.answers if id in given]
        if len(answers) != 2 or answers[0].text == answers[1].text:
            continue
        first, second = answers
        choice: Choice = (
            "first" if vote.winner == first.variant else "second" if vote.winner == second.variant else "equal"
        )
        asked = first.understood or vote.question
        made.append(Voted(known.get(vote.question, Question(question=asked)), first.text, second.text, choice))
    return made


def pairs(project: Project) -> list[tuple[Variant, Variant]]:
    """Who was asked in the last test, two by two, those who were right most often first."""
    card, known = project.store.newest(Scorecard), {variant.id: variant for variant in project.variants()}
    found = [scores for scores in (card.variants if card else ()) if scores.variant in known]
    right = {scores.variant: score.value if (score := scores.score("right")) else 0.0 for scores in found}
    return list(itertools.combinations([known[id] for id in sorted(right, key=right.__getitem__, reverse=True)], 2))


def request(project: Project, model: str, pair: tuple[Variant, Variant]) -> JudgeRequest:
    """What a run is to be asked for. Raises NotEnough("judge_votes_few")."""
    voted = votes(project)
    if len(voted) < FEWEST_VOTES:
        raise NotEnough("judge_votes_few", votes=len(voted), needed=FEWEST_VOTES)
    return JudgeRequest(model=model, first=pair[0].id, second=pair[1].id)


def made_for(project: Project, voted: Sequence[Voted]) -> str:
    """Changes with the votes, the test and the question put to the judge."""
    card = project.store.newest(Scorecard)
    said = [(each.question.question, each.first, each.second, each.choice) for each in voted]
    return hashlib.sha256(json.dumps([PROMPTS, card.id if card else "", said]).encode()).hexdigest()[:16]


def measure(project: Project, engine: "Engine", asked: JudgeRequest, emit: Emit, should_stop: ShouldStop) -> Judged:
    """Hold the judge against people, and where it chooses like them, hear it on the last test; kept in the project.

    Raises NotEnough("judge_votes_few"), Stopped and what `Engine.score` does.
    """
    tell, language = telling(emit, should_stop), project.card.language
    emit(Stage(name="judge_votes"))
    voted = votes(project)
    beginning = made_for(project, voted)
    both: list[tuple[Choice, Choice]] = []
    for done, each in enumerate(voted):
        tell(done, len(voted))
        choice = judge(
            engine, asked.model, each.question.question, each.first, each.second, each.question.reference, language
        )
        both += [(each.choice, choice)] if choice is not None else []
    found = agreement(asked.model, both)
    verdicts: list[Verdict] = []
    if found.proven:
        emit(Stage(name="judge_test"))
        tested = _tested(project, asked.first, asked.second)
        for done, (question, first, second) in enumerate(tested):
            tell(done, len(tested))
            choice = judge(engine, asked.model, question.question, first, second, question.reference, language)
            verdicts += [Verdict(question=question.question, choice=choice)] if choice is not None else []
    made = Judged(agreement=found, variants=(asked.first, asked.second), verdicts=tuple(verdicts), made_for=beginning)
    project.store.put_fact(FACT, made)
    return made


def of(project: Project) -> Judged | None:
    """What was judged last."""
    written = project.store.fact(FACT)
    try:
        return Judged.model_validate_json(written) if written else None
    except ValueError:  # written by another version of the studio: it is judged again
        return None


def told(found: Judged, judge: str, names: Mapping[str, str]) -> list[tuple[str, dict[str, Parameter]]]:
    """What came of it, as keys of sentences with their numbers: whom the judge prefers, or that its verdicts are withheld;
    then how far it chooses as people do. `names` are the assistants' by their ids."""
    counts = Counter(verdict.choice for verdict in found.verdicts)
    sides = [(counts["first"], names[found.variants[0]]), (counts["second"], names[found.variants[1]])]
    (wins, better), (losses, worse) = sorted(sides, key=lambda side: -side[0])
    preferred = chance.sign_test(wins, wins + losses) < chance.LEVEL
    agreed = found.agreement
    return [
        (
            "judge.withheld" if not agreed.proven else "judge.preferred" if preferred else "judge.none_found",
            {"name": judge, "better": better, "worse": worse, "wins": wins, "losses": losses,
             "n": counts.total()},
        ),
        (
            "judge.agreed",
            {"name": judge, "alike": round(agreed.alike * agreed.n), "n": agreed.n, "low": round(100 * agreed.low),
             "high": round(100 * agreed.high), "share": round(100 * agreed.alike), "chance": round(100 * agreed.chance)},
        ),
    ]  # fmt: skip


def minutes(project: Project, parameters: int, voted: int) -> float:
    """About how long a judge of that size takes on two cores."""
    card = project.store.newest(Scorecard)
    tested = max((len(scores.graded) for scores in card.variants), default=0) if card else 0
    return (voted + tested) * parameters * SECONDS_PER_PARAMETER / 60


def judge(
    engine: "Engine", model: str, question: str, first: str, second: str, reference: str = "", language: str = "en"
) -> Choice | None:
    """Which of two answers the model finds better: the letter it finds likelier in both orders, else "equal"; None for
    answers too long for it. Raises what `Engine.score` does.
    """
    if first == second:
        return "equal"
    code = language if language in PROMPTS["asked"] else "en"
    told = PROMPTS["reference"][code].format(reference=reference) if reference.strip() else ""
    prompts = [
        (Message(role="user", content=PROMPTS["asked"][code].format(question=question, reference=told, a=a, b=b)),)
        for a, b in ((first, second), (second, first))
    ]
    scores = engine.score_each([(prompt, letter) for prompt in prompts for letter in "AB"], model=model)
    if not all(each.logprobs for each in scores):
        return None
    likely = [sum(each.logprobs[0]) for each in scores]
    leads = likely[0] - likely[1], likely[2] - likely[3]
    if leads[0] > 0 > leads[1]:
        return "first"
    return "second" if leads[0] < 0 < leads[1] else "equal"


def agreement(model: str, both: Sequence[tuple[str, str]]) -> Agreement:
    """How people and a judge chose in the same pairs. Raises NotEnough("judge_votes_few")."""
    n = len(both)
    if n < FEWEST_VOTES:
        raise NotEnough("judge_votes_few", votes=n, needed=FEWEST_VOTES)
    alike = sum(one == other for one, other in both)
    names = {one for one, _ in both}
    by_chance = sum(sum(a == name for a, _ in both) * sum(b == name for _, b in both) for name in names) / n**2
    low, high = chance.wilson(alike, n)
    equal = sum(other == "equal" for _, other in both)
    return Agreement(model=model, n=n, alike=alike / n, low=low, high=high, chance=by_chance, equal=equal)


def trusted(found: Agreement, name: str) -> Agreement:
    """The agreement of a judge that may be heard. Raises Refused("judge_disagrees")."""
    if not found.proven:
        raise Refused("judge_disagrees", name=name)
    return found


def _tested(project: Project, first: str, second: str) -> list[tuple[Question, str, str]]:
    """The last test's questions with what the two answered."""
    card, known = project.store.newest(Scorecard), {question.id: question for question in project.store.questions()}
    said = {
        scores.variant: {graded.question_id: graded.answer.text for graded in scores.graded}
        for scores in (card.variants if card else ())
    }
    one, other = said.get(first, {}), said.get(second, {})
    return [(known[id], one[id], other[id]) for id in one if id in other and id in known]
