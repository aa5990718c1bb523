"""The dial between caution and help: what each of its settings costs, measured on this project's own index.

`calibrate` asks the person's test questions, and drafted ones where there are few, twice: as they are, and with the
passages hidden that answer them. It counts, for each setting, how many answers would be wrong and how many questions would
go to a person. No model speaks: an answer counts as right when what it would be made of holds the facts asked for.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from studio import retrieval
from studio.answering import quoting
from studio.answering.figures import figures
from studio.answering.support import agree
from studio.answering.variants import variants
from studio.base import chance
from studio.base.errors import NotEnough
from studio.base.events import Emit, Progress, ShouldStop, telling
from studio.base.project import Project
from studio.base.records import Calibration, Chunk, Indexed, Passage, Position, Proposal, Question, Variant
from studio.retrieval import calibration, chunking, terms

if TYPE_CHECKING:
    from studio.engines import Engine

SETTINGS = (0.0, 0.25, 0.5, 0.75, 1.0)
ENOUGH = 20  # of the person's questions of a kind, before others are made use of
MOST = 120  # questions asked
FEWEST = 8  # of either kind, below which nothing can be said
LOOKED_AT = 20  # passages from which the answering ones are hidden
LEFT_OPEN = 0.2  # share of questions that documents leave open, where the person's own do not say
GIVEN = 4  # passages an answer is made of
SHARED = 0.6  # words of a reference answer without figures that the text must have
STEADY = 40  # questions after which the project's own best setting counts as much as the one that was shipped
FURTHEST = 1.5  # how far a project's dial may be moved


class Case(NamedTuple):
    """A question asked of the index: how far above its threshold, whether it can be answered, and whether rightly."""

    lead: float
    answerable: bool
    right: bool
    own: bool


class _Asked(NamedTuple):
    """A question with what its answer must hold: facts, or a stretch of a document. Neither: nothing answers it."""

    text: str
    facts: tuple[str, ...]
    place: tuple[str, int, int] | None
    own: bool


def calibrate(
    project: Project,
    engine: "Engine",
    emit: Emit,
    should_stop: ShouldStop,
    drafted: Sequence[Proposal] = (),
    *,
    indexed: Indexed | None = None,
    most: int = MOST,
) -> Calibration:
    """Measure the dial's settings and keep what comes out (said as Progress: questions asked, of all).

    1. Gather the questions: the person's, then drafts. 2. Search for each, as it is and with its answer hidden. 3. Where
    open ones are still few, count the probes. 4. Move the dial to where this project's questions are told apart best, and
    count for each setting. `indexed` is an index that is not the project's yet, `most` the questions asked. What is there
    for the same index and questions is returned as it is. Raises NotEnough, Stopped and what `retrieval.search` does.
    """
    indexed = indexed or project.indexed()
    asked = _questions(project, drafted, most)
    key = _key(project, indexed, asked)
    known = project.calibration()
    if known is not None and known.made_for == key:
        return known
    cases = list(_cases(project, indexed, asked, engine, emit, should_stop))
    if sum(not case.answerable for case in cases) < ENOUGH:
        cases += _probed(project, engine)
    made = measure(cases).model_copy(update={"made_for": key})
    project.store.put_fact("calibration", made)
    return made


def measure(cases: Sequence[Case], *, move: bool = True) -> Calibration:
    """The table of settings for questions that were asked; `move` lets the dial be moved for them. Raises
    NotEnough("calibration_too_few").
    """
    answered = [case for case in cases if case.answerable]
    left = [case for case in cases if not case.answerable]
    if min(len(answered), len(left)) < FEWEST:
        raise NotEnough("calibration_too_few", count=min(len(answered), len(left)), wanted=FEWEST)
    own_answered, own_left = (sum(case.own for case in each) for each in (answered, left))
    measured = min(own_answered, own_left) >= ENOUGH
    left_open = own_left / (own_answered + own_left) if measured else LEFT_OPEN
    weights = [(1 - left_open) / len(answered) if case.answerable else left_open / len(left) for case in cases]
    offset = _offset(cases, weights) if move else 0.0
    return Calibration(
        positions=tuple(_position(caution, offset, cases, weights) for caution in SETTINGS),
        answerable=len(answered),
        unanswerable=len(left),
        own=own_answered + own_left,
        left_open=round(left_open, 3),
        offset=round(offset, 3),
    )


def _position(caution: float, offset: float, cases: Sequence[Case], weights: Sequence[float]) -> Position:
    bar = calibration.dialled(0.0, caution, offset)
    given = [(case, weight) for case, weight in zip(cases, weights, strict=True) if case.lead >= bar]
    wrong = _share([(weight, not (case.answerable and case.right)) for case, weight in given])
    person = _share([(weight, case.lead < bar) for case, weight in zip(cases, weights, strict=True)])
    return Position(
        caution=caution,
        wrong=wrong[0],
        wrong_low=wrong[1],
        wrong_high=wrong[2],
        person=person[0],
        person_low=person[1],
        person_high=person[2],
    )


def _share(counted: Sequence[tuple[float, bool]]) -> tuple[float, float, float]:
    """A weighted share with its 95 % interval (Wilson 1927, with the number of questions that weights leave: Kish 1965)."""
    whole = sum(weight for weight, _ in counted)
    if not whole:
        return 0.0, 0.0, 1.0
    p = sum(weight for weight, hit in counted if hit) / whole
    n = whole**2 / sum(weight**2 for weight, _ in counted)
    low, high = chance.wilson(p * n, n)
    return round(p, 4), round(low, 4), round(high, 4)


def _offset(cases: Sequence[Case], weights: Sequence[float]) -> float:
    """How far to move the dial so that its middle tells most questions rightly; little on the word of few questions."""
    bars = sorted({case.lead for case in cases if abs(case.lead) <= FURTHEST} | {0.0})

    def told(bar: float) -> float:
        return sum(w for c, w in zip(cases, weights, strict=True) if (c.lead >= bar) == (c.answerable and c.right))

    best = max(bars, key=lambda bar: (round(told(bar), 6), -abs(bar)))
    few = min(sum(case.answerable for case in cases), sum(not case.answerable for case in cases))
    return best * few / (few + STEADY)


def _questions(project: Project, drafted: Sequence[Proposal], most: int) -> list[_Asked]:
    own = [_of_person(question) for question in project.store.questions()]
    own = [each for each in own if each is not None]
    made: list[_Asked | None] = []
    if sum(bool(each.facts) for each in own if each is not None) < ENOUGH:
        drafts = {each.id: each for each in (*project.store.all(Proposal), *drafted) if each.state != "rejected"}
        made = [
            _Asked(each.question, (), (each.document_id, each.start, each.end), own=False) for each in drafts.values()
        ]
    found = {each.text: each for each in (*own, *made) if each is not None}
    every = list(found.values())
    return every if len(every) <= most else [every[n * len(every) // most] for n in range(most)]


def _of_person(question: Question) -> _Asked | None:
    """None for a question that says nothing of its answer: whether it was found could not be told."""
    facts = question.must_contain or ((question.reference,) if question.reference.strip() else ())
    if not question.answerable:
        return _Asked(question.question, (), None, own=True)
    return _Asked(question.question, facts, None, own=True) if facts else None


def _key(project: Project, indexed: Indexed | None, asked: Sequence[_Asked]) -> str:
    tuned = project.tuned()
    search = [f"{tuned.weight}"] if tuned is not None and tuned.reason == "kept" else []
    search += [project.card.reranker] if project.card.reranker else []
    told = "\x1f".join([indexed.created if indexed else "", *search, *(repr(each) for each in asked)])
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _cases(
    project: Project,
    indexed: Indexed | None,
    asked: Sequence[_Asked],
    engine: "Engine",
    emit: Emit,
    should_stop: ShouldStop,
) -> "list[Case]":
    variant = next((each for each in variants(project, indexed) if each.approach == "documents"), None)
    cases: list[Case] = []
    told = telling(emit, should_stop)
    for number, each in enumerate(asked):
        told(number, len(asked))
        found = retrieval.search(project, each.text, engine, LOOKED_AT).passages
        lead = _lead(project, each.text, found)
        if not each.facts and each.place is None:
            cases.append(Case(lead, answerable=False, right=False, own=each.own))
            continue
        given = found[: variant.passages if variant else GIVEN]
        cases.append(Case(lead, True, _right(each, given, variant, engine), each.own))
        hidden = tuple(passage for passage in found if not _answers(each, [passage.chunk]))
        if hidden:
            cases.append(Case(_lead(project, each.text, hidden), answerable=False, right=False, own=False))
    emit(Progress(done=len(asked), of=len(asked), seconds_left=0.0))
    return cases


def _probed(project: Project, engine: "Engine") -> list[Case]:
    """The probes in the project's language as questions that the documents leave open."""
    asked = [question for _, question in calibration.probes()[project.card.language]]
    found = [(question, retrieval.search(project, question, engine, LOOKED_AT).passages) for question in asked]
    return [Case(_lead(project, question, passages), False, False, own=False) for question, passages in found]


