from collections import Counter

from studio.training.order import Order

LENGTHS = [5, 9, 4, 6, 8, 7, 3, 5, 6, 4]
ASKED = ["answer"] * 6 + [""] * 4  # six examples, and four rows that stand beside them


def test_every_step_has_its_batch_of_examples_and_its_share_of_what_stands_beside() -> None:
    made = Order(LENGTHS, ASKED, batch=2, epochs=2, seed=3, mixing=1, share=1.5)
    steps = [made.step(number) for number in range(made.of)]
    assert (made.per_epoch, made.of) == (3, 6)
    assert [sum(bool(ASKED[at]) for at in step) for step in steps] == [2] * 6
    assert [sum(not ASKED[at] for at in step) for step in steps] == [3] * 6
    for epoch in (steps[:3], steps[3:]):
        assert sorted(at for step in epoch for at in step if ASKED[at]) == list(range(6))
    beside = Counter(at for step in steps for at in step if not ASKED[at])
    assert {at: 18 // 4 <= beside[at] <= 18 // 4 + 1 for at in range(6, 10)} == dict.fromkeys(range(6, 10), True)
    assert [Order(LENGTHS, ASKED, 2, 2, 3, 1, 1.5).step(number) for number in range(6)] == steps
    assert [Order(LENGTHS, ASKED, 2, 2, 4, 1, 1.5).step(number) for number in range(6)] != steps


def test_the_tokens_of_all_steps_are_known_before() -> None:
    made = Order(LENGTHS, ASKED, batch=2, epochs=2, seed=3, mixing=1, share=1.0)
    assert made.tokens == 2 * sum(LENGTHS[:6]) + 2 * 6 * sum(LENGTHS[6:]) / 4


def test_without_a_share_what_stands_beside_comes_once_an_epoch_and_rows_without_tasks_are_examples() -> None:
    made = Order(LENGTHS, ASKED, batch=3, epochs=1, seed=1, mixing=1)
    assert sorted(at for number in range(made.of) for at in made.step(number)) == list(range(10))
    plain = Order(LENGTHS, [""] * 10, batch=4, epochs=1, seed=1, mixing=1, share=0.5)
    assert [len(plain.step(number)) for number in range(3)] in ([4, 4, 2], [4, 2, 4], [2, 4, 4])
