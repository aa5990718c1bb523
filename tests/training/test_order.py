from collections import Counter

from studio.base.recipes import TrainingRecipe
from studio.training import order, previewing
from studio.training.order import Order
from studio.training.rendering import Row

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


class _Letters:
    """A tokenizer whose tokens are single letters."""

    def decode(self, ids: list[int], **_: object) -> str:
        return "".join(map(chr, ids))


def test_the_first_batch_is_shown_in_the_wordings_the_first_step_learns() -> None:
    """Cause: it showed the full questions, of which the step learnt some in fewer words."""
    rows = [row(f"Question {n}?")._replace(wordings=(row(f"{n}?"), row(f"Ask {n}?"))) for n in range(8)]
    recipe = TrainingRecipe(batch=4, replay=0)
    learnt = order.worded(rows, order.of(rows, recipe).step(0), recipe.seed, 0)
    told = ["".join(map(chr, each.input_ids)) for each in learnt]
    shown = previewing.first_batch(rows, recipe, _Letters())  # type: ignore[arg-type]
    assert ["".join(token.text for token in tokens) for tokens in shown.examples] == told
    assert {len(text) > 6 for text in told} == {True, False}


def row(text: str) -> Row:
    return Row([ord(letter) for letter in text], [ord(letter) for letter in text], task="answer")
