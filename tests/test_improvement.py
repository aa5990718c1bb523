from pathlib import Path
from typing import Any

import pytest

from studio import improvement
from studio.base import project as projects
from studio.base.errors import BadInput
from studio.base.project import Project
from studio.base.records import Answer, Feedback, Graded, Round, Scorecard, VariantScores, Vote


def test_a_correction_becomes_an_example_once_when_it_is_accepted(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    feedback = improvement.correct(project, "When do you open? ", " At nine.", answer="At ten.")
    assert improvement.waiting(project) == [feedback]
    assert project.store.examples() == []
    made = improvement.accept(project, feedback)
    improvement.accept(project, feedback)
    assert project.store.examples() == [made]
    assert (made.question, made.answer, made.source) == ("When do you open?", "At nine.", "corrections")
    assert (improvement.waiting(project), project.store.all(Feedback)[0].used) == ([], True)


@pytest.mark.parametrize(("question", "correction"), [("", "x"), ("x", " "), (" ", "")])
def test_an_empty_correction_is_refused(tmp_path: Path, question: str, correction: str) -> None:
    with pytest.raises(BadInput, match="correction_empty"):
        improvement.correct(projects.create(tmp_path, "Shop"), question, correction)


def test_weak_answers_come_with_what_they_miss_worst_first() -> None:
    def graded(id: str, right: bool, missing: tuple[str, ...]) -> Graded:
        return Graded(question_id=id, answer=Answer(variant="v", question=id, text=""), right=right, missing=missing)

    items = (graded("1", True, ()), graded("2", False, ("x",)), graded("3", False, ("x", "y")))
    card = Scorecard(variants=(VariantScores(variant="v", scores=(), graded=items),))
    assert [g.question_id for g in improvement.weak(card, "v")] == ["3", "2"]
    assert improvement.weak(card, "other") == []


def answered(variant: str, question: str, text: str, **more: Any) -> Answer:
    return Answer(variant=variant, question=question, text=text, **more)


def voted(project: Project, question: str, winner: str | None, texts: dict[str, str], **more: Any) -> None:
    answers = [answered(variant, question, text) for variant, text in texts.items()]
    vote = Vote(question=question, shown=tuple(texts), winner=winner, answers=tuple(a.id for a in answers), **more)
    project.store.put(*answers, vote)


def told(project: Project) -> list[tuple[str, str, str, str]]:
    return [(p.question, p.liked, p.other, p.source) for p in improvement.preferences(project).pairs]


def test_a_vote_puts_an_answer_before_every_other_and_a_correction_before_what_it_corrects(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    voted(project, "When?", "a", {"a": "At nine. [1]", "b": "At ten.", "c": "Early."})
    voted(project, "Nobody?", None, {"a": "x", "b": "y"})
    improvement.correct(project, "Where?", "In Soria.", answer="In Skarholm [2].")
    improvement.correct(project, "Said without the answer?", "Yes.")
    assert told(project) == [
        ("When?", "At nine.", "At ten.", "votes"),
        ("When?", "At nine.", "Early.", "votes"),
        ("Where?", "In Soria.", "In Skarholm.", "corrections"),
    ]


def test_equal_answers_and_contradicting_votes_teach_nothing_and_the_last_word_counts(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    closed = Round(variants=("a", "b"), closed="2026-01-01")
    project.store.put(closed)
    voted(project, "Same?", "a", {"a": "Yes.", "b": " yes. "})
    for voter, winner in (("1", "a"), ("2", "b")):
        voted(project, "Split?", winner, {"a": "One.", "b": "Two."}, round=closed.id, voter=voter)
    for voter, winner in (("1", "a"), ("2", "b"), ("3", "b")):
        voted(project, "Most?", winner, {"a": "One.", "b": "Two."}, round=closed.id, voter=voter)
    assert told(project) == [("Most?", "Two.", "One.", "votes")]
    found = improvement.preferences(project)
    assert (found.equal, found.against, found.sealed) == (1, 1, 0)


def test_a_blind_vote_that_is_still_open_is_counted_and_not_looked_at(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    open_round = Round(variants=("a", "b"))
    project.store.put(open_round)
    voted(project, "When?", "a", {"a": "At nine.", "b": "At ten."}, round=open_round.id)
    assert improvement.preferences(project) == improvement.Preferences((), sealed=1)
    project.store.put(open_round.model_copy(update={"closed": "2026-01-01"}))
    assert told(project) == [("When?", "At nine.", "At ten.", "votes")]


def test_a_correction_knows_what_the_assistant_said_in_the_last_test(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    graded = Graded(question_id="q", answer=answered("v", "When do you open?", "At ten."), right=False)
    project.store.put(Scorecard(variants=(VariantScores(variant="v", scores=(), graded=(graded,)),)))
    assert improvement.correct(project, "when do you open?", "At nine.", variant="v").answer == "At ten."
    assert improvement.correct(project, "when do you open?", "At nine.", variant="w").answer == ""
