"""What people say about answers becomes material: a correction is kept, and on request it is an example to learn from.

Nothing is learnt in silence: an example made from a correction carries where it came from.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Example, Feedback, Graded, Message, Round, Scorecard, Vote
from studio.training import Pair

SOURCE = "corrections"
_CITED = re.compile(r"\s*\[\d{1,2}\]")


class Preferences(NamedTuple):
    """`pairs` can be learnt from; so many judgements could not: `equal` texts, `against` each other on one question, and
    `sealed` in a blind vote that is not over."""

    pairs: tuple[Pair, ...]
    equal: int = 0
    against: int = 0
    sealed: int = 0


def correct(project: Project, question: str, correction: str, *, answer: str = "", variant: str = "") -> Feedback:
    """Keep what the answer should have been, and what it was: by default what the assistant said in the last test.

    Raises BadInput when either text is empty.
    """
    question, correction = question.strip(), correction.strip()
    if not question or not correction:
        raise BadInput("correction_empty")
    answer = answer or _said(project, question, variant)
    feedback = Feedback(question=question, answer=answer, correction=correction, variant=variant, good=False)
    project.store.put(feedback)
    return feedback


def accept(project: Project, feedback: Feedback) -> Example:
    """Make a correction an example of the next build; accepting it twice makes one example."""
    id = hashlib.sha256(f"{SOURCE}\n{feedback.question}".encode()).hexdigest()[:12]
    messages = (
        Message(role="user", content=feedback.question),
        Message(role="assistant", content=feedback.correction),
    )
    example = Example(id=id, messages=messages, source=SOURCE)
    project.store.put_examples([example])
    project.store.put(feedback.model_copy(update={"used": True}))
    project.store.remember("correction_accepted", question=feedback.question[:200])
    return example


def waiting(project: Project) -> list[Feedback]:
    """Corrections nobody has accepted yet, the oldest first."""
    return [feedback for feedback in project.store.all(Feedback) if feedback.correction and not feedback.used]


def weak(scorecard: Scorecard, variant: str) -> list[Graded]:
    """The test questions this variant answered wrong, those that miss the most facts first."""
    graded = next((scores.graded for scores in scorecard.variants if scores.variant == variant), ())
    return sorted((g for g in graded if not g.right), key=lambda g: -len(g.missing))


def preferences(project: Project) -> Preferences:
    """What people have said they like better, as pairs of answers, each question's in the order in which it came up.

    A vote for one answer puts it before every other one shown; the last word of a voter on a question counts, and of several
    voters who disagree the majority. A correction stands before the answer it corrects. What a blind vote says that is still
    open is counted and not looked at: its voters must not learn by a model who is who. Answers that were reckoned from a
    table are nobody's words and teach none.
    """
    closed, sealed = {round.id for round in project.store.all(Round) if round.closed}, 0
    last: dict[tuple[str, ...], Vote] = {}
    for vote in project.store.all(Vote):
        if vote.round and vote.round not in closed:
            sealed += 1
        else:
            last[vote.round, vote.voter, vote.question, *sorted(vote.answers)] = vote
    said = [("votes", *each) for vote in last.values() for each in _voted(project, vote)]
    corrected = [feedback for feedback in project.store.all(Feedback) if feedback.correction]
    said += [("corrections", f.question, f.correction, _CITED.sub("", f.answer).strip()) for f in corrected]
    tally: dict[tuple[str, tuple[str, str]], int] = defaultdict(int)
    words: dict[tuple[str, str], tuple[str, str, str]] = {}
    equal = 0
    for source, question, liked, other in said:
        asked, one, two = _plain(question), _plain(liked), _plain(other)
        if not two:
            continue
        if one == two:
            equal += 1
            continue
        tally[asked, (min(one, two), max(one, two))] += 1 if one < two else -1
        for text, plain in ((liked, one), (other, two)):
            words.setdefault((asked, plain), (question.strip(), text, source))
    pairs = []
    for (asked, (first, second)), balance in tally.items():
        if balance:
            best, rest = (words[asked, text] for text in ((first, second) if balance > 0 else (second, first)))
            pairs.append(Pair(question=best[0], liked=best[1], other=rest[1], source=best[2]))
    return Preferences(tuple(pairs), equal, sum(balance == 0 for balance in tally.values()), sealed)


def _voted(project: Project, vote: Vote) -> Iterator[tuple[str, str, str]]:
    """Question, liked answer, other answer; nothing where nobody won or the answers are gone."""
    found = [project.store.get(Answer, id) for id in vote.answers]
    shown = {answer.variant: answer for answer in found if answer is not None and answer.computed is None}
    winner = shown.get(vote.winner or "")
    if winner is None:
        return
    asked = winner.understood or vote.question
    for answer in shown.values():
        if answer is not winner:
            yield asked, _CITED.sub("", winner.text).strip(), _CITED.sub("", answer.text).strip()


def _said(project: Project, question: str, variant: str) -> str:
    """What the assistant answered in the newest test that knows both; "" where none does."""
    for card in reversed(project.store.latest(Scorecard, 3)):
        for scores in card.variants:
            for graded in scores.graded if scores.variant == variant else ():
                if _plain(graded.answer.question) == _plain(question):
                    return graded.answer.text
    return ""


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
