from pathlib import Path

import pytest

from studio import improvement
from studio.base import project as projects
from studio.base.errors import BadInput
from studio.base.records import Answer, Feedback, Graded, Scorecard, VariantScores


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