def _lead(project: Project, question: str, passages: Sequence[Passage]) -> float:
    judged = retrieval.judge(project, question, passages)
    return round(judged.score - judged.threshold, 6)


def _right(asked: _Asked, given: Sequence[Passage], variant: Variant | None, engine: "Engine") -> bool:
    """Whether what the answer would be made of holds what was asked for: the passages, or the sentences quoted of them."""
    if variant is None or not variant.quotes or not given:
        return _answers(asked, [passage.chunk for passage in given])
    said = quoting.quote(variant, asked.text, given, engine)
    if asked.place is not None:
        document, start, end = asked.place
        chunks = [given[each.passage].chunk for each in said]
        return any(each.document_id == document and each.start < end and start < each.end for each in chunks)
    return holds(" ".join(each.text for each in said), asked.facts)


def _answers(asked: _Asked, chunks: Sequence[Chunk]) -> bool:
    if asked.place is not None:
        document, start, end = asked.place
        return any(each.document_id == document and each.start < end and start < each.end for each in chunks)
    return holds("\n".join(map(chunking.headed, chunks)), asked.facts)


def holds(text: str, facts: Sequence[str]) -> bool:
    """Whether the text has every fact, in one of its wordings ("30 days|thirty days"): its figures, or else its words."""
    words, there = set(terms.content(text)), figures(text)

    def has(wording: str) -> bool:
        wanted = figures(wording)
        if wanted:
            return all(any(agree(figure, other) for other in there) for figure in wanted)
        meant = set(terms.content(wording))
        return bool(meant) and len(meant & words) >= SHARED * len(meant)

    return bool(facts) and all(any(has(wording) for wording in fact.split("|")) for fact in facts)
