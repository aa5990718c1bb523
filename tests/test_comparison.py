from pathlib import Path

import pytest

from studio import comparison, improvement
from studio.base import project as projects
from studio.base.errors import BadInput
from studio.base.records import Answer, Feedback, Graded, Scorecard, VariantScores, Vote
from studio.comparison import Place, Standing


def votes(pattern: str, shown: tuple[str, ...] = ("a", "b")) -> list[Vote]:
    return [
        Vote(id=str(n), question=f"q{n}", shown=shown, winner=None if w == "-" else w, created="")
        for n, w in enumerate(pattern)
    ]


@pytest.mark.parametrize(
    ("wins", "n", "p"),
    [(5, 5, 0.0625), (6, 6, 0.03125), (9, 10, 0.021484375), (12, 15, 0.03515625), (0, 0, 1.0), (5, 10, 1.0)],
)
def test_the_sign_test_agrees_with_the_binomial_tables(wins: int, n: int, p: float) -> None:
    assert comparison.sign_test(wins, n) == pytest.approx(p)


def test_twelve_of_fifteen_is_enough_evidence() -> None:
    found = comparison.standing(votes("b" * 12 + "a" * 3))
    assert found.p_value == pytest.approx(0.03515625)
    assert found == Standing(
        votes=15,
        places=(Place(variant="b", shown=15, chosen=12), Place(variant="a", shown=15, chosen=3)),
        leader="b",
        second="a",
        wins=12,
        losses=3,
        p_value=found.p_value,
        proven=True,
        more=0,
    )


def test_a_lead_that_may_be_luck_says_how_many_votes_are_missing() -> None:
    found = comparison.standing(votes("bbba"))
    assert (found.leader, found.proven) == ("b", False)
    assert found.more is not None
    assert found.more > 3


def test_a_draw_is_a_draw_and_nobody_chosen_is_nobody() -> None:
    assert comparison.standing(votes("abab")).more is None
    assert comparison.standing(votes("--")) == Standing(
        votes=2, places=(Place(variant="a", shown=2, chosen=0), Place(variant="b", shown=2, chosen=0))
    )
    assert comparison.standing([]) == Standing(votes=0, places=())


def test_changing_ones_mind_counts_once_and_order_does_not_matter() -> None:
    again = [Vote(id="x", question="q0", shown=("a", "b"), winner="b", created="")]
    assert comparison.standing(votes("aab") + again).places[0] == Place(variant="b", shown=3, chosen=2)
    assert comparison.standing(votes("abbba")) == comparison.standing(list(reversed(votes("abbba"))))


def test_the_choice_is_kept_with_its_answers(tmp_path: Path) -> None:
    project = projects.create(tmp_path, "Shop")
    answers = [Answer(variant=v, question="When?", text=v) for v in ("a", "b")]
    vote = comparison.choose(project, "When?", answers, "b")
    assert project.store.all(Vote) == [vote]
    assert project.store.get(Answer, vote.answers[1]) == answers[1]
    with pytest.raises(BadInput, match="winner_not_shown"):
        comparison.choose(project, "When?", answers, "c")


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
