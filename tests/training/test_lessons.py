import random
from itertools import chain

import pytest

from studio.base.errors import BadInput, NotEnough, StudioError
from studio.base.records import Example, Message
from studio.training.lessons import MOST_KEPT_BACK, divide, part, rounds, usable
from studio.training.order import batches, portions, steps


def example(question: str, answer: str, **fields: object) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example.model_validate({"id": f"{question}/{answer}", "messages": messages} | fields)


def wordings(answers: int, each: int = 3) -> list[Example]:
    return [example(f"Wording {n} of {a}?", f"Answer {a}.") for a in range(answers) for n in range(each)]


@pytest.mark.parametrize(
    ("given", "kind", "code", "parameters"),
    [
        ([], NotEnough, "examples_none", {}),
        ([example("Only a question?", " ")], NotEnough, "examples_none", {}),
        ([example("One?", "One.")], NotEnough, "examples_too_few", {"count": 1, "needed": 10}),
        (wordings(3), NotEnough, "examples_too_few", {"count": 9, "needed": 10}),
        ([example("Same?", "Same.")] * 30, BadInput, "examples_identical", {"count": 30}),
        ([example("Same?", "Same.")] * 20 + wordings(1), NotEnough, "examples_too_few", {"count": 4, "needed": 10}),
        ([*wordings(3), example("A?", "B.", split="test")], NotEnough, "examples_too_few", {"count": 9, "needed": 10}),
    ],
)
def test_too_little_to_learn_from_is_refused_with_the_count(
    given: list[Example], kind: type[StudioError], code: str, parameters: dict[str, object]
) -> None:
    with pytest.raises(kind) as caught:
        usable(given)
    assert (caught.value.code, caught.value.parameters) == (code, parameters)


def framed(given: list[Example], *said: str) -> list[Example]:
    """Each within the system message in its place, where there is one."""
    return [
        each.model_copy(update={"messages": (Message(role="system", content=text), *each.messages)}) if text else each
        for each, text in zip(given, [*said, *[""] * len(given)], strict=False)
    ]


@pytest.mark.parametrize(
    ("said", "learnt"),
    [
        (["Help guests."] * 11, ["Help guests."] * 12),  # the twelfth is a correction
        (["Help guests."] * 6, ["Help guests."] * 6 + [""] * 6),
        (["Help guests."] * 10 + ["Sort letters."], ["Help guests."] * 10 + ["Sort letters.", ""]),
        ([], [""] * 12),
    ],
)
def test_what_has_no_system_message_is_learnt_within_the_one_that_most_have(said: list[str], learnt: list[str]) -> None:
    """Cause: one correction took the message from all others when the assistant was asked, though they were learnt in it."""
    given = wordings(4)
    found = usable(framed(given, *said))
    assert found == framed(given, *learnt)
    assert usable(found) == found


def test_of_an_answer_one_wording_is_kept_back_and_the_others_are_learnt() -> None:
    lessons = divide(wordings(40), 0.1)
    assert len(lessons.kept_back) == 12
    assert len(lessons.learnt) == 108
    learnt = [e.answer for e in lessons.learnt]
    assert all(learnt.count(kept.answer) == 2 for kept in lessons.kept_back)


def test_the_division_does_not_depend_on_the_order_of_the_examples() -> None:
    given = wordings(20)
    shuffled = random.Random(3).sample(given, len(given))
    one, other = divide(given, 0.2), divide(shuffled, 0.2)
    assert {e.id for e in one.kept_back} == {e.id for e in other.kept_back}


def test_a_fact_with_one_wording_is_never_kept_back() -> None:
    assert divide(wordings(50, each=1), 0.2).kept_back == ()


def test_in_writing_and_sorting_single_answers_may_be_kept_back() -> None:
    letters = [example(f"Letter {n}?", f"Dear customer {n}.", task="write") for n in range(50)]
    assert len(divide(letters, 0.2).kept_back) == 10


def test_what_is_kept_back_stands_nowhere_among_the_learnt() -> None:
    given = wordings(20) + wordings(20)  # every row twice
    lessons = divide(given, 0.2)
    kept = {e.question for e in lessons.kept_back}
    assert not kept & {e.question for e in lessons.learnt}
    assert len(kept) == len(lessons.kept_back)


def test_never_more_is_kept_back_than_a_check_can_use() -> None:
    assert len(divide(wordings(500), 0.5).kept_back) == MOST_KEPT_BACK


def test_examples_marked_for_validation_are_the_check() -> None:
    marked = [example("Marked?", "Marked.", split="validation")]
    lessons = divide(wordings(10) + marked, 0.2)
    assert lessons.kept_back == tuple(marked)
    assert len(lessons.learnt) == 30


def test_a_part_has_one_wording_of_every_answer_before_a_second_and_lies_within_larger_parts() -> None:
    given = wordings(20, each=4)
    quarter, half = part(given, 0.25), part(given, 0.5)
    assert len({e.answer for e in quarter}) == len(quarter) == 20
    assert {e.id for e in quarter} < {e.id for e in half}
    assert part(random.Random(1).sample(given, len(given)), 0.25) == quarter
    assert len(part(given, 0.001)) == 1


def test_in_rounds_every_wording_is_checked_once_and_its_answer_learnt_meanwhile() -> None:
    given = wordings(10)
    made = rounds(given, 5)
    kept = [e.id for lessons in made for e in lessons.kept_back]
    assert sorted(kept) == sorted(e.id for e in given)
    for lessons in made:
        assert not {e.id for e in lessons.kept_back} & {e.id for e in lessons.learnt}
        assert {e.answer for e in lessons.kept_back} <= {e.answer for e in lessons.learnt}


def test_a_fact_with_one_wording_sits_out_no_round() -> None:
    assert rounds(wordings(20, each=1), 5) == []
    mixed = rounds([*wordings(10), example("Alone?", "Alone.")], 5)
    assert all("Alone." in {e.answer for e in lessons.learnt} for lessons in mixed)


def test_every_epoch_has_every_example_once_and_its_own_order() -> None:
    lengths = [n * 7 % 40 for n in range(101)]
    first, second = (batches(lengths, 8, 7, epoch) for epoch in (0, 1))
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(101))
    assert first != second
    assert batches(lengths, 8, 7, 0) == first
    assert len(first) == steps(101, 8, 1) == 13


def test_batches_of_like_length_waste_little_padding() -> None:
    dice = random.Random(1)
    lengths = [dice.randint(30, 120) for _ in range(240)]
    plain = [list(range(at, at + 8)) for at in range(0, 240, 8)]
    assert _padded(batches(lengths, 8, 7, 0), lengths) < 1.1 * sum(lengths) < _padded(plain, lengths)


def test_a_batch_goes_through_in_portions_that_fit_and_nothing_is_left_out() -> None:
    lengths = [10, 300, 40, 40, 90, 20, 1_500, 60]
    made = portions(range(8), lengths, 400)
    assert sorted(chain(*made)) == list(range(8))
    assert made[-1] == [6]  # longer than fits: alone
    assert all(len(each) * max(lengths[at] for at in each) <= 400 for each in made[:-1])
    assert len(portions(range(8), lengths, 100_000)) == 1


def _padded(order: list[list[int]], lengths: list[int]) -> int:
    return sum(len(batch) * max(lengths[at] for at in batch) for batch in order)
